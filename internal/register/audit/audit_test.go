package audit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite/sqlitetest"
	"github.com/kizuki-security/kizuki/internal/platform/web/request"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

type log struct {
	t     *testing.T
	clock *sqlitetest.Clock
	db    *sqlite.DB
	ctx   context.Context //nolint:containedctx // one actor for the whole test
}

func open(t *testing.T) *log {
	t.Helper()
	clock := sqlitetest.NewClock("2026-11-23")
	ctx := actor.With(request.WithID(t.Context(), "req1"), actor.New(actor.Actor{Account: "acc1", Person: "per1", Via: "session"}, nil))
	return &log{t: t, clock: clock, db: sqlitetest.Open(t, clock, audit.Migrations()), ctx: ctx}
}

func (l *log) record(act, object string, after audit.Image) {
	l.t.Helper()
	if err := l.db.Write(l.ctx, func(tx *sqlite.Tx) error { return audit.Record(l.ctx, tx, act, object, after) }); err != nil {
		l.t.Fatal(err)
	}
}

func (l *log) verify() (n int, err error) {
	l.t.Helper()
	rerr := l.db.Read(l.ctx, func(tx *sqlite.Tx) error {
		n, err = audit.Verify(l.ctx, tx)
		return nil
	})
	if rerr != nil {
		l.t.Fatal(rerr)
	}
	return n, err
}

func (l *log) list(f audit.Filter) (rows []audit.Row) {
	l.t.Helper()
	err := l.db.Read(l.ctx, func(tx *sqlite.Tx) (err error) {
		rows, err = audit.List(l.ctx, tx, f)
		return err
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return rows
}

// exec changes the tables as somebody with the file in hand can.
func (l *log) exec(texts ...string) {
	l.t.Helper()
	err := l.db.Write(l.ctx, func(tx *sqlite.Tx) error {
		for _, text := range texts {
			if _, err := tx.ExecContext(l.ctx, text); err != nil {
				return fmt.Errorf("%s: %w", text, err)
			}
		}
		return nil
	})
	if err != nil {
		l.t.Fatal(err)
	}
}

func TestRowTellsWhoWhatWhen(t *testing.T) {
	t.Parallel()
	l := open(t)
	l.record("policy.approved", "policy/k1", audit.Image{"edition": 2, "way": "person"})
	rows := l.list(audit.Filter{})
	if len(rows) != 1 {
		t.Fatalf("%d rows, want 1", len(rows))
	}
	got := rows[0]
	if len(got.Hash) != 64 {
		t.Errorf("hash %q", got.Hash)
	}
	got.Hash, got.Prev = "", ""
	want := audit.Row{
		ID: 1, At: l.clock.Now(), Actor: "account/acc1", Via: "session", Request: "req1", Act: "policy.approved", Object: "policy/k1",
		After: `{"edition":2,"way":"person"}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
}

func TestRowsCannotBeChangedOrRemoved(t *testing.T) {
	t.Parallel()
	l := open(t)
	l.record("a", "o/1", nil)
	for _, text := range []string{"UPDATE audit_log SET act = 'b'", "DELETE FROM audit_log", "REPLACE INTO audit_log SELECT * FROM audit_log"} {
		err := l.db.Write(l.ctx, func(tx *sqlite.Tx) error {
			_, err := tx.ExecContext(l.ctx, text)
			return err
		})
		if err == nil {
			t.Errorf("%s went through", text)
		}
	}
	if n, err := l.verify(); n != 1 || err != nil {
		t.Errorf("verify: %d rows, %v", n, err)
	}
}

func TestVerifyNamesTheFirstBrokenRow(t *testing.T) {
	t.Parallel()
	const unlock, unlockDelete = "DROP TRIGGER audit_log_no_update", "DROP TRIGGER audit_log_no_delete"
	tests := []struct {
		name   string
		tamper []string
		row    int64 // 0: nothing is found
	}{
		{"untouched", nil, 0},
		{"act", []string{unlock, "UPDATE audit_log SET act = 'x' WHERE id = 2"}, 2},
		{"actor", []string{unlock, "UPDATE audit_log SET actor = 'account/other' WHERE id = 3"}, 3},
		{"time", []string{unlock, "UPDATE audit_log SET at = at - 86400000 WHERE id = 2"}, 2},
		{"request", []string{unlock, "UPDATE audit_log SET request = '' WHERE id = 2"}, 2},
		{"after-image", []string{unlock, `UPDATE audit_log SET after = '{"n":9}' WHERE id = 2`}, 2},
		{"a border moved between two fields", []string{unlock, "UPDATE audit_log SET act = 'act2o', object = '/2' WHERE id = 2"}, 2},
		{"own hash", []string{unlock, "UPDATE audit_log SET hash = upper(hash) WHERE id = 2"}, 2},
		{"several: the first", []string{unlock, "UPDATE audit_log SET act = 'x' WHERE id >= 2"}, 2},
		{"a row taken out", []string{unlockDelete, "DELETE FROM audit_personal WHERE row = 2", "DELETE FROM audit_log WHERE id = 2"}, 3},
		{"the first row taken out", []string{unlockDelete, "DELETE FROM audit_personal WHERE row = 1", "DELETE FROM audit_log WHERE id = 1"}, 2},
		{"a row put in", []string{"INSERT INTO audit_log (at, actor, via, act, object, after, prev_hash, hash) SELECT at, actor, via, act, object, after, hash, 'made up' FROM audit_log WHERE id = 4"}, 5},
		{"a name beside the log", []string{"UPDATE audit_personal SET value = '別人' WHERE row = 3"}, 3},
		{"a name under another field", []string{"UPDATE audit_personal SET field = 'n' WHERE row = 3"}, 3},
		{"names erased", []string{"DELETE FROM audit_personal"}, 0},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			l := open(t)
			for i := range 4 {
				l.record(fmt.Sprintf("act%d", i+1), fmt.Sprintf("o/%d", i+1), audit.Image{"n": i, "name": audit.Personal("山田")})
			}
			l.exec(tc.tamper...)
			_, err := l.verify()
			if tc.row == 0 {
				if err != nil {
					t.Fatalf("verify: %v", err)
				}
				return
			}
			all := problem.All(err)
			if len(all) != 1 || all[0].Code != problem.CodeConflict || all[0].Key != "audit.broken" || all[0].Args["row"] != tc.row {
				t.Errorf("verify: %v %v, want row %d named", err, all, tc.row)
			}
		})
	}
}

func TestChainGoesOnAcrossTransactionsAndWithinOne(t *testing.T) {
	t.Parallel()
	l := open(t)
	for range 3 {
		err := l.db.Write(l.ctx, func(tx *sqlite.Tx) error {
			for i := range 3 {
				if err := audit.Record(l.ctx, tx, "a", fmt.Sprintf("o/%d", i), nil); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	failed := errors.New("failed")
	err := l.db.Write(l.ctx, func(tx *sqlite.Tx) error {
		return errors.Join(audit.Record(l.ctx, tx, "lost", "o/9", nil), failed)
	})
	if !errors.Is(err, failed) {
		t.Fatal(err)
	}
	l.record("b", "o/1", nil)
	if n, err := l.verify(); n != 10 || err != nil {
		t.Errorf("verify: %d rows, %v; want 10", n, err)
	}
}

func TestPersonalValuesStandBesideTheLog(t *testing.T) {
	t.Parallel()
	l := open(t)
	image := audit.Image{"class": "employee", "name": audit.Personal("山田太郎")}
	l.record("people.added", "people/1", image)
	l.record("people.added", "people/2", image)
	rows := l.list(audit.Filter{})
	for _, r := range rows {
		if strings.Contains(r.After, "山田") {
			t.Errorf("the name stands in row %d: %s", r.ID, r.After)
		}
		var after map[string]string
		if err := json.Unmarshal([]byte(r.After), &after); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(after["name"], "sha256:") || len(after["name"]) != len("sha256:")+64 {
			t.Errorf("name in row %d: %q", r.ID, after["name"])
		}
	}
	if rows[0].After == rows[1].After {
		t.Error("one name gives one hash: names can be compared without the salt")
	}
	if string(image["name"].(audit.Personal)) != "山田太郎" {
		t.Error("the image of the caller was changed")
	}
}

func TestPersonalValuesDeeperDownAreRefused(t *testing.T) {
	t.Parallel()
	l := open(t)
	for name, image := range map[string]audit.Image{
		"in a list": {"names": []audit.Personal{"山田"}},
		"in a map":  {"row": map[string]any{"name": audit.Personal("山田")}},
	} {
		err := l.db.Write(l.ctx, func(tx *sqlite.Tx) error { return audit.Record(l.ctx, tx, "a", "o/1", image) })
		if err == nil {
			t.Errorf("%s: written in the clear", name)
		}
	}
	if rows := l.list(audit.Filter{}); len(rows) != 0 {
		t.Errorf("rows %v", rows)
	}
}

func TestClockSetBack(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		by   time.Duration
		code problem.Code
	}{
		{"a correction of the time server", -10 * time.Minute, ""},
		{"more than that", -10*time.Minute - time.Millisecond, problem.CodeUnavailable},
		{"a year", -365 * 24 * time.Hour, problem.CodeUnavailable},
		{"forward", 24 * time.Hour, ""},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			l := open(t)
			l.record("a", "o/1", nil)
			l.clock.Advance(tc.by)
			err := l.db.Write(l.ctx, func(tx *sqlite.Tx) error { return audit.Record(l.ctx, tx, "b", "o/1", nil) })
			if got := problem.CodeOf(err); got != tc.code {
				t.Errorf("code %q (%v), want %q", got, err, tc.code)
			}
			if _, err := l.verify(); err != nil {
				t.Errorf("verify: %v", err)
			}
		})
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	l := open(t)
	for i := range 6 {
		l.record("a", []string{"policy/1", "people/1", "policy_x/1"}[i%3], nil)
	}
	tests := []struct {
		name   string
		filter audit.Filter
		want   []int64
	}{
		{"all, newest first", audit.Filter{}, []int64{6, 5, 4, 3, 2, 1}},
		{"of one sort of object", audit.Filter{Object: "policy/"}, []int64{4, 1}},
		{"signs of LIKE mean themselves", audit.Filter{Object: "policy%"}, nil},
		{"a page", audit.Filter{Before: 5, Limit: 2}, []int64{4, 3}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var got []int64
			for _, r := range l.list(tc.filter) {
				got = append(got, r.ID)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
		})
	}
}
