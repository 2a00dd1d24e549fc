package lake

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/note"

	store "github.com/kizuki-security/kizuki/internal/logs/lake"
	"github.com/kizuki-security/kizuki/internal/logs/lake/proof"
	"github.com/kizuki-security/kizuki/internal/logs/lake/segment"
	"github.com/kizuki-security/kizuki/internal/platform/secret"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// keyFile is DIR/lake/keys.json.
type keyFile struct {
	Lake string    `json:"lake"` // random; part of the origin of every note
	Keys []lakeKey `json:"keys"` // oldest first
}

type lakeKey struct {
	VKey   string `json:"vkey"`
	Sealed string `json:"sealed"` // the private key, see platform/secret
}

// witness signs for what is sealed and deleted. It implements store.Evidence. The key and the lake's name are made
// with the first seal, so that looking at a lake writes nothing.
type witness struct {
	config Config
	dir    string

	mu     sync.Mutex
	store  *store.Lake // nil until the lake is open; hashes of what is deleted are read from it
	keys   *keyFile    // nil until it was read
	signer proof.Signer
	logs   map[string]*proof.Log
}

func (w *witness) begin(s *store.Lake) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.store = s
}

func (w *witness) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var errs []error
	for _, l := range w.logs {
		errs = append(errs, l.Close())
	}
	w.logs = nil
	return errors.Join(errs...)
}

func sealContext(vkey string) string { return "lake.key/" + vkey }

// load reads the keys; mu is held.
func (w *witness) load() error {
	if w.keys != nil {
		return nil
	}
	data, err := readSmall(filepath.Join(w.dir, "keys.json"))
	if err != nil || data == nil {
		return err
	}
	var keys keyFile
	if err := json.Unmarshal(data, &keys); err != nil {
		return problem.Unavailable("app.lake.keys_damaged", "file", filepath.Join(w.dir, "keys.json")).Because(err)
	}
	w.keys = &keys
	return nil
}

// ready loads the keys, makes the first one where there is none, and opens the private key; mu is held.
func (w *witness) ready() error {
	if w.signer != nil {
		return nil
	}
	if err := w.load(); err != nil {
		return err
	}
	box, err := secret.Open(w.config.Dir, w.config.Rand)
	if err != nil {
		return fmt.Errorf("open the key of the data folder: %w", err)
	}
	if w.keys == nil || len(w.keys.Keys) == 0 {
		if err := w.makeKey(box); err != nil {
			return err
		}
	}
	last := w.keys.Keys[len(w.keys.Keys)-1]
	private, err := box.Open(last.Sealed, sealContext(last.VKey))
	if err != nil {
		return problem.Unavailable("app.lake.key_closed", "file", secret.KeyFile).Because(err)
	}
	w.signer, err = note.NewSigner(string(private))
	if err != nil {
		return fmt.Errorf("read signing key: %w", err)
	}
	return nil
}

func (w *witness) makeKey(box *secret.Box) error {
	// A new name with old proofs would sign a second history beside the first.
	if sources, err := proof.Sources(w.proofs()); err != nil || len(sources) > 0 {
		return errors.Join(err, problem.Unavailable("app.lake.keys_gone", "file", filepath.Join(w.dir, "keys.json")))
	}
	var id [8]byte
	if _, err := io.ReadFull(w.config.Rand, id[:]); err != nil {
		return fmt.Errorf("name the lake: %w", err)
	}
	keys := &keyFile{Lake: hex.EncodeToString(id[:])}
	private, vkey, err := note.GenerateKey(w.config.Rand, "kizuki-lake/"+keys.Lake)
	if err != nil {
		return fmt.Errorf("make signing key: %w", err)
	}
	sealed, err := box.Seal([]byte(private), sealContext(vkey))
	if err != nil {
		return fmt.Errorf("seal signing key: %w", err)
	}
	keys.Keys = []lakeKey{{vkey, sealed}}
	data, err := json.MarshalIndent(keys, "", "  ")
	if err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	if err := writeWhole(filepath.Join(w.dir, "keys.json"), append(data, '\n')); err != nil {
		return err
	}
	w.keys = keys
	return nil
}

func (w *witness) proofs() string { return filepath.Join(w.dir, "proof") }

func (w *witness) verifierKeys() ([]string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.load(); err != nil || w.keys == nil {
		return nil, err
	}
	var out []string
	for _, k := range w.keys.Keys {
		out = append(out, k.VKey)
	}
	return out, nil
}

// log opens the proof of a source; mu is held.
func (w *witness) log(ctx context.Context, source string) (*proof.Log, error) {
	if l := w.logs[source]; l != nil {
		return l, nil
	}
	if err := w.ready(); err != nil {
		return nil, err
	}
	c := proof.Config{Dir: w.proofs(), Lake: w.keys.Lake, Signer: w.signer}
	for _, k := range w.keys.Keys {
		v, err := note.NewVerifier(k.VKey)
		if err != nil {
			return nil, fmt.Errorf("read key of the lake: %w", err)
		}
		c.Keys = append(c.Keys, v)
	}
	l, err := proof.OpenLog(c, source)
	if err != nil {
		return nil, fmt.Errorf("open proof of %s: %w", source, err)
	}
	if l.Behind() && w.store != nil { // its tree was damaged: make it again from the records, and what is signed judges it
		if err := w.rebuild(ctx, l); err != nil {
			return nil, errors.Join(fmt.Errorf("make the tree of %s again: %w", source, err), l.Close())
		}
	}
	if w.logs == nil {
		w.logs = map[string]*proof.Log{}
	}
	w.logs[source] = l
	return l, nil
}

// rebuild gives a tree its records again, as far as they follow one another.
func (w *witness) rebuild(ctx context.Context, l *proof.Log) error {
	signed := uint64(0)
	for _, c := range l.Checkpoints() {
		signed = max(signed, c.Records())
	}
	next, whole := l.Records()+1, true
	s := &sweep{store: w.store, source: l.Source(), from: next, to: signed}
	return s.hashes(ctx, func(seq uint64, h proof.Hash) error {
		if whole = whole && seq <= next; !whole || seq < next {
			return nil
		}
		next++
		return l.Append(seq, []proof.Hash{h})
	})
}

// Sealed appends the records of a segment to the trees and signs them.
func (w *witness) Sealed(ctx context.Context, unit store.Unit, hashes func(string) ([]uint64, []proof.Hash, error)) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	file := proof.File{}
	var err error
	if file.SHA256, err = hashOf(unit.SHA256); err != nil {
		return nil, err
	}
	var notes []string
	for i := range unit.Sources {
		s := &unit.Sources[i]
		l, err := w.log(ctx, s.Name)
		if err != nil {
			return nil, err
		}
		if n := len(s.Ranges); n > 0 && s.Ranges[n-1].Last > l.Records() {
			seqs, sums, err := hashes(s.Name)
			if err != nil {
				return nil, err
			}
			if err := appendRuns(l, seqs, sums); err != nil {
				return nil, fmt.Errorf("records of %s: %w", s.Name, err)
			}
		}
		file.Ranges, file.Replaces = ranges(s.Ranges), nil
		for _, old := range unit.Replaces {
			if !slices.ContainsFunc(old.Sources, func(o segment.Source) bool { return o.Name == s.Name }) {
				continue
			}
			h, err := hashOf(old.SHA256)
			if err != nil {
				return nil, err
			}
			file.Replaces = append(file.Replaces, h)
		}
		signed, err := l.Seal(file, unit.At)
		if err != nil {
			return nil, fmt.Errorf("sign for %s: %w", s.Name, err)
		}
		notes = append(notes, signed)
	}
	return []byte(strings.Join(notes, "\n")), nil
}

// appendRuns appends records with ascending numbers, run by run.
func appendRuns(l *proof.Log, seqs []uint64, sums []proof.Hash) error {
	for i := 0; i < len(seqs); {
		j := i + 1
		for j < len(seqs) && seqs[j] == seqs[j-1]+1 {
			j++
		}
		if err := l.Append(seqs[i], sums[i:j]); err != nil {
			return err
		}
		i = j
	}
	return nil
}

// Deleted signs a tombstone for each file; hashes that leaves of other records need are read before the files go.
func (w *witness) Deleted(ctx context.Context, tombstone []byte) ([]byte, error) {
	var t store.Tombstone
	if err := json.Unmarshal(tombstone, &t); err != nil {
		return nil, fmt.Errorf("read tombstone: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	l, err := w.log(ctx, t.Source)
	if err != nil {
		return nil, err
	}
	var notes []string
	for _, text := range t.SHA256 {
		sum, err := hashOf(text)
		if err != nil {
			return nil, err
		}
		b := proof.Burial{SHA256: sum, Reason: oneLine(t.Why), By: oneLine(t.Who)}
		for _, c := range l.Checkpoints() {
			if c.File == sum {
				b.Ranges = c.Ranges
			}
		}
		if len(b.Ranges) == 0 {
			return nil, fmt.Errorf("file %s was never signed for", text)
		}
		b.Hash = w.reader(ctx, t.Source)
		signed, err := l.Bury(b, t.At)
		if err != nil {
			return nil, fmt.Errorf("sign tombstone of %s: %w", t.Source, err)
		}
		notes = append(notes, signed)
	}
	return []byte(strings.Join(notes, "\n")), nil
}

// reader gives hashes of single records, a leaf at a time.
func (w *witness) reader(ctx context.Context, source string) func(seq uint64) (proof.Hash, error) {
	known := map[uint64]proof.Hash{}
	return func(seq uint64) (proof.Hash, error) {
		if h, ok := known[seq]; ok {
			return h, nil
		}
		clear(known)
		first := (seq-1)/proof.LeafRecords*proof.LeafRecords + 1
		s := &sweep{store: w.store, source: source, from: first, to: first + proof.LeafRecords - 1}
		err := s.hashes(ctx, func(seq uint64, h proof.Hash) error { known[seq] = h; return nil })
		h, ok := known[seq]
		if err == nil && !ok {
			err = fmt.Errorf("record %d is not there", seq)
		}
		return h, err
	}
}

func ranges(from []segment.Range) []proof.Range {
	out := make([]proof.Range, len(from))
	for i, r := range from {
		out[i] = proof.Range{First: r.First, Last: r.Last}
	}
	return out
}

func hashOf(text string) (proof.Hash, error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(proof.Hash{}) {
		return proof.Hash{}, fmt.Errorf("%.70q is no SHA-256", text)
	}
	return proof.Hash(b), nil
}

// oneLine is a text as a tombstone may hold it.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " ")
	const longest = 900
	for len(text) > longest {
		text = text[:len(text)-1]
	}
	if text = strings.ToValidUTF8(text, ""); text == "" {
		return "-"
	}
	return text
}

var _ store.Evidence = (*witness)(nil)
