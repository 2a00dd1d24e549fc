package lake

import (
	"sync"

	"github.com/kizuki-security/kizuki/internal/logs/lake/table"
	"github.com/kizuki-security/kizuki/internal/logs/lake/wal"
	"github.com/kizuki-security/kizuki/internal/logs/query"
)

// hot is a segment in memory, with its log. Lake.mu guards it; the committer alone writes.
type hot struct {
	id      uint64
	day     int32
	table   *table.Table
	wal     *wal.Writer // nil: it was read from a log of before
	logged  int64       // size of the log
	damaged bool        // its log is not as it was written
	spoilt  bool        // its log could not be cut back to what counts
	blocks  []hotBlock  // of whole pieces of BlockRows rows
	shared  bool        // somebody may hold rows of the table
}

type hotBlock struct {
	rows []int32
	stat query.Stat
}

// tables are those of sealed segments that nobody asked for while they were in memory: the first use of fresh memory is
// dear. What nobody needs soon, the garbage collector takes.
var tables = sync.Pool{New: func() any { return table.New() }}

func newHot(id uint64, day int32, w *wal.Writer) *hot {
	return &hot{id: id, day: day, table: tables.Get().(*table.Table), wal: w}
}

// view gives the rows to somebody who may keep them. Lake.mu is held.
func (h *hot) view() *table.View {
	h.shared = true
	return h.table.View()
}

// release ends the use of a segment that is sealed. Lake.mu is held, and nobody finds the segment any more.
func (h *hot) release() {
	if !h.shared {
		h.table.Reset()
		tables.Put(h.table)
	}
	h.table = nil
}

// look adds the blocks of the segment as it is now. Lake.mu is held.
func (h *hot) look(add func(stat query.Stat, view *table.View, rows []int32)) {
	n := h.table.Rows()
	if n == 0 {
		return
	}
	view := h.view()
	whole := n / table.BlockRows * table.BlockRows
	for done := h.sorted(); done < whole; done += table.BlockRows {
		for _, rows := range view.Cut(view.Order(done, done+table.BlockRows)) {
			h.blocks = append(h.blocks, hotBlock{rows, view.Stat(rows)})
		}
	}
	for _, b := range h.blocks {
		add(b.stat, view, b.rows)
	}
	if whole == n {
		return
	}
	for _, rows := range view.Cut(view.Order(whole, n)) {
		add(view.Stat(rows), view, rows)
	}
}

// sorted is the number of rows that stand in blocks.
func (h *hot) sorted() int {
	n := 0
	for _, b := range h.blocks {
		n += len(b.rows)
	}
	return n
}
