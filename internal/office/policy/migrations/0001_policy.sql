CREATE TABLE policy_documents (
  id         INTEGER PRIMARY KEY,
  key        TEXT NOT NULL UNIQUE,
  type       TEXT NOT NULL CHECK (type IN ('policy', 'regulation')),
  title      TEXT NOT NULL,
  topics     TEXT NOT NULL,               -- comma-separated, in the order of catalog/kinds.yaml
  owner      TEXT NOT NULL DEFAULT '',    -- person key
  retired_on TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL,
  version    INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE TABLE policy_versions (
  id           INTEGER PRIMARY KEY,
  key          TEXT NOT NULL UNIQUE,
  document     INTEGER NOT NULL REFERENCES policy_documents (id),
  number       INTEGER NOT NULL CHECK (number > 0),
  body         TEXT NOT NULL,
  change_note  TEXT NOT NULL DEFAULT '',
  attachment   TEXT NOT NULL DEFAULT '',  -- the text as a file, when it is kept as one
  author       TEXT NOT NULL,             -- person key; account/KEY when the account has no person
  drafted_at   INTEGER NOT NULL,
  effective_on TEXT NOT NULL DEFAULT '',
  approved_on  TEXT NOT NULL DEFAULT '',  -- '' is a draft
  approver     TEXT NOT NULL DEFAULT '',  -- person key
  way          TEXT NOT NULL DEFAULT '' CHECK (way IN ('', 'person', 'sealed')),
  sealed       TEXT NOT NULL DEFAULT '',  -- attachment of the sealed page
  taken_in_by  TEXT NOT NULL DEFAULT '',
  version      INTEGER NOT NULL DEFAULT 1,
  UNIQUE (document, number)
) STRICT;
CREATE TABLE policy_notices (
  id         INTEGER PRIMARY KEY,
  key        TEXT NOT NULL UNIQUE,
  document   INTEGER NOT NULL REFERENCES policy_documents (id),
  edition    INTEGER NOT NULL REFERENCES policy_versions (id),
  way        TEXT NOT NULL CHECK (way IN ('page', 'link', 'qr', 'roster', 'posted')),
  on_day     TEXT NOT NULL,
  place      TEXT NOT NULL DEFAULT '',
  site       TEXT NOT NULL DEFAULT '',
  note       TEXT NOT NULL DEFAULT '',
  attachment TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX policy_notices_document ON policy_notices (document);
CREATE INDEX policy_notices_edition ON policy_notices (edition);
CREATE TABLE policy_notified (
  notice INTEGER NOT NULL REFERENCES policy_notices (id),
  person TEXT NOT NULL,
  on_day TEXT NOT NULL,
  PRIMARY KEY (notice, person)
) STRICT, WITHOUT ROWID;
CREATE TABLE policy_reviews (
  id         INTEGER PRIMARY KEY,
  key        TEXT NOT NULL UNIQUE,
  document   INTEGER NOT NULL REFERENCES policy_documents (id),
  on_day     TEXT NOT NULL,
  result     TEXT NOT NULL CHECK (result IN ('changed', 'unchanged')),
  considered TEXT NOT NULL,
  by_person  TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX policy_reviews_document ON policy_reviews (document);
CREATE TABLE policy_demands (
  id         INTEGER PRIMARY KEY,
  key        TEXT NOT NULL UNIQUE,
  type       TEXT NOT NULL CHECK (type IN ('law', 'authority', 'customer')),
  title      TEXT NOT NULL,
  issuer     TEXT NOT NULL DEFAULT '',
  gist       TEXT NOT NULL DEFAULT '',
  document   TEXT NOT NULL DEFAULT '',    -- key of the regulation that reflects it
  listed_on  TEXT NOT NULL,
  reflected_on TEXT NOT NULL DEFAULT '',
  ended_on   TEXT NOT NULL DEFAULT '',
  version    INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE TABLE policy_checks (
  id         INTEGER PRIMARY KEY,
  key        TEXT NOT NULL UNIQUE,
  types      TEXT NOT NULL,               -- comma-separated demand types that were looked through
  on_day     TEXT NOT NULL,
  finding    TEXT NOT NULL,
  by_person  TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL
) STRICT;
