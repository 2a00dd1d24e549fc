package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/evtx/evtxtest"
)

// TestImportEventsStopped ends the import of a Windows event log, whose records go to two sources, with kill -9 and with
// Ctrl-C, and lets it end then: every record is there once, in the order of its source and as logs dump writes it.
func TestImportEventsStopped(t *testing.T) {
	t.Parallel()
	rounds := 2
	if os.Getenv("KIZUKI_PROVE") != "" {
		rounds = 20
	}
	path := filepath.Join(t.TempDir(), "forwarded.evtx")
	var log bytes.Buffer
	records, err := evtxtest.Dense(&log, 200, time.Date(2026, 11, 26, 1, 0, 0, 0, time.UTC))
	if err == nil {
		err = os.WriteFile(path, log.Bytes(), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	code, out, errs := command(t, "logs", "dump", path)
	if code != exitDone {
		t.Fatalf("dump: exit code %d, %s", code, errs)
	}
	whole := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if uint64(len(whole)) != records {
		t.Fatalf("dumped %d records, want %d", len(whole), records)
	}
	for i := range rounds {
		t.Run(fmt.Sprintf("%02d", i), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(uint64(i), 7))
			dir := filepath.Join(t.TempDir(), "office")
			args := []string{"logs", "import", "--lang", "en", "--json", "--data", dir, path}
			halves, had := 0, 0
			for try := range 3 {
				sign := [...]syscall.Signal{syscall.SIGINT, syscall.SIGKILL}[(try+i)%2]
				var out bytes.Buffer
				cmd := process(t, args...)
				cmd.Stdout = &out
				stopAt(t, cmd, dir, written(dir)+rng.Int64N(400<<10)+1, sign)
				now := len(eventsOf(t, dir, whole))
				if sign == syscall.SIGINT {
					saidToKeep(t, out.Bytes(), now-had)
				}
				if had < now && now < len(whole) {
					halves++
				}
				if had = now; had == len(whole) {
					break
				}
			}
			if halves == 0 {
				t.Error("it was never stopped in the middle")
			}
			code, out, errs := command(t, args...)
			if code != exitDone {
				t.Fatalf("exit code %d, %s", code, errs)
			}
			saidToKeep(t, []byte(out), len(whole)-had)
			if got := eventsOf(t, dir, whole); !slices.Equal(got, whole) {
				t.Errorf("%d records, want %d, or they are others", len(got), len(whole))
			}
			if code, out, _ := command(t, "logs", "verify", "--data", dir, "--lang", "en"); code != exitDone {
				t.Errorf("verify: %d, %s", code, out)
			}
			t.Logf("stopped in the middle %d times; %d records were there before the last run", halves, had)
		})
	}
}

// eventsOf exports a lake and gives its events in the order of the event log: they must be the first ones of the log, and
// each source must have numbered its own without a hole in that order.
func eventsOf(t *testing.T, dir string, whole []string) []string {
	t.Helper()
	code, out, errs := command(t, "logs", "export", "--data", dir)
	if code == exitFailed && strings.Contains(errs, "kizuki logs import") { // it was killed before there was a lake
		return nil
	}
	if code != exitDone {
		t.Fatalf("export: exit code %d, %s", code, errs)
	}
	type key struct {
		source string
		seq    uint64
	}
	found := map[key]string{}
	for text := range strings.Lines(out) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatal(err)
		}
		k := key{l.Source, l.Seq}
		if _, twice := found[k]; twice {
			t.Fatalf("%s %d is there twice", l.Source, l.Seq)
		}
		found[k] = l.Raw
	}
	next := map[string]uint64{}
	for i, want := range whole[:min(len(found), len(whole))] {
		source := "windows.security"
		if strings.Contains(want, `"Channel":"Microsoft-Windows-Sysmon/Operational"`) {
			source = "windows.microsoft-windows-sysmon-operational"
		}
		next[source]++
		if got := found[key{source, next[source]}]; got != want {
			t.Fatalf("record %d: number %d of %s is %.200q", i+1, next[source], source, got)
		}
	}
	if len(found) > len(whole) {
		t.Fatalf("%d records, and the log has %d", len(found), len(whole))
	}
	return whole[:len(found)]
}
