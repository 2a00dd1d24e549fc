-- A round is one self-assessment of one framework. At most one of a framework is open; a locked one stays as it is.
CREATE TABLE assessment_rounds (
  id          INTEGER PRIMARY KEY,
  key         TEXT NOT NULL UNIQUE,
  framework   TEXT NOT NULL,
  fiscal_year INTEGER NOT NULL,
  name        TEXT NOT NULL,
  from_on     TEXT NOT NULL,
  to_on       TEXT NOT NULL,
  imported    INTEGER NOT NULL DEFAULT 0 CHECK (imported IN (0, 1)),
  opened_at   INTEGER NOT NULL,
  opened_by   TEXT NOT NULL,
  locked_at   INTEGER NOT NULL DEFAULT 0,
  locked_by   TEXT NOT NULL DEFAULT '',
  version     INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE UNIQUE INDEX assessment_rounds_open ON assessment_rounds (framework) WHERE locked_at = 0;

-- What the items were worth when the round was locked; -2 unanswered, -1 not applicable.
CREATE TABLE assessment_results (
  round        INTEGER NOT NULL REFERENCES assessment_rounds (id),
  item         TEXT NOT NULL,
  state        TEXT NOT NULL,
  value        INTEGER NOT NULL,
  answer_value INTEGER NOT NULL,
  PRIMARY KEY (round, item)
) STRICT, WITHOUT ROWID;

-- Append-only: each change of an answer is a new row, the highest version of a node counts. node is the id
-- of a clause, or of an item. facts are the rows shown when the answer was given, frozen with their hash.
CREATE TABLE assessment_answers (
  id         INTEGER PRIMARY KEY,
  round      INTEGER NOT NULL REFERENCES assessment_rounds (id),
  node       TEXT NOT NULL,
  item       TEXT NOT NULL,
  version    INTEGER NOT NULL,
  value      TEXT NOT NULL CHECK (value IN ('met', 'part', 'unmet', 'unknown', 'na', 'none')),
  note       TEXT NOT NULL DEFAULT '',
  reason     TEXT NOT NULL DEFAULT '',
  expires_on TEXT NOT NULL DEFAULT '',
  verdict    TEXT NOT NULL DEFAULT '',
  facts      TEXT NOT NULL CHECK (json_valid(facts)),
  facts_hash TEXT NOT NULL,
  way        TEXT NOT NULL CHECK (way IN ('page', 'confirm', 'ask', 'link', 'paper', 'import')),
  by_actor   TEXT NOT NULL,
  at         INTEGER NOT NULL,
  UNIQUE (round, node, version)
) STRICT;
CREATE TRIGGER assessment_answers_no_update BEFORE UPDATE ON assessment_answers BEGIN SELECT raise(ABORT, 'answers are append-only'); END;
CREATE TRIGGER assessment_answers_no_delete BEFORE DELETE ON assessment_answers BEGIN SELECT raise(ABORT, 'answers are append-only'); END;

CREATE TABLE assessment_items (
  framework  TEXT NOT NULL,
  item       TEXT NOT NULL,
  owner      TEXT NOT NULL DEFAULT '',
  planned_on TEXT NOT NULL DEFAULT '',
  note       TEXT NOT NULL DEFAULT '',
  version    INTEGER NOT NULL DEFAULT 1,
  PRIMARY KEY (framework, item)
) STRICT, WITHOUT ROWID;

-- One row for every clause of every framework, those without a rule included: what the records say, what
-- counts together with the answer, and the first day on which time alone may change either.
CREATE TABLE assessment_verdicts (
  clause    TEXT PRIMARY KEY,
  framework TEXT NOT NULL,
  item      TEXT NOT NULL,
  result    TEXT NOT NULL,
  state     TEXT NOT NULL,
  due_on    TEXT NOT NULL,
  payload   TEXT NOT NULL CHECK (json_valid(payload)),
  judged_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX assessment_verdicts_framework ON assessment_verdicts (framework);

CREATE TABLE assessment_changes (
  id         INTEGER PRIMARY KEY,
  at         INTEGER NOT NULL,
  request    TEXT NOT NULL,
  framework  TEXT NOT NULL,
  item       TEXT NOT NULL,
  clause     TEXT NOT NULL,
  from_state TEXT NOT NULL,
  to_state   TEXT NOT NULL
) STRICT;
CREATE INDEX assessment_changes_at ON assessment_changes (at);
CREATE INDEX assessment_changes_request ON assessment_changes (request);

-- 対応: who closes which clauses by when. clause '' means the whole item.
CREATE TABLE assessment_actions (
  id         INTEGER PRIMARY KEY,
  key        TEXT NOT NULL UNIQUE,
  title      TEXT NOT NULL,
  owner      TEXT NOT NULL DEFAULT '',
  due_on     TEXT NOT NULL DEFAULT '',
  note       TEXT NOT NULL DEFAULT '',
  done_on    TEXT NOT NULL DEFAULT '',
  done_by    TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  version    INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE TABLE assessment_action_targets (
  action    INTEGER NOT NULL REFERENCES assessment_actions (id) ON DELETE CASCADE,
  framework TEXT NOT NULL,
  item      TEXT NOT NULL,
  clause    TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (action, framework, item, clause)
) STRICT, WITHOUT ROWID;

-- 得意先の依頼: which part of a framework a customer asks for, until when, and what was sent.
CREATE TABLE assessment_requests (
  id          INTEGER PRIMARY KEY,
  key         TEXT NOT NULL UNIQUE,
  customer    TEXT NOT NULL,
  framework   TEXT NOT NULL,
  level       TEXT NOT NULL DEFAULT '',
  items       TEXT NOT NULL DEFAULT '',
  target_mean INTEGER NOT NULL DEFAULT 0,
  deadline_on TEXT NOT NULL DEFAULT '',
  form        TEXT NOT NULL DEFAULT '',
  note        TEXT NOT NULL DEFAULT '',
  closed_on   TEXT NOT NULL DEFAULT '',
  created_at  INTEGER NOT NULL,
  created_by  TEXT NOT NULL,
  version     INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE TABLE assessment_request_events (
  id         INTEGER PRIMARY KEY,
  request    INTEGER NOT NULL REFERENCES assessment_requests (id) ON DELETE CASCADE,
  key        TEXT NOT NULL UNIQUE,
  on_day     TEXT NOT NULL,
  what       TEXT NOT NULL,
  how        TEXT NOT NULL DEFAULT '',
  note       TEXT NOT NULL DEFAULT '',
  attachment TEXT NOT NULL DEFAULT '',
  by_actor   TEXT NOT NULL,
  at         INTEGER NOT NULL
) STRICT;
CREATE INDEX assessment_request_events_request ON assessment_request_events (request);

-- The official wording that the office itself brought in. It stays in this database.
CREATE TABLE assessment_official (
  framework   TEXT NOT NULL,
  item        TEXT NOT NULL,
  level       TEXT NOT NULL DEFAULT '',
  texts       TEXT NOT NULL CHECK (json_valid(texts)),
  source      TEXT NOT NULL DEFAULT '',
  imported_at INTEGER NOT NULL,
  PRIMARY KEY (framework, item)
) STRICT, WITHOUT ROWID;

-- change names the present state of everything a board shows; it is new with each write and never used again.
-- judged_on is the day up to which time was taken into account, started_at when the first verdict was written.
CREATE TABLE assessment_status (
  one        INTEGER PRIMARY KEY CHECK (one = 1),
  change     TEXT NOT NULL,
  official   TEXT NOT NULL,
  judged_on  TEXT NOT NULL DEFAULT '',
  started_at INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO assessment_status (one, change, official) VALUES (1, '', '');
