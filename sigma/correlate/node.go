package correlate

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/sigma"
	"github.com/kizuki-security/kizuki/sigma/internal/fold"
)

// node is one correlation at work.
type node struct {
	c        *sigma.Correlation
	order    int // place among the documents
	out      []edge
	repeats  bool // an event may come to it more than once
	named    bool // another correlation names it
	generate bool // and says generate
	sources  []source
	names    []string // what a group shows: group-by, and the fields of first_seen
	span     int64
	calendar *calendar
	began    int64 // time of the first input; first_seen learns from it

	inbox    []input
	groups   map[string]int32
	slab     []group
	free     []int32
	oldest   int32 // groups in the order of their last input; -1: none
	youngest int32
	touched  []int32
	kept     map[int32]lastInputs // by group; only of an absence that others name
}

// lastInputs are the inputs of a group's last moment.
type lastInputs struct {
	at   int64
	list []kept
}

// kept is an input that outlives its moment.
type kept struct {
	record record
	over   *overlay
}

// source says where the group and the values stand in what one of the rules finds.
type source struct{ group, values []ref }

type ref struct {
	name   string
	number int32
}

// input is one finding of a rule or of another correlation.
type input struct {
	source int32
	record int32 // -1: none (absence)
	group  int32 // set when it is taken in; -1: it belongs to nothing
	over   *overlay
}

// overlay is what a correlation adds to the fields of an event: its group.
type overlay struct {
	names  []string
	values [][]byte
	under  *overlay
}

// group is what the events of a correlation have in common.
type group struct {
	key     string // folded values, each after its length
	shown   string // values as first seen, written the same way
	entries []entry
	head    int32 // entries before it are gone
	older   int32
	younger int32
	held    bool
	was     bool // held at the input before
	before  int64
	last    int64
	total   float64 // running: events, sum
	broken  int32   // entries that are no whole numbers: total is not exact
}

const none = math.MinInt64

func newNode(c *sigma.Correlation, order int, calendars map[string][]string) *node {
	n := &node{c: c, order: order, span: int64(c.Timespan / tick), groups: map[string]int32{}, oldest: -1, youngest: -1, began: none}
	if c.Type == sigma.OffHours {
		n.calendar = newCalendar(c.Extension, calendars)
	}
	n.names = c.GroupBy
	if c.Type == sigma.FirstSeen {
		n.span = int64(c.Extension.Forget / tick)
		n.names = slices.Concat(c.GroupBy, c.ValueOf)
	}
	return n
}

func (e *Engine) lookup(in *input, r ref) ([]byte, bool) {
	for o := in.over; o != nil; o = o.under {
		for i, name := range o.names {
			if name == r.name {
				return o.values[i], true
			}
		}
	}
	if in.record < 0 {
		return nil, false
	}
	return e.records[in.record].value(r.number)
}

// keyOf writes the group of an input, and for first_seen its value, into e.key and e.shown.
func (e *Engine) keyOf(n *node, in *input) bool {
	e.key, e.shown = e.key[:0], e.shown[:0]
	s := &n.sources[in.source]
	if !e.appendKey(in, s.group) {
		return false
	}
	return n.c.Type != sigma.FirstSeen || e.appendKey(in, s.values)
}

func (e *Engine) appendKey(in *input, refs []ref) bool {
	for _, r := range refs {
		v, ok := e.lookup(in, r)
		if !ok {
			return false
		}
		e.folded, _ = fold.Append(e.folded[:0], v)
		e.key = binary.AppendUvarint(e.key, uint64(len(e.folded)))
		e.key = append(e.key, e.folded...)
		e.shown = binary.AppendUvarint(e.shown, uint64(len(v)))
		e.shown = append(e.shown, v...)
	}
	return true
}

// parts takes a key apart again.
func parts(key string) [][]byte {
	var out [][]byte
	rest := []byte(key)
	for len(rest) > 0 {
		size, n := binary.Uvarint(rest)
		out = append(out, rest[n:n+int(size)])
		rest = rest[n+int(size):]
	}
	return out
}

// run takes in what came at one moment and looks at every group that it touched.
func (e *Engine) run(n *node, at int64) {
	n.touched = n.touched[:0]
	if n.repeats && len(n.inbox) > 1 {
		// What happened at one moment counts as in order, and an event found by several rules as found by the first.
		slices.SortStableFunc(n.inbox, func(a, b input) int { return int(a.source - b.source) })
	}
	for i := range n.inbox {
		e.take(n, &n.inbox[i], at)
	}
	if len(n.touched) > 1 {
		slices.SortFunc(n.touched, func(a, b int32) int { return strings.Compare(n.slab[a].key, n.slab[b].key) })
	}
	if n.c.Type == sigma.Absence {
		e.silent(n, at)
	} else {
		for _, id := range n.touched {
			e.judge(n, id, at)
		}
		e.pass(n)
	}
	n.inbox = n.inbox[:0]
	n.expire(at)
}

// take adds an input to its group.
func (e *Engine) take(n *node, in *input, at int64) {
	in.group = -1
	if !e.keyOf(n, in) {
		return
	}
	var value float64
	var tuple uint64
	switch n.c.Type {
	case sigma.ValueCount:
		var ok bool
		if tuple, ok = e.tuple(n, in); !ok {
			return
		}
	case sigma.ValueSum, sigma.ValueAvg, sigma.ValueMin, sigma.ValueMax, sigma.ValuePercentile:
		v, ok := e.lookup(in, n.sources[in.source].values[0])
		if !ok {
			return
		}
		if value, ok = number(v); !ok {
			return
		}
	}
	if n.began == none {
		n.began = at
	}
	id, ok := n.groups[string(e.key)]
	if !ok {
		id = e.newGroup(n)
	}
	in.group = id
	// An event that several rules found is one event: counted once, and told once to those that name this correlation.
	again := n.repeats && in.record >= 0 && n.c.Type != sigma.FirstSeen && e.records[in.record].takenBy(n, id)
	if again && n.counts() {
		in.group = -1
		return
	}
	g := &n.slab[id]
	if g.last != at {
		g.before, g.was, g.last = g.last, g.held, at
		n.touched = append(n.touched, id)
		n.renew(id)
	}
	if n.c.Type == sigma.Absence && len(n.out) > 0 && !again {
		e.keep(n, in, at)
	}
	e.stats.Dropped += g.add(n, in.source, at, value, tuple, e.options.MaxWindow)
	if again {
		in.group = -1
	}
}

// counts is true for the types that look at the events of a window, whatever rule found them.
func (n *node) counts() bool {
	switch n.c.Type {
	case sigma.Temporal, sigma.TemporalOrdered, sigma.FirstSeen, sigma.Absence, sigma.OffHours:
		return false
	}
	return true
}

func (e *Engine) newGroup(n *node) int32 {
	if len(n.groups) >= e.options.MaxGroups && n.oldest >= 0 {
		n.remove(n.oldest)
		e.stats.Evicted++
	}
	var id int32
	if k := len(n.free); k > 0 {
		id = n.free[k-1]
		n.free = n.free[:k-1]
	} else {
		n.slab = append(n.slab, group{})
		id = int32(len(n.slab) - 1)
	}
	g := &n.slab[id]
	*g = group{key: string(e.key), older: -1, younger: -1, last: none, before: none, entries: g.entries[:0]}
	g.shown = g.key
	if string(e.shown) != g.key {
		g.shown = string(e.shown)
	}
	n.groups[g.key] = id
	n.link(id)
	return id
}

// judge decides whether a correlation holds for a group, and fires.
func (e *Engine) judge(n *node, id int32, at int64) {
	g := &n.slab[id]
	count, holds := e.measure(n, g, at)
	g.held = holds
	if holds && (!g.was || at-g.before > n.span) {
		e.fire(n, g.shown, at, count)
	}
}

// fire reports, unless another correlation names this one and does not say generate.
func (e *Engine) fire(n *node, shown string, at int64, count float64) {
	if n.named && !n.generate {
		return
	}
	a := Alert{Correlation: n.c, Time: moment(at), Count: count}
	values := parts(shown)
	for i, name := range n.names {
		a.Group = append(a.Group, Value{Name: name, Value: string(values[i])})
	}
	e.alerts = append(e.alerts, a)
}

// pass gives each input at which the correlation holds to the correlations that name it.
func (e *Engine) pass(n *node) {
	if len(n.out) == 0 {
		return
	}
	if len(n.touched) > 1 { // by group, so that nothing depends on the order of arrival
		slices.SortStableFunc(n.inbox, func(a, b input) int { return n.compareGroups(a.group, b.group) })
	}
	for i := range n.inbox {
		in := &n.inbox[i]
		if in.group >= 0 && n.slab[in.group].held {
			e.emit(n, in, n.slab[in.group].shown)
		}
	}
}

// compareGroups orders groups by their group-by values; -1 comes first.
func (n *node) compareGroups(a, b int32) int {
	if a == b || a < 0 || b < 0 {
		return cmp.Compare(min(a, 0), min(b, 0))
	}
	size := len(n.c.GroupBy)
	return slices.CompareFunc(parts(n.slab[a].key)[:size], parts(n.slab[b].key)[:size], bytes.Compare)
}

func (e *Engine) emit(n *node, in *input, shown string) {
	if len(n.out) == 0 {
		return
	}
	o := in.over
	if len(n.names) > 0 {
		o = &overlay{names: n.names, values: parts(shown), under: in.over}
	}
	for _, to := range n.out {
		m := e.nodes[to.node]
		m.inbox = append(m.inbox, input{source: to.source, record: in.record, over: o})
	}
}

// Groups stand in a list by the time of their last input: renewing moves one to the end.

func (n *node) link(id int32) {
	g := &n.slab[id]
	g.older, g.younger = n.youngest, -1
	if n.youngest >= 0 {
		n.slab[n.youngest].younger = id
	} else {
		n.oldest = id
	}
	n.youngest = id
}

func (n *node) unlink(id int32) {
	g := &n.slab[id]
	if g.older >= 0 {
		n.slab[g.older].younger = g.younger
	} else {
		n.oldest = g.younger
	}
	if g.younger >= 0 {
		n.slab[g.younger].older = g.older
	} else {
		n.youngest = g.older
	}
}

func (n *node) renew(id int32) {
	if n.youngest != id {
		n.unlink(id)
		n.link(id)
	}
}

const keepEntries = 64

func (n *node) remove(id int32) {
	n.unlink(id)
	g := &n.slab[id]
	delete(n.groups, g.key)
	delete(n.kept, id)
	g.key, g.shown = "", ""
	if cap(g.entries) > keepEntries {
		g.entries = nil
	}
	n.free = append(n.free, id)
}

// expire forgets groups whose window is empty for good: what comes next begins anew.
func (n *node) expire(at int64) {
	if n.c.Type == sigma.Absence || n.c.Type == sigma.FirstSeen && n.span == 0 {
		return
	}
	for n.oldest >= 0 && n.slab[n.oldest].last < before(at, n.span) {
		n.remove(n.oldest)
	}
}

// deadline is when the longest silent group of an absence has been silent for too long.
func (n *node) deadline() (int64, bool) {
	if n.c.Type != sigma.Absence || n.oldest < 0 {
		return 0, false
	}
	at := n.slab[n.oldest].last
	if at > math.MaxInt64-n.span {
		return 0, false
	}
	return at + n.span, true
}
