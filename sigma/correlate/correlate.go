// Package correlate joins hits over time: Sigma's correlations, and four types that Sigma does not have (first_seen,
// absence, off_hours, regularity; see EXTENSIONS.md).
//
// It works on the time that events say, not on the time they arrive. Events may arrive out of order by the lateness
// that Options allow: the watermark is the newest time seen less the lateness, and what happened before it is
// settled. Within the lateness the same events give the same alerts in any order of arrival; an event that comes
// later than that is counted (Stats) and left out.
//
// Memory is bounded by Options. What is given up for it is counted too, never dropped silently.
//
//	engine, problems := correlate.New(documents, rules.Rules(), correlate.Options{Lateness: time.Minute})
//	for each event {
//		hits := matcher.Match(&event)
//		alerts := engine.Add(&event, hits)
//	}
//	alerts := engine.Close()
//
// Inside: correlate → sigma, fields, fold.
package correlate

import (
	"math"
	"slices"
	"time"

	"github.com/kizuki-security/kizuki/sigma"
	"github.com/kizuki-security/kizuki/sigma/internal/fields"
)

// Options are what correlations need beside the documents. The zero value is ready to use: nothing may be late.
type Options struct {
	Lateness  time.Duration       // how much older than the newest event one may be
	Latest    time.Time           // events that claim to be newer are counted and left out; zero: none are
	Calendars map[string][]string // dates (YYYY-MM-DD) that off_hours may name

	MaxGroups  int // live groups of one correlation; default 200,000
	MaxWindow  int // remembered events of one group; default 65,536
	MaxPending int // events that wait for the watermark; default 1,000,000
}

// Value is one part of what a group has in common.
type Value struct{ Name, Value string }

// Alert is a correlation that came true. One long burst is one alert: it fires when its condition holds and did not
// hold at the group's event before, or that was more than the timespan ago.
type Alert struct {
	Correlation *sigma.Correlation
	Time        time.Time // of the event that made it true; of absence: when the silence was too long
	Group       []Value   // in the order of group-by, as first seen
	Count       float64   // what the condition looked at: events, values, rules, sum …
}

// Stats count what was left out. All are totals since New.
type Stats struct {
	Late    int // events before the watermark
	Untimed int // events without a time
	Future  int // events after Options.Latest
	Evicted int // groups given up for MaxGroups, the longest quiet first
	Dropped int // remembered events given up for MaxWindow, the oldest first
	Hurried int // times that the watermark was moved on for MaxPending
	Groups  int // live groups now
	Pending int // events waiting now
}

// Engine correlates. It is not safe for concurrent use.
type Engine struct {
	options   Options
	nodes     []*node // what is named stands before what names it
	consumers map[*sigma.Rule][]edge
	silenced  map[*sigma.Rule]bool
	wanted    []string // names of the fields that correlations read
	cache     *fields.Cache

	pending   queue
	records   []record
	free      []int32
	batch     []int32
	events    uint64
	newest    int64
	watermark int64
	limit     int64 // silences are judged before it
	stats     Stats
	alerts    []Alert
	key       []byte
	shown     []byte
	folded    []byte
	scratch   []float64
	hashes    []uint64
	absences  []*node
}

// edge leads from a rule or correlation to a correlation that names it.
type edge struct{ node, source int32 }

// Silences says whether a rule's own hits are not to be reported, because a correlation names it and does not
// say generate.
func (e *Engine) Silences(r *sigma.Rule) bool { return e.silenced[r] }

// Stats gives the counters.
func (e *Engine) Stats() Stats {
	s := e.stats
	s.Pending = e.pending.len()
	for _, n := range e.nodes {
		s.Groups += len(n.groups)
	}
	return s
}

// Correlations gives the correlations in use.
func (e *Engine) Correlations() []*sigma.Correlation {
	out := make([]*sigma.Correlation, len(e.nodes))
	for i, n := range e.nodes {
		out[i] = n.c
	}
	slices.SortFunc(out, func(a, b *sigma.Correlation) int {
		return e.nodeOf(a).order - e.nodeOf(b).order
	})
	return out
}

func (e *Engine) nodeOf(c *sigma.Correlation) *node {
	for _, n := range e.nodes {
		if n.c == c {
			return n
		}
	}
	return nil
}

// SetLatest moves Options.Latest on: a program that runs for long gives its clock here now and then.
func (e *Engine) SetLatest(t time.Time) { e.options.Latest = t }

// Inside, time is counted in ticks of 100 nanoseconds, as Windows does: the years 1601 and 2106 fit, and many more.

const tick = 100 * time.Nanosecond

func ticks(t time.Time) int64 {
	return t.Unix()*int64(time.Second/tick) + int64(t.Nanosecond())/int64(tick)
}

func moment(at int64) time.Time {
	second := int64(time.Second / tick)
	whole := at / second
	if at%second < 0 {
		whole--
	}
	return time.Unix(whole, (at-whole*second)*int64(tick)).UTC()
}

const farthest = 20_000 // years

// Add takes an event with its hits and gives the alerts that are certain now. Events without hits move time on, and
// should be added too. The slice is valid until the next call; nothing of the event is kept by reference.
func (e *Engine) Add(event *sigma.Event, hits []sigma.Hit) []Alert {
	e.alerts = e.alerts[:0]
	switch {
	case event.Time.IsZero() || event.Time.Year() > farthest || event.Time.Year() < -farthest:
		e.stats.Untimed++
		return nil
	case !e.options.Latest.IsZero() && event.Time.After(e.options.Latest):
		e.stats.Future++
		return nil
	}
	at := ticks(event.Time)
	if at < e.watermark {
		e.stats.Late++
		return nil
	}
	e.remember(at, event, hits)
	if at > e.newest {
		e.newest = at
		e.watermark = max(e.watermark, before(at, int64(e.options.Lateness/tick)))
	}
	if e.pending.len() > e.options.MaxPending {
		e.stats.Hurried++
		e.watermark = max(e.watermark, e.pending.items[0].at+1)
	}
	e.advance(e.watermark, false)
	return e.alerts
}

// Close settles everything that waits, as if nothing came any more. Silences longer than the newest event tells are
// not known. The engine may go on after it; earlier events are late then.
func (e *Engine) Close() []Alert {
	e.alerts = e.alerts[:0]
	if e.newest != math.MinInt64 {
		e.watermark = e.newest
		e.advance(e.newest, true)
		if e.newest < math.MaxInt64 {
			e.watermark = e.newest + 1
		}
	}
	return e.alerts
}

// before subtracts without going round.
func before(at, span int64) int64 {
	if at < math.MinInt64+span {
		return math.MinInt64
	}
	return at - span
}

// advance settles every time before limit; at the end of the input, events at the limit too.
func (e *Engine) advance(limit int64, end bool) {
	e.limit = limit
	for {
		next, ok := int64(0), false
		if e.pending.len() > 0 {
			if at := e.pending.items[0].at; at < limit || end && at == limit {
				next, ok = at, true
			}
		}
		for _, n := range e.absences {
			if at, waits := n.deadline(); waits && at < limit && (!ok || at < next) {
				next, ok = at, true
			}
		}
		if !ok {
			return
		}
		e.settle(next)
	}
}

// settle looks at one moment: all its events together, correlations after those they name.
func (e *Engine) settle(at int64) {
	e.batch = e.batch[:0]
	for e.pending.len() > 0 && e.pending.items[0].at == at {
		id := e.pending.pop()
		e.batch = append(e.batch, id)
		for _, to := range e.records[id].edges {
			n := e.nodes[to.node]
			n.inbox = append(n.inbox, input{source: to.source, record: id})
		}
	}
	for _, n := range e.nodes {
		if at2, waits := n.deadline(); len(n.inbox) > 0 || waits && at2 <= at {
			e.run(n, at)
		}
	}
	e.free = append(e.free, e.batch...)
}
