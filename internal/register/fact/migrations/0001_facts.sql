-- Append-only. A fact is identified by (kind, record, member, attrs): a row is appended when its content
-- changes; withdrawn = 1 says that the record no longer gives it. fact_current points at the newest rows.
CREATE TABLE facts (
  id          INTEGER PRIMARY KEY,
  kind        TEXT NOT NULL,
  record      TEXT NOT NULL,
  member      TEXT NOT NULL,
  attrs       TEXT NOT NULL,
  on_day      TEXT NOT NULL,
  valid_until TEXT NOT NULL,
  value       INTEGER NOT NULL,
  link        TEXT NOT NULL,
  withdrawn   INTEGER NOT NULL CHECK (withdrawn IN (0, 1)),
  recorded_at INTEGER NOT NULL,
  hash        TEXT NOT NULL
) STRICT;
CREATE TRIGGER facts_no_update BEFORE UPDATE ON facts BEGIN SELECT raise(ABORT, 'facts are append-only'); END;
CREATE TRIGGER facts_no_delete BEFORE DELETE ON facts BEGIN SELECT raise(ABORT, 'facts are append-only'); END;
CREATE TABLE fact_current (
  kind   TEXT NOT NULL,
  record TEXT NOT NULL,
  fact   INTEGER NOT NULL REFERENCES facts (id),
  PRIMARY KEY (kind, record, fact)
) STRICT, WITHOUT ROWID;
CREATE TABLE fact_readings (
  kind TEXT NOT NULL,
  at   INTEGER NOT NULL,
  ok   INTEGER NOT NULL CHECK (ok IN (0, 1)),
  note TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (kind, ok)
) STRICT, WITHOUT ROWID;
