package lake

import (
	"time"

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

// room is memory of segments that are sealed, for those that follow: the first use of fresh memory is dear.
type room struct {
	tables []*table.Table
	block  table.Block // of sealLoop
}

// Limits of room. A lake that gets lines all the time seals one segment while another grows.
const (
	roomTables = 2
	roomBytes  = 32 << 20 // of texts in a table
	roomFor    = 10 * time.Second
)

// newHot begins a segment. Lake.mu is held.
func (l *Lake) newHot(id uint64, day int32, w *wal.Writer) *hot {
	h := &hot{id: id, day: day, wal: w}
	if last := len(l.spare.tables) - 1; last >= 0 {
		h.table, l.spare.tables = l.spare.tables[last], l.spare.tables[:last]
	} else {
		h.table = table.New()
	}
	return h
}

// release ends the use of a segment that is sealed, and keeps its table unless somebody may still read it. Lake.mu is held,
// and nobody finds the segment any more.
func (l *Lake) release(h *hot) {
	if !h.shared && len(l.spare.tables) < roomTables && h.table.Held() <= roomBytes {
		h.table.Reset()
		l.spare.tables = append(l.spare.tables, h.table)
	}
	h.table = nil
}

// forget gives the room back when nothing was sealed for a while. sealLoop calls it.
func (l *Lake) forget() {
	l.mu.Lock()
	l.spare = room{}
	l.mu.Unlock()
}

// view gives the rows to somebody who may keep them. Lake.mu is held.
func (h *hot) view() *table.View {
	h.shared = true
	return h.table.View()
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
