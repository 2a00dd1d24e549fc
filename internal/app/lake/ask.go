package lake

import (
	"context"
	"errors"
	"maps"
	"math"
	"time"

	store "github.com/kizuki-security/kizuki/internal/logs/lake"
	"github.com/kizuki-security/kizuki/internal/logs/lake/proof"
	"github.com/kizuki-security/kizuki/internal/logs/lake/segment"
	"github.com/kizuki-security/kizuki/internal/logs/query"
	"github.com/kizuki-security/kizuki/internal/logs/query/language"
	"github.com/kizuki-security/kizuki/internal/logs/query/search"
)

//nolint:revive // names of internal/logs/query, explained there
type (
	Cost       = query.Cost
	Group      = query.Group
	Newest     = query.Newest
	Query      = query.Query
	QueryError = query.Error
	Result     = query.Result
	Walk       = query.Progress
)

// ExportColumns are the columns of exported lines, the raw line last.
var ExportColumns = append(append([]string{query.ColumnTime, "source", query.ColumnSeq, query.ColumnReceived, "format"},
	query.Columns()[2:13]...), query.ColumnRaw)

// Question is a query with the surroundings it is asked in.
type Question struct {
	Text     string
	From, To time.Time // from From on and before To; zero is open
	Now      time.Time // for last 15m
	Zone     *time.Location
	Newest   int // lines, where the text has no verb; 0: query.DefaultNewest
}

// Parse reads a question. The error is a *QueryError with the place in the text.
func (q Question) Parse() (Query, error) {
	parsed, err := language.Parse(q.Text, language.Options{Now: q.Now, Zone: q.Zone})
	if err != nil {
		return parsed, err
	}
	from, to := int64(math.MinInt64), int64(math.MaxInt64)
	if !q.From.IsZero() {
		from = q.From.UnixMicro()
	}
	if !q.To.IsZero() {
		to = q.To.UnixMicro()
	}
	if from != math.MinInt64 || to != math.MaxInt64 {
		parsed.Where = query.Normalize(query.And{query.Between(from, to), parsed.Where})
	}
	if parsed.Verb == nil && q.Newest != 0 {
		parsed.Verb = query.Newest{N: q.Newest}
	}
	return parsed, query.Check(parsed, query.DefaultLimits)
}

// Lines says whether the answer has lines: records, or rows of chosen fields.
func Lines(q Query) bool {
	_, newest := q.Verb.(query.Newest)
	return newest || q.Verb == nil
}

// Ask answers a query. offset moves the borders of buckets, 9 h for days of Japan; progress may be nil. The error is a
// *QueryError, that of the context, or a problem.
func (l *Reader) Ask(ctx context.Context, q Query, offset time.Duration, progress func(Walk)) (*Result, error) {
	return search.Run(ctx, l.shelf, q, query.Options{Decode: Decode, Offset: offset, Progress: progress})
}

// Estimate says what a query would read.
func (l *Reader) Estimate(ctx context.Context, q Query) (Cost, error) {
	return search.Estimate(ctx, l.shelf, q, query.Options{Decode: Decode})
}

// Each gives every line that a query's condition finds, block after block: in the order in which the lake keeps them,
// not by time. One block is in memory at a time, and a record may be kept. damaged counts blocks that could not be read.
// The error is that of use, of the context, or a *QueryError.
func (l *Reader) Each(ctx context.Context, q Query, use func(*Record) error, progress func(Walk)) (damaged int, err error) {
	result, err := search.Each(ctx, l.shelf, q.Where, query.Options{Decode: Decode, Progress: progress}, use)
	if err != nil {
		return 0, err
	}
	return len(result.Damaged), nil
}

// Marks are how far the lake is: the newest sequence number of each source.
type Marks map[string]uint64

// Marks of the lake now.
func (l *Reader) Marks() Marks { return l.newest() }

// Since gives the lines behind the marks that a query's condition finds, and moves the marks on: however often it is
// called, each line comes once, also while another process writes. Lines of blocks that cannot be read are passed over;
// damaged counts the blocks. After an error the marks are as they were. The order is that of Each.
func (l *Reader) Since(ctx context.Context, q Query, marks Marks, use func(*Record) error) (damaged int, err error) {
	last := l.newest() // before the look: what comes in between is given, or comes the next time
	each := func(r *Record) error {
		if r.Seq <= marks[r.Source] {
			return nil
		}
		last[r.Source] = max(last[r.Source], r.Seq)
		return use(r)
	}
	result, err := search.Each(ctx, store.Since(l.shelf, marks), q.Where, query.Options{Decode: Decode}, each)
	if err != nil {
		return 0, err
	}
	maps.Copy(marks, last)
	return len(result.Damaged), nil
}

// Refused gives the refusal of a query, if err is one.
func Refused(err error) (*QueryError, bool) { return errors.AsType[*query.Error](err) }

// FileOf gives the sealed file that an error is about, and the cause; "": it is about none.
func FileOf(err error) (name string, cause error) {
	if f, ok := errors.AsType[*store.FileError](err); ok {
		return f.Name, f.Err
	}
	return "", err
}

// Damaged says whether an error means that something of the lake is not as it was written.
func Damaged(err error) bool {
	_, ok := errors.AsType[*proof.Error](err)
	return ok || errors.Is(err, segment.ErrDamaged)
}
