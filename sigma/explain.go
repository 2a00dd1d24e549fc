package sigma

import (
	"slices"

	"github.com/kizuki-security/kizuki/sigma/internal/pattern"
)

// Hit is one rule that matched the event just given to the matcher.
type Hit struct {
	Rule *Rule

	matcher *Matcher
	index   int32
	round   uint32
}

// Reason is one test that held.
type Reason struct {
	Search    string // the search identifier: selection
	Field     string // as the rule says it; empty for a keyword
	EventName string // the field of the event that was looked at: another one when routing has an alias
	Op        string // contains, startswith, endswith, equals, re, cidr …
	Pattern   string // what was looked for, in small letters unless the rule is about case
	Value     string // the value in the event, cut to 4,096 bytes around the place
	Offset    int    // where in the whole value, in bytes; -1 where a place means nothing
	Length    int    // how long, in bytes
}

const (
	longestValue = 4096
	maxReasons   = 1000
)

// Why gives what made the rule match: every positive test that holds and that the condition rests on, in the order
// of the rule, at most 1,000. It allocates; after the matcher saw another event it gives nil.
func (h Hit) Why() []Reason {
	if h.matcher == nil || h.matcher.round != h.round {
		return nil
	}
	w := explainer{m: h.matcher, seen: map[int32]bool{}}
	w.collect(h.matcher.set.rules[h.index].expr)
	return w.reasons
}

type explainer struct {
	m       *Matcher
	seen    map[int32]bool
	reasons []Reason
}

// holds evaluates an expression; every test is remembered, so that this is cheap.
func (w *explainer) holds(e *pattern.Expr) bool {
	switch e.Logic {
	case pattern.Test:
		return w.m.test(e.ID)
	case pattern.Not:
		return !w.holds(e.Kids[0])
	case pattern.All:
		for _, k := range e.Kids {
			if !w.holds(k) {
				return false
			}
		}
		return true
	case pattern.Any:
	}
	return slices.ContainsFunc(e.Kids, w.holds)
}

func (w *explainer) collect(e *pattern.Expr) {
	if len(w.reasons) >= maxReasons || !w.holds(e) {
		return
	}
	switch e.Logic {
	case pattern.Test:
		if !w.seen[e.ID] {
			w.seen[e.ID] = true
			w.reasons = append(w.reasons, w.reason(e))
		}
	case pattern.Not: // what is absent has no place
	case pattern.All, pattern.Any:
		for _, k := range e.Kids {
			w.collect(k)
		}
	}
}

func (w *explainer) reason(e *pattern.Expr) Reason {
	m := w.m
	a := &m.set.atoms[e.ID]
	r := Reason{Search: e.Search, Field: a.Field, Op: a.Name(), Pattern: a.Pattern(), Offset: -1}
	at := w.value(a)
	if at < 0 {
		return r
	}
	f := &m.event.Fields[at]
	r.EventName = f.Name
	start, end, ok := w.place(a, at)
	from := 0
	if ok {
		r.Offset, r.Length = start, end-start
		from = max(0, min(start-longestValue/4, len(f.Value)-longestValue))
	}
	r.Value = string(f.Value[from:min(len(f.Value), from+longestValue)])
	return r
}

// value finds the first value for which the test holds.
func (w *explainer) value(a *atom) int32 {
	m := w.m
	if a.field < 0 {
		for i := range m.event.Fields {
			if m.holds(a, int32(i)) {
				return int32(i)
			}
		}
		return -1
	}
	for i := m.first(a.field); i >= 0; i = m.entries[i].next {
		if a.Op == pattern.OpExists || m.holds(a, m.entries[i].at) {
			return m.entries[i].at
		}
	}
	return -1
}

// place finds where in the value, in bytes of the value as it came.
func (w *explainer) place(a *atom, at int32) (start, end int, ok bool) {
	raw := w.m.event.Fields[at].Value
	switch a.Op {
	case pattern.OpRegex:
		if l := a.Regex.FindIndex(raw); l != nil {
			return l[0], l[1], true
		}
		return 0, 0, false
	case pattern.OpText:
		start, end, ok = a.Text.Find(w.m.form(a.form, at))
		if a.Text.Shape == pattern.AnyText {
			return 0, 0, false
		}
		if !ok || a.form == pattern.Raw {
			return start, end, ok
		}
		return pattern.Offset(a.form, raw, start), pattern.Offset(a.form, raw, end), true
	case pattern.OpCIDR, pattern.OpCompare, pattern.OpTime, pattern.OpRef, pattern.OpNull, pattern.OpExists:
	}
	return 0, 0, false
}
