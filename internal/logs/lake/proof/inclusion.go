package proof

import (
	"encoding/json"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/kizuki-security/kizuki/internal/logs/event"
)

// InclusionFormat is the format that an inclusion proof names.
const InclusionFormat = "kizuki-log-proof/1"

// Inclusion proves one record: with it and the public key anybody can check, without the lake, that the record stood in its
// source when the checkpoint was signed. As a file it is one JSON object.
type Inclusion struct {
	Format   string         `json:"format"`
	Record   IncludedRecord `json:"record"`
	Leaf     int64          `json:"leaf"`     // index of the leaf; that of the tail is the number of full leaves
	Siblings []Hash         `json:"siblings"` // hashes of the other records of the leaf, in their order
	Path     []Hash         `json:"path"`     // from the leaf to the root; empty for a record of the tail
	// Checkpoint is the signed note.
	Checkpoint string `json:"checkpoint"`
}

// IncludedRecord is what the record hash covers.
type IncludedRecord struct {
	Source   string       `json:"source"`
	Seq      uint64       `json:"seq"`
	Time     int64        `json:"time_us"`     // microseconds since 1970 UTC
	Received int64        `json:"received_us"` // the same
	Format   event.Format `json:"format"`
	Raw      []byte       `json:"raw"` // base64 in JSON
}

// Prove makes the inclusion proof of a record. hash gives the hash of another record of its leaf; kept hashes of deleted
// ones are found here. It takes the oldest checkpoint that has the record's leaf whole, else the newest that has the
// record in its tail. Reasons: NotCovered (not signed yet), Unfit (the records do not make up what was signed).
func (l *Log) Prove(r *event.Record, hash func(seq uint64) (Hash, error)) (*Inclusion, error) {
	if r.Source != l.source || r.Seq == 0 {
		return nil, refuse(Unfit, "record %d of %.60q is not of source %s", r.Seq, r.Source, l.source)
	}
	at := r.Time
	if at.IsZero() {
		at = r.Received
	}
	known := IncludedRecord{r.Source, r.Seq, micros(at), micros(r.Received), r.Format, r.Raw}
	c, signed := l.covering(r.Seq)
	if c == nil {
		return nil, refuse(NotCovered, "record %d of %s", r.Seq, l.source)
	}
	p, err := l.prove(&known, c, signed, hash)
	if Is(err, Unfit) { // a tree that was made again may not know its past, between leaves that were deleted since
		if last, signed := l.covered(); last != nil && last.Leaves > c.Leaves {
			return l.prove(&known, last, signed, hash)
		}
	}
	return p, err
}

// covered is the checkpoint of the largest tree, with its note.
func (l *Log) covered() (*Checkpoint, string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, newest := 0, l.widest(); i < len(l.checkpoints); i++ {
		if l.checkpoints[i] == newest {
			return newest, l.noteOf(i)
		}
	}
	return nil, ""
}

// prove makes the proof by one checkpoint.
func (l *Log) prove(r *IncludedRecord, c *Checkpoint, signed string, hash func(seq uint64) (Hash, error)) (*Inclusion, error) {
	leaf := leafOf(r.Seq)
	p := &Inclusion{
		Format: InclusionFormat, Leaf: leaf, Path: []Hash{}, Siblings: []Hash{}, Checkpoint: signed,
		Record: *r,
	}
	part := leafRange(leaf)
	if leaf == c.Leaves {
		part.Last = c.Records()
	}
	for seq := part.First; seq <= part.Last; seq++ {
		if seq == r.Seq {
			continue
		}
		h, err := l.hashOf(seq, hash)
		if err != nil {
			return nil, fmt.Errorf("hash of record %d: %w", seq, err)
		}
		p.Siblings = append(p.Siblings, h)
	}
	if leaf < c.Leaves {
		path, err := l.path(c.Leaves, leaf)
		if err != nil {
			return nil, err
		}
		p.Path = append(p.Path, path...)
	}
	if err := p.check(c); err != nil { // a proof that proves nothing is not given out
		return nil, err
	}
	return p, nil
}

func (l *Log) path(leaves, leaf int64) ([]Hash, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	path, err := tlog.ProveRecord(leaves, leaf, l.tree)
	if err != nil {
		return nil, fmt.Errorf("path of leaf %d: %w", leaf, err)
	}
	return path, nil
}

// hashOf takes the hash kept in a tombstone where there is one, and that of a missing record.
func (l *Log) hashOf(seq uint64, hash func(seq uint64) (Hash, error)) (Hash, error) {
	for _, t := range l.Tombstones() {
		for _, k := range t.Kept {
			if seq >= k.First && seq-k.First < uint64(len(k.Hashes)) {
				return k.Hashes[seq-k.First], nil
			}
		}
	}
	if holds(l.Missing(), seq) {
		return missingHash, nil
	}
	return hash(seq)
}

func (l *Log) covering(seq uint64) (c *Checkpoint, signed string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	leaf, best := leafOf(seq), -1
	for i, c := range l.checkpoints {
		if c.Records() < seq {
			continue
		}
		if c.Leaves > leaf {
			return c, l.noteOf(i)
		}
		best = i
	}
	if best < 0 {
		return nil, ""
	}
	return l.checkpoints[best], l.noteOf(best)
}

// Check checks the proof against public keys and gives the checkpoint that it rests on.
func (p *Inclusion) Check(keys ...Verifier) (*Checkpoint, error) {
	if p.Format != InclusionFormat {
		return nil, refuse(Malformed, "format %.40q", p.Format)
	}
	c, err := OpenCheckpoint(p.Checkpoint, keys...)
	if err != nil {
		return nil, err
	}
	return c, p.check(c)
}

func (p *Inclusion) check(c *Checkpoint) error {
	r := &p.Record
	if r.Source != c.Source || r.Seq == 0 || r.Seq > c.Records() || p.Leaf != leafOf(r.Seq) {
		return refuse(NotCovered, "record %d of %.60q", r.Seq, r.Source)
	}
	want := LeafRecords
	if p.Leaf == c.Leaves {
		want = c.Tail
	}
	if len(p.Siblings) != want-1 {
		return refuse(Malformed, "%d hashes beside the record, want %d", len(p.Siblings), want-1)
	}
	if err := p.missing(c); err != nil {
		return err
	}
	var h Hasher
	i := int((r.Seq - 1) % LeafRecords)
	records := append(append([]Hash(nil), p.Siblings[:i]...), h.Sum(r.Source, r.Seq, r.Time, r.Received, r.Format, r.Raw))
	leaf := LeafHash(append(records, p.Siblings[i:]...))
	if p.Leaf == c.Leaves {
		if len(p.Path) != 0 || leaf != c.TailHash {
			return refuse(Unfit, "the tail of the checkpoint is another")
		}
		return nil
	}
	if err := tlog.CheckRecord(p.Path, c.Leaves, c.Root, p.Leaf, leaf); err != nil {
		return &Error{Reason: Unfit, Err: err}
	}
	return nil
}

// missing says that exactly those siblings have the hash of a missing record that the checkpoint states as missing.
func (p *Inclusion) missing(c *Checkpoint) error {
	if holds(c.Missing, p.Record.Seq) {
		return refuse(Unfit, "record %d was signed as missing", p.Record.Seq)
	}
	seq := leafRange(p.Leaf).First
	for _, h := range p.Siblings {
		if seq == p.Record.Seq {
			seq++
		}
		if (h == missingHash) != holds(c.Missing, seq) {
			return refuse(Unfit, "record %d is missing, or the checkpoint says so", seq)
		}
		seq++
	}
	return nil
}

// JSON is the proof as a file.
func (p *Inclusion) JSON() ([]byte, error) {
	data, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write proof: %w", err)
	}
	return append(data, '\n'), nil
}
