package lake

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/query"
)

// TestQuestion: what a question with its surroundings means, and what it finds.
func TestQuestion(t *testing.T) {
	t.Parallel()
	tokyo := time.FixedZone("JST", 9*60*60)
	now := time.Date(2026, 11, 26, 10, 0, 0, 0, tokyo)
	span := func(from, to time.Time, rest query.Term) query.Term {
		a, b := int64(-1<<63), int64(1<<63-1)
		if !from.IsZero() {
			a = from.UnixMicro()
		}
		if !to.IsZero() {
			b = to.UnixMicro()
		}
		return query.Normalize(query.And{query.Between(a, b), rest})
	}
	word := query.Word{Text: "deny"}
	for name, tt := range map[string]struct {
		q     Question
		where query.Term
		verb  query.Verb
		lines bool
	}{
		"nothing asked":            {Question{}, query.And{}, nil, true},
		"so many lines":            {Question{Newest: 7}, query.And{}, query.Newest{N: 7}, true},
		"the text says how many":   {Question{Text: "deny | newest 3", Newest: 7}, word, query.Newest{N: 3}, true},
		"a count stays a count":    {Question{Text: "deny | count", Newest: 7}, word, query.Count{}, false},
		"from on":                  {Question{Text: "deny", From: now}, span(now, time.Time{}, word), nil, true},
		"before":                   {Question{Text: "deny", To: now}, span(time.Time{}, now, word), nil, true},
		"from, before, and a verb": {Question{Text: "deny | count", From: now.Add(-time.Hour), To: now}, span(now.Add(-time.Hour), now, word), query.Count{}, false},
		"a day of the zone":        {Question{Text: "deny time>=2026-11-26", Zone: tokyo}, nil, nil, true},
		"the last minutes":         {Question{Text: "deny last 15m", Now: now, Zone: tokyo}, nil, nil, true},
	} {
		got, err := tt.q.Parse()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if tt.where != nil && !reflect.DeepEqual(query.Normalize(got.Where), query.Normalize(tt.where)) || !reflect.DeepEqual(got.Verb, tt.verb) || Lines(got) != tt.lines {
			t.Errorf("%s: %#v", name, got)
		}
	}
}

// TestQuestionTimes: the same day is another stretch of time in another zone; From is in, To is not.
func TestQuestionTimes(t *testing.T) {
	t.Parallel()
	midnight := time.Date(2026, 11, 25, 15, 0, 0, 0, time.UTC) // in Japan
	l := open(t, t.TempDir(), &clock{november})
	var text strings.Builder
	for _, at := range []time.Time{midnight.Add(-time.Microsecond), midnight, midnight.Add(9 * time.Hour), midnight.Add(10 * time.Hour)} {
		text.WriteString(`{"@timestamp":"` + at.Format(time.RFC3339Nano) + `","user":"sato"}` + "\n")
	}
	if _, err := take(t.Context(), t, l, ImportOptions{Source: "app"}, file(t, "a.jsonl", []byte(text.String()))); err != nil {
		t.Fatal(err)
	}
	tokyo := time.FixedZone("JST", 9*60*60)
	for name, tt := range map[string]struct {
		q    Question
		want int64
	}{
		"all":                  {Question{}, 4},
		"a day in Japan":       {Question{Text: "time>=2026-11-26", Zone: tokyo}, 3},
		"a day in UTC":         {Question{Text: "time>=2026-11-26", Zone: time.UTC}, 2},
		"from midnight":        {Question{From: midnight}, 3},
		"before midnight":      {Question{To: midnight}, 1},
		"from and before":      {Question{From: midnight, To: midnight.Add(9 * time.Hour)}, 1},
		"both, and the text":   {Question{Text: "user=sato", From: midnight, To: midnight.Add(10 * time.Hour)}, 2},
		"nothing between":      {Question{From: midnight.Add(time.Hour), To: midnight.Add(2 * time.Hour)}, 0},
		"the end comes first":  {Question{From: midnight.Add(time.Hour), To: midnight}, 0},
		"the last hours":       {Question{Text: "last 90m", Now: midnight.Add(10 * time.Hour)}, 2},
		"the last half hour":   {Question{Text: "last 30m", Now: midnight.Add(10 * time.Hour)}, 1},
		"clocks that go ahead": {Question{Text: "last 90m", Now: midnight.Add(9*time.Hour + time.Minute)}, 2},
	} {
		tt.q.Text = strings.TrimSpace(tt.q.Text + " | count")
		q, err := tt.q.Parse()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if r, err := l.Ask(t.Context(), q, 0, nil); err != nil || r.Count != tt.want {
			t.Errorf("%s: %+v, %v, want %d", name, r, err, tt.want)
		}
	}
}

// TestQuestionRefused: a refusal says where in the text, and what is asked around it is bounded like the text.
func TestQuestionRefused(t *testing.T) {
	t.Parallel()
	var at []int
	for _, q := range []Question{
		{Text: "deny ("}, {Text: "deny | newest x"}, {Text: "| top 3 by"}, {Text: "time>yesterday-ish"}, {Newest: -1}, {Newest: 1 << 40},
	} {
		_, err := q.Parse()
		refusal, ok := Refused(err)
		if !ok {
			t.Errorf("%+v: %v", q, err)
			continue
		}
		if q.Text != "" && (refusal.At < 0 || refusal.At > len(q.Text)) {
			t.Errorf("%q: at %d", q.Text, refusal.At)
		}
		at = append(at, refusal.At)
	}
	if slices.Max(at) == 0 {
		t.Errorf("places %v", at)
	}
}
