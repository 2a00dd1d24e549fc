package lake

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/query"
	"github.com/kizuki-security/kizuki/internal/logs/query/language"
	"github.com/kizuki-security/kizuki/internal/logs/query/search"
)

//nolint:revive // names of internal/logs/query, explained there
type (
	Cost       = query.Cost
	Group      = query.Group
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

// page is how many lines an export holds in memory, more where that many have one moment.
const page = 5000

// Each gives every line that a query's condition finds, newest first, a page at a time. damaged counts blocks that
// could not be read. The error is that of use, of the context, or a *QueryError.
func (l *Reader) Each(ctx context.Context, q Query, use func(*Record) error, progress func(lines int64)) (damaged int, err error) {
	if !Lines(q) {
		return 0, &QueryError{Reason: query.UnknownVerb, At: -1, End: -1}
	}
	limits := query.Limits{Rows: math.MaxInt32, Bytes: 2 << 30}
	until, size, given := int64(math.MaxInt64), page, int64(0)
	for {
		part := query.Query{Where: query.Normalize(query.And{query.Between(math.MinInt64, until), q.Where}), Verb: query.Newest{N: size}}
		result, err := search.Run(ctx, l.shelf, part, query.Options{Decode: Decode, Limits: limits})
		if err != nil {
			return damaged, err
		}
		damaged = max(damaged, len(result.Damaged))
		records, last := result.Records, len(result.Records) < size
		if !last {
			// Lines of the last moment may go on behind the page: they come with the next.
			end := records[len(records)-1].Time
			for len(records) > 0 && records[len(records)-1].Time.Equal(end) {
				records = records[:len(records)-1]
			}
			if len(records) == 0 {
				size *= 2
				continue
			}
			until = end.UnixMicro() + 1
		}
		for i := range records {
			if err := use(&records[i]); err != nil {
				return damaged, err
			}
		}
		if given += int64(len(records)); progress != nil {
			progress(given)
		}
		if last {
			return damaged, nil
		}
		size = page
	}
}

// Refused gives the refusal of a query, if err is one.
func Refused(err error) (*QueryError, bool) { return errors.AsType[*query.Error](err) }
