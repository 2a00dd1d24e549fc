-- At most one row: where, when and how long. Folders are a JSON list, in the order in which they are written.
CREATE TABLE backup_settings (
  id        INTEGER PRIMARY KEY CHECK (id = 1),
  folders   TEXT NOT NULL,
  at_minute INTEGER NOT NULL CHECK (at_minute BETWEEN 0 AND 1439),
  daily     INTEGER NOT NULL CHECK (daily BETWEEN 1 AND 400),
  weekly    INTEGER NOT NULL CHECK (weekly BETWEEN 0 AND 400),
  monthly   INTEGER NOT NULL CHECK (monthly BETWEEN 0 AND 400),
  warn_days INTEGER NOT NULL CHECK (warn_days BETWEEN 1 AND 90),
  version   INTEGER NOT NULL
) STRICT;
-- The public part of each recovery key; the secret is on paper only. The newest one that is not retired counts.
CREATE TABLE backup_keys (
  id         INTEGER PRIMARY KEY,
  public     TEXT NOT NULL UNIQUE,
  mark       TEXT NOT NULL,
  added_at   INTEGER NOT NULL,
  added_by   TEXT NOT NULL,
  retired_at INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE backup_runs (
  id          INTEGER PRIMARY KEY,
  key         TEXT NOT NULL UNIQUE,
  way         TEXT NOT NULL CHECK (way IN ('schedule', 'hand', 'command')),
  state       TEXT NOT NULL CHECK (state IN ('running', 'good', 'partly', 'failed', 'interrupted')),
  started_at  INTEGER NOT NULL,
  ended_at    INTEGER NOT NULL DEFAULT 0,
  key_mark    TEXT NOT NULL DEFAULT '',
  files       INTEGER NOT NULL DEFAULT 0,
  bytes       INTEGER NOT NULL DEFAULT 0,
  problem     TEXT NOT NULL DEFAULT '',
  problem_args TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX backup_runs_started ON backup_runs (started_at);
-- One row per file that was written and read back; what stands here, and nothing else, may be removed by rule.
CREATE TABLE backup_files (
  id         INTEGER PRIMARY KEY,
  key        TEXT NOT NULL UNIQUE,
  run        INTEGER NOT NULL REFERENCES backup_runs (id),
  folder     TEXT NOT NULL,
  name       TEXT NOT NULL,
  size       INTEGER NOT NULL,
  sha256     TEXT NOT NULL CHECK (length(sha256) = 64),
  made_at    INTEGER NOT NULL,
  removed_at INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX backup_files_run ON backup_files (run);
