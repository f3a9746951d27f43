"""Files of earlier versions can be read, and the driver upgrades them."""

import sqlite3
from contextlib import closing

import pytest

from runtime.core.trial import TrialState
from runtime.store import Store, StoreError, migrations, schema

#: By version: a file with an ended trial, and one cut off by its driver's death.
FILES = {
    1: """
PRAGMA journal_mode = WAL;
BEGIN;
CREATE TABLE experiment (
    id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, state TEXT NOT NULL, reason TEXT,
    config TEXT NOT NULL, space TEXT NOT NULL, created REAL NOT NULL, ended REAL
);
CREATE TABLE trial (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, origin TEXT NOT NULL, state TEXT NOT NULL,
    "values" TEXT NOT NULL, final TEXT, metric REAL, reports INTEGER NOT NULL DEFAULT 0, last REAL,
    created REAL NOT NULL, started REAL, ended REAL, reason TEXT, asked INTEGER UNIQUE,
    told INTEGER UNIQUE
);
CREATE TABLE report (
    trial INTEGER NOT NULL REFERENCES trial (number), sequence INTEGER NOT NULL,
    value TEXT NOT NULL, time REAL NOT NULL, PRIMARY KEY (trial, sequence)
) WITHOUT ROWID;
INSERT INTO experiment VALUES (
    'Abc', 'old', 'RUNNING', NULL, '{"script": "t.py", "cwd": "/", "python": "python"}',
    '{"lr": {"_type": "uniform", "_value": [0, 1]}}', 1.5, NULL
);
INSERT INTO trial VALUES (
    0, 'aaaaa', 'tuner', 'SUCCEEDED', '{"lr": 0.25}', '{"default": 0.5, "f": "\u00e9"}', 0.5, 2,
    0.4, 2.0, 3.0, 4.0, NULL, 1, 2
);
INSERT INTO trial VALUES (
    1, 'bbbbb', 'tuner', 'RUNNING', '{"lr": 0.75}', NULL, NULL, 0, NULL, 5.0, 6.0, NULL, NULL, 3,
    NULL
);
INSERT INTO report VALUES (0, 0, '0.3', 3.1), (0, 1, '0.4', 3.2);
PRAGMA application_id = 1097756276;
PRAGMA user_version = 1;
COMMIT;
""",
}
FILES[2] = (
    FILES[1]
    + """
ALTER TABLE trial ADD COLUMN checksum INTEGER;
UPDATE trial SET checksum = 2785127889 WHERE number = 0;
PRAGMA user_version = 2;
"""
)
FILES[3] = (
    FILES[2]
    + """
CREATE TABLE history (
    number INTEGER PRIMARY KEY, "values" TEXT NOT NULL, metric REAL, source TEXT NOT NULL,
    told INTEGER UNIQUE
);
PRAGMA user_version = 3;
"""
)
FILES[4] = (
    FILES[3]
    + """
ALTER TABLE trial ADD COLUMN gpu TEXT;
PRAGMA user_version = 4;
"""
)
FILES[5] = (
    FILES[4]
    + """
ALTER TABLE trial ADD COLUMN retries INTEGER NOT NULL DEFAULT 0;
PRAGMA user_version = 5;
"""
)
FILES[6] = (
    FILES[5]
    + """
ALTER TABLE trial ADD COLUMN place TEXT;
PRAGMA user_version = 6;
"""
)
FILES[7] = (
    FILES[6]
    + """
ALTER TABLE trial ADD COLUMN finals INTEGER NOT NULL DEFAULT 0;
CREATE TABLE observation (
    trial INTEGER NOT NULL REFERENCES trial (number), parameter TEXT NOT NULL, "values" TEXT,
    PRIMARY KEY (trial, parameter)
) WITHOUT ROWID;
INSERT INTO observation VALUES (0, 'lr', '[]');
PRAGMA user_version = 7;
"""
)


@pytest.fixture(params=FILES)
def old(request, tmp_path):
    path = tmp_path / "experiment.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(FILES[request.param])
    return path


def tables(path):
    """The columns of each table, as SQLite describes them."""
    with closing(sqlite3.connect(path)) as connection:
        names = [r[0] for r in connection.execute("SELECT name FROM sqlite_master ORDER BY name")]
        return {n: connection.execute(f"PRAGMA table_info('{n}')").fetchall() for n in names}


def check(store):
    ended, interrupted = store.trials()
    assert (ended.values, ended.metric, ended.reports, ended.ended) == ({"lr": 0.25}, 0.5, 2, 4.0)
    assert interrupted.state is TrialState.RUNNING
    assert list(store.reports(0)) == [0.3, 0.4]
    assert store.steps() == [(1, "ask", 0), (2, "tell", 0), (3, "ask", 1)]
    assert store.experiment().name == "old"
    assert store.observations() == {0: {"lr": []}}, "so that no note claims what nobody observed"


def test_there_is_a_file_of_every_earlier_version():
    assert list(FILES) == list(migrations.MIGRATIONS) == list(range(1, schema.VERSION))


def test_opening_an_old_file_for_writing_upgrades_it(old, tmp_path):
    with Store.open(old, write=True) as store:
        check(store)
        store.restart_trial(1)
        row = store.experiment()
    Store.create(tmp_path / "new.db", row).close()
    assert tables(old) == tables(tmp_path / "new.db")
    with Store.open(old, write=True) as store:
        trials = store.trials()
    assert [t.state for t in trials] == [TrialState.SUCCEEDED, TrialState.WAITING]


def test_reading_an_old_file_does_not_change_it(old):
    before = old.read_bytes()
    with Store.open(old) as store:
        check(store)
        with pytest.raises(StoreError, match="read-only"):
            store.restart_trial(1)
    assert old.read_bytes() == before


def test_a_failed_upgrade_leaves_the_old_file(old, monkeypatch):
    def fail(connection):
        connection.execute("DROP TABLE report")
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setitem(migrations.MIGRATIONS, schema.VERSION - 1, fail)
    before = tables(old)
    with pytest.raises(StoreError, match="disk is full"):
        Store.open(old, write=True)
    assert tables(old) == before


def test_upgraded_results_are_protected_by_checksums(old):
    Store.open(old, write=True).close()
    with closing(sqlite3.connect(old)) as connection, connection:
        connection.execute('UPDATE trial SET "values" = \'{"lr": 0.26}\' WHERE number = 0')
    with pytest.raises(StoreError, match="checksum mismatch in trial 0"):
        Store.open(old, write=True)
