package proof

import (
	"fmt"
	"time"
)

// Burial is the deletion of a file to be signed for.
type Burial struct {
	Ranges     []Range
	SHA256     Hash
	Reason, By string
	// Hash gives the hash of a record of the file that is still there. It is called for the records of leaves of which
	// others stay, at most 255 at each end of a run.
	Hash func(seq uint64) (Hash, error)
}

// Bury signs a tombstone and keeps it. Call it before the file is deleted: a file that is there with a tombstone is
// deleted once more, a file that is gone without one is missing.
func (l *Log) Bury(b Burial, now time.Time) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, note := range l.notes.list {
		if t, err := OpenTombstone(note, l.config.Keys...); err == nil && t.File == b.SHA256 {
			return note, nil
		}
	}
	root, err := l.tree.Root(l.tree.Leaves())
	if err != nil {
		return "", err
	}
	nodes, err := l.nodesOf(b.Ranges)
	if err != nil {
		return "", err
	}
	t := &Tombstone{
		Origin: l.origin(), Source: l.source, Ranges: b.Ranges, File: b.SHA256, Leaves: l.tree.Leaves(), Root: root,
		Reason: b.Reason, By: b.By, Nodes: nodes, At: now,
	}
	for _, part := range edges(b.Ranges) {
		k := Kept{First: part.First}
		for seq := part.First; seq <= part.Last; seq++ {
			h, err := b.Hash(seq)
			if err != nil {
				return "", fmt.Errorf("hash of record %d: %w", seq, err)
			}
			k.Hashes = append(k.Hashes, h)
		}
		t.Kept = append(t.Kept, k)
	}
	signed, err := t.Sign(l.config.Signer)
	if err != nil {
		return "", err
	}
	return signed, l.add(signed)
}

// edges are the parts of runs that share a leaf with records outside of their run.
func edges(runs []Range) []Range {
	var parts []Range
	for _, r := range runs {
		first, last := leafOf(r.First), leafOf(r.Last)
		wholeFirst, wholeLast := r.First == leafRange(first).First, r.Last == leafRange(last).Last
		switch {
		case first == last && (!wholeFirst || !wholeLast):
			parts = append(parts, r)
		case first != last:
			if !wholeFirst {
				parts = append(parts, Range{r.First, leafRange(first).Last})
			}
			if !wholeLast {
				parts = append(parts, Range{leafRange(last).First, r.Last})
			}
		}
	}
	return parts
}
