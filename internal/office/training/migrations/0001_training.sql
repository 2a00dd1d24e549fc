CREATE TABLE training_sessions (
  id         INTEGER PRIMARY KEY,
  key        TEXT NOT NULL UNIQUE,
  title      TEXT NOT NULL,
  on_day     TEXT NOT NULL,
  topics     TEXT NOT NULL,               -- comma-separated
  method     TEXT NOT NULL CHECK (method IN ('handout', 'elearning', 'class', 'video', 'poster', 'drill')),
  content    TEXT NOT NULL DEFAULT '',
  teacher    TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL,
  version    INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX training_sessions_on_day ON training_sessions (on_day);
CREATE TABLE training_attendance (
  session INTEGER NOT NULL REFERENCES training_sessions (id),
  person  TEXT NOT NULL,
  class   TEXT NOT NULL,                  -- as on that day: later changes of the staff list change nothing here
  on_day  TEXT NOT NULL,
  way     TEXT NOT NULL CHECK (way IN ('file', 'sheet', 'hand')),
  PRIMARY KEY (session, person)
) STRICT, WITHOUT ROWID;
CREATE TABLE training_reflections (
  id         INTEGER PRIMARY KEY,
  key        TEXT NOT NULL UNIQUE,
  session    INTEGER NOT NULL REFERENCES training_sessions (id),
  on_day     TEXT NOT NULL,
  found      TEXT NOT NULL,
  next_time  TEXT NOT NULL,
  by_person  TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX training_reflections_session ON training_reflections (session);
