CREATE TABLE account_accounts (
  id           INTEGER PRIMARY KEY,
  key          TEXT NOT NULL UNIQUE,
  login        TEXT NOT NULL UNIQUE,
  name         TEXT NOT NULL,
  person       TEXT NOT NULL DEFAULT '',
  status       TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'disabled')),
  ends_on      TEXT NOT NULL DEFAULT '',
  password     TEXT NOT NULL DEFAULT '',
  password_at  INTEGER NOT NULL DEFAULT 0,
  created_at   INTEGER NOT NULL,
  signed_in_at INTEGER NOT NULL DEFAULT 0,
  version      INTEGER NOT NULL
) STRICT;
CREATE TABLE account_roles (
  account INTEGER NOT NULL REFERENCES account_accounts (id),
  role    TEXT NOT NULL CHECK (role IN ('admin', 'approver', 'keeper', 'viewer', 'advisor', 'employee')),
  PRIMARY KEY (account, role)
) STRICT, WITHOUT ROWID;
-- No row: the whole company.
CREATE TABLE account_scopes (
  account    INTEGER NOT NULL REFERENCES account_accounts (id),
  department TEXT NOT NULL,
  PRIMARY KEY (account, department)
) STRICT, WITHOUT ROWID;
-- The token of a session stands in the browser only; here is its SHA-256.
CREATE TABLE account_sessions (
  id         INTEGER PRIMARY KEY,
  key        TEXT NOT NULL UNIQUE,
  account    INTEGER NOT NULL REFERENCES account_accounts (id),
  token_hash TEXT NOT NULL UNIQUE CHECK (length(token_hash) = 64),
  created_at INTEGER NOT NULL,
  seen_at    INTEGER NOT NULL,
  revoked_at INTEGER NOT NULL DEFAULT 0,
  address    TEXT NOT NULL,
  agent      TEXT NOT NULL
) STRICT;
CREATE INDEX account_sessions_account ON account_sessions (account);
-- At most one row: the token of the set-up, until the set-up is done.
CREATE TABLE account_setup (
  id         INTEGER PRIMARY KEY CHECK (id = 1),
  token_hash TEXT NOT NULL CHECK (length(token_hash) = 64),
  created_at INTEGER NOT NULL
) STRICT;
