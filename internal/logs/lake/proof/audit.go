package proof

import (
	"cmp"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// Audit compares the records of one source with what was signed for it. Its memory does not grow with the source. One
// goroutine uses it.
type Audit struct {
	stored      tlog.HashReader
	leaves      int64  // full leaves that stored has
	end         uint64 // newest record that is signed or in the tree
	checkpoints []*Checkpoint
	deleted     []Range // by tombstones, ascending
	kept        map[uint64]Hash
	nodes       map[int64]Node // deleted subtrees by their first leaf
	lost        []Range        // signed as missing, ascending

	report     Report
	tree, seen frontier // from the stored hashes; from the records, where they are all there
	roots      []rootCheck
	doubtful   []Fault // leaves whose cause is not known yet
	at         int64   // leaf being filled
	buffer     [LeafRecords]Hash
	have       [LeafRecords]bool
	last       uint64 // newest record added
	err        error
}

// rootCheck is the outcome at one signed size.
type rootCheck struct {
	leaves     int64
	tree, seen bool // the root from the stored hashes, from the records, is the signed one
}

// NewAudit begins an audit. stored gives the hashes of the tree over its first leaves and records its newest record;
// checkpoints and tombstones are those of the source, signatures checked.
func NewAudit(source string, stored tlog.HashReader, leaves int64, records uint64, checkpoints []*Checkpoint, tombstones []*Tombstone) *Audit {
	a := &Audit{stored: stored, leaves: leaves, end: records, kept: map[uint64]Hash{}, report: Report{Source: source}}
	a.kept, a.nodes = keptBy(tombstones)
	a.checkpoints = slices.SortedFunc(slices.Values(checkpoints), func(x, y *Checkpoint) int {
		return cmp.Or(cmp.Compare(x.Leaves, y.Leaves), cmp.Compare(x.Tail, y.Tail))
	})
	for _, c := range a.checkpoints {
		a.report.Signed = max(a.report.Signed, c.Records())
		a.report.Short = a.report.Short || c.Leaves > leaves
		a.lost = append(a.lost, c.Missing...)
	}
	a.end = max(a.end, a.report.Signed)
	for _, t := range tombstones {
		a.deleted = append(a.deleted, t.Ranges...)
	}
	a.deleted, a.lost = merged(a.deleted), merged(a.lost)
	return a
}

// merged are the runs in order, those that overlap or touch as one: a merged file and its parts may both be buried.
func merged(runs []Range) []Range {
	slices.SortFunc(runs, func(x, y Range) int { return cmp.Compare(x.First, y.First) })
	var out []Range
	for _, r := range runs {
		if n := len(out); n > 0 && r.First <= out[n-1].Last+1 {
			out[n-1].Last = max(out[n-1].Last, r.Last)
		} else {
			out = append(out, r)
		}
	}
	return out
}

// Audit begins an audit of what the log has now; records may be appended meanwhile.
func (l *Log) Audit() *Audit {
	l.mu.Lock()
	defer l.mu.Unlock()
	stored := tlog.HashReaderFunc(func(indexes []int64) ([]Hash, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.tree.ReadHashes(indexes)
	})
	return NewAudit(l.source, stored, l.tree.Leaves(), l.tree.Records(), l.checkpoints, l.tombstones)
}

// Add takes the hash of the next record there is, in ascending sequence; the same number again is a doubled record. Reason
// Hole: a smaller number than the last, which the caller must not give.
func (a *Audit) Add(seq uint64, h Hash) error {
	if seq < a.last || seq == 0 {
		return refuse(Hole, "record %d after record %d", seq, a.last)
	}
	if seq == a.last {
		a.report.note(&a.report.Doubled, Range{seq, seq})
		return a.err
	}
	if seq > a.end { // not in the tree yet; its number must follow all the same
		if next := max(a.last, a.end) + 1; seq > next {
			a.report.note(&a.report.Missing, Range{next, seq - 1})
		}
	} else {
		for leafOf(seq) > a.at {
			a.closeLeaf()
		}
		i := (seq - 1) % LeafRecords
		a.buffer[i], a.have[i] = h, true
		if holds(a.lost, seq) { // the leaf was signed without it
			a.report.note(&a.report.Returned, Range{seq, seq})
			a.buffer[i] = missingHash
		}
	}
	a.last = seq
	a.report.Records++
	if seq > a.report.Signed {
		a.report.Unsigned++
	}
	return a.err
}

// Finish judges what is left and gives the report. The error is one of reading stored hashes.
func (a *Audit) Finish() (*Report, error) {
	for a.end > 0 && a.at <= leafOf(a.end) {
		a.closeLeaf()
	}
	a.checkRoots()
	a.judge()
	// A record may be missing before the end and after it: the lists were filled in two places.
	slices.SortFunc(a.report.Missing, func(x, y Range) int { return cmp.Compare(x.First, y.First) })
	return &a.report, a.err
}

// closeLeaf compares the leaf that was filled and begins the next.
func (a *Audit) closeLeaf() {
	a.checkRoots()
	complete := a.fill()
	a.checkTails()
	if size := max(a.leaves, a.signedLeaves()); a.at < size {
		a.compareLeaf(complete)
	}
	a.at++
	clear(a.have[:])
}

func (a *Audit) signedLeaves() int64 {
	if n := len(a.checkpoints); n > 0 {
		return a.checkpoints[n-1].Leaves
	}
	return 0
}

// fill takes kept hashes for deleted records and notes what is deleted and missing. It says whether all 256 are known.
func (a *Audit) fill() bool {
	complete := true
	first := leafRange(a.at).First
	for i := range a.have {
		seq := first + uint64(i)
		if a.have[i] || seq > a.end {
			complete = complete && a.have[i]
			continue
		}
		switch {
		case holds(a.lost, seq):
			a.report.note(&a.report.Missing, Range{seq, seq})
			a.report.note(&a.report.Lost, Range{seq, seq})
			a.buffer[i], a.have[i] = missingHash, true
		case holds(a.deleted, seq):
			a.report.note(&a.report.Deleted, Range{seq, seq})
			a.buffer[i], a.have[i] = a.kept[seq], a.hasKept(seq)
		default:
			a.report.note(&a.report.Missing, Range{seq, seq})
		}
		complete = complete && a.have[i]
	}
	return complete
}

func (a *Audit) hasKept(seq uint64) bool { _, ok := a.kept[seq]; return ok }

// compareLeaf holds the records of the leaf against its stored hash, and both against the trees that grow from them.
func (a *Audit) compareLeaf(complete bool) {
	stored, known := a.storedLeaf()
	if a.passed(known && stored == Hash{} && !complete) {
		return
	}
	switch {
	case complete:
		leaf := LeafHash(a.buffer[:])
		a.report.Leaves++
		if known && leaf != stored {
			a.doubtful = append(a.doubtful[:min(len(a.doubtful), longestList)], Fault{Leaf: a.at, Records: leafRange(a.at)})
		}
		a.seen.add(leaf)
	case known:
		a.seen.add(stored)
	default:
		a.seen.add(Hash{})
		a.seen.broken = true
	}
	if known {
		a.checkNodes(a.tree.add(stored))
	} else {
		a.tree.add(Hash{})
		a.tree.broken = true
	}
}

// passed says whether the leaf is one of a deleted subtree of which the tree knows no more than its hash, since it was made
// again; at the first of them, that hash is taken.
func (a *Audit) passed(unknown bool) bool {
	if a.tree.leaves > a.at {
		return true
	}
	n, ok := a.nodes[a.at]
	if unknown && ok && n.end() <= max(a.leaves, a.signedLeaves()) {
		a.tree.jump(n)
		a.seen.jump(n)
		return true
	}
	return false
}

// storedLeaf is the hash that the tree file has for the leaf.
func (a *Audit) storedLeaf() (Hash, bool) {
	if a.at >= a.leaves || a.err != nil {
		return Hash{}, false
	}
	got, err := a.stored.ReadHashes([]int64{tlog.StoredHashIndex(0, a.at)})
	if err != nil {
		a.err = err
		return Hash{}, false
	}
	return got[0], true
}

// checkNodes compares inner nodes with the stored ones; they stand right behind the leaf that made them whole.
func (a *Audit) checkNodes(inner []Hash) {
	if len(inner) == 0 || a.tree.broken {
		return
	}
	indexes := make([]int64, len(inner))
	for i := range inner {
		indexes[i] = tlog.StoredHashIndex(0, a.at) + 1 + int64(i)
	}
	got, err := a.stored.ReadHashes(indexes)
	if err != nil {
		a.err = err
		return
	}
	for i := range got {
		if got[i] != inner[i] {
			a.report.Nodes++
		}
	}
}

// checkRoots compares the roots signed for the number of leaves there are now.
func (a *Audit) checkRoots() {
	for _, c := range a.checkpoints[a.report.Checkpoints:] {
		if c.Leaves > a.at {
			return
		}
		a.report.Checkpoints++
		if a.tree.leaves > a.at {
			continue // within a deleted subtree: nobody can tell any more
		}
		a.roots = append(a.roots, rootCheck{
			leaves: c.Leaves,
			tree:   !a.tree.broken && a.tree.root() == c.Root,
			seen:   !a.seen.broken && a.seen.root() == c.Root,
		})
	}
}

// checkTails compares the tails signed for the leaf at hand. checkRoots went over those checkpoints just before.
func (a *Audit) checkTails() {
	for i := a.report.Checkpoints - 1; i >= 0 && a.checkpoints[i].Leaves == a.at; i-- {
		c := a.checkpoints[i]
		if c.Tail == 0 || slices.Contains(a.have[:c.Tail], false) {
			continue
		}
		if LeafHash(a.buffer[:c.Tail]) != c.TailHash {
			first := leafRange(a.at).First
			a.report.fault(Fault{Leaf: a.at, Records: Range{first, first + uint64(c.Tail) - 1}, Tail: true, Cause: InRecords})
		}
	}
}

// judge finds the cause of each doubtful leaf, and the runs whose leaves fit while their root does not.
func (a *Audit) judge() {
	proved := int64(0) // leaves before this one are proved by a root, from whichever side
	for _, r := range a.roots {
		if r.tree || r.seen {
			proved = max(proved, r.leaves)
			continue
		}
		doubted := slices.ContainsFunc(a.doubtful, func(f Fault) bool { return f.Leaf >= proved && f.Leaf < r.leaves })
		if !doubted && r.leaves > proved {
			a.report.fault(Fault{
				Leaf: proved, Root: true, Cause: InEither,
				Records: Range{leafRange(proved).First, leafRange(r.leaves - 1).Last},
			})
			break // later roots fail for the same reason
		}
	}
	for _, f := range a.doubtful {
		f.Cause = InEither
		for _, r := range a.roots {
			if r.leaves > f.Leaf && r.tree {
				f.Cause = InRecords
			} else if r.leaves > f.Leaf && r.seen {
				f.Cause = InTree
			}
		}
		a.report.fault(f)
	}
	slices.SortStableFunc(a.report.Faults, func(x, y Fault) int { return cmp.Compare(x.Leaf, y.Leaf) })
}
