"""The tables of an experiment's SQLite file as this version of the program writes them."""

#: "Annt": tells the file from other programs' SQLite files.
APPLICATION_ID = 0x416E6E74

#: Counts up with each change of the tables; `migrations` brings an older file here.
VERSION = 5

HISTORY = """
-- Results from elsewhere for the tuner to learn from.
CREATE TABLE history (
    number   INTEGER PRIMARY KEY,
    "values" TEXT NOT NULL,             -- JSON: from parameter to value
    metric   REAL,                      -- NULL where the trial failed
    source   TEXT NOT NULL,             -- an experiment or a file, for people
    told     INTEGER UNIQUE             -- its place among the steps; NULL where not told yet
);
"""

SCHEMA = f"""
-- One row: what the experiment is. Times are seconds since the epoch.
CREATE TABLE experiment (
    id      TEXT NOT NULL PRIMARY KEY,
    name    TEXT NOT NULL,
    state   TEXT NOT NULL,
    reason  TEXT,
    config  TEXT NOT NULL,              -- JSON, see runtime.core.config
    space   TEXT NOT NULL,              -- NNI's search space JSON
    created REAL NOT NULL,
    ended   REAL
);

CREATE TABLE trial (
    number   INTEGER PRIMARY KEY,       -- from 0, in the order of creation
    id       TEXT NOT NULL UNIQUE,
    origin   TEXT NOT NULL,             -- baseline, tuner or user
    state    TEXT NOT NULL,
    "values" TEXT NOT NULL,             -- JSON: from parameter to value
    final    TEXT,                      -- JSON: the last final result as reported
    metric   REAL,                      -- its number; NULL for nan
    reports  INTEGER NOT NULL DEFAULT 0,-- intermediate results so far
    last     REAL,                      -- the number of the last one; NULL for nan
    created  REAL NOT NULL,
    started  REAL,
    ended    REAL,
    reason   TEXT,                      -- why it failed or was ended
    asked    INTEGER UNIQUE,            -- its place in what the tuner was asked and told
    told     INTEGER UNIQUE,            -- likewise, NULL where it was not told
    checksum INTEGER,                   -- of what it came to, see checksums; NULL before its end
    gpu      TEXT,                      -- JSON: what it has of GPUs, see GpuUse; NULL for nothing
    retries  INTEGER NOT NULL DEFAULT 0 -- how many runs of it failed before this one
);

CREATE TABLE report (
    trial    INTEGER NOT NULL REFERENCES trial (number),
    sequence INTEGER NOT NULL,          -- from 0 within the trial
    value    TEXT NOT NULL,             -- JSON as reported
    time     REAL NOT NULL,
    PRIMARY KEY (trial, sequence)
) WITHOUT ROWID;
{HISTORY}"""
