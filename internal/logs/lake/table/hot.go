package table

import (
	"github.com/kizuki-security/kizuki/internal/logs/query"
)

// Hot is a block of rows in memory, made column by column as a query asks. It implements query.Block.
type Hot struct {
	view  *View
	rows  []int32
	stat  query.Stat
	remap Remap
}

// NewHot makes a block of rows that Order and Cut gave.
func NewHot(v *View, rows []int32, stat query.Stat) *Hot {
	return &Hot{view: v, rows: rows, stat: stat}
}

// Stat tells of the block.
func (h *Hot) Stat() query.Stat { return h.stat }

// MayHave is true: rows in memory have no sidecar.
func (h *Hot) MayHave([]string) (bool, error) { return true, nil }

// Times of the rows.
func (h *Hot) Times() ([]int64, error) { return Pick(h.view.Times, h.rows), nil }

// Received are the times when the rows came in.
func (h *Hot) Received() ([]int64, error) { return Pick(h.view.Received, h.rows), nil }

// Seqs of the rows.
func (h *Hot) Seqs() ([]uint64, error) { return Pick(h.view.Seqs, h.rows), nil }

// Column of the block; nil: all rows have "".
func (h *Hot) Column(name string) (*query.Column, error) {
	place := Place(name)
	if place < 0 || place >= Promoted+h.view.Promoted {
		return nil, query.ErrNotKept
	}
	return h.view.Column(place, h.rows, &h.remap), nil
}

// Messages one after another.
func (h *Hot) Messages() (text []byte, ends []uint32, err error) {
	text, ends = h.view.Messages(h.rows, h.stat.Bytes)
	return text, ends, nil
}

// Release does nothing: the rows belong to the table.
func (h *Hot) Release() {}
