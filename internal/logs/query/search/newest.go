package search

import (
	"bytes"
	"cmp"
	"container/heap"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/query"
)

// place is a line that may be among the newest.
type place struct {
	time   int64
	source string
	seq    uint64
	block  int
	row    int
	raw    []byte // nil: not read yet
}

// before says which line comes first: the newer, then by source, then the higher sequence.
func (p *place) before(q *place) int {
	return cmp.Or(cmp.Compare(q.time, p.time), strings.Compare(p.source, q.source), cmp.Compare(q.seq, p.seq))
}

// ranking keeps the first n lines; the last of them is on top of the heap.
type ranking struct {
	mu     sync.Mutex
	n      int
	places []place
	bytes  int64 // of raw lines
	limit  int64
}

func (r *ranking) Len() int           { return len(r.places) }
func (r *ranking) Less(i, j int) bool { return r.places[i].before(&r.places[j]) > 0 }
func (r *ranking) Swap(i, j int)      { r.places[i], r.places[j] = r.places[j], r.places[i] }

// Push and Pop are for package heap.
func (r *ranking) Push(x any) {
	if p, ok := x.(place); ok {
		r.places = append(r.places, p)
	}
}

// Pop takes the last.
func (r *ranking) Pop() any {
	last := r.places[len(r.places)-1]
	r.places = r.places[:len(r.places)-1]
	return last
}

// full says whether n lines are known, and the time of the last.
func (r *ranking) full() (int64, bool) {
	if len(r.places) < r.n {
		return 0, false
	}
	return r.places[0].time, true
}

// offer takes a line in if it is among the first n.
func (r *ranking) offer(p place) {
	if len(r.places) < r.n {
		heap.Push(r, p)
		return
	}
	if p.before(&r.places[0]) < 0 {
		r.bytes -= int64(len(r.places[0].raw))
		r.places[0] = p
		heap.Fix(r, 0)
	}
}

// newest is the sink of the newest lines; the workers share one ranking.
type newest struct{ *ranking }

func (n newest) passes(s query.Stat) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	last, full := n.full()
	return full && s.To < last // lines of the same time go by source
}

func (newest) whole(query.Stat) bool { return false }
func (newest) merge(sink) error      { return nil }

func (n newest) take(v *view, block int, found rows) error {
	// Read what is needed first: the others wait for the lock.
	if err := v.places(found, true, func(place) bool { return false }); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	err := v.places(found, true, func(p place) bool {
		if last, full := n.full(); full && p.time < last {
			return v.stat.Source == "" // the times of one source rise
		}
		p.block = block
		n.offer(p)
		return true
	})
	if err != nil {
		return err
	}
	return n.keep(v, block)
}

// keep copies what a block's reading gives anyway: sources, and the raw lines if they are there.
func (n newest) keep(v *view, block int) error {
	for i := range n.places {
		p := &n.places[i]
		if p.block != block {
			continue
		}
		p.source = strings.Clone(p.source)
		if v.ends != nil && p.raw == nil {
			p.raw = append([]byte{}, v.line(p.row)...)
			if n.bytes += int64(len(p.raw)); n.bytes > n.limit {
				return &query.Error{Reason: query.TooLarge, At: -1, End: -1}
			}
		}
	}
	return nil
}

func (r *run) newest(ctx context.Context, verb query.Newest) (*query.Result, error) {
	rank := &ranking{n: verb.N, limit: r.options.Limits.Bytes}
	if rank.n == 0 {
		rank.n = query.DefaultNewest
	}
	for _, name := range verb.Fields {
		r.field(name)
	}
	if _, err := r.each(ctx, func() sink { return newest{rank} }); err != nil {
		return nil, err
	}
	slices.SortFunc(rank.places, func(a, b place) int { return a.before(&b) })
	g := &gather{run: r, places: rank.places, bytes: rank.bytes, fields: verb.Fields}
	if err := g.all(ctx); err != nil {
		return nil, err
	}
	result := &query.Result{}
	if verb.Fields != nil {
		result.Table = &query.Table{Columns: verb.Fields, Rows: g.cells}
		for i, lost := range slices.Backward(g.lost) {
			if lost {
				result.Table.Rows = slices.Delete(result.Table.Rows, i, i+1)
			}
		}
		return r.finish(result), nil
	}
	for i := range g.records {
		if !g.lost[i] {
			result.Records = append(result.Records, g.records[i])
		}
	}
	return r.finish(result), nil
}

// gather reads the lines that are given out, block by block.
type gather struct {
	*run
	places  []place
	fields  []string // of the table; nil: records
	bytes   int64
	records []event.Record
	cells   [][]string
	lost    []bool // the block failed meanwhile
}

func (g *gather) all(ctx context.Context) error {
	g.lost = make([]bool, len(g.places))
	if g.fields != nil {
		g.cells = make([][]string, len(g.places))
	} else {
		g.records = make([]event.Record, len(g.places))
	}
	byBlock := map[int][]int{}
	var order []int
	for i, p := range g.places {
		if byBlock[p.block] == nil {
			order = append(order, p.block)
		}
		byBlock[p.block] = append(byBlock[p.block], i)
	}
	next := make(chan int, len(order))
	for _, block := range order {
		next <- block
	}
	close(next)
	var wait sync.WaitGroup
	for range min(g.workers(), len(order)) {
		wait.Go(func() {
			v := &view{decode: g.options.Decode, keys: g.keys, columns: map[string]*query.Column{}, decoded: map[string]*decoded{}}
			for block := range next {
				if err := ctx.Err(); err != nil {
					g.stop(err)
					return
				}
				g.one(v, block, byBlock[block])
			}
		})
	}
	wait.Wait()
	return g.fatal
}

// one reads the lines of one block; if it fails they are lost, and said to be.
func (g *gather) one(v *view, block int, which []int) {
	err := g.read(v, block, which)
	if err == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failed[block] == nil {
		g.failed[block] = err
	}
	for _, i := range which {
		g.lost[i] = true
	}
}

func (g *gather) read(v *view, block int, which []int) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("query: block: %v", p)
		}
	}()
	b, err := g.blocks.Open(block)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer b.Release()
	v.reset(b, g.blocks.Stat(block))
	slices.SortFunc(which, func(a, b int) int { return cmp.Compare(g.places[a].row, g.places[b].row) })
	in := v.take()
	defer v.give(in)
	clear(in)
	for _, i := range which {
		row := g.places[i].row
		in[row>>6] |= 1 << (row & 63)
	}
	if g.fields != nil {
		return g.table(v, in, which)
	}
	return g.lines(v, in, which)
}

// rowsOf gives the rows of places.
func (g *gather) rowsOf(which []int) []int {
	list := make([]int, len(which))
	for n, i := range which {
		list[n] = g.places[i].row
	}
	return list
}

// raws gives the raw line of each place, from the block where it is not known yet.
func (g *gather) raws(v *view, which []int) error {
	var wanted []int
	for _, i := range which {
		if g.places[i].raw == nil {
			wanted = append(wanted, i)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	size := int64(0)
	err := v.lines(g.rowsOf(wanted), func(n int, line []byte) {
		g.places[wanted[n]].raw = append([]byte{}, line...)
		size += int64(len(line))
	})
	if err != nil {
		return err
	}
	g.mu.Lock()
	g.bytes += size
	over := g.bytes > g.options.Limits.Bytes
	g.mu.Unlock()
	if over {
		g.stop(&query.Error{Reason: query.TooLarge, At: -1, End: -1})
	}
	return nil
}

// lines makes records.
func (g *gather) lines(v *view, in rows, which []int) error {
	if err := g.raws(v, which); err != nil {
		return err
	}
	came, err := received(v)
	if err != nil {
		return err
	}
	for _, i := range which {
		p, r := &g.places[i], &g.records[i]
		r.Source, r.Seq, r.Time, r.Raw = strings.Clone(p.source), p.seq, time.UnixMicro(p.time).UTC(), p.raw
		if came != nil {
			r.Received = time.UnixMicro(came[p.row]).UTC()
		}
	}
	list := g.rowsOf(which)
	for _, name := range slices.Concat([]string{"format"}, event.Common) {
		values, err := v.values(name, list, in)
		if err != nil {
			return err
		}
		for n, value := range values {
			setText(&g.records[which[n]], name, strings.Clone(value))
		}
	}
	if g.options.Keys && g.options.Decode != nil {
		for _, i := range which {
			if r := &g.records[i]; r.Format != event.Raw {
				r.Fields = g.options.Decode(r.Format, r.Raw)
			}
		}
	}
	return nil
}

// table makes the cells of the fields asked for.
func (g *gather) table(v *view, in rows, which []int) error {
	for _, i := range which {
		g.cells[i] = make([]string, len(g.fields))
	}
	for c, name := range g.fields {
		cell, err := g.cell(v, name, in, which)
		if err != nil {
			return err
		}
		for _, i := range which {
			g.cells[i][c] = cell(&g.places[i])
		}
	}
	return nil
}

const timeLayout = "2006-01-02T15:04:05.000000Z"

// cell gives the function that makes one column of the table.
func (g *gather) cell(v *view, name string, in rows, which []int) (func(p *place) string, error) {
	switch name {
	case query.ColumnTime:
		return func(p *place) string { return time.UnixMicro(p.time).UTC().Format(timeLayout) }, nil
	case query.ColumnSeq:
		return func(p *place) string { return strconv.FormatUint(p.seq, 10) }, nil
	case query.ColumnRaw:
		return func(p *place) string { return string(p.raw) }, g.raws(v, which)
	case query.ColumnReceived:
		came, err := received(v)
		if came == nil {
			return func(*place) string { return "" }, err
		}
		return func(p *place) string { return time.UnixMicro(came[p.row]).UTC().Format(timeLayout) }, nil
	case query.AnyIP:
		return g.anyIP(v, in, which)
	}
	column, err := v.column(name, in)
	if column == nil {
		return func(*place) string { return "" }, err
	}
	return func(p *place) string { return strings.Clone(column.Values[column.Codes[p.row]]) }, nil
}

// anyIP gives both addresses with a space between.
func (g *gather) anyIP(v *view, in rows, which []int) (func(p *place) string, error) {
	src, err := g.cell(v, "src_ip", in, which)
	if err != nil {
		return nil, err
	}
	dst, err := g.cell(v, "dst_ip", in, which)
	if err != nil {
		return nil, err
	}
	return func(p *place) string { return string(bytes.TrimSpace([]byte(src(p) + " " + dst(p)))) }, nil
}
