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

// appendRuns appends hashes run by run of consecutive numbers.
func appendRuns(log *proof.Log, seqs []uint64, hashes []proof.Hash) error {
	for from := 0; from < len(seqs); {
		to := from + 1
		for to < len(seqs) && seqs[to] == seqs[to-1]+1 {
			to++
		}
		if err := log.Append(seqs[from], hashes[from:to]); err != nil {
			return err
		}
		from = to
	}
	return nil
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

// Mend appends the sealed records that the tree of a source lost, see proof.Log.Behind.
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
	return err
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
