package lake_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
)

// The child of the kill tests: the environment names a folder, a seed, and where to die.
const childEnv = "KIZUKI_LAKE_CHILD"

func TestMain(m *testing.M) {
	if spec := os.Getenv(childEnv); spec != "" {
		child(spec)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

var killSources = []string{"fw", "web", "dc"}

// killRecord is the record that a source has at a sequence number, so that whoever reads it can check it.
func killRecord(source string, seq uint64) event.Record {
	return event.Record{
		Source: source, Format: event.Raw, Received: time.Date(2026, 11, 23, 0, 0, int(seq%86400), 0, time.UTC),
		Host: "h" + strconv.FormatUint(seq%7, 10), Raw: fmt.Appendf(nil, "%s %d 行 %x", source, seq, seq*2654435761),
	}
}

// deadly kills the process in the middle of an operation of a kind: the n-th that a name fits.
type deadly struct {
	disk.OS
	phase string
	mu    sync.Mutex
	left  int
}

func (d *deadly) hit(name string) {
	name = filepath.ToSlash(name)
	base := filepath.Base(name)
	merged := strings.Contains(name, "/merge/") || strings.Contains(name, "/sealed/") && base[0] >= 'a' // SOURCE.ID.…
	fits := false
	switch d.phase {
	case "append":
		fits = strings.Contains(name, "/wal/")
	case "seal":
		fits = strings.Contains(name, "/sealed/") && !merged
	case "merge":
		fits = merged
	case "delete":
		fits = strings.Contains(name, "/tombstones/")
	}
	if !fits {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left--; d.left <= 0 {
		p, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = p.Kill()
		}
		fmt.Println("not killed", err)
		select {}
	}
}

func (d *deadly) Create(name string) (disk.File, error) {
	d.hit(name)
	f, err := d.OS.Create(name)
	if err != nil {
		return nil, err
	}
	return &deadlyFile{f, d, name}, nil
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

type deadlyFile struct {
	disk.File
	d    *deadly
	name string
}

func (f *deadlyFile) Write(p []byte) (int, error) {
	n, _ := f.File.Write(p[:len(p)/2])
	f.d.hit(f.name)
	m, err := f.File.Write(p[len(p)/2:])
	return n + m, err
}

func (f *deadlyFile) Sync() error {
	f.d.hit(f.name)
	return f.File.Sync()
}

// child appends, merges and deletes until it is killed, and prints what was acknowledged.
func child(spec string) {
	parts := strings.SplitN(spec, ",", 4)
	seed, _ := strconv.ParseUint(parts[0], 10, 64)
	left, _ := strconv.Atoi(parts[2])
	c := newClock()
	days, _ := os.ReadDir(filepath.Join(parts[3], "sealed"))
	c.add(time.Duration(len(days)) * 24 * time.Hour)
	config := small(c)
	config.Keep = func(source string) int { return map[string]int{"web": 3}[source] }
	config.FS = &deadly{phase: parts[1], left: left}
	l, err := lake.Open(parts[3], config)
	if err != nil {
		fmt.Println("open", err)
		return
	}
	r := rand.New(rand.NewPCG(seed, 3))
	ctx := context.Background()
	tidy := func() {
		if err := l.Tidy(ctx); err != nil {
			fmt.Println("tidy", err)
		}
		if _, err := l.Expire(ctx, lake.Deletion{Sure: true}); err != nil {
			fmt.Println("expire", err)
		}
	}
	paced := bufio.NewScanner(os.Stdin) // each line allows one append
	turned := make(chan struct{})
	if parts[1] != "paced" {
		go func() {
			for {
				select {
				case turned <- struct{}{}:
				default:
				}
				tidy()
			}
		}()
	}
	for round := 0; ; round++ {
		if parts[1] == "paced" {
			if tidy(); !paced.Scan() {
				return
			}
		}
		if round%20 == 19 {
			c.add(24 * time.Hour)
			if parts[1] == "delete" { // on a slow system merging would never come to its end, and deleting never begin
				<-turned
			}
		}
		source := killSources[r.IntN(len(killSources))]
		next := l.Last(source) + 1
		batch := make([]event.Record, 1+r.IntN(60))
		for i := range batch {
			batch[i] = killRecord(source, next+uint64(i))
		}
		n, err := l.Append(ctx, batch)
		if err != nil {
			fmt.Println("append", err)
			return
		}
		fmt.Println("ack", source, batch[n-1].Seq)
	}
}

// killOnce lets a child work on a folder until it dies, and gives what it was told.
func killOnce(t *testing.T, dir, phase string, seed uint64, left int) map[string]uint64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d,%s,%d,%s", childEnv, seed, phase, left, dir))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	acked := map[string]uint64{}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		f := strings.Fields(lines.Text())
		if len(f) != 3 || f[0] != "ack" {
			t.Errorf("the child says %q", lines.Text())
			continue
		}
		if acked[f[1]], err = strconv.ParseUint(f[2], 10, 64); err != nil {
			t.Fatal(err)
		}
		if phase == "any" && n == left {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the child was not killed")
	}
	return acked
}

// checkKilled opens the folder and looks for every record: those of a source are there once each, from 1 to at least
// what was acknowledged, or stand in a tombstone.
func checkKilled(t *testing.T, dir string, acked map[string]uint64) {
	t.Helper()
	c := newClock()
	c.add(1000 * 24 * time.Hour)
	l, err := lake.Open(dir, small(c))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	seen := map[string][]uint64{}
	for _, r := range all(t, l) {
		seen[r.Source] = append(seen[r.Source], r.Seq)
		w := killRecord(r.Source, r.Seq)
		w.Seq, w.Time = r.Seq, w.Received
		same(t, "killed", []event.Record{r}, []event.Record{w})
	}
	for _, tomb := range l.Tombstones() {
		for _, rg := range tomb.Ranges {
			for s := rg.First; s <= rg.Last; s++ {
				seen[tomb.Source] = append(seen[tomb.Source], s)
			}
		}
	}
	for _, source := range killSources {
		seqs := seen[source]
		slices.Sort(seqs)
		for i, s := range seqs {
			if s != uint64(i+1) {
				t.Fatalf("%s: place %d has number %d: lost or doubled", source, i+1, s)
			}
		}
		if uint64(len(seqs)) < acked[source] || l.Last(source) != uint64(len(seqs)) {
			t.Fatalf("%s: %d records of %d acknowledged, last %d", source, len(seqs), acked[source], l.Last(source))
		}
	}
	for _, a := range l.Stats().Alarms {
		t.Errorf("alarm %+v", a)
	}
}

func TestKill(t *testing.T) {
	t.Parallel()
	rounds := map[string]int{"any": 2, "append": 2, "seal": 4, "merge": 5, "delete": 2}
	if os.Getenv("KIZUKI_PROVE") != "" {
		rounds = map[string]int{"any": 20, "append": 20, "seal": 40, "merge": 45, "delete": 20}
	}
	r := rand.New(rand.NewPCG(70, 2))
	most := map[string]int{"any": 120, "append": 150, "seal": 25, "merge": 40, "delete": 4}
	for phase, n := range rounds {
		seeds := make([]uint64, n)
		lefts := make([]int, n)
		for i := range n {
			seeds[i], lefts[i] = r.Uint64(), 1+r.IntN(most[phase])
		}
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			dir, acked := folder(t), map[string]uint64{}
			for i := range n { // each child goes on where the one before died
				for source, seq := range killOnce(t, dir, phase, seeds[i], lefts[i]) {
					acked[source] = max(acked[source], seq)
				}
				checkKilled(t, dir, acked)
			}
		})
	}
}
