-- The day on which what identifies the person was erased. Key, class, department and days stay: facts rest on them.
ALTER TABLE people_persons ADD COLUMN erased_on TEXT NOT NULL DEFAULT '';
