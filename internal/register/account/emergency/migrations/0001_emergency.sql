-- Uses of a role for an emergency. A row only gains its end and its review; nothing of it changes again or goes.
CREATE TABLE emergency_uses (
  id          INTEGER PRIMARY KEY,
  key         TEXT NOT NULL UNIQUE,
  account     TEXT NOT NULL,
  person      TEXT NOT NULL DEFAULT '',
  role        TEXT NOT NULL CHECK (role IN ('admin', 'approver', 'keeper')),
  reason      TEXT NOT NULL CHECK (reason <> ''),
  taken_at    INTEGER NOT NULL,
  until_at    INTEGER NOT NULL CHECK (until_at > taken_at AND until_at <= taken_at + 86400000),
  ended_at    INTEGER NOT NULL DEFAULT 0,
  ended_by    TEXT NOT NULL DEFAULT '',
  reviewed_at INTEGER NOT NULL DEFAULT 0,
  reviewed_by TEXT NOT NULL DEFAULT '',
  note        TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX emergency_uses_account ON emergency_uses (account, until_at);
CREATE TRIGGER emergency_uses_no_delete BEFORE DELETE ON emergency_uses BEGIN SELECT raise(ABORT, 'uses of roles for an emergency are append-only'); END;
CREATE TRIGGER emergency_uses_fixed BEFORE UPDATE OF id, key, account, person, role, reason, taken_at, until_at ON emergency_uses
  BEGIN SELECT raise(ABORT, 'uses of roles for an emergency are append-only'); END;
CREATE TRIGGER emergency_uses_ended BEFORE UPDATE OF ended_at, ended_by ON emergency_uses WHEN OLD.ended_at <> 0
  BEGIN SELECT raise(ABORT, 'this use of a role has ended already'); END;
CREATE TRIGGER emergency_uses_reviewed BEFORE UPDATE OF reviewed_at, reviewed_by, note ON emergency_uses WHEN OLD.reviewed_at <> 0
  BEGIN SELECT raise(ABORT, 'this use of a role was reviewed already'); END;
-- Who may take a role. managers: whoever holds one of the three roles already; named: the accounts beside.
CREATE TABLE emergency_setting (
  id      INTEGER PRIMARY KEY CHECK (id = 1),
  who     TEXT NOT NULL CHECK (who IN ('managers', 'named')),
  version INTEGER NOT NULL
) STRICT;
INSERT INTO emergency_setting (id, who, version) VALUES (1, 'managers', 1);
CREATE TABLE emergency_named (
  account TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
