package lake

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	store "github.com/kizuki-security/kizuki/internal/logs/lake"
	"github.com/kizuki-security/kizuki/internal/logs/lake/proof"
	"github.com/kizuki-security/kizuki/internal/logs/query"
)

// sweep goes over the records of one source in the order of their sequence numbers, holding few blocks at a time.
type sweep struct {
	store    *store.Lake
	source   string
	from, to uint64 // both included; to 0: to the end
	// want, when it is not 0, has the record of this number kept in found, as the lake has it.
	want  uint64
	found *event.Record
	// unread lists blocks that cannot be read, with what was met.
	unread []error
	step   func(done, total int) // after each block; may be nil

	hasher proof.Hasher
}

type hashed struct {
	seq  uint64
	hash proof.Hash
}

// span is what a block holds of the source.
type span struct {
	block       int
	first, last uint64
}

// hashes gives the record hashes, doubled ones twice. The error is that of visit or of the context; blocks that cannot
// be read are left out and listed.
func (s *sweep) hashes(ctx context.Context, visit func(seq uint64, h proof.Hash) error) error {
	if s.to == 0 {
		s.to = math.MaxUint64
	}
	look, err := s.store.Blocks(ctx, math.MinInt64, math.MaxInt64, []string{s.source})
	if err != nil {
		return err
	}
	defer func() { _ = look.Close() }()
	spans, err := s.spans(ctx, look)
	if err != nil {
		return err
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.block, b.block)) })
	var waiting []hashed
	give := func(before uint64) error {
		slices.SortFunc(waiting, func(a, b hashed) int { return cmp.Compare(a.seq, b.seq) })
		n := 0
		for n < len(waiting) && waiting[n].seq < before {
			if err := visit(waiting[n].seq, waiting[n].hash); err != nil {
				return err
			}
			n++
		}
		waiting = slices.Delete(waiting, 0, n)
		return nil
	}
	for i, p := range spans {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := give(p.first); err != nil {
			return err
		}
		if waiting, err = s.block(look, p.block, waiting); err != nil {
			s.unread = append(s.unread, err)
		}
		if s.step != nil {
			s.step(i+1, len(spans))
		}
	}
	return give(math.MaxUint64)
}

// spans reads which numbers the blocks hold.
func (s *sweep) spans(ctx context.Context, look query.Blocks) ([]span, error) {
	var spans []span
	for i := range look.Len() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p := span{block: i, first: math.MaxUint64}
		err := s.rows(look, i, func(b query.Block, rows []int, seqs []uint64) error {
			for _, row := range rows {
				p.first, p.last = min(p.first, seqs[row]), max(p.last, seqs[row])
			}
			return nil
		})
		switch {
		case err != nil:
			s.unread = append(s.unread, err)
		case p.last > 0 && p.first <= s.to && p.last >= s.from:
			spans = append(spans, p)
		}
	}
	return spans, nil
}

// rows opens a block and gives its rows of the source in the range.
func (s *sweep) rows(look query.Blocks, i int, use func(b query.Block, rows []int, seqs []uint64) error) error {
	b, err := look.Open(i)
	if err != nil {
		return err
	}
	defer b.Release()
	seqs, err := b.Seqs()
	if err != nil {
		return err
	}
	var source *query.Column
	if b.Stat().Source == "" {
		if source, err = b.Column("source"); err != nil {
			return err
		}
	}
	var rows []int
	for row, seq := range seqs {
		if seq >= s.from && seq <= s.to && (source == nil || source.Values[source.Codes[row]] == s.source) {
			rows = append(rows, row)
		}
	}
	return use(b, rows, seqs)
}

// block hashes the rows of a block.
func (s *sweep) block(look query.Blocks, i int, to []hashed) ([]hashed, error) {
	before := len(to)
	err := s.rows(look, i, func(b query.Block, rows []int, seqs []uint64) error {
		times, err := b.Times()
		if err != nil {
			return err
		}
		received := times
		if r, ok := b.(query.Receiver); ok {
			if received, err = r.Received(); err != nil {
				return err
			}
		}
		format, err := b.Column("format")
		if err != nil {
			return err
		}
		text, ends, err := b.Messages()
		if err != nil {
			return err
		}
		for _, row := range rows {
			begin := uint32(0)
			if row > 0 {
				begin = ends[row-1]
			}
			kind := event.Format("")
			if format != nil {
				kind = event.Format(format.Values[format.Codes[row]])
			}
			raw := text[begin:ends[row]]
			to = append(to, hashed{seqs[row], s.hasher.Sum(s.source, seqs[row], times[row], received[row], kind, raw)})
			if s.want == seqs[row] {
				s.found = &event.Record{
					Source: s.source, Seq: seqs[row], Time: micro(times[row]), Received: micro(received[row]),
					Format: event.Format(string(kind)), Raw: slices.Clone(raw),
				}
			}
		}
		return nil
	})
	if err != nil {
		return to[:before], err
	}
	return to, nil
}
