package proof

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Tombstone is the signed statement that a file was deleted. As text, signed like a checkpoint:
//
//	kizuki-tombstone/1
//	origin kizuki-lake/OFFICE/SOURCE
//	source SOURCE
//	seq 1-70000                      records that went with the file, one line for each run
//	file sha256:HEX
//	root 273 BASE64                  size and root of the tree, all deleted full leaves in it
//	reason TEXT
//	by WHO
//	kept 69889 BASE64                record hashes one after another, see Kept; any number
//	node 8 0 BASE64                  hash of 2^8 deleted leaves, of those subtrees the 0th; any number
//	time 2026-11-26T00:00:00.000Z
type Tombstone struct {
	Origin, Source string
	Ranges         []Range
	File           Hash
	Leaves         int64
	Root           Hash
	Reason, By     string // one line each
	// Kept are the hashes of deleted records whose leaf has other records that stay. Without them the leaf, and with it
	// the records that stay, could not be proved any more.
	Kept []Kept
	// Nodes are the largest subtrees that the deleted leaves made up; none in tombstones of early versions. Without them the
	// tree could not be made again, should it be damaged.
	Nodes []Node
	At    time.Time // UTC, whole milliseconds
}

// Kept are hashes of consecutive records that are gone.
type Kept struct {
	First  uint64
	Hashes []Hash // 1 to 255
}

const (
	tombstoneLine = "kizuki-tombstone/1"
	longestReason = 1000 // bytes
)

// Text is what is signed.
func (t *Tombstone) Text() (string, error) {
	if err := t.check(); err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\norigin %s\nsource %s\n", tombstoneLine, t.Origin, t.Source)
	for _, r := range t.Ranges {
		fmt.Fprintf(&b, "seq %d-%d\n", r.First, r.Last)
	}
	fmt.Fprintf(&b, "file %s\nroot %d %s\nreason %s\nby %s\n", fileName(t.File), t.Leaves, t.Root, t.Reason, t.By)
	for _, k := range t.Kept {
		all := make([]byte, 0, len(k.Hashes)*len(Hash{}))
		for _, h := range k.Hashes {
			all = append(all, h[:]...)
		}
		fmt.Fprintf(&b, "kept %d %s\n", k.First, base64.StdEncoding.EncodeToString(all))
	}
	for _, n := range t.Nodes {
		fmt.Fprintf(&b, "node %d %d %s\n", n.Level, n.Index, n.Hash)
	}
	fmt.Fprintf(&b, "time %s\n", t.At.UTC().Format(timeForm))
	return b.String(), nil
}

func (t *Tombstone) check() error {
	if !validName(t.Origin) || !validName(t.Source) {
		return refuse(BadSource, "origin %.60q, source %.60q", t.Origin, t.Source)
	}
	bad := !oneLine(t.Reason) || !oneLine(t.By) || t.Leaves < 0 || t.Leaves >= 1<<48 || len(t.Ranges) == 0 ||
		t.At.Year() < 1 || t.At.Year() > 9999
	last := uint64(0)
	for _, r := range t.Ranges {
		bad = bad || r.First == 0 || r.First <= last || r.Last < r.First
		last = r.Last
	}
	for _, k := range t.Kept {
		n := len(k.Hashes)
		bad = bad || n == 0 || n >= LeafRecords || !t.holds(Range{k.First, k.First + uint64(n) - 1})
	}
	for i := range t.Nodes {
		bad = bad || !t.holdsNode(&t.Nodes[i])
	}
	if bad {
		return refuse(Malformed, "a tombstone of %d runs for %.60q by %.60q", len(t.Ranges), t.Reason, t.By)
	}
	return nil
}

func (t *Tombstone) holds(part Range) bool {
	for _, r := range t.Ranges {
		if r.First <= part.First && part.Last <= r.Last {
			return true
		}
	}
	return false
}

// holdsNode says whether all leaves below a node were deleted whole. Runs may touch.
func (t *Tombstone) holdsNode(n *Node) bool {
	const deepest, widest = 47, 1 << 48
	return n.Level >= 0 && n.Level <= deepest && n.Index >= 0 && n.Index < widest>>n.Level && n.Hash != Hash{} &&
		touching(t.Ranges, Range{leafRange(n.first()).First, leafRange(n.end() - 1).Last})
}

// touching says whether runs that ascend hold all of a part; merged ones are compared.
func touching(runs []Range, part Range) bool {
	for _, r := range runs {
		if r.First <= part.First && part.First <= r.Last {
			if part.Last <= r.Last {
				return true
			}
			part.First = r.Last + 1
		}
	}
	return false
}

func oneLine(text string) bool {
	return text != "" && len(text) <= longestReason && utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl) &&
		strings.TrimSpace(text) == text
}

// Sign is the signed note of a tombstone.
func (t *Tombstone) Sign(signer Signer) (string, error) {
	text, err := t.Text()
	if err != nil {
		return "", err
	}
	return sign(text, signer)
}

// OpenTombstone reads a signed note as OpenCheckpoint does.
func OpenTombstone(signed string, keys ...Verifier) (*Tombstone, error) {
	text, err := open(signed, keys)
	if err != nil {
		return nil, err
	}
	return ParseTombstone(text)
}

// ParseTombstone reads what Text wrote. It checks no signature.
func ParseTombstone(text string) (*Tombstone, error) {
	l := &lines{rest: text}
	t := &Tombstone{}
	l.bad = l.next() != tombstoneLine
	t.Origin, t.Source = l.want("origin"), l.want("source")
	for value, ok := l.with("seq"); ok; value, ok = l.with("seq") {
		t.Ranges = append(t.Ranges, l.span(value))
	}
	t.File = l.file(l.want("file"))
	size, root, _ := strings.Cut(l.want("root"), " ")
	t.Leaves, t.Root = int64(l.number(size)), l.hash(root)
	t.Reason, t.By = l.want("reason"), l.want("by")
	for value, ok := l.with("kept"); ok; value, ok = l.with("kept") {
		first, all, _ := strings.Cut(value, " ")
		t.Kept = append(t.Kept, Kept{l.number(first), l.hashes(all)})
	}
	for value, ok := l.with("node"); ok; value, ok = l.with("node") {
		words := strings.Split(value, " ")
		if len(words) != 3 {
			return nil, errForm
		}
		level := l.number(words[0])
		if level > 48 {
			return nil, errForm
		}
		t.Nodes = append(t.Nodes, Node{int(level), int64(l.number(words[1])), l.hash(words[2])})
	}
	t.At = l.time(l.want("time"))
	if l.bad || l.rest != "" {
		return nil, errForm
	}
	if again, err := t.Text(); err != nil || again != text {
		return nil, errForm
	}
	return t, nil
}

func (l *lines) hashes(text string) []Hash {
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(b)%len(Hash{}) != 0 {
		l.bad = true
		return nil
	}
	out := make([]Hash, 0, len(b)/len(Hash{}))
	for ; len(b) > 0; b = b[len(Hash{}):] {
		out = append(out, Hash(b[:len(Hash{})]))
	}
	return out
}
