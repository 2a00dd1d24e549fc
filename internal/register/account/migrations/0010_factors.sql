-- How somebody signed in, and whether it came from a place that the account had never used and the person has not answered for yet.
ALTER TABLE account_sessions ADD COLUMN how TEXT NOT NULL DEFAULT 'password';
ALTER TABLE account_sessions ADD COLUMN unseen INTEGER NOT NULL DEFAULT 0 CHECK (unseen IN (0, 1));
-- Networks and browsers from which an account has signed in.
CREATE TABLE account_places (
  account INTEGER NOT NULL REFERENCES account_accounts (id),
  kind    TEXT NOT NULL CHECK (kind IN ('network', 'browser')),
  value   TEXT NOT NULL,
  seen_at INTEGER NOT NULL,
  PRIMARY KEY (account, kind, value)
) STRICT, WITHOUT ROWID;
-- The seed of an authenticator app, sealed with the key of the data folder. One that counts (confirmed) and
-- one on its way may stand side by side. last_step is the newest time step whose code was used.
CREATE TABLE account_totp (
  account    INTEGER NOT NULL REFERENCES account_accounts (id),
  confirmed  INTEGER NOT NULL CHECK (confirmed IN (0, 1)),
  secret     TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  last_step  INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (account, confirmed)
) STRICT, WITHOUT ROWID;
-- Recovery codes: each opens once.
CREATE TABLE account_recovery (
  account INTEGER NOT NULL REFERENCES account_accounts (id),
  hash    TEXT NOT NULL CHECK (length(hash) = 64),
  used_at INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (account, hash)
) STRICT, WITHOUT ROWID;
-- Passkeys. credential is the record of the relying party as JSON; it holds a public key, nothing secret.
CREATE TABLE account_passkeys (
  id            INTEGER PRIMARY KEY,
  key           TEXT NOT NULL UNIQUE,
  account       INTEGER NOT NULL REFERENCES account_accounts (id),
  credential_id TEXT NOT NULL UNIQUE,
  credential    TEXT NOT NULL,
  party         TEXT NOT NULL,
  name          TEXT NOT NULL,
  created_at    INTEGER NOT NULL,
  used_at       INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX account_passkeys_account ON account_passkeys (account);
-- Sign-ins whose password was right and whose second step is still to come: five minutes, five tries.
CREATE TABLE account_waiting (
  id         INTEGER PRIMARY KEY,
  account    INTEGER NOT NULL REFERENCES account_accounts (id),
  token_hash TEXT NOT NULL UNIQUE CHECK (length(token_hash) = 64),
  created_at INTEGER NOT NULL,
  tries      INTEGER NOT NULL DEFAULT 0
) STRICT;
