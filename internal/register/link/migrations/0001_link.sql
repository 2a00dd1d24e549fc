-- The token itself is nowhere: who reads this table cannot open a link.
CREATE TABLE link_links (
  id         INTEGER PRIMARY KEY,
  key        TEXT NOT NULL UNIQUE,
  token_hash TEXT NOT NULL UNIQUE CHECK (length(token_hash) = 64),
  purpose    TEXT NOT NULL,
  subject    TEXT NOT NULL,
  person     TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at    INTEGER NOT NULL DEFAULT 0,
  revoked_at INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX link_links_subject ON link_links (subject);
