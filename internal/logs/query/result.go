package query

import (
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
)

// Options are what a run needs besides the query. The zero value is fine.
type Options struct {
	Limits  Limits
	Workers int // goroutines; 0: one for each processor, from two to eight
	// Decode reads the native keys of a raw line; nil: keys without a column have no value. It must be safe for
	// concurrent use, and gives none for what it cannot read.
	Decode func(format event.Format, raw []byte) []event.Field
	// Offset moves the borders of buckets: 9 h for days of Japan.
	Offset time.Duration
	// Keys asks for the native keys (Fields) of the lines given out.
	Keys bool
	// Progress is told after each block, by one goroutine at a time. Nil: nobody is told.
	Progress func(Progress)
}

// Progress is how far a run has come.
type Progress struct {
	Blocks, Done int   // blocks that may hold lines, and those looked at
	Bytes        int64 // of raw lines searched so far
	Found        int64 // lines so far
}

// Cost is what a query would read, said before it runs.
type Cost struct {
	Blocks  int   // that overlap the time range and sources
	Read    int   // of them that the index does not rule out
	Rows    int64 // in Read
	Bytes   int64 // of the raw lines in Read; what is searched where Text
	Text    bool  // raw lines must be searched or read for keys
	Damaged int   // blocks that could not be opened
}

// Group is a count.
type Group struct {
	Start int64  // of the bucket, microseconds since 1970 UTC; 0 where there are no buckets
	Value string // of the field; "" where there is none
	Count int64
}

// Table is what the verb fields gives.
type Table struct {
	Columns []string
	Rows    [][]string // times in RFC 3339, UTC, microseconds
}

// Result is what a query found. Which part is set depends on the verb.
type Result struct {
	Records []event.Record // Newest without Fields; Time is never zero
	Table   *Table         // Newest with Fields
	Count   int64          // lines found; of Newest: those looked at before it could stop
	Groups  []Group        // Histogram, by start and value; Top, by start and rank; Distinct, by value
	Values  int            // Top, Distinct: different values, in all buckets together
	Without int64          // Top, Distinct: lines found that have no value
	Stats   Stats
	// Damaged are the blocks that could not be read, in the order of the store: the result lacks their lines.
	Damaged []Damage
}

// Partial says whether lines may be missing from the result.
func (r *Result) Partial() bool { return len(r.Damaged) > 0 }

// Damage is a block that could not be read.
type Damage struct {
	Stat Stat
	Err  error
}

// Stats is what a run looked at.
type Stats struct {
	Blocks  int   // that overlap the time range and sources
	Skipped int   // ruled out by the index or by what was known of them
	Rows    int64 // in the blocks that were opened and not ruled out
	Bytes   int64 // of raw lines searched
}
