package proof

import (
	"errors"
	"io"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// Signed is the sequence number of the newest record that a checkpoint covers; 0: none.
func (l *Log) Signed() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reached()
}

// newest is the checkpoint that covers most; nil: there is none. l.mu is held.
func (l *Log) newest() *Checkpoint {
	var newest *Checkpoint
	for _, c := range l.checkpoints {
		if newest == nil || c.Records() >= newest.Records() {
			newest = c
		}
	}
	return newest
}

// rewind leaves out what a stop, or somebody else, left in the tree without a signature: its file brings it again. Where the
// tree cannot go back to what was signed, it begins anew and is Behind.
func (l *Log) rewind() error {
	signed := l.reached()
	if l.tree.Records() <= signed {
		return nil
	}
	if l.tree.rewind(signed) {
		return nil
	}
	err := l.tree.Close()
	l.tree = nil
	if err != nil {
		return err
	}
	l.tree, err = RebuildTree(l.dir)
	return err
}

// rewind goes back to the commit before the last one if it had so many records. The files stay as they are until the next
// commit, which writes in the place of the last one.
func (t *Tree) rewind(records uint64) bool {
	both := make([]byte, 2*slotSize)
	if n, err := t.slots.ReadAt(both, 0); err != nil && !errors.Is(err, io.EOF) || n < len(both) {
		return false // there is no commit to go back to
	}
	for _, slot := range [][]byte{both[:slotSize], both[slotSize:]} {
		if s, ok := readSlot(slot); ok && s.generation+1 == t.generation && s.Records() == records {
			t.generation, t.leaves, t.tail = s.generation, s.leaves, s.tail
			t.stored = tlog.StoredHashCount(t.leaves)
			return true
		}
	}
	return false
}

// Agrees says whether the tree continues what was signed last. Reason Another: somebody wrote it anew.
func (l *Log) Agrees() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.agrees()
}

// agrees says whether the tree continues what was signed last: otherwise a signature would vouch for another past.
// l.mu is held.
func (l *Log) agrees() error {
	c := l.newest()
	if c == nil {
		return nil
	}
	if l.tree.Records() < c.Records() {
		return refuse(Another, "the tree of %s has %d records, and %d were signed", l.source, l.tree.Records(), c.Records())
	}
	root, err := l.tree.Root(c.Leaves)
	if err != nil {
		return err
	}
	if root != c.Root {
		return refuse(Another, "the tree of %s over %d leaves is not the one that was signed", l.source, c.Leaves)
	}
	// The records of a tail are known until its leaf is full.
	if l.tree.Leaves() == c.Leaves && c.Tail > 0 && LeafHash(l.tree.tail[:c.Tail]) != c.TailHash {
		return refuse(Another, "the last %d records of %s are not those that were signed", c.Tail, l.source)
	}
	return nil
}

// NoteFor is the signed checkpoint of a file; false: there is none.
func (l *Log) NoteFor(file Hash) (note string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, c := range l.checkpoints {
		if c.File == file {
			return l.noteOf(i), true
		}
	}
	return "", false
}

// Open reads a signed checkpoint as one of this source, without keeping it.
func (l *Log) Open(signed string) (*Checkpoint, error) {
	c, err := OpenCheckpoint(signed, l.config.Keys...)
	if err == nil && c.Origin != l.origin() {
		err = refuse(Unfit, "the checkpoint is of %s", c.Origin)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Restore takes a note back that the log lost: from the copy beside a sealed file, say, when the end of the notes was
// damaged and cut off. It says whether the note was missing. What is not signed, or not for this source, is an error.
func (l *Log) Restore(note string) (missing bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if slices.Contains(l.notes.list, note) {
		return false, nil
	}
	if err := l.take(note); err != nil {
		return false, err
	}
	if err := l.notes.add(note); err != nil {
		return false, err
	}
	return true, nil
}

// SplitNotes gives the signed notes that stand one after another, as beside a sealed file. What is left at the end without
// a signature is one more.
func SplitNotes(data []byte) (notes []string) {
	const signature = "— "
	rest := string(data)
	for from, at := 0, 0; ; {
		line, _, more := strings.Cut(rest[at:], "\n")
		signed := strings.HasPrefix(line, signature)
		if at += len(line); more {
			at++
		}
		if signed && !strings.HasPrefix(rest[at:], signature) || !more {
			if at > from {
				notes = append(notes, rest[from:at])
			}
			from = at
		}
		if !more {
			return notes
		}
	}
}

// SourceOf is the source that a note names, whether or not it is signed; "": it names none.
func SourceOf(note string) string {
	_, rest, ok := strings.Cut(note, "\nsource ")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "\n")
	return name
}
