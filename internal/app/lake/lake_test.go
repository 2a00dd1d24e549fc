package lake_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/app/lake"
	"github.com/kizuki-security/kizuki/internal/logs/scan"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// bench is a data folder with a clock, and what was told of acts.
type bench struct {
	t      *testing.T
	dir    string
	mu     sync.Mutex
	now    time.Time
	acts   []lake.Act
	refuse error // told acts are refused with it
}

func newBench(t *testing.T) *bench {
	t.Helper()
	return &bench{t: t, dir: t.TempDir(), now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)}
}

func (b *bench) config() lake.Config {
	return lake.Config{
		Dir: b.dir, Rand: rand.Reader, Make: true,
		Now: func() time.Time {
			b.mu.Lock()
			defer b.mu.Unlock()
			return b.now
		},
		Note: func(_ context.Context, a lake.Act) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.acts = append(b.acts, a)
			return b.refuse
		},
	}
}

func (b *bench) later(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

// told gives the acts that were told since the last call, as words.
func (b *bench) told() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for _, a := range b.acts {
		word := a.Act
		if a.Undone {
			word += " undone"
		}
		out = append(out, word)
	}
	b.acts = nil
	return strings.Join(out, ", ")
}

func (b *bench) open() *lake.Lake {
	b.t.Helper()
	l, err := lake.Open(b.t.Context(), b.config())
	if err != nil {
		b.t.Fatal(err)
	}
	return l
}

func (b *bench) reader() *lake.Reader {
	b.t.Helper()
	r, err := lake.OpenReader(b.config())
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		if err := r.Close(); err != nil {
			b.t.Error(err)
		}
	})
	return r
}

func (b *bench) done(l *lake.Lake) {
	b.t.Helper()
	if err := l.Close(); err != nil {
		b.t.Fatal(err)
	}
}

// take imports numbered lines as a source.
func (b *bench) take(l *lake.Lake, source string, from, n int) {
	b.t.Helper()
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "line %d of %s\n", from+i, source)
	}
	name := filepath.Join(b.t.TempDir(), fmt.Sprintf("%s-%d.log", source, from))
	if err := os.WriteFile(name, []byte(text.String()), 0o600); err != nil {
		b.t.Fatal(err)
	}
	err := l.Import(b.t.Context(), []scan.File{{Path: name, Size: int64(text.Len())}}, lake.ImportOptions{
		Source: source, File: func(f *lake.Imported) error {
			if f.State != lake.Done || f.Kept != uint64(n) {
				b.t.Errorf("imported %+v", f)
			}
			return nil
		},
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

func count(t *testing.T, r *lake.Reader, text string) int64 {
	t.Helper()
	q, err := lake.Question{Text: text + " | count", Now: time.Now(), Zone: time.UTC}.Parse()
	if err != nil {
		t.Fatal(err)
	}
	res, err := r.Ask(t.Context(), q, 0, nil)
	if err != nil || res.Partial() {
		t.Fatal(res, err)
	}
	return res.Count
}

// Beside the process that writes: questions, figures, proofs and checks work, and acts wait or are refused.
func TestReaderBesideAWriter(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if _, err := lake.OpenReader(b.config()); problem.CodeOf(err) != problem.CodeNotFound {
		t.Errorf("a reader where there is no lake: %v", err)
	}
	l := b.open()
	defer b.done(l)
	b.take(l, "fw", 0, 300)
	if err := l.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.take(l, "fw", 300, 40)
	r := b.reader()
	if n := count(t, r, "source=fw"); n != 340 {
		t.Errorf("%d lines, want 340", n)
	}
	if s := r.Stats(); s.SealedRows != 300 || s.HotRows != 40 || s.Sources[0].Last != 340 || s.Sources[0].From == 0 {
		t.Errorf("stats %+v", s)
	}
	b.take(l, "fw", 340, 10)
	if n := count(t, r, "source=fw"); n != 340 {
		t.Errorf("%d lines before Refresh, want 340", n)
	}
	if err := r.Refresh(); err != nil {
		t.Fatal(err)
	}
	if n := count(t, r, "source=fw"); n != 350 {
		t.Errorf("%d lines after Refresh, want 350", n)
	}
	last := 0
	check, err := r.Verify(t.Context(), lake.VerifyOptions{Progress: func(done, total int) {
		if done < last || done > total {
			t.Errorf("progress %d of %d after %d", done, total, last)
		}
		last = done
	}})
	if err != nil || !check.Good() || check.Hot != 50 || check.Sources[0].Signed != 300 || last != 600 {
		t.Errorf("check %+v, %v, progress to %d", check, err, last)
	}
	if _, record, err := r.Prove("fw", 17); err != nil || record.Seq != 17 {
		t.Errorf("proof: %v", err)
	}
	if _, _, err := r.Prove("fw", 345); problem.CodeOf(err) != problem.CodeNotFound {
		t.Errorf("proof of a line that is not sealed: %v", err)
	}
	if _, err := lake.Open(t.Context(), b.config()); problem.CodeOf(err) != problem.CodeUnavailable {
		t.Errorf("a second writer: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Verify(ctx, lake.VerifyOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a check that was stopped: %v", err)
	}
}

// A reader goes on while everything it knew is merged and deleted, and its copies hold each line once.
func TestReaderWhileFilesGo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	l := b.open()
	for i := range 4 {
		b.take(l, "web", 100*i, 100)
		if err := l.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	r := b.reader()
	b.later(24 * time.Hour)
	b.take(l, "fw", 0, 10)
	if err := l.Settle(t.Context()); err != nil { // merges yesterday
		t.Fatal(err)
	}
	target, lines := t.TempDir(), 0
	err := r.CopySealed(t.Context(), time.Time{}, time.Time{}, "web", target, func(c lake.Copied) error {
		lines += c.Records
		_, err := os.Stat(filepath.Join(target, filepath.FromSlash(c.File)))
		return err
	})
	if err != nil || lines != 400 {
		t.Errorf("%d lines were copied: %v", lines, err)
	}
	if err := l.SetDays(t.Context(), lake.Change{Days: 5, Why: "test"}); err != nil {
		t.Fatal(err)
	}
	b.later(9 * 24 * time.Hour)
	if err := l.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if tombs, err := l.Expire(t.Context(), "sato", "test", true); err != nil || len(tombs) != 2 {
		t.Fatalf("deleted %+v, %v", tombs, err)
	}
	b.done(l)
	if _, _, err := r.Prove("web", 7); problem.CodeOf(err) != problem.CodeNotFound {
		t.Errorf("proof of a line that is deleted: %v", err)
	}
	check, err := r.Verify(t.Context(), lake.VerifyOptions{})
	if err != nil || !check.Good() || len(check.Sources) != 2 || len(check.Sources[1].Deleted) == 0 {
		t.Errorf("check %+v, %v", check, err)
	}
	if n := count(t, r, ""); n != 0 {
		t.Errorf("%d lines are there", n)
	}
}

// Acts are told before they are done; where that is refused, nothing is done, and what fails is told as undone.
func TestActsAreTold(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := t.Context()
	b.refuse = errors.New("the office is closed")
	l := b.open()
	if err := l.Import(ctx, nil, lake.ImportOptions{}); !errors.Is(err, b.refuse) {
		t.Errorf("a key without a trace: %v", err)
	}
	if _, err := os.Stat(filepath.Join(b.dir, "lake", "keys.json")); !os.IsNotExist(err) {
		t.Errorf("keys.json is there: %v", err)
	}
	if err := l.SetDays(ctx, lake.Change{Days: 5, Why: "test"}); !errors.Is(err, b.refuse) || l.Days("fw") != 0 {
		t.Errorf("set days: %v, now %d", err, l.Days("fw"))
	}
	if err := l.Hold(ctx, lake.NewHold{Name: "a", Why: "test"}); !errors.Is(err, b.refuse) || len(l.Holds()) != 0 {
		t.Errorf("hold: %v, now %v", err, l.Holds())
	}
	if got := b.told(); got != "key_created, retention_set, hold_added" {
		t.Errorf("told %s", got)
	}
	b.refuse = nil
	b.take(l, "web", 0, 30)
	for _, err := range []error{
		l.Settle(ctx), l.SetDays(ctx, lake.Change{Days: 5, Why: "test"}), l.Hold(ctx, lake.NewHold{Name: "a", Why: "test"}), l.Release(ctx, "a"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Release(ctx, "a"); problem.CodeOf(err) != problem.CodeNotFound {
		t.Errorf("lift what is lifted: %v", err)
	}
	if got := b.told(); got != "key_created, import_begun, imported, signed, retention_set, hold_added, hold_removed" {
		t.Errorf("told %s", got)
	}
	b.later(20 * 24 * time.Hour)
	if err := l.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Expire(ctx, "sato", "test", false); problem.CodeOf(err) != problem.CodeConflict { // the clock jumped
		t.Errorf("expire: %v", err)
	}
	if got := b.told(); got != "signed, deleted, deleted undone" {
		t.Errorf("told %s", got)
	}
	b.refuse = errors.New("the office is closed")
	if tombs, err := l.Expire(ctx, "sato", "test", true); !errors.Is(err, b.refuse) || len(tombs) != 0 || l.Stats().SealedRows != 30 {
		t.Errorf("expire: %v, %v", tombs, err)
	}
	b.refuse = nil
	b.told()
	if tombs, err := l.Expire(ctx, "sato", "test", true); err != nil || len(tombs) != 1 {
		t.Errorf("expire: %v, %v", tombs, err)
	}
	if got := b.told(); got != "deleted, signed" {
		t.Errorf("told %s", got)
	}
	if _, err := l.Expire(ctx, "sato", " ", true); problem.CodeOf(err) != problem.CodeInvalid {
		t.Errorf("delete without a reason: %v", err)
	}
	b.done(l)
}

// Retention: the newest change counts, a source's own before that of all, and -1 takes it away.
func TestRetention(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	l := b.open()
	defer b.done(l)
	set := func(source string, days int) {
		t.Helper()
		if err := l.SetDays(t.Context(), lake.Change{Source: source, Days: days, Why: "test", Who: "sato"}); err != nil {
			t.Fatal(err)
		}
	}
	set("", 30)
	set("fw", 5)
	if a, b, c := l.Days("fw"), l.Days("web"), l.Days(""); a != 5 || b != 30 || c != 30 {
		t.Errorf("days %d, %d, %d", a, b, c)
	}
	set("fw", 0)
	if d := l.Days("fw"); d != 0 {
		t.Errorf("for ever is %d days", d)
	}
	set("fw", -1)
	if d := b.reader().Days("fw"); d != 30 {
		t.Errorf("the rule of all others is %d days", d)
	}
	for _, bad := range []lake.Change{{Days: -1, Why: "x"}, {Days: 40_000, Why: "x"}, {Days: 3}, {Days: 3, Why: "x", Source: "Ü"}} {
		if err := l.SetDays(t.Context(), bad); problem.CodeOf(err) != problem.CodeInvalid {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if n := len(l.Changes()); n != 4 {
		t.Errorf("%d changes", n)
	}
	if err := os.WriteFile(filepath.Join(b.dir, "lake", "retention.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := lake.OpenReader(b.config()); problem.CodeOf(err) != problem.CodeUnavailable {
		t.Errorf("a damaged file of retention: %v", err)
	}
}

// A hold keeps what is over its time.
func TestHolds(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	l := b.open()
	defer b.done(l)
	b.take(l, "fw", 0, 20)
	b.take(l, "web", 0, 20)
	ctx := t.Context()
	hold := lake.NewHold{Name: "case-7", Source: "fw", Why: "調査", Who: "sato"}
	for _, err := range []error{l.SetDays(ctx, lake.Change{Days: 2, Why: "test"}), l.Hold(ctx, hold)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Hold(ctx, hold); problem.CodeOf(err) != problem.CodeConflict {
		t.Errorf("the same hold again: %v", err)
	}
	for _, bad := range []lake.NewHold{{Name: "Ü", Why: "x"}, {Name: "b"}, {Name: "b", Why: "x", From: b.now, To: b.now}} {
		if err := l.Hold(ctx, bad); problem.CodeOf(err) != problem.CodeInvalid {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	b.later(10 * 24 * time.Hour)
	if err := l.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	due := b.reader().Due()
	if len(due) != 2 || due[0].Held != 1 || due[0].Files != 0 || due[1].Rows != 20 {
		t.Errorf("due %+v", due)
	}
	tombs, err := l.Expire(ctx, "sato", "test", true)
	if err != nil || len(tombs) != 1 || tombs[0].Source != "web" {
		t.Errorf("deleted %+v, %v", tombs, err)
	}
	if err := l.Release(ctx, "case-7"); err != nil {
		t.Fatal(err)
	}
	if tombs, err := l.Expire(ctx, "sato", "test", true); err != nil || len(tombs) != 1 || tombs[0].Source != "fw" {
		t.Errorf("deleted %+v, %v", tombs, err)
	}
}

// A run of import that was killed is settled to the line by the next one.
func TestJournalAfterAKill(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	l := b.open()
	b.take(l, "fw", 0, 50)
	b.done(l)
	name := filepath.Join(b.dir, "lake", "imports")
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(strings.TrimSpace(string(data)), "\n")
	if len(lines) != 2 {
		t.Fatalf("the journal has %d lines", len(lines))
	}
	// As if killed: the end is missing, and half a line stands in its place.
	if err := os.WriteFile(name, []byte(lines[0]+lines[1][:20]), 0o600); err != nil {
		t.Fatal(err)
	}
	var begun struct{ File string }
	if err := json.Unmarshal([]byte(lines[0]), &begun); err != nil {
		t.Fatal(err)
	}
	l = b.open()
	defer b.done(l)
	info, err := os.Stat(begun.File)
	if err != nil {
		t.Fatal(err)
	}
	var states []string
	for range 2 {
		err = l.Import(t.Context(), []scan.File{{Path: begun.File, Size: info.Size()}}, lake.ImportOptions{
			Source: "fw", File: func(f *lake.Imported) error {
				states = append(states, fmt.Sprint(f.State, f.Before, f.Kept))
				return nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(states, []string{"done50 0", "already0 0"}) {
		t.Errorf("got %v", states)
	}
	if n := count(t, b.reader(), ""); n != 50 {
		t.Errorf("%d lines", n)
	}
}

// The key from paper judges, not what the lake says of itself.
func TestKeyFromOutside(t *testing.T) {
	t.Parallel()
	one, two := newBench(t), newBench(t)
	keys := map[*bench]string{}
	for _, b := range []*bench{one, two} {
		l := b.open()
		b.take(l, "fw", 0, 300)
		if err := l.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		all, err := l.Keys()
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		keys[b] = all[0]
		b.done(l)
	}
	verify := func(b *bench, key string) *lake.Check {
		t.Helper()
		c, err := b.reader().Verify(t.Context(), lake.VerifyOptions{Key: key})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if c := verify(one, keys[one]); !c.Good() {
		t.Errorf("its own key: %+v", c)
	}
	if c := verify(one, keys[two]); c.Good() || !c.Sources[0].Foreign {
		t.Errorf("the key of another lake: %+v", c)
	}
	// Somebody makes the whole lake anew, with keys of their own.
	if err := os.RemoveAll(filepath.Join(one.dir, "lake")); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(one.dir, "lake"), os.DirFS(filepath.Join(two.dir, "lake"))); err != nil {
		t.Fatal(err)
	}
	if c := verify(one, ""); !c.Good() {
		t.Errorf("by its own keys: %+v", c)
	}
	if c := verify(one, keys[one]); c.Good() || !c.Sources[0].Foreign {
		t.Errorf("a lake made anew: %+v", c)
	}
	// Without what was signed, the key vouches for nothing.
	if err := os.RemoveAll(filepath.Join(one.dir, "lake", "proof")); err != nil {
		t.Fatal(err)
	}
	if c := verify(one, keys[two]); c.Good() || !c.Sources[0].Foreign {
		t.Errorf("a lake without proofs: %+v", c)
	}
	for _, bad := range []string{"x", keys[one][:len(keys[one])-2], strings.Replace(keys[one], "kizuki-lake/", "other/", 1)} {
		if _, err := two.reader().Verify(t.Context(), lake.VerifyOptions{Key: bad}); problem.CodeOf(err) != problem.CodeInvalid {
			t.Errorf("key %q: %v", bad, err)
		}
	}
}

// A tree that is damaged is judged all the same by a reader, and made whole by the next that signs.
func TestDamagedTree(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	l := b.open()
	b.take(l, "fw", 0, 600)
	if err := l.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.done(l)
	tree := filepath.Join(b.dir, "lake", "proof", "fw", "tree")
	if err := os.Truncate(tree, 20); err != nil {
		t.Fatal(err)
	}
	good := func(what string, signed uint64) {
		t.Helper()
		c, err := b.reader().Verify(t.Context(), lake.VerifyOptions{})
		if err != nil || !c.Good() || c.Sources[0].Signed != signed {
			t.Errorf("%s: %+v, %v", what, c, err)
		}
	}
	good("a damaged tree", 600)
	if info, err := os.Stat(tree); err != nil || info.Size() != 20 {
		t.Errorf("the reader wrote: %v %v", info, err)
	}
	l = b.open()
	b.take(l, "fw", 600, 300)
	if err := l.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a := l.Stats().Alarms; len(a) > 0 {
		t.Errorf("alarms %+v", a)
	}
	b.done(l)
	good("a tree made again", 900)
	if err := os.Remove(filepath.Join(b.dir, "lake", "keys.json")); err != nil {
		t.Fatal(err)
	}
	if c, err := b.reader().Verify(t.Context(), lake.VerifyOptions{}); err != nil || c.Good() {
		t.Errorf("without keys: %+v, %v", c, err)
	}
	l = b.open()
	if err := l.Import(t.Context(), nil, lake.ImportOptions{}); problem.CodeOf(err) != problem.CodeUnavailable {
		t.Errorf("a second key: %v", err)
	}
	b.done(l)
}

// While lines are taken in, sealed, merged and deleted, a check finds nothing wrong, and no line is there twice.
func TestVerifyBesideAWriter(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	l := b.open()
	b.take(l, "fw", 0, 300)
	if err := errors.Join(l.Settle(t.Context()), l.SetDays(t.Context(), lake.Change{Days: 2, Why: "test"})); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	checks, deleted := 0, 0
	var reader sync.WaitGroup
	reader.Go(func() {
		r, err := lake.OpenReader(b.config())
		if err != nil {
			t.Error(err)
			return
		}
		for ctx.Err() == nil || checks == 0 {
			c, err := r.Verify(context.Background(), lake.VerifyOptions{})
			if err != nil || !c.Good() {
				t.Errorf("check %d: %+v, %v", checks, c, err)
				break
			}
			for i := range c.Sources {
				deleted += min(len(c.Sources[i].Deleted), 1)
			}
			checks++
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	for round := 1; round <= 6; round++ {
		b.take(l, "fw", 300*round, 300)
		b.take(l, "web", 300*round, 20)
		if err := l.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.later(24 * time.Hour)
		if _, err := l.Expire(t.Context(), "sato", "test", true); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	reader.Wait()
	b.done(l)
	t.Logf("%d checks, deleted lines met %d times", checks, deleted)
}
