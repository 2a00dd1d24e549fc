package lake_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/app/lake"
)

// known is what somebody who wrote down all acts knows of the lake.
func (b *bench) known() *lake.Remembered {
	b.mu.Lock()
	defer b.mu.Unlock()
	states := map[string]lake.State{}
	r := &lake.Remembered{}
	for _, a := range b.acts {
		if a.Act != lake.StateSigned {
			continue
		}
		r.Key = a.Key
		for _, s := range a.Signed {
			states[s.Source] = s
		}
	}
	for _, source := range []string{"fw", "web"} {
		if s, ok := states[source]; ok {
			r.States = append(r.States, s)
		}
	}
	return r
}

// looking opens the lake for an act that only looks.
func (b *bench) looking(act func(r *lake.Reader) error) {
	b.t.Helper()
	r, err := lake.OpenReader(b.config())
	if err != nil {
		b.t.Fatal(err)
	}
	if err := errors.Join(act(r), r.Close()); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) verifyWith(o lake.VerifyOptions) (check *lake.Check) {
	b.t.Helper()
	b.looking(func(r *lake.Reader) (err error) {
		check, err = r.Verify(b.t.Context(), o)
		return err
	})
	return check
}

func (b *bench) verify(known *lake.Remembered) *lake.Check {
	b.t.Helper()
	return b.verifyWith(lake.VerifyOptions{Remembered: known})
}

// put puts a copy of the lake away, or back.
func (b *bench) put(from, to string) {
	b.t.Helper()
	if err := os.RemoveAll(to); err != nil {
		b.t.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		b.t.Fatal(err)
	}
}

// forgotten names the sources whose last signature is not there.
func forgotten(c *lake.Check) string {
	var names []string
	for i := range c.Sources {
		if s := &c.Sources[i]; s.Forgotten != nil {
			names = append(names, fmt.Sprint(s.Source, " ", s.Forgotten.Records))
		}
	}
	return strings.Join(names, ", ")
}

func (b *bench) settled(source string, from, n int) {
	b.t.Helper()
	l := b.open()
	b.take(l, source, from, n)
	if err := l.Settle(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	b.done(l)
}

// A lake put back to an older state of itself is whole; what was told of its signatures gives it away.
func TestPutBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	at, older, newer := filepath.Join(b.dir, lake.Folder), filepath.Join(t.TempDir(), "older"), filepath.Join(t.TempDir(), "newer")
	b.settled("fw", 0, 30)
	b.put(at, older)
	first := b.known()
	b.settled("web", 0, 5)
	b.settled("fw", 30, 10)
	b.put(at, newer)
	known := b.known()
	if len(known.States) != 2 || known.States[0].Records != 40 || known.States[1].Records != 5 || known.Key != first.Key {
		t.Fatalf("told: %+v", known)
	}
	for _, k := range []*lake.Remembered{nil, {}, first, known} {
		if c := b.verify(k); !c.Good() || forgotten(c) != "" {
			t.Errorf("with %+v: %+v", k, c)
		}
	}
	b.put(older, at)
	if c := b.verify(first); !c.Good() || c.Recalled != 1 {
		t.Errorf("what was told until then: %+v", c)
	}
	c := b.verify(known)
	if c.Good() || forgotten(c) != "fw 40, web 5" {
		t.Errorf("put back, and %q is said to be forgotten", forgotten(c))
	}
	// Other lines under the same numbers are another history.
	b.settled("fw", 30, 10)
	if c := b.verify(known); forgotten(c) != "fw 40, web 5" {
		t.Errorf("gone on with: %q", forgotten(c))
	}
	b.put(newer, at)
	if c := b.verify(known); !c.Good() {
		t.Errorf("the newer one again: %+v", c)
	}
	if err := os.RemoveAll(at); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(at, 0o700); err != nil {
		t.Fatal(err)
	}
	if c := b.verify(&lake.Remembered{Key: known.Key}); !c.Good() {
		t.Errorf("a key that was announced and never made: %+v", c)
	}
	if c := b.verify(known); len(c.Damages) != 1 || c.Damages[0].Reason != lake.OtherLake {
		t.Errorf("an empty lake in the place of one that was signed: %+v", c)
	}
	b.settled("fw", 0, 1)
	if c := b.verify(known); len(c.Damages) != 1 || c.Damages[0].Reason != lake.OtherLake || c.Good() {
		t.Errorf("another lake: %+v", c)
	}
}

// What is deleted is signed, too: a lake put back to before that has the lines again.
func TestPutBackBeforeADeletion(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	at, older := filepath.Join(b.dir, lake.Folder), filepath.Join(t.TempDir(), "older")
	b.settled("fw", 0, 30)
	b.later(24 * time.Hour)
	b.settled("web", 0, 5)
	b.put(at, older)
	l := b.open()
	if err := l.SetDays(t.Context(), lake.Change{Days: 1, Why: "rule"}); err != nil {
		t.Fatal(err)
	}
	b.later(3 * 24 * time.Hour)
	if err := l.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	tombs, err := l.Expire(t.Context(), "sato", "rule", true)
	if err != nil || len(tombs) == 0 {
		t.Fatalf("%+v %v", tombs, err)
	}
	b.done(l)
	if c := b.verify(b.known()); !c.Good() || c.Recalled != 2 {
		t.Errorf("%+v", c)
	}
	b.put(older, at)
	if c := b.verify(b.known()); c.Good() || !strings.Contains(forgotten(c), "fw 30") {
		t.Errorf("put back to before the deletion: %q", forgotten(c))
	}
}
