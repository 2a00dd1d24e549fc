package lake

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	store "github.com/kizuki-security/kizuki/internal/logs/lake"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
	"github.com/kizuki-security/kizuki/internal/logs/lake/proof"
)

// The child of the kill tests: the environment says where it dies, and in which folder.
const childEnv = "KIZUKI_APP_LAKE_CHILD"

func TestMain(m *testing.M) {
	if spec := os.Getenv(childEnv); spec != "" {
		if err := child(spec); err != nil {
			fmt.Println("child:", err)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// deadly kills the process in the middle of the n-th operation on what is sealed, signed or merged.
type deadly struct {
	disk.OS

	mu   sync.Mutex
	left int
}

func (d *deadly) hit(name string) {
	if name = filepath.ToSlash(name); !strings.Contains(name, "/sealed/") && !strings.Contains(name, "/merge/") && !strings.Contains(name, "/catalogue") {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left--; d.left == 0 {
		die()
	}
}

func die() {
	p, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = p.Kill()
	}
	fmt.Println("not killed", err)
	select {}
}

func (d *deadly) Create(name string) (disk.File, error) {
	d.hit(name)
	return d.OS.Create(name)
}

func (d *deadly) Rename(from, to string) error {
	d.hit(to)
	err := d.OS.Rename(from, to)
	d.hit(to)
	return err
}

func (d *deadly) Remove(name string) error {
	d.hit(name)
	err := d.OS.Remove(name)
	d.hit(name)
	return err
}

// dying is the evidence of a process that dies after it signed for some of the sources of a file, or for all.
type dying struct {
	*witness

	left int
}

func (d *dying) Sealed(ctx context.Context, unit store.Unit, hashes func(string) ([]uint64, []proof.Hash, error)) ([]byte, error) {
	if d.left--; d.left == 0 {
		part := unit
		part.Sources = unit.Sources[:1]
		if _, err := d.witness.Sealed(ctx, part, hashes); err != nil {
			fmt.Println("child:", err)
		}
		die()
	}
	return d.witness.Sealed(ctx, unit, hashes)
}

// child takes lines in, signs and merges until it dies.
func child(spec string) error {
	var seed uint64
	var files, notes int
	var dir string
	if _, err := fmt.Sscanf(spec, "%d %d %d %s", &seed, &files, &notes, &dir); err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(seed, 8))
	now := november.Add(time.Duration(r.IntN(1000)) * time.Millisecond)
	if days, err := os.ReadDir(filepath.Join(dir, Folder, "sealed")); err == nil {
		now = now.Add(time.Duration(len(days)) * 24 * time.Hour)
	}
	c := &clock{now}
	reader, err := prepare(Config{Dir: dir, Now: c.now, Rand: zeros{}, Make: true})
	if err != nil {
		return err
	}
	w := reader.witness
	s, err := store.Open(reader.dir, store.Config{
		Clock: c.now, Evidence: &dying{w, notes}, FS: &deadly{left: files},
		Limits: store.Limits{SegmentRows: 300, GroupWait: time.Millisecond, MergeFiles: 3},
	})
	if err != nil {
		return err
	}
	w.records.Store(s)
	ctx := context.Background()
	for {
		for range 1 + r.IntN(4) {
			var batch []event.Record
			for i := range 1 + r.IntN(200) {
				batch = append(batch, event.Record{Source: []string{"fw", "web"}[r.IntN(2)], Format: event.Raw, Raw: fmt.Appendf(nil, "行 %d %d", i, r.Uint64())})
			}
			if _, err := s.Append(ctx, batch); err != nil {
				return err
			}
		}
		if r.IntN(3) == 0 {
			if err := s.Flush(ctx); err != nil {
				return err
			}
		}
		if r.IntN(3) == 0 {
			if err := s.Tidy(ctx); err != nil {
				return err
			}
		}
		if r.IntN(5) == 0 {
			c.at = c.at.Add(24 * time.Hour)
		}
	}
}

// zeros is randomness that nobody needs to be random.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// Wherever a process dies between a seal, its signature and a merge, nothing is taken for damage, and all is signed after
// the next start.
func TestKillSigned(t *testing.T) {
	t.Parallel()
	rounds := 4
	if os.Getenv("KIZUKI_PROVE") != "" {
		rounds = 40
	}
	r := rand.New(rand.NewPCG(80, 4))
	dir := t.TempDir()
	pending := 0
	for round := range rounds {
		files, notes := 1+r.IntN(60), 1000
		if round%3 == 2 {
			files, notes = 100_000, 1+r.IntN(4)
		}
		dieOnce(t, fmt.Sprintf("%d %d %d %s", r.Uint64()>>1, files, notes, dir))
		pending += notDamaged(t, dir, true)
		t.Logf("round %d", round)
		if r.IntN(3) == 0 {
			continue // the next child goes on at once
		}
		days, err := os.ReadDir(filepath.Join(dir, Folder, "sealed"))
		if err != nil {
			t.Fatal(err)
		}
		l := open(t, dir, &clock{november.Add(time.Duration(len(days)) * 24 * time.Hour)})
		if err := l.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, a := range l.Stats().Alarms {
			t.Errorf("alarm %+v", a)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		notDamaged(t, dir, false)
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
	}
	t.Logf("%d files were not signed yet", pending)
}

// dieOnce lets a child work until it dies.
func dieOnce(t *testing.T, spec string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+spec)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(io.LimitReader(out, 1<<20)); lines.Scan(); {
		t.Errorf("the child (%s) says %q", strconv.Quote(spec), lines.Text())
	}
	if err := cmd.Wait(); err == nil || ctx.Err() != nil {
		t.Errorf("the child was not killed: %v", ctx.Err())
	}
}

// notDamaged wants nothing to be taken for damage, and gives how many files are not signed yet.
func notDamaged(t *testing.T, dir string, may bool) int {
	t.Helper()
	r, err := OpenReader(Config{Dir: dir, Now: (&clock{november}).now})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	c, err := r.Verify(t.Context(), VerifyOptions{})
	if err != nil || !c.Good() || !may && (len(c.Pending) > 0 || len(c.Notes) > 0) {
		t.Errorf("verify: %+v, %v", c, err)
	}
	return len(c.Pending)
}
