// Package query finds log lines: the tree of conditions, what an index of lines holds, and the blocks of columns that
// a store hands out. It owns the words query, term, block, column and cost. It imports internal/logs/event and knows no
// storage: the lake and the tests hand it blocks.
//
// Its folders: text cuts, folds and finds; language reads the tree from text; search runs it over blocks; logsql writes
// it for VictoriaLogs; querytest has a store in memory, random queries and a naive evaluator.
//
//	search → text
//	logsql → text
package query

import (
	"context"
	"errors"
)

// ErrNotKept is what Block.Column gives for a native key that the block keeps no column for, since it is older than the
// promotion of the key: the value is read from the raw lines then.
var ErrNotKept = errors.New("query: the block keeps no such column")

// Column is one column of a block, dictionary-coded: row i has Values[Codes[i]]. A block holds at most 8,192 rows, so
// that a predicate is run once for each distinct value.
type Column struct {
	Codes  []uint16
	Values []string
}

// Stat is what is known of a block without reading it.
type Stat struct {
	Rows     int
	From, To int64  // least and greatest time, microseconds since 1970 UTC
	Source   string // the one source of all rows; empty: more than one
	Bytes    int64  // length of all raw lines together, for the cost
	Doubtful bool   // it is known that the block may not be readable: nothing is answered from the other values alone
}

// Block is up to 8,192 records, sorted by source, time and sequence. A block is used by one goroutine at a time;
// slices stay valid until Release, when their memory is used again; strings stay. Reading a damaged block is an error, never a wrong answer.
type Block interface {
	Stat() Stat
	// MayHave says whether the words (lower-cased, as Words cuts them) and whole values may all occur. False is
	// certain; true may be wrong; without a sidecar it is true.
	MayHave(words []string) (bool, error)
	Times() ([]int64, error)                           // microseconds since 1970 UTC, one for each row
	Seqs() ([]uint64, error)                           // one for each row
	Column(name string) (*Column, error)               // "source", "format", one of event.Common or event.Promoted; nil: all rows have ""
	Messages() (text []byte, ends []uint32, err error) // raw lines one after another; row i ends at ends[i]
	Release()
}

// Receiver is a Block that knows when its lines came in; without it records have no time of receipt.
type Receiver interface {
	Received() ([]int64, error) // microseconds since 1970 UTC, one for each row
}

// Picker is a Block that reads some rows for less than all of them.
type Picker interface {
	// Values gives the values that Column would give for the rows, which must rise; nil: all are "".
	Values(name string, rows []int) ([]string, error)
	// Pick calls each with the raw lines of the rows, which must rise. Lines stay valid until Release.
	Pick(rows []int, each func(row int, line []byte)) error
}

// Store hands out the blocks that may hold rows of a range of time, newest first by Stat.To. Hot and sealed blocks come
// alike; each record is in exactly one block of one call. From and to are both included; no sources: all.
type Store interface {
	Blocks(ctx context.Context, from, to int64, sources []string) (Blocks, error)
}

// Blocks is one consistent look at the store, for several goroutines at a time. Close lets files go that were merged or deleted meanwhile.
type Blocks interface {
	Len() int
	Stat(i int) Stat
	Open(i int) (Block, error)
	Close() error
}

// Prober is Blocks that ask the index of a block without opening it; see Block.MayHave. So a search for what is not there
// opens nothing.
type Prober interface {
	MayHave(i int, words []string) (bool, error)
}
