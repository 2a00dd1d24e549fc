package sigma

import (
	"iter"
	"slices"

	"github.com/kizuki-security/kizuki/sigma/internal/fields"
	"github.com/kizuki-security/kizuki/sigma/internal/fold"
	"github.com/kizuki-security/kizuki/sigma/internal/pattern"
)

// Matcher matches one event after another against a rule set. It is not safe for concurrent use: make one
// for each goroutine.
type Matcher struct {
	set   *RuleSet
	event *Event
	part  *part
	round uint32 // counts events; what carries another number is of an earlier one

	names   *fields.Cache
	parts   map[string]*part
	key     []byte
	heads   []head // by field
	entries []entry
	views   []view // by place in the event
	memo    []uint32
	asked   []uint32 // by rule: the round in which it became a candidate
	rules   []int32  // candidates
	found   []int32
	text    []byte // folded values
	scratch []byte
	hits    []Hit
}

type head struct {
	round uint32
	first int32
}

// entry is one value of a field; alias entries stand for a field of another name.
type entry struct {
	field int32 // as rules call it
	at    int32 // place in the event
	next  int32 // -1 ends
}

// view is a value in the forms that tests read.
type view struct {
	folded, dashed           []byte
	foldedRound, dashedRound uint32
}

const keepText = 4 << 20 // bytes of working memory kept after a large event

// NewMatcher makes a matcher over the set. It keeps its working memory, so that an event that matches nothing
// costs no allocation.
func (s *RuleSet) NewMatcher() *Matcher {
	return &Matcher{
		set: s, names: fields.New(s.fields), parts: map[string]*part{},
		heads: make([]head, len(s.fields)), memo: make([]uint32, len(s.atoms)), asked: make([]uint32, len(s.rules)),
	}
}

// Match gives the rules that the event matches, in the order of the documents. The slice and what its hits
// explain are valid until the next call. Nothing of the event is kept after that.
func (m *Matcher) Match(e *Event) []Hit {
	m.begin(e)
	for _, a := range m.part.aliases {
		m.alias(a)
	}
	m.candidates()
	if len(m.rules) == 0 {
		return nil
	}
	slices.Sort(m.rules)
	for _, r := range m.rules {
		if m.run(m.set.rules[r].entry) {
			m.hits = append(m.hits, Hit{Rule: m.set.public[r], matcher: m, index: r, round: m.round})
		}
	}
	return m.hits
}

// begin forgets the last event and looks up the names of this one.
func (m *Matcher) begin(e *Event) {
	if m.round++; m.round == 1<<31 {
		*m = *m.set.NewMatcher() // the numbers begin again
		m.round = 1
	}
	m.event = e
	m.entries, m.rules, m.hits = m.entries[:0], m.rules[:0], m.hits[:0]
	if cap(m.text) > keepText {
		m.text = nil
	}
	m.text = m.text[:0]
	if n := len(e.Fields); n > len(m.views) {
		m.views = append(m.views, make([]view, n-len(m.views))...)
	}
	channel, id, kind := int32(-1), int32(-1), int32(-1)
	for i, v := range slices.Backward(e.Fields) {
		f := m.names.Number(v.Name)
		if f < 0 {
			continue
		}
		m.link(f, int32(i))
		switch f {
		case m.set.special.channel:
			channel = int32(i)
		case m.set.special.id:
			id = int32(i)
		case m.set.special.kind:
			kind = int32(i)
		}
	}
	m.part = m.route(channel, id, kind)
}

func (m *Matcher) link(field, at int32) {
	h := &m.heads[field]
	next := int32(-1)
	if h.round == m.round {
		next = h.first
	}
	*h = head{round: m.round, first: int32(len(m.entries))}
	m.entries = append(m.entries, entry{field: field, at: at, next: next})
}

func (m *Matcher) alias(a aliasIDs) {
	for i := m.first(a.from); i >= 0; i = m.entries[i].next {
		m.link(a.to, m.entries[i].at)
	}
}

// first gives the first entry of a field, or -1.
func (m *Matcher) first(field int32) int32 {
	if h := &m.heads[field]; h.round == m.round {
		return h.first
	}
	return -1
}

const longestKey = 512

// route finds the rules for the source of the event.
func (m *Matcher) route(channel, id, kind int32) *part {
	e := m.event
	k := m.key[:0]
	for _, at := range [3]int32{channel, id, kind} {
		if at >= 0 && len(e.Fields[at].Value) < longestKey {
			k = append(k, e.Fields[at].Value...)
		}
		k = append(k, 0)
	}
	k = append(k, e.Source.Product...)
	k = append(k, 0)
	k = append(k, e.Source.Category...)
	k = append(k, 0)
	k = append(k, e.Source.Service...)
	m.key = k
	if p := m.parts[string(k)]; p != nil {
		return p
	}
	value := func(at int32) string {
		if at < 0 || len(e.Fields[at].Value) >= longestKey {
			return ""
		}
		return string(e.Fields[at].Value)
	}
	p := m.set.part(e.Source, value(channel), value(id), value(kind))
	if len(m.parts) >= maxParts {
		clear(m.parts)
	}
	m.parts[string(k)] = p
	return p
}

const maxParts = 4096

// candidates collects the rules of which a witness occurs.
func (m *Matcher) candidates() {
	p := m.part
	for _, r := range p.always {
		m.ask(r)
	}
	for i := range m.entries {
		e := &m.entries[i]
		slot := p.slots[e.field]
		if slot == 0 {
			continue
		}
		f := &p.fields[slot-1]
		for _, r := range f.present {
			m.ask(r)
		}
		if f.index != nil && m.event.Fields[e.at].Kind != Null {
			m.found = f.index.Find(m.found[:0], m.folded(e.at))
			m.askAll()
		}
	}
	if p.keyword == nil {
		return
	}
	for i := range m.event.Fields {
		if m.event.Fields[i].Kind != Null {
			m.found = p.keyword.Find(m.found[:0], m.folded(int32(i)))
			m.askAll()
		}
	}
}

func (m *Matcher) askAll() {
	for _, payload := range m.found {
		for _, r := range m.part.found[payload] {
			m.ask(r)
		}
	}
}

func (m *Matcher) ask(rule int32) {
	if m.asked[rule] != m.round {
		m.asked[rule] = m.round
		m.rules = append(m.rules, rule)
	}
}

func (m *Matcher) run(at int32) bool {
	for at >= 0 {
		s := &m.set.steps[at]
		if m.test(s.atom) {
			at = s.yes
		} else {
			at = s.no
		}
	}
	return at == matched
}

// test runs a test once for an event and remembers the answer.
func (m *Matcher) test(id int32) bool {
	if known := m.memo[id]; known>>1 == m.round {
		return known&1 == 1
	}
	answer := m.ask1(&m.set.atoms[id])
	m.memo[id] = m.round << 1
	if answer {
		m.memo[id] |= 1
	}
	return answer
}

func (m *Matcher) ask1(a *atom) bool {
	if a.field < 0 {
		for i := range m.event.Fields {
			if m.holds(a, int32(i)) {
				return true
			}
		}
		return false
	}
	first := m.first(a.field)
	switch a.Op {
	case pattern.OpExists:
		return first >= 0
	case pattern.OpNull:
		if first < 0 {
			return true
		}
	default:
	}
	for i := first; i >= 0; i = m.entries[i].next {
		if m.holds(a, m.entries[i].at) {
			return true
		}
	}
	return false
}

// holds runs a test on one value.
func (m *Matcher) holds(a *atom, at int32) bool {
	null := m.event.Fields[at].Kind == Null
	if a.Op == pattern.OpNull {
		return null
	}
	if null {
		return false
	}
	switch a.Op {
	case pattern.OpRef:
		return m.reference(a, at)
	case pattern.OpRegex:
		var folded []byte
		if len(a.Needs) > 0 {
			folded = m.folded(at)
		}
		return a.Holds(m.event.Fields[at].Value, folded)
	default:
	}
	return a.Holds(m.form(a.form, at), nil)
}

func (m *Matcher) reference(a *atom, at int32) bool {
	for i := m.first(a.other); i >= 0; i = m.entries[i].next {
		other := m.entries[i].at
		if m.event.Fields[other].Kind != Null && a.Ref(m.form(a.form, at), m.form(a.form, other)) {
			return true
		}
	}
	return false
}

func (m *Matcher) form(f pattern.Form, at int32) []byte {
	switch f {
	case pattern.Folded:
		return m.folded(at)
	case pattern.DashFolded:
		v := &m.views[at]
		if v.dashedRound != m.round {
			folded := m.folded(at)
			n := len(m.text)
			m.text = pattern.AppendDash(m.text, folded)
			v.dashed, v.dashedRound = m.text[n:len(m.text):len(m.text)], m.round
		}
		return v.dashed
	case pattern.DashRaw:
		m.scratch = pattern.AppendDash(m.scratch[:0], m.event.Fields[at].Value)
		return m.scratch
	case pattern.Raw:
	}
	return m.event.Fields[at].Value
}

// folded gives a value in the form in which text is compared.
func (m *Matcher) folded(at int32) []byte {
	v := &m.views[at]
	if v.foldedRound != m.round {
		n := len(m.text)
		m.text, _ = fold.Append(m.text, m.event.Fields[at].Value)
		v.folded, v.foldedRound = m.text[n:len(m.text):len(m.text)], m.round
	}
	return v.folded
}

// Routed gives the rules that are for the source of the event, whether they match or not, in the order of the
// documents: what can be found at all with such events. It is valid until the next call of the matcher.
func (m *Matcher) Routed(e *Event) iter.Seq[*Rule] {
	m.begin(e)
	rules := m.part.rules
	return func(yield func(*Rule) bool) {
		for _, r := range rules {
			if !yield(m.set.public[r]) {
				return
			}
		}
	}
}
