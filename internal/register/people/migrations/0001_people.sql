-- Names of persons stand in these tables only. department and site are keys of org.
CREATE TABLE people_persons (
  id           INTEGER PRIMARY KEY,
  key          TEXT NOT NULL UNIQUE,
  employee_no  TEXT NOT NULL DEFAULT '',
  family_name  TEXT NOT NULL DEFAULT '',
  given_name   TEXT NOT NULL DEFAULT '',
  family_kana  TEXT NOT NULL DEFAULT '',
  given_kana   TEXT NOT NULL DEFAULT '',
  display_name TEXT NOT NULL DEFAULT '',
  class        TEXT NOT NULL CHECK (class IN ('officer', 'employee', 'dispatched', 'external')),
  mail         TEXT NOT NULL CHECK (mail IN ('yes', 'no', 'unknown')),
  internet     TEXT NOT NULL CHECK (internet IN ('yes', 'no', 'unknown')),
  email        TEXT NOT NULL DEFAULT '',
  department   TEXT NOT NULL DEFAULT '',
  site         TEXT NOT NULL DEFAULT '',
  joined_on    TEXT NOT NULL DEFAULT '',
  left_on      TEXT NOT NULL DEFAULT '',
  kiosk        INTEGER NOT NULL CHECK (kiosk IN (0, 1)),
  sort_key     BLOB NOT NULL, -- jtext.SortKey: rebuild when golang.org/x/text changes
  search_key   TEXT NOT NULL, -- jtext.SearchKey of what people look for
  version      INTEGER NOT NULL,
  created_at   INTEGER NOT NULL,
  updated_at   INTEGER NOT NULL,
  left_at      INTEGER NOT NULL DEFAULT 0 -- when the leaving was recorded
) STRICT;
CREATE UNIQUE INDEX people_persons_employee_no ON people_persons (employee_no) WHERE employee_no <> '';
CREATE INDEX people_persons_sort ON people_persons (sort_key);
CREATE INDEX people_persons_department ON people_persons (department);
CREATE INDEX people_persons_email ON people_persons (email);
CREATE TABLE people_moves (
  id              INTEGER PRIMARY KEY,
  key             TEXT NOT NULL UNIQUE,
  person          TEXT NOT NULL REFERENCES people_persons (key),
  moved_on        TEXT NOT NULL,
  from_department TEXT NOT NULL DEFAULT '',
  to_department   TEXT NOT NULL DEFAULT '',
  recorded_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX people_moves_person ON people_moves (person);
CREATE TABLE people_exclusions (
  id          INTEGER PRIMARY KEY,
  key         TEXT NOT NULL UNIQUE,
  person      TEXT NOT NULL REFERENCES people_persons (key),
  reason      TEXT NOT NULL,
  note        TEXT NOT NULL DEFAULT '',
  from_on     TEXT NOT NULL,
  until_on    TEXT NOT NULL,
  recorded_at INTEGER NOT NULL
) STRICT;
CREATE INDEX people_exclusions_person ON people_exclusions (person);
CREATE TABLE people_confirmations (
  id           INTEGER PRIMARY KEY,
  key          TEXT NOT NULL UNIQUE,
  confirmed_on TEXT NOT NULL,
  note         TEXT NOT NULL DEFAULT '',
  people       INTEGER NOT NULL, -- active on that day
  blanks       INTEGER NOT NULL, -- of them with something open
  attachment   TEXT NOT NULL DEFAULT '',
  confirmed_by TEXT NOT NULL, -- actor.ID
  recorded_at  INTEGER NOT NULL
) STRICT;
