-- What left the house, or shall. Text is made at sending time from message key and args; after the retention
-- time args, lines, name, address and attachment are emptied and the row stays.
CREATE TABLE outbox_messages (
  id          INTEGER PRIMARY KEY,
  key         TEXT NOT NULL UNIQUE,
  account     TEXT NOT NULL DEFAULT '',
  person      TEXT NOT NULL DEFAULT '',
  address     TEXT NOT NULL DEFAULT '',
  channel     TEXT NOT NULL DEFAULT '',
  text        TEXT NOT NULL,
  args        TEXT NOT NULL DEFAULT '{}',
  lines       TEXT NOT NULL DEFAULT '[]',
  link        TEXT NOT NULL DEFAULT '',
  file_name   TEXT NOT NULL DEFAULT '',
  file        BLOB,
  state       TEXT NOT NULL CHECK (state IN ('queued', 'sent', 'failed')),
  attempts    INTEGER NOT NULL DEFAULT 0,
  error       TEXT NOT NULL DEFAULT '',
  next_at     INTEGER NOT NULL DEFAULT 0,
  created_at  INTEGER NOT NULL,
  created_by  TEXT NOT NULL,
  ended_at    INTEGER NOT NULL DEFAULT 0,
  seen_at     INTEGER NOT NULL DEFAULT 0,
  erased_at   INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX outbox_messages_state ON outbox_messages (state, id);
CREATE INDEX outbox_messages_ended ON outbox_messages (ended_at);
-- At most one row. The password is sealed.
CREATE TABLE outbox_settings (
  id         INTEGER PRIMARY KEY CHECK (id = 1),
  server     TEXT NOT NULL DEFAULT '',
  password   TEXT NOT NULL DEFAULT '',
  digest_at  INTEGER NOT NULL CHECK (digest_at BETWEEN 0 AND 1439),
  weekdays   INTEGER NOT NULL CHECK (weekdays IN (0, 1)),
  keep_days  INTEGER NOT NULL CHECK (keep_days BETWEEN 1 AND 3650),
  version    INTEGER NOT NULL
) STRICT;
-- Everything that a channel needs is a secret: the address of a webhook alone lets anybody post.
CREATE TABLE outbox_channels (
  id          INTEGER PRIMARY KEY,
  key         TEXT NOT NULL UNIQUE,
  name        TEXT NOT NULL,
  kind        TEXT NOT NULL,
  host        TEXT NOT NULL,
  sealed      TEXT NOT NULL,
  digest      INTEGER NOT NULL CHECK (digest IN (0, 1)),
  disabled_at INTEGER NOT NULL DEFAULT 0,
  good_at     INTEGER NOT NULL DEFAULT 0,
  bad_at      INTEGER NOT NULL DEFAULT 0,
  error       TEXT NOT NULL DEFAULT '',
  version     INTEGER NOT NULL
) STRICT;
CREATE TABLE outbox_wishes (
  account TEXT PRIMARY KEY,
  digest  INTEGER NOT NULL CHECK (digest IN (0, 1)),
  lang    TEXT NOT NULL CHECK (lang IN ('ja', 'en'))
) STRICT, WITHOUT ROWID;
-- One digest a day for a recipient ("account/KEY", "channel/KEY"), whatever the clock or the process does.
CREATE TABLE outbox_digests (
  recipient TEXT NOT NULL,
  day       TEXT NOT NULL,
  message   TEXT NOT NULL,
  duties    TEXT NOT NULL,
  PRIMARY KEY (recipient, day)
) STRICT, WITHOUT ROWID;
