-- Rows are linked: hash = SHA-256 over the previous hash and the canonical row. Personal fields stand in
-- "after" as salted hashes; value and salt live in audit_personal and can be erased without breaking the chain.
CREATE TABLE audit_log (
  id         INTEGER PRIMARY KEY,
  at         INTEGER NOT NULL,
  actor      TEXT NOT NULL,
  via        TEXT NOT NULL,
  request    TEXT NOT NULL DEFAULT '',
  act        TEXT NOT NULL,
  object     TEXT NOT NULL,
  after      TEXT NOT NULL CHECK (json_valid(after)),
  prev_hash  TEXT NOT NULL,
  hash       TEXT NOT NULL UNIQUE
) STRICT;
CREATE INDEX audit_log_object ON audit_log (object);
CREATE INDEX audit_log_at ON audit_log (at);
CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END;
CREATE TABLE audit_personal (
  row   INTEGER NOT NULL REFERENCES audit_log (id),
  field TEXT NOT NULL,
  value TEXT NOT NULL,
  salt  TEXT NOT NULL,
  PRIMARY KEY (row, field)
) STRICT, WITHOUT ROWID;
