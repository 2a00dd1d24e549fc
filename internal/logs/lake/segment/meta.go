package segment

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/cespare/xxhash/v2"

	"github.com/kizuki-security/kizuki/internal/logs/lake/table"
)

// Reasons why a file is not read. A damaged file is evidence of something: it is named, never passed over.
var (
	ErrDamaged = errors.New("sealed file is not as it was written")
	ErrVersion = errors.New("sealed file of a later version")
)

// damaged makes an ErrDamaged that says what was found.
func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrDamaged, fmt.Errorf(format, args...))
}

// Range is a run of sequence numbers, both ends included.
type Range struct {
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
}

// Source is what a file holds of one source.
type Source struct {
	Name   string  `json:"name"`
	Rows   int     `json:"rows"`
	Bytes  int64   `json:"bytes"` // of messages
	Ranges []Range `json:"seqs"`  // ascending, not touching
	// From and To are the times of its records, microseconds since 1970 UTC; both 0: not told, by a file of an early version.
	From int64 `json:"from,omitempty"`
	To   int64 `json:"to,omitempty"`
}

// Block is what is known of a block without reading it.
type Block struct {
	Rows   int    `json:"rows"`
	From   int64  `json:"from"` // microseconds since 1970 UTC
	To     int64  `json:"to"`
	Source string `json:"source,omitempty"` // empty: several
	Bytes  int64  `json:"bytes"`
	Cols   uint64 `json:"cols"` // bit i: column i of table.Names has a value that is not empty
}

// Meta is what a sealed file says of itself.
type Meta struct {
	Version  int      `json:"version"`
	ID       uint64   `json:"id"`
	Level    int      `json:"level"` // 0: a segment; n: merged n times
	Day      int32    `json:"day"`   // of arrival, days since 1970 UTC
	Replaces []uint64 `json:"replaces,omitempty"`
	Columns
	Sources []Source `json:"sources"`
	Blocks  []Block  `json:"blocks"`
	Data    int64    `json:"data"` // end of the pages
	Sums    []byte   `json:"sums"` // 8 bytes for each 4 KiB in front of Data
}

// Columns says which columns a file has.
type Columns struct {
	Promoted int `json:"promoted"` // how many of event.Promoted are kept; fewer where records come from an earlier version
	// Absent has bit i set for column i of table.Names where no row has a value: of event.Promoted alone, the others are
	// always there.
	Absent uint64   `json:"absent,omitempty"`
	Binary []string `json:"binary,omitempty"` // columns that may hold bytes that are no UTF-8, see Binary
}

// has says whether a file has the column.
func (c *Columns) has(place int) bool {
	return place < table.Promoted+c.Promoted && (place < table.Promoted || c.Absent&(1<<place) == 0)
}

// Rows is the number of records.
func (m *Meta) Rows() int {
	n := 0
	for i := range m.Blocks {
		n += m.Blocks[i].Rows
	}
	return n
}

// Keys of the footer.
const (
	metaKey = "kizuki"
	sumKey  = "kizuki.sum"
)

func (m *Meta) pack() (text, sum string, err error) {
	data, err := json.Marshal(m)
	if err != nil {
		return "", "", err
	}
	return string(data), strconv.FormatUint(xxhash.Sum64(data), 16), nil
}

func unpackMeta(text, sum string) (*Meta, error) {
	if strconv.FormatUint(xxhash.Sum64String(text), 16) != sum {
		return nil, damaged("meta")
	}
	var m Meta
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return nil, damaged("meta: %w", err)
	}
	if m.Version > Version {
		return nil, fmt.Errorf("%w: %d", ErrVersion, m.Version)
	}
	if pages := (m.Data + pageBytes - 1) / pageBytes; m.Data < 0 || int64(len(m.Sums)) != 8*pages {
		return nil, damaged("page sums")
	}
	return &m, nil
}

// Gather makes ranges of sequence numbers in any order; it sorts them in place.
func Gather(seqs []uint64) []Range {
	slices.Sort(seqs)
	var ranges []Range
	for _, s := range seqs {
		if n := len(ranges); n > 0 && ranges[n-1].Last+1 == s {
			ranges[n-1].Last = s
			continue
		}
		ranges = append(ranges, Range{s, s})
	}
	return ranges
}
