-- Keys that sign checkpoints. The private half is sealed with the key of the data folder; vkey is what others check with.
CREATE TABLE audit_keys (
  id         INTEGER PRIMARY KEY,
  vkey       TEXT NOT NULL UNIQUE,
  sealed     TEXT NOT NULL,
  made_at    INTEGER NOT NULL,
  retired_at INTEGER NOT NULL DEFAULT 0
) STRICT;
-- A checkpoint is a signed note over the first size rows of the log.
CREATE TABLE audit_checkpoints (
  id      INTEGER PRIMARY KEY,
  size    INTEGER NOT NULL UNIQUE,
  note    TEXT NOT NULL,
  made_at INTEGER NOT NULL
) STRICT;
-- Where checkpoints are kept outside: one row a way. place is a folder or an address, '' when the way is not used.
-- every is the longest time between two, in days. failure is the message key of the last failure, '' when it went well.
CREATE TABLE audit_ways (
  way      TEXT PRIMARY KEY CHECK (way IN ('file', 'mail', 'print')),
  place    TEXT NOT NULL DEFAULT '',
  every    INTEGER NOT NULL CHECK (every > 0),
  since    INTEGER NOT NULL DEFAULT 0,
  tried_at INTEGER NOT NULL DEFAULT 0,
  failure  TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
INSERT INTO audit_ways (way, every) VALUES ('file', 3), ('mail', 3), ('print', 35);
CREATE TABLE audit_anchors (
  id         INTEGER PRIMARY KEY,
  checkpoint INTEGER NOT NULL REFERENCES audit_checkpoints (id),
  way        TEXT NOT NULL CHECK (way IN ('file', 'mail', 'print')),
  place      TEXT NOT NULL DEFAULT '',
  at         INTEGER NOT NULL,
  by_actor   TEXT NOT NULL
) STRICT;
CREATE INDEX audit_anchors_checkpoint ON audit_anchors (checkpoint);
CREATE INDEX audit_anchors_way ON audit_anchors (way, at);
-- origin names this log for good; hour (Tokyo) and every (days) say when a checkpoint is made.
CREATE TABLE audit_schedule (
  one    INTEGER PRIMARY KEY CHECK (one = 1),
  origin TEXT NOT NULL DEFAULT '',
  hour   INTEGER NOT NULL CHECK (hour BETWEEN 0 AND 23),
  every  INTEGER NOT NULL CHECK (every BETWEEN 1 AND 31)
) STRICT;
INSERT INTO audit_schedule (one, hour, every) VALUES (1, 1, 1);
