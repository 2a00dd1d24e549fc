package lake_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/app/lake"
	store "github.com/kizuki-security/kizuki/internal/logs/lake"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

func (b *bench) settle(l *lake.Lake) {
	b.t.Helper()
	if err := l.Settle(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

// one gives the only file that a pattern below the lake names.
func (b *bench) one(pattern string) string {
	b.t.Helper()
	names, err := filepath.Glob(filepath.Join(b.dir, "lake", pattern))
	if err != nil || len(names) != 1 {
		b.t.Fatalf("%s: %v %v", pattern, names, err)
	}
	return names[0]
}

func flip(t *testing.T, name string, at func(size int) int) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	data[at(len(data))] ^= 8
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func half(size int) int { return size / 2 }

func hasKey(err error, key string) bool {
	known, ok := errors.AsType[*problem.Error](err)
	return ok && known.Key == key
}

// Lines that are lost with a damaged log are told by every process, named by a check and signed as missing; all else goes on.
func TestLostLines(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	l := b.open()
	b.take(l, "fw", 0, 300)
	b.settle(l)
	for i := range 5 { // each is one frame
		b.take(l, "fw", 300+100*i, 100)
	}
	b.done(l)
	flip(t, b.one("wal/*.wal"), half)

	l = b.open()
	damages := l.Damages()
	if len(damages) != 1 || damages[0].Reason != "log" {
		t.Errorf("at the start: %+v", damages)
	}
	b.take(l, "fw", 800, 50)
	b.settle(l)
	b.done(l)
	b.one("wal/*.wal.damaged")

	lost := lake.Range{First: 501, Last: 600}
	check := func(what string) {
		t.Helper()
		r := b.reader()
		if got := r.Damages(); len(got) != 1 || got[0].Reason != "log" || !strings.HasSuffix(got[0].Place, ".wal.damaged") {
			t.Errorf("%s: alarms %+v", what, got)
		}
		c, err := r.Verify(t.Context(), lake.VerifyOptions{})
		if err != nil || len(c.Sources) != 1 {
			t.Fatal(c, err)
		}
		s := &c.Sources[0]
		if c.Good() || s.Good() || !slices.Equal(s.Missing, []lake.Range{lost}) || !slices.Equal(s.Lost, []lake.Range{lost}) ||
			s.Unsigned != 0 || s.Signed != 850 || s.Failed != nil || len(s.Faults) != 0 {
			t.Errorf("%s: %+v", what, s)
		}
		for _, seq := range []uint64{500, 601, 850} {
			if _, _, err := r.Prove("fw", seq); err != nil {
				t.Errorf("%s: line %d: %v", what, seq, err)
			}
		}
		if _, _, err := r.Prove("fw", 550); !hasKey(err, "app.lake.lost") {
			t.Errorf("%s: a lost line: %v", what, err)
		}
		if _, _, err := r.Prove("fw", 5000); !hasKey(err, "app.lake.no_record") {
			t.Errorf("%s: no line: %v", what, err)
		}
	}
	check("sealed")
	b.later(24 * time.Hour)
	l = b.open()
	b.settle(l)
	b.done(l)
	if name := b.one("sealed/*/*.parquet"); !strings.HasPrefix(filepath.Base(name), "fw.") {
		t.Errorf("not merged: %s", name)
	}
	check("merged")

	// Who looked at the log takes it away, and the alarm ends. What is missing stays missing.
	if err := os.Remove(b.one("wal/*.wal.damaged")); err != nil {
		t.Fatal(err)
	}
	if got := b.reader().Damages(); len(got) != 0 {
		t.Errorf("alarms %+v", got)
	}
}

// Files that nobody signed are told by every process, and a proof says so.
func TestUnsignedFile(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	l := b.open()
	b.take(l, "fw", 0, 100)
	b.settle(l)
	b.take(l, "fw", 100, 100)
	b.done(l)
	if _, _, err := b.reader().Prove("fw", 150); !hasKey(err, "app.lake.not_signed") {
		t.Errorf("a line that is not sealed: %v", err)
	}
	s, err := store.Open(filepath.Join(b.dir, "lake"), store.Config{Clock: b.config().Now}) // seals, and does not sign
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Flush(t.Context()), s.Close()); err != nil {
		t.Fatal(err)
	}
	name := b.one("sealed/*/*2.parquet")
	sealed := func(before time.Duration) {
		t.Helper()
		at := b.config().Now().Add(-before)
		if err := os.Chtimes(name, at, at); err != nil {
			t.Fatal(err)
		}
	}
	sealed(time.Second) // it may be at work
	if got := b.reader().Stats().Alarms; len(got) != 0 {
		t.Errorf("alarms %+v", got)
	}
	sealed(5 * time.Minute)
	got := b.reader().Damages()
	if len(got) != 1 || got[0].Reason != "evidence" || !strings.HasSuffix(filepath.ToSlash(name), got[0].Place) {
		t.Errorf("alarms %+v", got)
	}
	if _, _, err := b.reader().Prove("fw", 150); !hasKey(err, "app.lake.cannot_sign") {
		t.Errorf("a line that is not signed: %v", err)
	}
}

// Files of hashes are mended when lines are taken in, and before lines are deleted; after that too.
func TestTreesAreMended(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	l := b.open()
	if err := l.SetDays(t.Context(), lake.Change{Source: "fw", Days: 30, Why: "満了", Who: "sato"}); err != nil {
		t.Fatal(err)
	}
	b.take(l, "fw", 0, 3000)
	b.settle(l)
	b.later(20 * 24 * time.Hour)
	b.take(l, "fw", 3000, 3000)
	b.settle(l)
	b.done(l)
	tree := filepath.Join(b.dir, "lake", "proof", "fw", "tree")
	verify := func(what string, good bool) {
		t.Helper()
		c, err := b.reader().Verify(t.Context(), lake.VerifyOptions{})
		if err != nil || c.Good() != good {
			t.Errorf("%s: %+v, %v", what, c, err)
		}
	}
	for _, index := range []int{2, 9, 0, 7} { // inner ones, then leaves
		flip(t, tree, func(int) int { return 16 + 32*index + 3 })
		verify("changed", false)
		l = b.open()
		b.settle(l)
		b.done(l)
		verify("mended", true)
	}
	b.later(20 * 24 * time.Hour)
	l = b.open()
	b.take(l, "fw", 6000, 100)
	b.settle(l)
	b.done(l)
	flip(t, tree, func(int) int { return 16 + 32*9 + 3 })
	l = b.open()
	tombs, err := l.Expire(t.Context(), "sato", "満了", false)
	if err != nil || len(tombs) != 1 || tombs[0].Rows != 3000 {
		t.Fatalf("deleted: %+v, %v", tombs, err)
	}
	b.done(l)
	verify("deleted", true)
	if err := os.Remove(tree); err != nil {
		t.Fatal(err)
	}
	verify("after a deletion, without the tree", true)
	l = b.open()
	b.settle(l)
	b.take(l, "fw", 6100, 100)
	b.settle(l)
	b.done(l)
	verify("after a deletion, mended", true)
	if _, _, err := b.reader().Prove("fw", 3001); err != nil {
		t.Error(err)
	}
}
