package proof

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/tlog"
)

// readNotes reads the notes as they are. A last one that is not whole is being written.
func readNotes(dir string) (*notes, error) {
	f, err := os.Open(filepath.Join(dir, "notes")) //nolint:gosec // a folder of the lake
	if errors.Is(err, os.ErrNotExist) {
		return &notes{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open notes: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(f, largestNotes+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("read notes: %w", err)
	}
	n := &notes{}
	return n, n.take(data)
}

// readTree opens the tree as it was committed last; none is the empty tree. The tail is read before the tree is measured:
// a writer makes the tree longer first.
func readTree(dir string) (t *Tree, err error) {
	t = &Tree{}
	defer func() {
		if err != nil {
			t, err = nil, errors.Join(err, t.Close())
		}
	}()
	if t.slots, err = openThere(filepath.Join(dir, "tail")); err != nil || t.slots == nil {
		return t, err
	}
	if err := t.readTail(); err != nil || t.leaves == 0 {
		return t, err
	}
	if t.hashes, err = openThere(filepath.Join(dir, "tree")); err != nil {
		return t, err
	}
	if t.hashes == nil {
		return t, refuse(Damaged, "there is no tree file, and the tail counts on one")
	}
	info, err := t.hashes.Stat()
	if err != nil {
		return t, fmt.Errorf("measure tree: %w", err)
	}
	want := int64(len(treeHead)) + tlog.StoredHashCount(t.leaves)*tlog.HashSize
	if info.Size() < want {
		return t, refuse(Damaged, "the tree file has %d bytes, and the tail counts on %d", info.Size(), want)
	}
	t.stored = tlog.StoredHashCount(t.leaves)
	return t, t.checkHead()
}

// openThere opens a file for reading; nil: there is none.
func openThere(name string) (*os.File, error) {
	f, err := os.Open(name) //nolint:gosec // a file of the lake
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil //nolint:nilnil // no file and no error: there is none
	}
	if err != nil {
		return nil, fmt.Errorf("open tree: %w", err)
	}
	return f, nil
}
