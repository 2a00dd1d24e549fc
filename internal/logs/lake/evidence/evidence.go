// Package evidence joins the lake and its proofs: one proof.Log for each source, fed when a file is sealed, asked to
// sign before one is deleted, and compared with the files when somebody wants to know.
//
// It owns no words of its own. It imports lake and proof.
package evidence

import (
	"context"
	"encoding/hex"
	"errors"
	"sync"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake"
	"github.com/kizuki-security/kizuki/internal/logs/lake/proof"
	"github.com/kizuki-security/kizuki/internal/logs/lake/segment"
)

// Records are those that are compared or proved: a lake, or a reader of one.
type Records interface {
	Hashes(ctx context.Context, source string, each func(seq uint64, hash proof.Hash) error) (bad map[string]error, err error)
	HashesNear(source string) func(seq uint64) (proof.Hash, error)
	Record(source string, seq uint64) (event.Record, error)
}

// Keeper implements lake.Evidence. All methods may be called by many goroutines.
type Keeper struct {
	config proof.Config
	mu     sync.Mutex
	logs   map[string]*proof.Log
}

// New makes a keeper; the logs of sources are opened when they are needed.
func New(config proof.Config) *Keeper { return &Keeper{config: config, logs: map[string]*proof.Log{}} }

// Log gives the proof of a source.
func (k *Keeper) Log(source string) (*proof.Log, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if log := k.logs[source]; log != nil {
		return log, nil
	}
	log, err := proof.OpenLog(k.config, source)
	if err != nil {
		return nil, err
	}
	k.logs[source] = log
	return log, nil
}

// Close closes the logs.
func (k *Keeper) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	var errs []error
	for _, log := range k.logs {
		errs = append(errs, log.Close())
	}
	clear(k.logs)
	return errors.Join(errs...)
}

// appendRuns appends hashes run by run of consecutive numbers. What is lost between them is taken as missing.
func (k *Keeper) appendRuns(log *proof.Log, unit *lake.Unit, seqs []uint64, hashes []proof.Hash) error {
	gaps, err := gapsOf(log, unit, seqs)
	if err != nil {
		return err
	}
	for from := 0; from < len(seqs); {
		to := from + 1
		for to < len(seqs) && seqs[to] == seqs[to-1]+1 {
			to++
		}
		if len(gaps) > 0 && gaps[0].Last+1 == seqs[from] {
			if err := log.Lose(gaps[0].Last); err != nil {
				return err
			}
			gaps = gaps[1:]
		}
		if err := log.Append(seqs[from], hashes[from:to]); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// gapsOf are the numbers between the end of the tree and the last record of a segment that are lost; any other gap is an
// error, before anything is appended.
func gapsOf(log *proof.Log, unit *lake.Unit, seqs []uint64) (gaps []segment.Range, err error) {
	next := log.Records() + 1
	if log.Behind() || unit.Level > 0 || unit.Lost == nil {
		return nil, nil // the tree itself says what does not follow
	}
	for _, seq := range seqs {
		if seq > next {
			gap := segment.Range{First: next, Last: seq - 1}
			if err := unit.Lost(log.Source(), gap); err != nil {
				return nil, &proof.Error{Reason: proof.Hole, Err: err}
			}
			gaps = append(gaps, gap)
		}
		next = max(next, seq+1)
	}
	return gaps, nil
}

// Deleted signs the tombstone of a file of one source.
func (k *Keeper) Deleted(_ context.Context, unit lake.Unit, who, why string, hash func(uint64) (proof.Hash, error)) ([]byte, error) {
	sum, err := sumOf(&unit)
	if err != nil {
		return nil, err
	}
	source := unit.Sources[0]
	log, err := k.Log(source.Name)
	if err != nil {
		return nil, err
	}
	note, err := log.Bury(proof.Burial{
		Ranges: rangesOf(source.Ranges), SHA256: sum, Reason: why, By: who, Hash: hash,
	}, unit.At)
	return []byte(note), err
}

// Verify compares all sealed records of a source with what was signed, and names the files that cannot be read. progress
// is told each record; it may be nil.
func (k *Keeper) Verify(ctx context.Context, l Records, source string, progress func()) (*proof.Report, map[string]error, error) {
	log, err := k.Log(source)
	if err != nil {
		return nil, nil, err
	}
	audit := log.Audit()
	bad, err := l.Hashes(ctx, source, func(seq uint64, h proof.Hash) error {
		if progress != nil {
			progress()
		}
		return audit.Add(seq, h)
	})
	if err != nil {
		return nil, bad, err
	}
	report, err := audit.Finish()
	return report, bad, err
}

// Mend appends what the tree of a source lost, see proof.Log.Behind: sealed records, and what the notes tell of others.
func (k *Keeper) Mend(ctx context.Context, l Records, source string) error {
	log, err := k.Log(source)
	if err != nil || !log.Behind() {
		return err
	}
	signed := log.Signed() // what lies behind was not signed: its own file brings it
	_, err = l.Hashes(ctx, source, func(seq uint64, h proof.Hash) error {
		if seq > signed {
			return nil
		}
		return log.Append(seq, []proof.Hash{h})
	})
	if err != nil {
		return err
	}
	return log.Fill()
}

// Sound mends what the files of hashes of a source lost, and the hashes in them that are not right, from the sealed records
// where it must. Reasons of package proof say that it cannot be done; verification names what is wrong.
func (k *Keeper) Sound(ctx context.Context, l Records, source string) error {
	if err := k.Mend(ctx, l, source); err != nil {
		return err
	}
	log, err := k.Log(source)
	if err != nil {
		return err
	}
	if sound, err := log.Sound(); sound || err != nil {
		return err
	}
	return log.Again(func(add func(uint64, proof.Hash) error) error {
		_, err := l.Hashes(ctx, source, add)
		return err
	})
}

// Prove makes the inclusion proof of one record.
func (k *Keeper) Prove(l Records, source string, seq uint64) (*proof.Inclusion, error) {
	log, err := k.Log(source)
	if err != nil {
		return nil, err
	}
	r, err := l.Record(source, seq)
	if err != nil {
		return nil, err
	}
	return log.Prove(&r, l.HashesNear(source))
}

func sumOf(unit *lake.Unit) (h proof.Hash, err error) {
	b, err := hex.DecodeString(unit.SHA256)
	if err != nil || len(b) != len(h) {
		return h, errors.Join(segment.ErrDamaged, err)
	}
	return proof.Hash(b), nil
}

func rangesOf(ranges []segment.Range) []proof.Range {
	out := make([]proof.Range, len(ranges))
	for i, r := range ranges {
		out[i] = proof.Range(r)
	}
	return out
}

var _ lake.Evidence = (*Keeper)(nil)
