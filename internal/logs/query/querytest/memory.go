package querytest

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/query"
)

// Memory is a store in memory. It keeps the records; they must not be changed.
type Memory struct {
	blocks []*memoryBlock // newest first
	// Break, where set, may fail the reading of a part of a block: "open", "may", "times", "seqs", "column", "messages",
	// "received".
	Break func(block int, part string) error
	// NotKept are promoted keys that the blocks keep no column for.
	NotKept []string
	// Blind leaves out the index: MayHave is always true.
	Blind bool
}

type memoryBlock struct {
	stat     query.Stat
	times    []int64
	received []int64
	seqs     []uint64
	columns  map[string]*query.Column
	text     []byte
	ends     []uint32
	words    map[string]bool
}

// NewMemory makes blocks of up to rows records (at most 8,192): the records are cut into segments in their order, each
// segment sorted by source, time and sequence and cut into blocks.
func NewMemory(records []event.Record, segment, rows int) *Memory {
	m := &Memory{}
	for part := range slices.Chunk(records, segment) {
		part = slices.Clone(part)
		slices.SortStableFunc(part, func(a, b event.Record) int {
			return cmp.Or(strings.Compare(a.Source, b.Source), cmp.Compare(Time(&a), Time(&b)), cmp.Compare(a.Seq, b.Seq))
		})
		for block := range slices.Chunk(part, min(rows, 8192)) {
			m.blocks = append(m.blocks, newBlock(block))
		}
	}
	slices.SortStableFunc(m.blocks, func(a, b *memoryBlock) int { return cmp.Compare(b.stat.To, a.stat.To) })
	return m
}

// Time is the time of a record in microseconds: that of receipt where it tells none.
func Time(r *event.Record) int64 {
	if r.Time.IsZero() {
		return r.Received.UnixMicro()
	}
	return r.Time.UnixMicro()
}

func newBlock(records []event.Record) *memoryBlock {
	b := &memoryBlock{columns: map[string]*query.Column{}, words: map[string]bool{}}
	b.stat = query.Stat{Rows: len(records), From: Time(&records[0]), To: Time(&records[0]), Source: records[0].Source}
	for i := range records {
		r := &records[i]
		t := Time(r)
		b.stat.From, b.stat.To = min(b.stat.From, t), max(b.stat.To, t)
		if r.Source != b.stat.Source {
			b.stat.Source = ""
		}
		b.times = append(b.times, t)
		b.received = append(b.received, r.Received.UnixMicro())
		b.seqs = append(b.seqs, r.Seq)
		b.text = append(b.text, r.Raw...)
		b.ends = append(b.ends, uint32(len(b.text)))
		query.IndexWords(r, func(w string) {
			if !b.words[w] {
				b.words[strings.Clone(w)] = true
			}
		})
	}
	b.stat.Bytes = int64(len(b.text))
	for _, name := range query.Columns() {
		b.columns[name] = newColumn(records, name)
	}
	return b
}

// newColumn makes a dictionary; nil where no record has a value.
func newColumn(records []event.Record, name string) *query.Column {
	c := &query.Column{}
	codes := map[string]uint16{}
	for i := range records {
		v := query.ColumnText(&records[i], name)
		code, ok := codes[v]
		if !ok {
			code = uint16(len(c.Values))
			codes[v] = code
			c.Values = append(c.Values, v)
		}
		c.Codes = append(c.Codes, code)
	}
	if len(c.Values) == 1 && c.Values[0] == "" {
		return nil
	}
	return c
}

// Blocks gives the blocks that overlap the range and may hold one of the sources.
func (m *Memory) Blocks(_ context.Context, from, to int64, sources []string) (query.Blocks, error) {
	look := &memoryLook{store: m}
	for _, b := range m.blocks {
		if b.stat.To < from || b.stat.From > to {
			continue
		}
		if sources != nil && b.stat.Source != "" && !slices.Contains(sources, b.stat.Source) {
			continue
		}
		look.blocks = append(look.blocks, b)
	}
	return look, nil
}

type memoryLook struct {
	store  *Memory
	blocks []*memoryBlock
}

func (l *memoryLook) Len() int              { return len(l.blocks) }
func (l *memoryLook) Stat(i int) query.Stat { return l.blocks[i].stat }
func (l *memoryLook) Close() error          { return nil }

func (l *memoryLook) Open(i int) (query.Block, error) {
	b := &memoryView{memoryBlock: l.blocks[i], store: l.store, i: i}
	return b, b.broken("open")
}

type memoryView struct {
	*memoryBlock
	store *Memory
	i     int
}

func (b *memoryView) broken(part string) error {
	if b.store.Break == nil {
		return nil
	}
	return b.store.Break(b.i, part)
}

func (b *memoryView) Stat() query.Stat { return b.stat }
func (b *memoryView) Release()         {}

func (b *memoryView) MayHave(words []string) (bool, error) {
	if !b.store.Blind {
		for _, w := range words {
			if !b.words[w] {
				return false, b.broken("may")
			}
		}
	}
	return true, b.broken("may")
}

func (b *memoryView) Times() ([]int64, error)    { return b.times, b.broken("times") }
func (b *memoryView) Received() ([]int64, error) { return b.received, b.broken("received") }
func (b *memoryView) Seqs() ([]uint64, error)    { return b.seqs, b.broken("seqs") }

func (b *memoryView) Column(name string) (*query.Column, error) {
	if slices.Contains(b.store.NotKept, name) {
		return nil, query.ErrNotKept
	}
	return b.columns[name], b.broken("column")
}

func (b *memoryView) Messages() ([]byte, []uint32, error) {
	return b.text, b.ends, b.broken("messages")
}
