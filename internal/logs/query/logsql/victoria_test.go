package logsql_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/query"
	"github.com/kizuki-security/kizuki/internal/logs/query/logsql"
	"github.com/kizuki-security/kizuki/internal/logs/query/querytest"
	"github.com/kizuki-security/kizuki/internal/logs/victoria"
	"github.com/kizuki-security/kizuki/internal/logs/victoria/victoriatest"
)

// The real engine finds the same lines for each query that is translated.
func TestVictoriaLogsFindsTheSameLines(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(20261123, 8))
	records := querytest.Corpus(r, 1200)
	records = slices.DeleteFunc(records, func(rec event.Record) bool { return !rec.Time.IsZero() && rec.Time.Year() < 1700 })
	client, err := victoria.NewClient(victoria.Config{Insert: victoriatest.Single(t).URL})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Insert(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	if err := client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	queries := 120
	if os.Getenv("KIZUKI_PROVE") != "" {
		queries = 2000
	}
	g := querytest.Generator{Rand: r, Records: records}
	refused := map[logsql.Reason]int{}
	translated, hits := 0, int64(0)
	for range queries {
		q := g.Query()
		if q.Verb == nil || !counts(q.Verb) {
			q.Verb = query.Newest{N: 2000}
		}
		offset := time.Duration(r.IntN(2)) * 9 * time.Hour
		text, err := logsql.Query(q, offset)
		if e, ok := errors.AsType[*logsql.Error](err); ok {
			refused[e.Reason]++
			continue
		}
		translated++
		want := querytest.Naive(records, q, query.Options{Decode: querytest.Decode, Offset: offset})
		hits += want.Count
		var got, expected []string
		err = client.Query(t.Context(), text, func(row victoria.Row) error {
			if counts(q.Verb) {
				start := int64(0)
				if s := row["_time"]; s != "" {
					at, err := time.Parse(time.RFC3339Nano, s)
					if err != nil {
						return err
					}
					start = at.UnixMicro()
				}
				got = append(got, fmt.Sprintf("%d %q %s", start, row["value"], row["count"]))
				return nil
			}
			got = append(got, row["source"]+" "+row["seq"])
			return nil
		})
		if err != nil {
			t.Fatalf("%s\n%s: %v", q, text, err)
		}
		switch v := q.Verb.(type) {
		case query.Count:
			expected = []string{fmt.Sprintf(`0 "" %d`, want.Count)}
		case query.Top:
			v.N = 10_000
			want = querytest.Naive(records, query.Query{Where: q.Where, Verb: v}, query.Options{Decode: querytest.Decode, Offset: offset})
		}
		for _, group := range want.Groups {
			expected = append(expected, fmt.Sprintf("%d %q %d", group.Start, group.Value, group.Count))
		}
		for _, rec := range want.Records {
			expected = append(expected, rec.Source+" "+strconv.FormatUint(rec.Seq, 10))
		}
		if counts(q.Verb) {
			slices.Sort(got)
			slices.Sort(expected)
		}
		if !slices.Equal(got, expected) {
			t.Errorf("%s\nas %s\nfound %d %.300q\nwant  %d %.300q", q, text, len(got), got, len(expected), expected)
		}
	}
	t.Logf("%d of %d queries translated, %d lines found, refused: %v", translated, queries, hits, refused)
	if translated < queries/3 || hits < 5000 {
		t.Errorf("only %d of %d queries were translated, %d lines found; refused: %v", translated, queries, hits, refused)
	}
}

func counts(v query.Verb) bool {
	switch v.(type) {
	case query.Count, query.Histogram, query.Top, query.Distinct:
		return true
	}
	return false
}
