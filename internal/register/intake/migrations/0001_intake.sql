-- One row a file. The file itself lies in the folder given to intake.New, under the key. undo and the file
-- hold personal data and go after 30 days.
CREATE TABLE intake_imports (
  id          INTEGER PRIMARY KEY,
  key         TEXT NOT NULL UNIQUE,
  kind        TEXT NOT NULL,
  file        TEXT NOT NULL, -- name as sent, for display only
  sha256      TEXT NOT NULL,
  size        INTEGER NOT NULL,
  setting     TEXT NOT NULL CHECK (json_valid(setting)),
  state       TEXT NOT NULL CHECK (state IN ('waiting', 'applied', 'undone')),
  counts      TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(counts)),
  undo        BLOB,
  version     INTEGER NOT NULL,
  created_by  TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  applied_at  INTEGER NOT NULL DEFAULT 0,
  undone_at   INTEGER NOT NULL DEFAULT 0,
  swept_at    INTEGER NOT NULL DEFAULT 0 -- file and undo are gone
) STRICT;
CREATE INDEX intake_imports_kind ON intake_imports (kind, id);
-- What a person matched by hand, by kind: header as it stands in the file → column of the importer, empty for none.
CREATE TABLE intake_matches (
  kind       TEXT NOT NULL,
  header     TEXT NOT NULL, -- jtext.SearchKey of the header
  target     TEXT NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (kind, header)
) STRICT, WITHOUT ROWID;
