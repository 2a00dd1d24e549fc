-- What an outside expert (専門家) says of an item, and signs as looked at (確認済). Append-only. seal is the hash of the
-- item as it stood: a later change of answers or records shows.
CREATE TABLE assessment_advice (
  id        INTEGER PRIMARY KEY,
  key       TEXT NOT NULL UNIQUE,
  framework TEXT NOT NULL,
  item      TEXT NOT NULL,
  round     TEXT NOT NULL,
  text      TEXT NOT NULL,
  signed    INTEGER NOT NULL CHECK (signed IN (0, 1)),
  state     TEXT NOT NULL,
  seal      TEXT NOT NULL,
  by_actor  TEXT NOT NULL,
  at        INTEGER NOT NULL
) STRICT;
CREATE INDEX assessment_advice_item ON assessment_advice (framework, item);
CREATE TRIGGER assessment_advice_no_update BEFORE UPDATE ON assessment_advice BEGIN SELECT raise(ABORT, 'advice is append-only'); END;
CREATE TRIGGER assessment_advice_no_delete BEFORE DELETE ON assessment_advice BEGIN SELECT raise(ABORT, 'advice is append-only'); END;
