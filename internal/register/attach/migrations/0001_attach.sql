-- One row per attached file of a record. Files with the same content share one blob, named by its SHA-256.
CREATE TABLE attach_files (
  id         INTEGER PRIMARY KEY,
  key        TEXT NOT NULL UNIQUE,
  record     TEXT NOT NULL,
  name       TEXT NOT NULL,
  type       TEXT NOT NULL,
  size       INTEGER NOT NULL CHECK (size > 0),
  sha256     TEXT NOT NULL CHECK (length(sha256) = 64),
  from_on    TEXT NOT NULL DEFAULT '',
  to_on      TEXT NOT NULL DEFAULT '',
  expires_on TEXT NOT NULL DEFAULT '',
  note       TEXT NOT NULL DEFAULT '',
  added_at   INTEGER NOT NULL,
  added_by   TEXT NOT NULL
) STRICT;
CREATE INDEX attach_files_record ON attach_files (record);
CREATE INDEX attach_files_sha256 ON attach_files (sha256);
