-- Whose training it was: keys of departments, comma-separated; empty is the whole company. Who is in charge of
-- departments alone changes only what those departments recorded.
ALTER TABLE training_sessions ADD COLUMN departments TEXT NOT NULL DEFAULT '';
