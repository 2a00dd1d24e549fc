package proof

import (
	"errors"
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
)

// Node is the hash of a whole subtree of deleted leaves: Index counts the subtrees of 2^Level leaves from the left. With
// it, the tree can be made again without the records that went.
type Node struct {
	Level int // 0: a leaf
	Index int64
	Hash  Hash
}

// first is the first leaf below the node, and end the one behind its last.
func (n *Node) first() int64 { return n.Index << n.Level }
func (n *Node) end() int64   { return (n.Index + 1) << n.Level }

// subtrees are the largest subtrees that the full leaves within runs make up; at most 94 for each run.
func subtrees(runs []Range) (out []Node) {
	for _, r := range merged(slices.Clone(runs)) {
		at, end := int64((r.First+LeafRecords-2)/LeafRecords), int64(r.Last/LeafRecords)
		for at < end {
			level := bits.Len64(uint64(end-at)) - 1
			if at > 0 {
				level = min(level, bits.TrailingZeros64(uint64(at)))
			}
			out = append(out, Node{Level: level, Index: at >> level})
			at += 1 << level
		}
	}
	return out
}

// nodesOf are the subtrees of runs with their hashes. mu is held.
func (l *Log) nodesOf(runs []Range) ([]Node, error) {
	nodes := subtrees(runs)
	indexes := make([]int64, len(nodes))
	for i := range nodes {
		indexes[i] = tlog.StoredHashIndex(nodes[i].Level, nodes[i].Index)
	}
	hashes, err := l.tree.ReadHashes(indexes)
	if err != nil {
		return nil, err
	}
	for i := range nodes {
		if nodes[i].Hash = hashes[i]; hashes[i] == (Hash{}) {
			return nil, refuse(Damaged, "the tree does not know leaf %d", nodes[i].first())
		}
	}
	return nodes, nil
}

// Fill appends what the notes tell of the records that follow: those that were signed as missing, and those that were
// deleted. It goes no further than what was signed.
func (l *Log) Fill() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if signed := l.reached(); signed > l.tree.Records() {
		return l.fill(signed)
	}
	return nil
}

// fill appends all up to last without a record. Reason Hole: the notes do not tell of one. mu is held.
func (l *Log) fill(last uint64) error {
	var kept map[uint64]Hash
	var nodes map[int64]Node
	for {
		seq := l.tree.Records() + 1
		if seq > last {
			return nil
		}
		if kept == nil {
			kept, nodes = keptBy(l.tombstones)
		}
		if n, ok := nodes[l.tree.leaves]; ok && len(l.tree.tail) == 0 && uint64(n.end())*LeafRecords <= last {
			if err := l.tree.appendNode(n); err != nil {
				return err
			}
			continue
		}
		h, ok := kept[seq]
		if holds(l.lost, seq) {
			h, ok = missingHash, true
		}
		if !ok {
			return refuse(Hole, "record %d cannot follow record %d", last+1, seq-1)
		}
		if err := l.tree.Append(seq, []Hash{h}); err != nil {
			return err
		}
	}
}

// keptBy gathers what tombstones keep: hashes of records, and the largest subtree that begins with a leaf.
func keptBy(tombstones []*Tombstone) (kept map[uint64]Hash, nodes map[int64]Node) {
	kept, nodes = map[uint64]Hash{}, map[int64]Node{}
	for _, t := range tombstones {
		for _, k := range t.Kept {
			for i, h := range k.Hashes {
				kept[k.First+uint64(i)] = h
			}
		}
		for _, n := range t.Nodes {
			if old, ok := nodes[n.first()]; !ok || old.Level < n.Level {
				nodes[n.first()] = n
			}
		}
	}
	return kept, nodes
}

// appendNode adds the leaves below a node at once; of their hashes only its own is known, and the others are zero. There is
// no tail, and the node is the next of its size.
func (t *Tree) appendNode(n Node) error {
	last := n.end() - 1
	added := make([]Hash, tlog.StoredHashCount(n.end())-tlog.StoredHashCount(t.leaves))
	base := tlog.StoredHashCount(t.leaves)
	added[tlog.StoredHashIndex(n.Level, n.Index)-base] = n.Hash
	h := n.Hash
	for level := n.Level; last>>level&1 == 1; level++ {
		left, err := t.ReadHashes([]int64{tlog.StoredHashIndex(level, last>>level-1)})
		if err != nil {
			return err
		}
		if left[0] == (Hash{}) {
			return refuse(Damaged, "the tree does not know what is before leaf %d", n.first())
		}
		h = tlog.NodeHash(left[0], h)
		added[tlog.StoredHashIndex(level+1, last>>(level+1))-base] = h
	}
	t.pending = append(t.pending, added...)
	t.leaves = n.end()
	return nil
}

// Sound computes the inner hashes of the tree again from its leaves, writes those that are not right, and says whether the
// leaves are those that were signed. When they are not, nothing is written: the tree must be made again, see Again.
// It reads 64 bytes for every 256 records.
func (l *Log) Sound() (sound bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sound {
		return true, nil
	}
	newest := l.widest()
	if newest == nil || newest.Leaves > l.tree.leaves {
		return newest == nil, nil
	}
	_, nodes := keptBy(l.tombstones)
	var f frontier
	var root Hash
	fixes := map[int64]Hash{}
	for f.leaves < l.tree.leaves {
		at := tlog.StoredHashIndex(0, f.leaves)
		n, jumps := nodes[f.leaves]
		stored, err := l.tree.ReadHashes([]int64{at})
		if err != nil {
			return false, err
		}
		if jumps = jumps && stored[0] == (Hash{}) && n.end() <= l.tree.leaves; jumps {
			at = tlog.StoredHashIndex(n.Level, n.Index)
		}
		var inner []Hash
		if jumps {
			inner = f.jump(n)
		} else {
			inner = f.add(stored[0])
		}
		if err := l.differing(at+1, inner, fixes); err != nil {
			return false, err
		}
		if f.leaves == newest.Leaves {
			root = f.root()
		}
	}
	if newest.Leaves > 0 && root != newest.Root {
		return false, nil
	}
	if err := l.tree.put(fixes); err != nil {
		return false, err
	}
	l.sound = true
	return true, nil
}

// differing adds to fixes the hashes that are stored otherwise; the first stands at index. mu is held.
func (l *Log) differing(index int64, hashes []Hash, fixes map[int64]Hash) error {
	indexes := make([]int64, len(hashes))
	for i := range indexes {
		indexes[i] = index + int64(i)
	}
	stored, err := l.tree.ReadHashes(indexes)
	for i := range stored {
		if stored[i] != hashes[i] {
			fixes[indexes[i]] = hashes[i]
		}
	}
	return err
}

// widest is the checkpoint of the largest tree; nil: nothing was signed. mu is held.
func (l *Log) widest() (newest *Checkpoint) {
	for _, c := range l.checkpoints {
		if newest == nil || c.Leaves > newest.Leaves {
			newest = c
		}
	}
	return newest
}

// Again makes the tree again from the records and puts it in the place of one that is not sound. records calls add for
// each record there is, in ascending sequence. Where the outcome is not what was signed, the old tree stays: reasons
// Hole, Unfit.
func (l *Log) Again(records func(add func(seq uint64, h Hash) error) error) error {
	l.mu.Lock()
	other := &Log{
		config: l.config, source: l.source, dir: filepath.Join(l.dir, "again"), notes: &notes{},
		checkpoints: slices.Clone(l.checkpoints), tombstones: slices.Clone(l.tombstones), lost: slices.Clone(l.lost),
	}
	signed := l.reached()
	l.mu.Unlock()
	var err error
	if other.tree, err = RebuildTree(other.dir); err != nil {
		return err
	}
	err = records(func(seq uint64, h Hash) error {
		if seq > signed {
			return nil // its own seal appends it
		}
		return other.Append(seq, []Hash{h})
	})
	if err == nil {
		err = other.complete()
	}
	if err = errors.Join(err, other.Close()); err == nil {
		err = l.replaceTree(other.dir)
	}
	return errors.Join(err, removeFolder(other.dir))
}

// complete fills the tree up to what was signed, compares it and makes it durable.
func (l *Log) complete() error {
	if err := l.Fill(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if newest := l.widest(); newest != nil {
		root, err := l.tree.Root(newest.Leaves)
		if err != nil {
			return err
		}
		if root != newest.Root {
			return refuse(Unfit, "the records do not make up the tree of %d leaves that was signed", newest.Leaves)
		}
	}
	return l.tree.Commit()
}

// replaceTree takes the files of another folder. Without a tail there is no tree, and the next start makes it again: so the
// tail goes first and comes last, each for good before the next step.
func (l *Log) replaceTree(dir string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.tree.Close(); err != nil {
		return fmt.Errorf("close tree: %w", err)
	}
	system := disk.OS{}
	err := errors.Join(system.Remove(filepath.Join(l.dir, "tail")), system.SyncDir(l.dir))
	for _, name := range []string{"tree", "tail"} {
		if err == nil {
			err = errors.Join(system.Rename(filepath.Join(dir, name), filepath.Join(l.dir, name)), system.SyncDir(l.dir))
		}
	}
	tree, opened := OpenTree(l.dir)
	if opened == nil {
		l.tree, l.sound = tree, err == nil
	}
	return errors.Join(err, opened)
}

func removeFolder(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove tree: %w", err)
	}
	return nil
}
