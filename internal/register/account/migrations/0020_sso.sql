-- At most one row: the provider of the company's accounts. secret is sealed.
CREATE TABLE account_sso (
  id         INTEGER PRIMARY KEY CHECK (id = 1),
  enabled    INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  issuer     TEXT NOT NULL,
  client     TEXT NOT NULL,
  secret     TEXT NOT NULL,
  label      TEXT NOT NULL,
  private    INTEGER NOT NULL CHECK (private IN (0, 1)), -- the provider stands in the company's own network
  joins      INTEGER NOT NULL CHECK (joins IN (0, 1)),   -- people on the staff list get an account at their first sign-in
  version    INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
-- Whom the provider means by (issuer, subject): noted at the first sign-in and never guessed again.
CREATE TABLE account_sso_links (
  id        INTEGER PRIMARY KEY,
  account   INTEGER NOT NULL REFERENCES account_accounts (id),
  issuer    TEXT NOT NULL,
  subject   TEXT NOT NULL,
  linked_at INTEGER NOT NULL,
  used_at   INTEGER NOT NULL,
  UNIQUE (issuer, subject),
  UNIQUE (account, issuer)
) STRICT;
-- What the administrator says the provider calls an account, where mail addresses do not tell.
CREATE TABLE account_sso_expected (
  account    INTEGER PRIMARY KEY REFERENCES account_accounts (id),
  identifier TEXT NOT NULL UNIQUE,
  set_at     INTEGER NOT NULL
) STRICT;
