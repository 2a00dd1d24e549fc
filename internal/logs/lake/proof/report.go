package proof

// Cause says what of a leaf that does not fit was changed.
type Cause string

// Causes.
const (
	InRecords Cause = "records" // a signed root proves the stored hash of the leaf: the records are not as they were
	InTree    Cause = "tree"    // a signed root proves the records: the file of hashes is not as it was
	InEither  Cause = "either"  // no signed root proves one or the other
)

// Fault is a leaf, or a run of leaves, that does not fit.
type Fault struct {
	Leaf    int64 `json:"leaf"`    // the first leaf of the run
	Records Range `json:"records"` // what the run holds
	Tail    bool  `json:"tail"`    // it is the shorter leaf behind the full ones that a checkpoint states
	// Root says that the leaves fit their stored hashes and a signed root fits neither: records and tree were both
	// changed, somewhere in the run.
	Root  bool  `json:"root"`
	Cause Cause `json:"cause"`
}

// Report is what an audit found in one source. All lists ascend; Left counts what was left off their ends at 10,000 entries.
type Report struct {
	Source      string  `json:"source"`
	Records     uint64  `json:"records"`     // read, doubled ones counted once
	Leaves      int64   `json:"leaves"`      // full leaves computed again and compared
	Checkpoints int     `json:"checkpoints"` // signed roots compared
	Signed      uint64  `json:"signed"`      // newest record that a checkpoint covers
	Unsigned    uint64  `json:"unsigned"`    // records read behind it: not sealed yet, and not proved
	Deleted     []Range `json:"deleted"`     // covered by tombstones and not there
	Missing     []Range `json:"missing"`
	Lost        []Range `json:"lost"`     // those of Missing that a checkpoint states: they were lost before they were signed
	Returned    []Range `json:"returned"` // there, although a checkpoint states them as missing
	Doubled     []Range `json:"doubled"`
	Faults      []Fault `json:"faults"`
	// Nodes counts hashes of inner nodes in the tree file that do not fit those below. Rebuilding the tree mends them.
	Nodes int64 `json:"nodes"`
	// Short says that the tree file has fewer leaves than were signed.
	Short bool  `json:"short"`
	Left  int64 `json:"left"`
}

// Good says that all is as it was signed.
func (r *Report) Good() bool {
	return len(r.Missing) == 0 && len(r.Doubled) == 0 && len(r.Returned) == 0 && len(r.Faults) == 0 && r.Nodes == 0 && !r.Short
}

// First is the first leaf that does not fit; nil: all do.
func (r *Report) First() *Fault {
	if len(r.Faults) == 0 {
		return nil
	}
	first := &r.Faults[0]
	for i := range r.Faults {
		if r.Faults[i].Leaf < first.Leaf {
			first = &r.Faults[i]
		}
	}
	return first
}

const longestList = 10_000

// note adds a sequence number to a list of runs.
func (r *Report) note(list *[]Range, part Range) {
	if n := len(*list); n > 0 && (*list)[n-1].Last+1 >= part.First && (*list)[n-1].First <= part.First {
		(*list)[n-1].Last = max((*list)[n-1].Last, part.Last)
	} else if n < longestList {
		*list = append(*list, part)
	} else {
		r.Left++
	}
}

func (r *Report) fault(f Fault) {
	if len(r.Faults) < longestList {
		r.Faults = append(r.Faults, f)
	} else {
		r.Left++
	}
}
