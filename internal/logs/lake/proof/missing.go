package proof

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
)

// missingHash stands in a leaf for a number that no file has. No record has this hash: those begin otherwise.
var missingHash = sum([]byte("kizuki-missing/1\n"))

// MissingHash is what a leaf has in the place of a record that was lost before it was signed: SHA-256 over
// "kizuki-missing/1" and a line feed.
func MissingHash() Hash { return missingHash }

// mostMissing is how many numbers are taken as missing at once: 64 full segments. More is no loss but a number that
// nobody gave.
const mostMissing = 64 * 65536

// Lose takes the numbers from the next one to last as missing. Call it only when no file has any of them and none will:
// what is signed then says so for good. The next checkpoint states them. Reason Hole: there are too many, or they were
// signed as records before.
func (l *Log) Lose(last uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := l.tree.Records() + 1
	switch {
	case last < first:
		return nil
	case last-first >= mostMissing:
		return refuse(Hole, "records %d to %d cannot all be missing", first, last)
	case first <= l.reached():
		return refuse(Hole, "record %d was signed", first)
	}
	// On disk before the tree has them: else a crash would leave a tree that nobody can tell how it came about.
	if err := l.writeLost(merged(append(slices.Clone(l.unstated()), Range{first, last}))); err != nil {
		return err
	}
	l.lost = merged(append(slices.Clone(l.lost), Range{first, last}))
	return l.appendMissing(first, last)
}

func (l *Log) appendMissing(first, last uint64) error {
	for seq := first; seq <= last; seq += LeafRecords {
		n := min(last-seq+1, LeafRecords)
		if err := l.tree.Append(seq, slices.Repeat([]Hash{missingHash}, int(n))); err != nil {
			return err
		}
	}
	return nil
}

// reached is the newest record that a checkpoint covers. mu is held.
func (l *Log) reached() (newest uint64) {
	for _, c := range l.checkpoints {
		newest = max(newest, c.Records())
	}
	return newest
}

// unstated are the missing numbers that no checkpoint states yet. mu is held.
func (l *Log) unstated() (out []Range) {
	signed := l.reached()
	for _, r := range l.lost {
		if r.Last > signed {
			out = append(out, Range{max(r.First, signed+1), r.Last})
		}
	}
	return out
}

// Missing are the numbers that the tree has as missing, ascending.
func (l *Log) Missing() []Range {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lost)
}

// The file "lost" has the missing numbers between the moment that the tree takes them and the checkpoint that states
// them; a line for each run, behind a line as the notes have it.
const lostFile = "lost"

func (l *Log) writeLost(runs []Range) error {
	var b strings.Builder
	for _, r := range runs {
		fmt.Fprintf(&b, "%d-%d\n", r.First, r.Last)
	}
	data := noteLine([]byte(b.String())) + "\n" + b.String()
	if err := disk.WriteFile(disk.OS{}, filepath.Join(l.dir, lostFile), []byte(data)); err != nil {
		return fmt.Errorf("note missing numbers: %w", err)
	}
	return nil
}

func (l *Log) dropLost() error {
	if err := os.Remove(filepath.Join(l.dir, lostFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("note missing numbers: %w", err)
	}
	return nil
}

// readLost takes what the file "lost" tells beside a process that writes: numbers that the tree came to have and no
// checkpoint states yet. Who writes needs nothing of it: after a stop the tree goes back to what was signed, see rewind,
// and what was lost behind that is judged anew with the file that brings it.
func (l *Log) readLost() error {
	if !l.config.Reading {
		return l.dropLost()
	}
	data, err := os.ReadFile(filepath.Join(l.dir, lostFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read missing numbers: %w", err)
	}
	text, _ := firstNote(data)
	signed := l.reached()
	for line := range strings.Lines(text) {
		words := &lines{}
		r := words.span(strings.TrimSuffix(line, "\n"))
		if !words.bad && r.First > signed && r.First <= r.Last && r.Last <= l.tree.Records() {
			l.lost = append(l.lost, r)
		}
	}
	l.lost = merged(l.lost)
	return nil
}

// holds says whether a number is in runs that ascend.
func holds(runs []Range, seq uint64) bool {
	i, _ := slices.BinarySearchFunc(runs, seq, func(r Range, seq uint64) int { return cmp.Compare(r.First, seq+1) })
	return i > 0 && runs[i-1].Last >= seq
}

// touch says whether runs that ascend have a number in common with others.
func touch(runs []Range, others []Range) bool {
	for _, o := range others {
		i, _ := slices.BinarySearchFunc(runs, o.Last, func(r Range, last uint64) int { return cmp.Compare(r.First, last+1) })
		if i > 0 && runs[i-1].Last >= o.First {
			return true
		}
	}
	return false
}
