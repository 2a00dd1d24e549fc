package lake

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	store "github.com/kizuki-security/kizuki/internal/logs/lake"
	"github.com/kizuki-security/kizuki/internal/logs/lake/evidence"
	"github.com/kizuki-security/kizuki/internal/logs/lake/proof"
)

// What verification finds of the signatures of a sealed file, as Damage.Reason.
const (
	Unsigned  = "unsigned"   // no signed checkpoint names these bytes
	NoteLost  = "note_lost"  // what was signed is gone from the record of signatures; the copy beside the file has it
	NoteCopy  = "note_copy"  // the copy beside the file is not what was signed
	NotSigned = "not_signed" // sealed here, and not signed yet: of Check.Pending
)

// Gone is a Damage.Reason: there is no lake, though something is remembered of one.
const Gone = "gone"

// OtherLake is a Damage.Reason: the lake is not the one of which something is remembered.
const OtherLake = "other_lake"

// looked is what counts of a file that was read whole.
type looked struct {
	name    string
	level   int
	firsts  map[string]uint64 // first number of each source
	sum     string
	notes   []beside
	noted   bool
	pledge  []byte
	sidecar error
}

// beside is one of the notes beside a file.
type beside struct {
	source string
	sum    [sha256.Size]byte
	text   string // of one that is small enough to be looked at once more
}

func look(c *store.Checked) looked {
	f := looked{
		name: c.Name, level: c.Level, firsts: map[string]uint64{}, sum: c.Sum, noted: c.Note != nil, pledge: c.Pledge, sidecar: c.Sidecar,
	}
	for i := range c.Sources {
		if s := &c.Sources[i]; len(s.Ranges) > 0 {
			f.firsts[s.Name] = s.Ranges[0].First
		}
	}
	const small = 2 << 10
	for _, note := range proof.SplitNotes(c.Note) {
		b := beside{source: proof.SourceOf(note), sum: sha256.Sum256([]byte(note))}
		if len(note) <= small {
			b.text = note
		}
		f.notes = append(f.notes, b)
	}
	return f
}

// cover compares the files that were read with what was signed. Every file needs, for each of its sources, a signed
// checkpoint that names its bytes; only a segment that was pledged, and is newer than all that was signed, may still wait
// for it. What was signed is read here, after the files: so it has all that was signed for them. Sources whose proof cannot
// be opened are passed over: that is told of them anyway.
func (l *Reader) cover(files []looked, key string) (damages, pending []Damage) {
	keeper, err := l.witness.reading(key)
	if err != nil {
		return nil, nil // told of every source
	}
	defer func() { _ = keeper.Close() }() // nothing was written
	c := &covering{keeper: keeper, sources: map[string]*signatures{}}
	for i := range files {
		f := &files[i]
		by := map[string][]string{}
		for source := range f.firsts {
			if reason := c.judge(f, source); reason != "" {
				by[reason] = append(by[reason], source)
			}
		}
		if len(by) == 0 && !c.copied(f) {
			by[NoteCopy] = []string{strings.TrimSuffix(f.name, ".parquet") + ".note"}
		}
		for reason, sources := range by {
			slices.Sort(sources)
			d := Damage{reason, f.name, strings.Join(sources, ", ")}
			if reason == NotSigned {
				pending = append(pending, d)
			} else {
				damages = append(damages, d)
			}
		}
	}
	byName := func(a, b Damage) int { return strings.Compare(a.File+" "+a.Reason, b.File+" "+b.Reason) }
	slices.SortFunc(damages, byName)
	slices.SortFunc(pending, byName)
	return damages, pending
}

// covering compares files with signatures.
type covering struct {
	keeper  *evidence.Keeper
	sources map[string]*signatures
}

// signatures are those of one source.
type signatures struct {
	files  map[proof.Hash]bool // that a checkpoint names
	notes  map[[sha256.Size]byte]bool
	newest uint64 // record that is signed
}

// of gives the signatures of a source; nil: its proof cannot be opened.
func (c *covering) of(source string) *signatures {
	if s, known := c.sources[source]; known {
		return s
	}
	c.sources[source] = nil
	log, err := c.keeper.Log(source)
	if err != nil {
		return nil
	}
	s := &signatures{files: map[proof.Hash]bool{}, notes: map[[sha256.Size]byte]bool{}, newest: log.Signed()}
	for _, p := range log.Checkpoints() {
		s.files[p.File] = true
	}
	for _, n := range log.Notes() {
		s.notes[sha256.Sum256([]byte(n))] = true
	}
	c.sources[source] = s
	return s
}

// judge says what is wrong with the signature of a file for a source; "": nothing.
func (c *covering) judge(f *looked, source string) string {
	s := c.of(source)
	if s == nil {
		return ""
	}
	sum, ok := hashOf(f.sum)
	switch {
	case ok && s.files[sum]:
		return ""
	case ok && slices.ContainsFunc(f.notes, func(b beside) bool { return b.source == source && c.signs(b.text, source, sum) }):
		return NoteLost
	case ok && f.level == 0 && !f.noted && f.firsts[source] > s.newest && c.keeper.Pledged(f.pledge, sum) == nil:
		return NotSigned
	}
	return Unsigned
}

// signs says whether a note is a signed checkpoint of a file and a source.
func (c *covering) signs(note, source string, sum proof.Hash) bool {
	log, err := c.keeper.Log(source)
	if err != nil {
		return false
	}
	p, err := log.Open(note)
	return err == nil && p.File == sum
}

// copied says whether the notes beside a file are those that were signed: one for each source, and nothing else. Where
// there are none, they are written again.
func (c *covering) copied(f *looked) bool {
	if !f.noted {
		return true
	}
	met := map[string]bool{}
	for _, b := range f.notes {
		if _, known := f.firsts[b.source]; !known || met[b.source] {
			return false
		}
		if s := c.of(b.source); s != nil && !s.notes[b.sum] { // nil: nobody can tell
			return false
		}
		met[b.source] = true
	}
	return len(met) == len(f.firsts)
}

func hashOf(sum string) (h proof.Hash, ok bool) {
	b, err := hex.DecodeString(sum)
	if err != nil || len(b) != len(h) {
		return h, false
	}
	return proof.Hash(b), true
}
