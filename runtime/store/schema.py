"""The tables of an experiment's SQLite file, as the current version writes them."""

#: "Annt": distinguishes our files from other programs' SQLite files.
APPLICATION_ID = 0x416E6E74

#: Increases with every change to the tables; `migrations` upgrades older files.
VERSION = 8

HISTORY = """
-- Results of other experiments or files, for the tuner to learn from.
CREATE TABLE history (
    number   INTEGER PRIMARY KEY,
    "values" TEXT NOT NULL,             -- JSON: parameter -> value
    metric   REAL,                      -- NULL if the trial failed
    source   TEXT NOT NULL,             -- an experiment or a file, for display
    told     INTEGER UNIQUE             -- step in which the tuner received it; NULL until then
);
"""
OBSERVATION = """
-- What trials did with the parameters that they used. Only the first trials are observed.
CREATE TABLE observation (
    trial     INTEGER NOT NULL REFERENCES trial (number),
    parameter TEXT NOT NULL,            -- its key
    "values"  TEXT,                     -- JSON: see Observed in runtime.core.trial
    PRIMARY KEY (trial, parameter)
) WITHOUT ROWID;
"""

SCHEMA = f"""
-- Exactly one row. Times are seconds since the epoch.
CREATE TABLE experiment (
    id      TEXT NOT NULL PRIMARY KEY,
    name    TEXT NOT NULL,
    state   TEXT NOT NULL,
    reason  TEXT,
    config  TEXT NOT NULL,              -- JSON, see runtime.core.config
    space   TEXT NOT NULL,              -- NNI's search space JSON
    created REAL NOT NULL,
    ended   REAL,
    paused  REAL NOT NULL DEFAULT 0     -- seconds without a driver, between two of its runs
);

CREATE TABLE trial (
    number   INTEGER PRIMARY KEY,       -- from 0, in order of creation
    id       TEXT NOT NULL UNIQUE,
    origin   TEXT NOT NULL,             -- baseline, tuner or user
    state    TEXT NOT NULL,
    "values" TEXT NOT NULL,             -- JSON: parameter -> value
    final    TEXT,                      -- JSON: the last final result as reported
    metric   REAL,                      -- the number in `final`; NULL for nan
    reports  INTEGER NOT NULL DEFAULT 0,-- number of intermediate results so far
    last     REAL,                      -- the last intermediate result; NULL for nan
    created  REAL NOT NULL,
    started  REAL,
    ended    REAL,
    reason   TEXT,                      -- why it waits, failed or was stopped
    asked    INTEGER UNIQUE,            -- step in which the tuner proposed it; NULL for others
    told     INTEGER UNIQUE,            -- step in which the tuner got its result; NULL until then
    checksum INTEGER,                   -- of the result, see checksums.py; NULL until it ends
    gpu      TEXT,                      -- JSON, see GpuUse; NULL if it uses no GPU
    retries  INTEGER NOT NULL DEFAULT 0,-- failed runs before the current one
    place    TEXT,                      -- JSON, see Trial.place; NULL for this machine
    finals   INTEGER NOT NULL DEFAULT 0 -- number of final results so far; the last one counts
);

CREATE TABLE report (
    trial    INTEGER NOT NULL REFERENCES trial (number),
    sequence INTEGER NOT NULL,          -- from 0 within the trial
    value    TEXT NOT NULL,             -- JSON as reported
    time     REAL NOT NULL,
    PRIMARY KEY (trial, sequence)
) WITHOUT ROWID;
{HISTORY}{OBSERVATION}"""
