package victoria

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/query"
	"github.com/kizuki-security/kizuki/internal/logs/query/logsql"
)

// Answer answers a query as package search does for a lake, from the rows that the engine has. What cannot be asked there
// is refused with a *logsql.Error; other errors are *query.Error, *Error, or that of the context. Stats are not known, nor
// is Count for Newest.
func (c *Client) Answer(ctx context.Context, q query.Query, o query.Options) (*query.Result, error) {
	if err := query.Check(q, o.Limits); err != nil {
		return nil, err
	}
	if q.Where == nil {
		q.Where = query.All{}
	}
	switch v := q.Verb.(type) {
	case nil:
		return c.newest(ctx, q, query.Newest{}, o)
	case query.Newest:
		return c.newest(ctx, q, v, o)
	}
	groups, err := c.groups(ctx, q, o)
	if err != nil {
		return nil, err
	}
	result := &query.Result{}
	for _, g := range groups {
		result.Count += g.Count
	}
	by := ""
	switch v := q.Verb.(type) {
	case query.Count:
		return result, nil
	case query.Histogram:
		result.Groups = groups
		return result, nil
	case query.Top:
		by, result.Values = v.By, values(groups)
		result.Groups = top(groups, v.N)
	case query.Distinct:
		by, result.Groups, result.Values = v.By, groups, len(groups)
	}
	without := query.Query{Where: query.AllOf(q.Where, query.Not{Term: query.Exists{Field: by}}), Verb: query.Count{}}
	rest, err := c.groups(ctx, without, o)
	if err != nil {
		return nil, err
	}
	for _, g := range rest {
		result.Without += g.Count
	}
	result.Count += result.Without
	return result, nil
}

// groups are the counts that the engine gives, in the order of start and value.
func (c *Client) groups(ctx context.Context, q query.Query, o query.Options) ([]query.Group, error) {
	text, err := logsql.Query(q, o.Offset)
	if err != nil {
		return nil, err
	}
	most := o.Limits.OrDefault().Groups
	groups := []query.Group{}
	err = c.Query(ctx, text, func(row Row) error {
		g := query.Group{Value: row["value"]}
		var err error
		if g.Count, err = strconv.ParseInt(row["count"], 10, 64); err != nil {
			return &Error{Reason: Malformed, Err: fmt.Errorf("count is %.40q", row["count"])}
		}
		if at, ok := row["_time"]; ok {
			start, err := time.Parse(time.RFC3339Nano, at)
			if err != nil {
				return &Error{Reason: Malformed, Err: fmt.Errorf("start is %.40q", at)}
			}
			g.Start = start.UnixMicro()
		}
		if len(groups) == most {
			return &query.Error{Reason: query.TooManyGroups, At: -1, End: -1, Found: strconv.Itoa(most)}
		}
		groups = append(groups, g)
		return nil
	})
	slices.SortFunc(groups, func(a, b query.Group) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), strings.Compare(a.Value, b.Value))
	})
	return groups, err
}

// values counts the different values of groups.
func values(groups []query.Group) int {
	seen := map[string]bool{}
	for _, g := range groups {
		seen[g.Value] = true
	}
	return len(seen)
}

// top keeps the n most frequent values of each bucket.
func top(groups []query.Group, n int) []query.Group {
	slices.SortFunc(groups, func(a, b query.Group) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(b.Count, a.Count), strings.Compare(a.Value, b.Value))
	})
	kept := groups[:0]
	rank := 0
	for i, g := range groups {
		if i > 0 && g.Start != groups[i-1].Start {
			rank = 0
		}
		if rank++; rank <= n {
			kept = append(kept, g)
		}
	}
	return kept
}

func (c *Client) newest(ctx context.Context, q query.Query, v query.Newest, o query.Options) (*query.Result, error) {
	filter, err := logsql.Filter(q.Where)
	if err != nil {
		return nil, err
	}
	n := v.N
	if n == 0 {
		n = query.DefaultNewest
	}
	records, err := c.Rows(ctx, filter, n)
	if err != nil {
		return nil, err
	}
	result := &query.Result{Count: int64(len(records))}
	if v.Fields == nil {
		for i := range records {
			r := &records[i]
			if r.Fields = nil; o.Keys && o.Decode != nil && r.Format != event.Raw {
				r.Fields = o.Decode(r.Format, r.Raw)
			}
		}
		result.Records = records
		return result, nil
	}
	result.Table = &query.Table{Columns: v.Fields, Rows: make([][]string, 0, len(records))}
	for i := range records {
		row := make([]string, 0, len(v.Fields))
		for _, name := range v.Fields {
			row = append(row, cell(&records[i], name))
		}
		result.Table.Rows = append(result.Table.Rows, row)
	}
	return result, nil
}

// cell is what a table shows of a record.
func cell(r *event.Record, name string) string {
	switch name {
	case query.ColumnTime:
		return r.Time.Format(timeForm)
	case query.ColumnReceived:
		return r.Received.Format(timeForm)
	case query.ColumnSeq:
		return strconv.FormatUint(r.Seq, 10)
	case query.ColumnRaw:
		return string(r.Raw)
	case query.AnyIP:
		return strings.TrimSpace(r.SrcIP + " " + r.DstIP)
	}
	return query.ColumnText(r, name)
}
