package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/due"
	"github.com/kizuki-security/kizuki/internal/register/outbox"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

func (o *office) duty(key, on, person string) due.Duty {
	return due.Duty{Key: key, Text: "test.duty", Args: problem.Args{"title": key}, Link: "/x/" + key, On: o.Day(on), Person: person}
}

// digests makes the digests of a day and sends them; it returns who got one.
func (o *office) digests(day string) (got []string) {
	o.T.Helper()
	before := len(o.mail.Received())
	posts := len(o.chat.posts)
	o.Must(o.svc.Digests(o.T.Context(), o.Day(day)))
	o.run()
	for _, m := range o.mail.Received()[before:] {
		got = append(got, strings.TrimSuffix(m.To, "@kojo.example"))
	}
	for range o.chat.posts[posts:] {
		got = append(got, "chat")
	}
	slices.Sort(got)
	return got
}

// TestDigest: one a day at most, only when there is something new, due within a week or overdue.
func TestDigest(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.useMail()
	o.useChat(true)
	far := o.duty("far", "2027-03-31", "")
	o.duties["sato"] = []due.Duty{far}
	o.duties["genba"] = []due.Duty{o.duty("own", "2026-11-25", "")} // no address
	o.duties[""] = []due.Duty{o.duty("of-suzuki", "2026-11-25", "p-suzuki")}
	for _, step := range []struct {
		what, day string
		change    func()
		want      []string
	}{
		{"something new", "2026-11-24", nil, []string{"sato"}},
		{"the same day again", "2026-11-24", func() { o.duties["sato"] = append(o.duties["sato"], o.duty("new", "", "")) }, nil},
		{"the day before, by a clock that jumped", "2026-11-23", nil, nil},
		{"the new one, a day later", "2026-11-25", nil, []string{"sato"}},
		{"nothing new", "2026-11-26", nil, nil},
		{"due in a week", "2026-11-27", func() { o.duties["suzuki"] = []due.Duty{o.duty("soon", "2026-12-04", "p-suzuki")} }, []string{"suzuki"}},
		{"a Saturday", "2026-11-28", nil, nil},
		{"a Monday", "2026-11-30", nil, []string{"suzuki"}},
		{"not wanted", "2026-12-01", func() {
			who := actor.With(t.Context(), actor.Actor{Account: "suzuki", Via: "session"})
			o.Must(o.svc.SaveWishes(who, outbox.Wishes{Lang: "ja"}))
		}, nil},
		{"for the company", "2026-12-02", func() { o.duties[""] = append(o.duties[""], o.duty("company", "2026-12-01", "")) }, []string{"chat"}},
		{"nothing to do", "2026-12-03", func() { clear(o.duties) }, nil},
	} {
		if step.change != nil {
			step.change()
		}
		if diff := cmp.Diff(step.want, o.digests(step.day)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.what, diff)
		}
	}
	if p := o.chat.posts[0]; strings.Contains(p, "of-suzuki") || !strings.Contains(p, "「company」を見直す（期限を1日過ぎています：2026-12-01）") {
		t.Errorf("posted %s", p)
	}
	o.Read(func(ctx context.Context, tx *sqlite.Tx) error {
		names, err := o.svc.Unreached(ctx, tx)
		if diff := cmp.Diff([]string{"genbaさん"}, names); diff != "" {
			t.Errorf("not reached (-want +got):\n%s", diff)
		}
		return err
	})
}

// TestDigestText is what a person reads, whole.
func TestDigestText(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.useMail()
	o.duties["sato"] = []due.Duty{o.duty("A", "2026-11-20", ""), o.duty("B", "2026-11-24", ""), o.duty("C", "2026-11-27", ""), o.duty("D", "", "")}
	for n := range 14 {
		o.duties["sato"] = append(o.duties["sato"], o.duty(fmt.Sprint("E", n), "", ""))
	}
	if got := o.digests(day); len(got) != 1 {
		t.Fatal(got)
	}
	m := o.mail.Received()[0].Parsed(t)
	body, err := io.ReadAll(decoded(m))
	o.Must(err)
	if got := subject(t, m); got != "今日やること 18件（うち期限切れ 1件）" {
		t.Errorf("subject %q", got)
	}
	text := strings.ReplaceAll(string(body), "\r\n", "\n")
	for _, part := range []string{
		"satoさん 様\n\n急ぐものから順に並べています。\n\n・「A」を見直す（期限を4日過ぎています：2026-11-20）\n  http://localhost:8600/x/A\n・「B」を見直す（今日まで）\n",
		"・「C」を見直す（あと3日：2026-11-27）\n  http://localhost:8600/x/C\n・「D」を見直す\n", "・ほか3件\n\nきづきで開く\nhttp://localhost:8600/today\n\n-- \n受け取り方を変える：http://localhost:8600/me/messages\n見本製作所",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
}

// TestDigestOfOthersGoesOn: a source of duties that fails for one person is told, and the others get theirs.
func TestDigestOfOthersGoesOn(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.useMail()
	o.duties["suzuki"] = []due.Duty{{Key: "bad", Text: "no.such", Args: nil}}
	o.duties["sato"] = []due.Duty{o.duty("A", day, "")}
	if got := o.digests(day); len(got) != 2 { // an unknown text is shown in brackets, as on pages
		t.Error(got)
	}
}

// TestKilled kills the process between the answer of the mail server and the note of it, again and again: every
// message arrives at least once, and every row says sent.
func TestKilled(t *testing.T) {
	t.Parallel()
	if os.Getenv("KIZUKI_OUTBOX_DIR") != "" {
		return // the process runs TestKilledChild only
	}
	o := open(t)
	o.useMail()
	const messages = 8
	for n := range messages {
		o.send(outbox.Message{Address: fmt.Sprintf("p%d@kojo.example", n)})
	}
	file := filepath.Join(o.dir, "k.db")
	o.Must(o.DB.CopyTo(t.Context(), file))
	var child atomic.Pointer[os.Process]
	var taken, kills atomic.Int32
	o.mail.Refuse = func(command, _ string) error {
		if p := child.Load(); command == "DATA" && p != nil && taken.Add(1)%2 == 0 {
			kills.Add(1)
			return p.Kill() // SIGKILL; the mail has arrived and the child does not know
		}
		return nil
	}
	for range 3 * messages {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledChild$")
		cmd.Env = append(os.Environ(), "KIZUKI_OUTBOX_DIR="+o.dir)
		var out strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &out
		o.Must(cmd.Start())
		child.Store(cmd.Process)
		err := cmd.Wait()
		if err == nil {
			break
		}
		if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() > 0 {
			t.Fatalf("%v\n%s", err, out.String())
		}
	}
	arrived := map[string]int{}
	for _, m := range o.mail.Received() {
		arrived[m.To]++
	}
	for n := range messages {
		if arrived[fmt.Sprintf("p%d@kojo.example", n)] == 0 {
			t.Errorf("message %d never arrived", n)
		}
	}
	db, err := sqlite.Open(t.Context(), file, o.Clock.Now)
	o.Must(err)
	o.DB = db
	for _, s := range o.states() {
		if !strings.HasPrefix(s, "sent ") {
			t.Errorf("state %s", s)
		}
	}
	o.Must(db.Close())
	if n := kills.Load(); n < messages/2 {
		t.Errorf("the process was killed %d times only", n)
	}
}

// TestKilledChild is the process that TestKilled starts.
func TestKilledChild(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("KIZUKI_OUTBOX_DIR")
	if dir == "" {
		return // only as the process that TestKilled starts
	}
	o := open(t)
	o.dir = dir
	db, err := sqlite.Open(t.Context(), filepath.Join(dir, "k.db"), o.Clock.Now)
	o.Must(err)
	o.DB = db
	o.build(t, db)
	for range 200 { // the waits of what was interrupted
		o.run()
		o.Clock.Advance(time.Hour)
	}
	o.Must(db.Close())
}
