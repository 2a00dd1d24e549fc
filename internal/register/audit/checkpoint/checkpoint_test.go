package checkpoint_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/secret"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite/sqlitetest"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/audit/checkpoint"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

type office struct {
	t     *testing.T
	ctx   context.Context
	clock *sqlitetest.Clock
	db    *sqlite.DB
	svc   *checkpoint.Service
	mails []string
	fail  error // of the mail queue
}

func open(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, clock: sqlitetest.NewClock("2026-11-23"), ctx: actor.With(t.Context(), actor.House())}
	o.db = sqlitetest.Open(t, o.clock, audit.Migrations())
	dir := t.TempDir()
	box, err := secret.Open(dir, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	o.svc = checkpoint.New(o.db, checkpoint.Config{
		Seal: box, Rand: rand.Reader, Dir: dir, Text: func(key string, _ problem.Args) string { return key },
		Mail: func(_ context.Context, _ *sqlite.Tx, to, subject, _ string, attachment []byte) error {
			if o.fail == nil {
				o.mails = append(o.mails, to+" "+subject+" "+string(attachment))
			}
			return o.fail
		},
	})
	o.act(3)
	return o
}

// act writes n rows.
func (o *office) act(n int) {
	o.t.Helper()
	err := o.db.Write(o.ctx, func(tx *sqlite.Tx) error {
		for i := range n {
			if err := audit.Record(o.ctx, tx, "a", fmt.Sprintf("o/%d", i), audit.Image{"n": i}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) make() checkpoint.Kept {
	o.t.Helper()
	k, err := o.svc.Make(o.ctx)
	if err != nil {
		o.t.Fatal(err)
	}
	return k
}

func (o *office) exec(statements ...string) {
	o.t.Helper()
	err := o.db.Write(o.ctx, func(tx *sqlite.Tx) error {
		for _, text := range statements {
			if _, err := tx.ExecContext(o.ctx, text); err != nil {
				return fmt.Errorf("%s: %w", text, err)
			}
		}
		return nil
	})
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) status() (st checkpoint.Status) {
	o.t.Helper()
	err := o.db.Read(o.ctx, func(tx *sqlite.Tx) (err error) { st, err = o.svc.Status(o.ctx, tx); return err })
	if err != nil {
		o.t.Fatal(err)
	}
	return st
}

func (o *office) verify() (n int, err error) {
	rerr := o.db.Read(o.ctx, func(tx *sqlite.Tx) error {
		if _, err = audit.Verify(o.ctx, tx); err == nil {
			n, err = checkpoint.Verify(o.ctx, tx)
		}
		return nil
	})
	return n, errors.Join(err, rerr)
}

func (o *office) outside(note string, keys ...string) error {
	return o.db.Read(o.ctx, func(tx *sqlite.Tx) error {
		_, err := checkpoint.VerifyOutside(o.ctx, tx, []byte(note), keys)
		return err
	})
}

func keyOf(err error) string {
	if all := problem.All(err); len(all) > 0 {
		return all[0].Key
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func TestANoteIsWhatTheSpecificationSays(t *testing.T) {
	t.Parallel()
	o := open(t)
	k := o.make()
	lines := strings.Split(k.Note, "\n")
	if len(lines) != 8 || !strings.HasPrefix(lines[0], "kizuki-audit/") || lines[1] != "4" || len(lines[2]) != 44 || lines[3] != "kizuki-chain/1" ||
		lines[4] != "time 2026-11-23T03:00:00.000Z" || lines[5] != "" || !strings.HasPrefix(lines[6], "— "+lines[0]+" ") || lines[7] != "" {
		t.Errorf("note:\n%s", k.Note) // row 4 is the making of the key
	}
	c, signed, err := checkpoint.Open([]byte(k.Note), []string{o.status().VKey()})
	if err != nil || c.Size != 4 || len(signed) != 1 || !c.At.Equal(k.At) {
		t.Errorf("open: %+v, %v, %v", c, signed, err)
	}
	if n, err := o.verify(); n != 1 || err != nil {
		t.Errorf("verify: %d, %v", n, err)
	}
	if _, _, err := checkpoint.Open([]byte("\uFEFF"+strings.ReplaceAll(k.Note, "\n", "\r\n")), []string{o.status().VKey()}); err != nil {
		t.Errorf("as an editor on Windows leaves it: %v", err)
	}
}

func TestForgedNotesAreRefused(t *testing.T) {
	t.Parallel()
	o, other := open(t), open(t)
	k, foreign := o.make(), other.make()
	o.act(5)
	lines := strings.SplitAfter(k.Note, "\n")
	tests := []struct{ name, note, want string }{
		{"as it was given", k.Note, ""},
		{"another size", strings.Replace(k.Note, "\n4\n", "\n5\n", 1), "checkpoint.forged"},
		{"another root", strings.Replace(k.Note, lines[2], strings.Replace(lines[2], lines[2][:1], map[bool]string{true: "B", false: "A"}[lines[2][0] == 'A'], 1), 1), "checkpoint.forged"},
		{"another time", strings.Replace(k.Note, "T03:", "T04:", 1), "checkpoint.forged"},
		{"signature cut", strings.Join(lines[:6], ""), "checkpoint.not_one"},
		{"of another office", foreign.Note, "checkpoint.unknown_key"},
		{"signature of another", strings.Join(lines[:6], "") + strings.SplitAfter(foreign.Note, "\n")[6], "checkpoint.unknown_key"},
		{"no note", "hello", "checkpoint.not_one"},
		{"nothing", "", "checkpoint.not_one"},
		{"far too long", strings.Repeat("x\n", checkpoint.MaxBytes), "checkpoint.not_one"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := keyOf(o.outside(tc.note)); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
	if got := keyOf(o.outside(k.Note, other.status().VKey())); got != "checkpoint.unknown_key" {
		t.Errorf("with the key of another office: %q", got)
	}
	if got := keyOf(o.outside(k.Note, "nonsense")); got != "checkpoint.bad_key" {
		t.Errorf("with a key that is none: %q", got)
	}
}

// TestWhoHoldsTheFile plays somebody who holds the folder, key and all, but not the notes outside.
func TestWhoHoldsTheFile(t *testing.T) {
	t.Parallel()
	unlock := []string{"DROP TRIGGER audit_log_no_update", "DROP TRIGGER audit_log_no_delete"}
	t.Run("cuts the newest rows off", func(t *testing.T) {
		t.Parallel()
		o := open(t)
		o.make()
		o.act(4)
		outside := o.make()
		o.exec(append(unlock, "DELETE FROM audit_checkpoints WHERE size > 5", "DELETE FROM audit_log WHERE id > 5")...)
		if _, err := o.verify(); err != nil {
			t.Fatalf("the shortened log is whole in itself: %v", err)
		}
		if got := keyOf(o.outside(outside.Note)); got != "checkpoint.log_short" {
			t.Errorf("outside: %q", got)
		}
	})
	t.Run("writes the whole log anew and signs it", func(t *testing.T) {
		t.Parallel()
		o := open(t)
		outside := o.make()
		o.exec(append(unlock, "DELETE FROM audit_checkpoints", "DELETE FROM audit_log")...)
		o.act(10) // a history more to their taste
		o.make()
		if _, err := o.verify(); err != nil {
			t.Fatalf("the new log is whole in itself: %v", err)
		}
		if got := keyOf(o.outside(outside.Note)); got != "checkpoint.off_chain" {
			t.Errorf("outside: %q", got)
		}
	})
	t.Run("takes a new key, too", func(t *testing.T) {
		t.Parallel()
		o := open(t)
		outside, paper := o.make(), o.status().VKey()
		o.exec(append(unlock, "DELETE FROM audit_checkpoints", "DELETE FROM audit_log", "DELETE FROM audit_keys")...)
		o.act(10)
		o.make()
		if got := keyOf(o.outside(outside.Note)); got != "checkpoint.unknown_key" {
			t.Errorf("outside: %q", got)
		}
		if got := keyOf(o.outside(outside.Note, paper)); got != "checkpoint.other_log" {
			t.Errorf("outside, with the key from paper: %q", got)
		}
	})
	t.Run("slips a key in", func(t *testing.T) {
		t.Parallel()
		o, other := open(t), open(t)
		o.make()
		o.exec("INSERT INTO audit_keys (vkey, sealed, made_at) VALUES ('" + other.status0() + "', '', 0)")
		if _, err := o.verify(); keyOf(err) != "checkpoint.key_not_crossed" {
			t.Errorf("verify: %v", err)
		}
	})
}

// status0 is the key of an office that has just begun.
func (o *office) status0() string {
	o.t.Helper()
	if err := o.svc.Begin(o.ctx); err != nil {
		o.t.Fatal(err)
	}
	return o.status().VKey()
}

func TestABrokenLogIsNotSigned(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.exec("DROP TRIGGER audit_log_no_update", "UPDATE audit_log SET act = 'x' WHERE id = 2")
	if _, err := o.svc.Make(o.ctx); keyOf(err) != "audit.broken" {
		t.Errorf("make: %v", err)
	}
}

func TestChangeOfKeyIsCrossSigned(t *testing.T) {
	t.Parallel()
	o := open(t)
	first := o.make()
	old := o.status().VKey()
	if _, err := o.svc.ChangeKey(actor.With(o.t.Context(), actor.New(actor.Actor{Account: "a", Via: "session"}, nil))); problem.CodeOf(err) != problem.CodeForbidden {
		t.Errorf("by somebody without permission: %v", err)
	}
	key, err := o.svc.ChangeKey(o.ctx)
	if err != nil {
		t.Fatal(err)
	}
	o.act(1)
	last := o.make()
	if n, err := o.verify(); n != 3 || err != nil {
		t.Errorf("verify: %d, %v", n, err)
	}
	for _, note := range []string{first.Note, last.Note} {
		if err := o.outside(note); err != nil {
			t.Error(err)
		}
	}
	_, signed, err := checkpoint.Open([]byte(o.status().Recent[1].Note), []string{old, key.VKey})
	if err != nil || len(signed) != 2 {
		t.Errorf("the checkpoint of the change: %v, %v", signed, err)
	}
}

func TestTickKeepsOutside(t *testing.T) {
	t.Parallel()
	o := open(t)
	usb := filepath.Join(t.TempDir(), "usb")
	setting := checkpoint.Setting{Hour: 1, Every: 1, Folder: usb, Mail: "kansa@example.jp", Print: true}
	if err := o.svc.SaveSetting(o.ctx, setting); keyOf(err) != "checkpoint.folder_missing" {
		t.Errorf("folder that is not there: %v", err)
	}
	if err := os.Mkdir(usb, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := o.svc.SaveSetting(o.ctx, setting); err != nil {
		t.Fatal(err)
	}
	tick := func() {
		t.Helper()
		if err := o.svc.Tick(o.ctx); err != nil {
			t.Fatal(err)
		}
	}
	tick()
	tick() // nothing is due
	files, _ := filepath.Glob(filepath.Join(usb, "*"))
	if len(files) != 1 || len(o.mails) != 1 || !strings.HasPrefix(o.mails[0], "kansa@example.jp ") {
		t.Fatalf("files %v, mails %v", files, o.mails)
	}
	data, err := os.ReadFile(files[0])
	if err != nil || o.outside(string(data)) != nil {
		t.Errorf("the file: %v, %v", err, o.outside(string(data)))
	}
	if late := o.status().Late; len(late) != 0 {
		t.Errorf("late at once: %v", late)
	}
	if err := os.Rename(usb, usb+"-away"); err != nil { // the stick is pulled out
		t.Fatal(err)
	}
	o.fail = errors.New("queue full")
	o.clock.Advance(24 * time.Hour)
	if err := o.svc.Tick(o.ctx); err == nil {
		t.Error("a mail that cannot be queued is no error")
	}
	ways := map[string]string{}
	for _, w := range o.status().Ways {
		ways[w.Name] = w.Failure
	}
	if ways["file"] != "checkpoint.folder_missing" || ways["mail"] != "checkpoint.mail_failed" {
		t.Errorf("failures %v", ways)
	}
	if err := os.Rename(usb+"-away", usb); err != nil {
		t.Fatal(err)
	}
	o.fail = nil
	tick()
	if files, _ = filepath.Glob(filepath.Join(usb, "*")); len(files) != 2 || len(o.mails) != 2 {
		t.Errorf("after the next try: files %v, %d mails", files, len(o.mails))
	}
}

func TestLate(t *testing.T) {
	t.Parallel()
	o := open(t)
	late := func() string {
		var out []string
		for _, l := range o.status().Late {
			out = append(out, strings.TrimSpace(l.What+" "+l.On.String()))
		}
		return strings.Join(out, ", ")
	}
	if got := late(); got != "nowhere" {
		t.Errorf("with no way: %s", got)
	}
	if err := o.svc.SaveSetting(o.ctx, checkpoint.Setting{Hour: 1, Every: 1, Print: true}); err != nil {
		t.Fatal(err)
	}
	k := o.make()
	if got := late(); got != "" {
		t.Errorf("fresh: %s", got)
	}
	o.clock.SetDay("2027-01-05")
	if got := late(); got != "make 2026-11-25, print 2026-12-28" {
		t.Errorf("after six weeks: %s", got)
	}
	if err := o.svc.Printed(o.ctx, k.Size); err != nil {
		t.Fatal(err)
	}
	if got := late(); got != "make 2026-11-25" {
		t.Errorf("after printing: %s", got)
	}
	if err := o.svc.Printed(o.ctx, 999); problem.CodeOf(err) != problem.CodeNotFound {
		t.Errorf("of no checkpoint: %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	const vkey = "kizuki-audit/x+1c5ac5a5+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	f.Add([]byte("kizuki-audit/x\n4\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nkizuki-chain/1\ntime 2026-11-23T03:00:00.000Z\n\n— kizuki-audit/x AAAAAAAA\n"), vkey)
	f.Add([]byte("a\n-1\n\n\n\n— a b\n"), "a+00000000+AQ==")
	f.Add([]byte(""), "")
	f.Fuzz(func(t *testing.T, data []byte, key string) {
		c, signed, err := checkpoint.Open(data, []string{key})
		if err == nil {
			if len(signed) == 0 {
				t.Fatal("fine without a signature")
			}
			text, terr := c.Text()
			if terr != nil || c.Size < 1 || !strings.HasPrefix(string(data), strings.SplitAfter(text, "\n")[0]) {
				t.Fatalf("%+v: %v", c, terr)
			}
			return
		}
		if len(problem.All(err)) == 0 {
			t.Fatalf("an error that is no problem: %v", err)
		}
	})
}
