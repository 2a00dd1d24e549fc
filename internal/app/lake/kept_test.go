package lake_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/app/lake"
)

// kept is what Checkpoints gives of the lake, as a file.
func (b *bench) kept() lake.Kept {
	b.t.Helper()
	var all []lake.Signed
	b.looking(func(r *lake.Reader) (err error) {
		all, err = r.Checkpoints()
		return err
	})
	var text strings.Builder
	for i := range all {
		for _, note := range all[i].Notes {
			text.WriteString(note + "\n")
		}
	}
	return lake.Kept{Name: "usb.txt", Data: []byte(text.String())}
}

func (b *bench) verifyKept(files ...lake.Kept) *lake.Check {
	b.t.Helper()
	return b.verifyWith(lake.VerifyOptions{Kept: files})
}

// reasons are those of the damages that name the kept file.
func reasons(c *lake.Check) string {
	var all []string
	for _, d := range c.Damages {
		all = append(all, fmt.Sprint(d.Reason, " ", d.File))
	}
	return strings.Join(all, ", ")
}

// What was kept outside is found as long as the lake goes on, in whatever form it came back, and a lake that was put back
// to before it, or to before a deletion, is known by it.
func TestKept(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	at, older := filepath.Join(b.dir, lake.Folder), filepath.Join(t.TempDir(), "older")
	b.settled("fw", 0, 30)
	b.later(24 * time.Hour)
	b.settled("web", 0, 5)
	first := b.kept()
	b.put(at, older)
	l := b.open()
	if err := l.SetDays(t.Context(), lake.Change{Days: 1, Why: "rule"}); err != nil {
		t.Fatal(err)
	}
	b.later(3 * 24 * time.Hour)
	if err := l.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if tombs, err := l.Expire(t.Context(), "sato", "rule", true); err != nil || len(tombs) == 0 {
		t.Fatalf("%+v %v", tombs, err)
	}
	b.done(l)
	second := b.kept()
	if n := bytes.Count(second.Data, []byte("kizuki-tombstone/1\n")); n != 2 {
		t.Fatalf("%d deletions in\n%s", n, second.Data)
	}
	mailed := lake.Kept{Name: "mail", Data: []byte("\ufeff\r\n\r\n" + strings.ReplaceAll(string(second.Data), "\n", "\r\n") + "\r\n \r\n")}
	if c := b.verifyKept(first, second, mailed); !c.Good() || c.Kept != 2+4+4 || c.Recalled != 0 {
		t.Errorf("all of it is there: %s, %d found, forgotten: %q", reasons(c), c.Kept, forgotten(c))
	}
	b.put(older, at)
	if c := b.verifyKept(first); !c.Good() || c.Kept != 2 {
		t.Errorf("what was kept before: %s, %d", reasons(c), c.Kept)
	}
	if c := b.verifyKept(first, second); c.Good() || !strings.Contains(forgotten(c), "fw 30") || c.Kept == 6 {
		t.Errorf("put back: %q, %d found", forgotten(c), c.Kept)
	}
}

// A key from outside is what judges: the lake's own may be gone, or those of another lake.
func TestKeptWithKey(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	at, older := filepath.Join(b.dir, lake.Folder), filepath.Join(t.TempDir(), "older")
	b.settled("fw", 0, 30)
	b.put(at, older)
	b.settled("fw", 30, 10)
	kept, key := b.kept(), b.known().Key
	verify := func() *lake.Check { return b.verifyWith(lake.VerifyOptions{Key: key, Kept: []lake.Kept{kept}}) }
	if c := verify(); !c.Good() || c.Kept != 1 {
		t.Errorf("as it was: %s, %d", reasons(c), c.Kept)
	}
	b.put(older, at)
	if err := os.Remove(filepath.Join(at, "keys.json")); err != nil {
		t.Fatal(err)
	}
	if c := verify(); c.Good() || forgotten(c) != "fw 40" {
		t.Errorf("put back and without its keys: %q", forgotten(c))
	}
}

// Keys that cannot be read are told of each source; that nothing was kept outside must not make them an error.
func TestDamagedKeysAreTold(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.settled("fw", 0, 30)
	if err := os.WriteFile(filepath.Join(b.dir, lake.Folder, "keys.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c := b.verify(nil); c.Good() || len(c.Sources) != 1 || c.Sources[0].Failed == nil {
		t.Errorf("%+v", c)
	}
}

// What was changed, cut or signed elsewhere is told of as that, and counts for nothing.
func TestKeptHostile(t *testing.T) {
	t.Parallel()
	b, other := newBench(t), newBench(t)
	b.settled("fw", 0, 300)
	other.settled("fw", 0, 300)
	good := b.kept()
	with := func(data string) lake.Kept { return lake.Kept{Name: "x", Data: []byte(data)} }
	text := string(good.Data)
	lines := strings.SplitAfter(text, "\n")
	body, signature, _ := strings.Cut(text, "— ")
	for name, tt := range map[string]struct {
		file lake.Kept
		want string
		kept int
	}{
		"nothing":              {with(""), "kept_broken x", 0},
		"no note":              {with("a\nb\n"), "kept_broken x", 0},
		"bytes":                {with("\x00\xff\n\n— \xff\n"), "kept_broken x", 0},
		"of another lake":      {lake.Kept{Name: "x", Data: other.kept().Data}, "kept_foreign x", 0},
		"another number":       {with(strings.Replace(text, "tail 44 ", "tail 45 ", 1)), "kept_broken x", 0},
		"another source":       {with(strings.ReplaceAll(text, "fw", "fx")), "kept_broken x", 0},
		"without its end":      {with(text + strings.Join(lines[:4], "")), "kept_broken x", 1},
		"without a signature":  {with(body), "kept_broken x", 0},
		"words behind a note":  {with(text + "kept by sato\n"), "kept_broken x", 1},
		"the same note twice":  {with(text + text), "", 1},
		"only a signature":     {with("— " + signature), "kept_broken x", 0},
		"a note of the future": {with(strings.Replace(text, "time 20", "time 21", 1)), "kept_broken x", 0},
	} {
		c := b.verifyKept(tt.file)
		if got := reasons(c); got != tt.want || c.Kept != tt.kept || c.Good() != (tt.want == "") || forgotten(c) != "" {
			t.Errorf("%s: %q, %d found, forgotten %q; want %q, %d", name, got, c.Kept, forgotten(c), tt.want, tt.kept)
		}
	}
}
