package proof

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
)

const (
	treeHead = "kizuki-tree/1\n\x00\x00" // 16 bytes, then stored hashes of 32 bytes in the order of package tlog
	tailHead = "KZTAIL1\n"
	slotSize = 8 + 8 + 8 + 4 + (LeafRecords-1)*tlog.HashSize + tlog.HashSize
)

// Tree keeps the hashes of one source: file "tree" holds those of full leaves and is only ever appended to, file "tail" the
// record hashes behind the last full leaf. The tail file has two slots that are written in turn; writing one is what
// commits. After a crash the newest whole slot counts, and what the tree file has beyond it is cut off.
//
// One goroutine uses a Tree. Nothing is durable before Commit.
type Tree struct {
	hashes, slots *os.File
	stored        int64  // hashes in the file
	pending       []Hash // hashes behind them, not yet written
	leaves        int64
	tail          []Hash
	generation    uint64
	cut           int64 // bytes cut off when the tree was opened
}

// OpenTree opens the tree in folder dir, or begins an empty one there. Reason Damaged: a file is not what was written here;
// Rebuild begins anew.
func OpenTree(dir string) (*Tree, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make folder of tree: %w", err)
	}
	t := &Tree{}
	if err := t.open(dir); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// RebuildTree begins an empty tree in dir, in place of what is there. The records are appended again from 1.
func RebuildTree(dir string) (*Tree, error) {
	for _, name := range []string{"tail", "tree"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("begin tree anew: %w", err)
		}
	}
	return OpenTree(dir)
}

func (t *Tree) open(dir string) error {
	var err error
	if t.hashes, err = os.OpenFile(filepath.Join(dir, "tree"), os.O_RDWR|os.O_CREATE, 0o600); err != nil { //nolint:gosec // a folder of the lake
		return fmt.Errorf("open tree: %w", err)
	}
	if t.slots, err = os.OpenFile(filepath.Join(dir, "tail"), os.O_RDWR|os.O_CREATE, 0o600); err != nil { //nolint:gosec // a folder of the lake
		return fmt.Errorf("open tail: %w", err)
	}
	info, err := t.hashes.Stat()
	if err != nil {
		return fmt.Errorf("measure tree: %w", err)
	}
	if info.Size() < int64(len(treeHead)) { // new, or torn before anything was committed
		if err := t.begin(); err != nil {
			return err
		}
	} else if err := t.checkHead(); err != nil {
		return err
	}
	if err := t.readTail(); err != nil {
		return err
	}
	want := int64(len(treeHead)) + tlog.StoredHashCount(t.leaves)*tlog.HashSize
	if info.Size() < want && t.leaves > 0 {
		return refuse(Damaged, "the tree file has %d bytes, and the tail counts on %d", info.Size(), want)
	}
	if info.Size() > want {
		t.cut = info.Size() - want
		if err := t.hashes.Truncate(want); err != nil {
			return fmt.Errorf("cut tree: %w", err)
		}
	}
	t.stored = tlog.StoredHashCount(t.leaves)
	return disk.OS{}.SyncDir(dir)
}

func (t *Tree) begin() error {
	if err := t.hashes.Truncate(0); err != nil {
		return fmt.Errorf("begin tree: %w", err)
	}
	if _, err := t.hashes.WriteAt([]byte(treeHead), 0); err != nil {
		return fmt.Errorf("begin tree: %w", err)
	}
	return nil
}

func (t *Tree) checkHead() error {
	head := make([]byte, len(treeHead))
	if _, err := t.hashes.ReadAt(head, 0); err != nil {
		return fmt.Errorf("read tree: %w", err)
	}
	if string(head) != treeHead {
		return refuse(Damaged, "the tree file begins with %q", head)
	}
	return nil
}

// readTail takes the newest whole slot; none is the empty tree.
func (t *Tree) readTail() error {
	both := make([]byte, 2*slotSize)
	n, err := t.slots.ReadAt(both, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read tail: %w", err)
	}
	for _, slot := range [][]byte{both[:slotSize], both[slotSize:]} {
		s, ok := readSlot(slot)
		if ok && s.generation > t.generation {
			t.generation, t.leaves, t.tail = s.generation, s.leaves, s.tail
		}
	}
	if t.generation == 0 && n >= slotSize { // a slot was written whole once
		return refuse(Damaged, "no slot of the tail file is whole")
	}
	return nil
}

func readSlot(b []byte) (s Tree, ok bool) {
	body := b[:slotSize-tlog.HashSize]
	if !bytes.HasPrefix(b, []byte(tailHead)) || sum(body) != Hash(b[slotSize-tlog.HashSize:]) {
		return s, false
	}
	s.generation = binary.BigEndian.Uint64(b[8:])
	s.leaves = int64(binary.BigEndian.Uint64(b[16:]))
	count := binary.BigEndian.Uint32(b[24:])
	if count >= LeafRecords || s.leaves < 0 || s.leaves >= 1<<48 {
		return s, false
	}
	for i := range int(count) {
		s.tail = append(s.tail, Hash(b[28+i*tlog.HashSize:][:tlog.HashSize]))
	}
	return s, true
}

func (t *Tree) writeSlot() error {
	b := make([]byte, slotSize)
	copy(b, tailHead)
	binary.BigEndian.PutUint64(b[8:], t.generation+1)
	binary.BigEndian.PutUint64(b[16:], uint64(t.leaves))
	binary.BigEndian.PutUint32(b[24:], uint32(len(t.tail)))
	for i, h := range t.tail {
		copy(b[28+i*tlog.HashSize:], h[:])
	}
	end := sum(b[:slotSize-tlog.HashSize])
	copy(b[slotSize-tlog.HashSize:], end[:])
	if _, err := t.slots.WriteAt(b, int64(t.generation%2)*slotSize); err != nil {
		return fmt.Errorf("write tail: %w", err)
	}
	if err := t.slots.Sync(); err != nil {
		return fmt.Errorf("write tail: %w", err)
	}
	t.generation++
	return nil
}

// Records is the number of records in the tree and its tail, the sequence number of the newest.
func (t *Tree) Records() uint64 { return uint64(t.leaves)*LeafRecords + uint64(len(t.tail)) }

// Leaves is the number of full leaves.
func (t *Tree) Leaves() int64 { return t.leaves }

// Cut is the number of bytes that were cut off behind the last commit when the tree was opened.
func (t *Tree) Cut() int64 { return t.cut }

// Tail gives the hash of the shorter leaf behind the full ones and the number of its records; 0 when there is none.
func (t *Tree) Tail() (Hash, int) {
	if len(t.tail) == 0 {
		return Hash{}, 0
	}
	return LeafHash(t.tail), len(t.tail)
}

// Append adds the hashes of consecutive records; first is the sequence number of the first. Those that the tree has already
// are passed over, so that a segment may be sealed again after a crash. Reason Hole: first is beyond the next one.
func (t *Tree) Append(first uint64, records []Hash) error {
	next := t.Records() + 1
	if first > next || first == 0 {
		return refuse(Hole, "record %d cannot follow record %d", first, next-1)
	}
	if known := next - first; known < uint64(len(records)) {
		records = records[known:]
	} else {
		return nil
	}
	for len(records) > 0 {
		n := min(LeafRecords-len(t.tail), len(records))
		t.tail = append(t.tail, records[:n]...)
		records = records[n:]
		if len(t.tail) < LeafRecords {
			break
		}
		more, err := tlog.StoredHashesForRecordHash(t.leaves, LeafHash(t.tail), t)
		if err != nil {
			t.tail = t.tail[:LeafRecords-n]
			return fmt.Errorf("add leaf %d: %w", t.leaves, err)
		}
		t.pending = append(t.pending, more...)
		t.leaves++
		t.tail = t.tail[:0]
	}
	return nil
}

// Commit makes durable what was appended. After an error nothing is lost but the tree must be opened again.
func (t *Tree) Commit() error {
	if len(t.pending) > 0 {
		b := make([]byte, 0, len(t.pending)*tlog.HashSize)
		for i := range t.pending {
			b = append(b, t.pending[i][:]...)
		}
		if _, err := t.hashes.WriteAt(b, int64(len(treeHead))+t.stored*tlog.HashSize); err != nil {
			return fmt.Errorf("write tree: %w", err)
		}
		if err := t.hashes.Sync(); err != nil {
			return fmt.Errorf("write tree: %w", err)
		}
		t.stored += int64(len(t.pending))
		t.pending = t.pending[:0]
	}
	return t.writeSlot()
}

// ReadHashes gives stored hashes by index, as package tlog wants them.
func (t *Tree) ReadHashes(indexes []int64) ([]Hash, error) {
	out := make([]Hash, len(indexes))
	for i, index := range indexes {
		switch {
		case index < 0 || index >= t.stored+int64(len(t.pending)):
			return nil, refuse(Damaged, "the tree has no hash %d", index)
		case index >= t.stored:
			out[i] = t.pending[index-t.stored]
		default:
			if _, err := t.hashes.ReadAt(out[i][:], int64(len(treeHead))+index*tlog.HashSize); err != nil {
				return nil, fmt.Errorf("read tree: %w", err)
			}
		}
	}
	return out, nil
}

// Root is the hash of the tree over the first leaves.
func (t *Tree) Root(leaves int64) (Hash, error) {
	if leaves == 0 {
		return sum(nil), nil // RFC 6962: the hash of nothing
	}
	if leaves > t.leaves {
		return Hash{}, refuse(NotCovered, "the tree has %d leaves, not %d", t.leaves, leaves)
	}
	root, err := tlog.TreeHash(leaves, t)
	if err != nil {
		return Hash{}, fmt.Errorf("root of %d leaves: %w", leaves, err)
	}
	return root, nil
}

// put writes hashes in the place of others.
func (t *Tree) put(hashes map[int64]Hash) error {
	for index, h := range hashes {
		if index >= t.stored {
			t.pending[index-t.stored] = h
		} else if _, err := t.hashes.WriteAt(h[:], int64(len(treeHead))+index*tlog.HashSize); err != nil {
			return fmt.Errorf("mend tree: %w", err)
		}
	}
	if len(hashes) == 0 {
		return nil
	}
	if err := t.hashes.Sync(); err != nil {
		return fmt.Errorf("mend tree: %w", err)
	}
	return nil
}

// Close closes the files; what was not committed is lost.
func (t *Tree) Close() error {
	var errs []error
	for _, f := range []*os.File{t.hashes, t.slots} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}
