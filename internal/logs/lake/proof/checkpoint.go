package proof

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Checkpoint is the signed state of one source's tree when a file was sealed or merged. As text it is a C2SP checkpoint:
//
//	kizuki-lake/OFFICE/SOURCE        origin
//	273                              full leaves
//	BASE64                           root of the tree over them
//	kizuki-leaves/1                  what a leaf is: see the package
//	tail 112 BASE64                  records behind the last full leaf, and their hash; left out when there are none
//	source SOURCE
//	seq 1-70000                      records in the file, one line for each run
//	missing 70001-70300              numbers in the tree that no file has, one line for each run; any number
//	file sha256:HEX                  the sealed file
//	replaces sha256:HEX 250 BASE64   a file that was merged into it, with size and root of its checkpoint; any number
//	time 2026-11-26T00:00:00.000Z
//
// Every line is fixed: a text that Text would write otherwise is refused.
type Checkpoint struct {
	Origin   string
	Leaves   int64
	Root     Hash
	Tail     int  // records behind the last full leaf, 0 to 255
	TailHash Hash // zero when Tail is 0
	Source   string
	Ranges   []Range // ascending, not touching
	Missing  []Range // numbers up to Records() that were lost before they were signed; ascending, none of them in Ranges
	File     Hash    // SHA-256 of the sealed file
	Replaces []Replaced
	At       time.Time // UTC, whole milliseconds
}

// Replaced is a file that a merged one stands for.
type Replaced struct {
	File   Hash
	Leaves int64
	Root   Hash
}

const (
	leavesLine = "kizuki-leaves/1"
	timeForm   = "2006-01-02T15:04:05.000Z"
	longest    = 200 // bytes of an origin or a source
)

// Records is the sequence number of the newest record that the checkpoint covers.
func (c *Checkpoint) Records() uint64 { return uint64(c.Leaves)*LeafRecords + uint64(c.Tail) }

// Text is what is signed.
func (c *Checkpoint) Text() (string, error) {
	if err := c.check(); err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%d\n%s\n%s\n", c.Origin, c.Leaves, c.Root, leavesLine)
	if c.Tail > 0 {
		fmt.Fprintf(&b, "tail %d %s\n", c.Tail, c.TailHash)
	}
	fmt.Fprintf(&b, "source %s\n", c.Source)
	for _, r := range c.Ranges {
		fmt.Fprintf(&b, "seq %d-%d\n", r.First, r.Last)
	}
	for _, r := range c.Missing {
		fmt.Fprintf(&b, "missing %d-%d\n", r.First, r.Last)
	}
	fmt.Fprintf(&b, "file %s\n", fileName(c.File))
	for _, r := range c.Replaces {
		fmt.Fprintf(&b, "replaces %s %d %s\n", fileName(r.File), r.Leaves, r.Root)
	}
	fmt.Fprintf(&b, "time %s\n", c.At.UTC().Format(timeForm))
	return b.String(), nil
}

func (c *Checkpoint) check() error {
	if !validName(c.Origin) || !validName(c.Source) {
		return refuse(BadSource, "origin %.60q, source %.60q", c.Origin, c.Source)
	}
	bad := c.Leaves < 0 || c.Leaves >= 1<<48 || c.Tail < 0 || c.Tail >= LeafRecords || len(c.Ranges) == 0 ||
		c.Tail == 0 && c.TailHash != Hash{} || c.At.Year() < 1 || c.At.Year() > 9999
	for _, runs := range [][]Range{c.Ranges, c.Missing} {
		last := uint64(0)
		for _, r := range runs {
			bad = bad || r.First == 0 || r.First <= last || r.Last < r.First || r.Last > c.Records()
			last = r.Last
		}
	}
	if bad || touch(c.Missing, c.Ranges) {
		return refuse(Malformed, "a checkpoint of %d leaves, %d records behind them and %d runs", c.Leaves, c.Tail, len(c.Ranges))
	}
	return nil
}

// validName says whether a note can hold the name in one line, and a key can be called so.
func validName(name string) bool {
	return name != "" && len(name) <= longest && utf8.ValidString(name) &&
		!strings.ContainsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || r == '+' })
}

func fileName(h Hash) string { return "sha256:" + hex.EncodeToString(h[:]) }

// lines reads a note from the top; after the first line that is not as it should be, bad stays true.
type lines struct {
	rest string
	bad  bool
}

func (l *lines) next() string {
	line, rest, ok := strings.Cut(l.rest, "\n")
	l.rest, l.bad = rest, l.bad || !ok
	return line
}

// with reads the next line if it begins with the word, and gives what follows it.
func (l *lines) with(word string) (string, bool) {
	if !strings.HasPrefix(l.rest, word+" ") {
		return "", false
	}
	return strings.TrimPrefix(l.next(), word+" "), true
}

func (l *lines) want(word string) string {
	value, ok := l.with(word)
	l.bad = l.bad || !ok
	return value
}

func (l *lines) hash(text string) Hash {
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != len(Hash{}) {
		l.bad = true
		return Hash{}
	}
	return Hash(b)
}

func (l *lines) file(text string) Hash {
	b, err := hex.DecodeString(strings.TrimPrefix(text, "sha256:"))
	if err != nil || len(b) != len(Hash{}) {
		l.bad = true
		return Hash{}
	}
	return Hash(b)
}

func (l *lines) number(text string) uint64 {
	n, err := strconv.ParseUint(text, 10, 63)
	l.bad = l.bad || err != nil
	return n
}

func (l *lines) span(text string) Range {
	first, last, _ := strings.Cut(text, "-")
	return Range{l.number(first), l.number(last)}
}

func (l *lines) time(text string) time.Time {
	at, err := time.Parse(timeForm, text)
	l.bad = l.bad || err != nil
	return at
}

// ParseCheckpoint reads what Text wrote. It checks no signature: see OpenCheckpoint.
func ParseCheckpoint(text string) (*Checkpoint, error) {
	l := &lines{rest: text}
	c := &Checkpoint{Origin: l.next()}
	c.Leaves = int64(l.number(l.next()))
	c.Root = l.hash(l.next())
	l.bad = l.next() != leavesLine || l.bad
	if value, ok := l.with("tail"); ok {
		count, hash, _ := strings.Cut(value, " ")
		c.Tail, c.TailHash = int(l.number(count)), l.hash(hash)
	}
	c.Source = l.want("source")
	for value, ok := l.with("seq"); ok; value, ok = l.with("seq") {
		c.Ranges = append(c.Ranges, l.span(value))
	}
	for value, ok := l.with("missing"); ok; value, ok = l.with("missing") {
		c.Missing = append(c.Missing, l.span(value))
	}
	c.File = l.file(l.want("file"))
	for value, ok := l.with("replaces"); ok; value, ok = l.with("replaces") {
		parts := strings.Split(value, " ")
		if len(parts) != 3 {
			return nil, errForm
		}
		c.Replaces = append(c.Replaces, Replaced{l.file(parts[0]), int64(l.number(parts[1])), l.hash(parts[2])})
	}
	c.At = l.time(l.want("time"))
	if l.bad || l.rest != "" {
		return nil, errForm
	}
	if again, err := c.Text(); err != nil || again != text {
		return nil, errForm
	}
	return c, nil
}

var errForm = &Error{Reason: Malformed}

// Covers says whether the file of the checkpoint holds the record.
func (c *Checkpoint) Covers(seq uint64) bool {
	return slices.ContainsFunc(c.Ranges, func(r Range) bool { return r.First <= seq && seq <= r.Last })
}
