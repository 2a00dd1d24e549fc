-- An imported round that was taken back is hidden, never deleted.
ALTER TABLE assessment_rounds ADD COLUMN withdrawn_at INTEGER NOT NULL DEFAULT 0;

-- Check sheets that came in or went out: which file, which sheet, where its columns stand, what was sent to whom.
CREATE TABLE assessment_sheets (
  id         INTEGER PRIMARY KEY,
  key        TEXT NOT NULL UNIQUE,
  framework  TEXT NOT NULL,
  way        TEXT NOT NULL CHECK (way IN ('import', 'fill', 'export')),
  file       TEXT NOT NULL,
  sha256     TEXT NOT NULL,
  layout     TEXT NOT NULL CHECK (json_valid(layout)),
  items      INTEGER NOT NULL DEFAULT 0,
  sent_to    TEXT NOT NULL DEFAULT '',
  sent_on    TEXT NOT NULL DEFAULT '',
  by_actor   TEXT NOT NULL,
  at         INTEGER NOT NULL
) STRICT;
CREATE INDEX assessment_sheets_framework ON assessment_sheets (framework, id);

-- Workbooks that wait to be filled. They are forgotten once they are handed out, at the latest after a day.
CREATE TABLE assessment_sheet_waiting (
  id         INTEGER PRIMARY KEY,
  key        TEXT NOT NULL UNIQUE,
  framework  TEXT NOT NULL,
  file       TEXT NOT NULL,
  data       BLOB NOT NULL,
  by_actor   TEXT NOT NULL,
  at         INTEGER NOT NULL
) STRICT;
