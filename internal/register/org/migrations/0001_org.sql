-- org_company has one row once the office is set up.
CREATE TABLE org_company (
  id             INTEGER PRIMARY KEY CHECK (id = 1),
  name           TEXT NOT NULL,
  industry       TEXT NOT NULL DEFAULT '',
  size           TEXT NOT NULL DEFAULT '',
  fiscal_start   INTEGER NOT NULL CHECK (fiscal_start BETWEEN 1 AND 12),
  base_address   TEXT NOT NULL DEFAULT '',
  hosts          TEXT NOT NULL DEFAULT '', -- one a line
  target_level   TEXT NOT NULL CHECK (target_level IN ('1', '2', '3')),
  target_star    TEXT NOT NULL DEFAULT '' CHECK (target_star IN ('', '3', '4')),
  not_applicable TEXT NOT NULL CHECK (not_applicable IN ('counts', 'leaves')),
  settings       TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(settings)),
  version        INTEGER NOT NULL,
  updated_at     INTEGER NOT NULL
) STRICT;
CREATE TABLE org_sites (
  id         INTEGER PRIMARY KEY,
  key        TEXT NOT NULL UNIQUE,
  name       TEXT NOT NULL,
  kana       TEXT NOT NULL DEFAULT '',
  sort_key   BLOB NOT NULL,
  ended_on   TEXT NOT NULL DEFAULT '',
  version    INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
-- site and owner are keys: owner is a person, whose register stands above this one.
CREATE TABLE org_departments (
  id             INTEGER PRIMARY KEY,
  key            TEXT NOT NULL UNIQUE,
  name           TEXT NOT NULL,
  kana           TEXT NOT NULL DEFAULT '',
  sort_key       BLOB NOT NULL,
  site           TEXT NOT NULL DEFAULT '',
  owner          TEXT NOT NULL DEFAULT '',
  owner_since_on TEXT NOT NULL DEFAULT '',
  owner_until_on TEXT NOT NULL DEFAULT '', -- last day of an owner who leaves the company
  ended_on       TEXT NOT NULL DEFAULT '',
  version        INTEGER NOT NULL,
  updated_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX org_departments_owner ON org_departments (owner);
CREATE INDEX org_departments_site ON org_departments (site);
CREATE TABLE org_changes (
  id         INTEGER PRIMARY KEY,
  key        TEXT NOT NULL UNIQUE,
  on_on      TEXT NOT NULL,
  what       TEXT NOT NULL,
  note       TEXT NOT NULL,
  version    INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
