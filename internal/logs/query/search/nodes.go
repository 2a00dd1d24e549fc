package search

import (
	"math"
	"slices"

	"github.com/kizuki-security/kizuki/internal/logs/query"
	"github.com/kizuki-security/kizuki/internal/logs/query/text"
)

type (
	all struct{}
	and struct {
		nodes []node
		words []string
	}
	or      []node
	not     struct{ node node }
	between struct{ from, to int64 }
	// finder looks for a text in raw lines.
	finder struct {
		find  *text.Finder
		words []string
	}
	regex struct {
		pattern *text.Pattern
		literal *text.Finder // nil: none is known
		words   []string
	}
	// field runs a predicate on the values of a field, once for each different value.
	field struct {
		name  string
		holds func(value string) bool
		price int
		whole string // the value that the index must hold; "": no matter
	}
	// either is a condition on both addresses: the value it needs is in the index whichever holds it.
	either struct {
		or
		whole string
	}
)

func (all) eval(_ *view, in, out rows) error {
	copy(out, in)
	return nil
}
func (all) cost() int            { return costNone }
func (all) may(query.Stat) bool  { return true }
func (all) sure(query.Stat) bool { return true }
func (all) need() []string       { return nil }

func (n and) eval(v *view, in, out rows) error {
	copy(out, in)
	rest := v.take()
	defer v.give(rest)
	for _, sub := range n.nodes {
		if out.empty() {
			return nil
		}
		copy(rest, out)
		if err := sub.eval(v, rest, out); err != nil {
			return err
		}
	}
	return nil
}

func (n and) cost() int { return dearest(n.nodes) }

func (n and) may(s query.Stat) bool {
	return !slices.ContainsFunc(n.nodes, func(sub node) bool { return !sub.may(s) })
}

func (n and) sure(s query.Stat) bool {
	return !slices.ContainsFunc(n.nodes, func(sub node) bool { return !sub.sure(s) })
}

func (n and) need() []string { return n.words }

func dearest(nodes []node) int {
	most := 0
	for _, n := range nodes {
		most = max(most, n.cost())
	}
	return most
}

func (n or) eval(v *view, in, out rows) error {
	clear(out)
	rest, hits := v.take(), v.take()
	defer func() { v.give(rest); v.give(hits) }()
	copy(rest, in)
	for _, sub := range n {
		if rest.empty() {
			return nil
		}
		if err := sub.eval(v, rest, hits); err != nil {
			return err
		}
		for i, w := range hits {
			out[i] |= w
			rest[i] &^= w
		}
	}
	return nil
}

func (n or) cost() int { return dearest(n) }

func (n or) may(s query.Stat) bool {
	return slices.ContainsFunc(n, func(sub node) bool { return sub.may(s) })
}

func (n or) sure(s query.Stat) bool {
	return slices.ContainsFunc(n, func(sub node) bool { return sub.sure(s) })
}

func (or) need() []string { return nil }

func (n not) eval(v *view, in, out rows) error {
	hits := v.take()
	defer v.give(hits)
	if err := n.node.eval(v, in, hits); err != nil {
		return err
	}
	for i, w := range in {
		out[i] = w &^ hits[i]
	}
	return nil
}

func (n not) cost() int              { return n.node.cost() }
func (n not) may(s query.Stat) bool  { return !n.node.sure(s) }
func (n not) sure(s query.Stat) bool { return !n.node.may(s) }
func (not) need() []string           { return nil }

func (n between) eval(v *view, in, out rows) error {
	if n.sure(v.stat) {
		copy(out, in)
		return nil
	}
	times, err := v.loadTimes()
	if err != nil {
		return err
	}
	from, to := n.from, n.to
	for i := range out {
		w := in[i]
		if w == 0 {
			out[i] = 0
			continue
		}
		var hit uint64
		for j, t := range times[i<<6 : min(i<<6+64, len(times))] {
			if t >= from && t < to {
				hit |= 1 << j
			}
		}
		out[i] = hit & w
	}
	return nil
}

func (between) cost() int { return costTime }

func (n between) may(s query.Stat) bool { return s.To >= n.from && s.From < n.to }

func (n between) sure(s query.Stat) bool {
	return s.From >= n.from && (s.To < n.to || n.to == math.MaxInt64)
}

func (between) need() []string { return nil }

func (n finder) eval(v *view, in, out rows) error {
	if err := v.loadText(); err != nil {
		return err
	}
	n.find.Rows(v.text, v.ends, in, out, &v.scratch)
	return nil
}

func (finder) cost() int            { return costText }
func (finder) may(query.Stat) bool  { return true }
func (finder) sure(query.Stat) bool { return false }
func (n finder) need() []string     { return n.words }

func (n regex) eval(v *view, in, out rows) error {
	if err := v.loadText(); err != nil {
		return err
	}
	if n.literal != nil {
		hits := v.take()
		defer v.give(hits)
		n.literal.Rows(v.text, v.ends, in, hits, &v.scratch)
		in = hits
	}
	clear(out)
	in.each(func(row int) bool {
		if n.pattern.MatchLine(v.line(row), &v.scratch) {
			out[row>>6] |= 1 << (row & 63)
		}
		return true
	})
	return nil
}

func (regex) cost() int            { return costRegex }
func (regex) may(query.Stat) bool  { return true }
func (regex) sure(query.Stat) bool { return false }
func (n regex) need() []string     { return n.words }

func (n either) need() []string {
	if n.whole == "" {
		return nil
	}
	return []string{n.whole}
}

// indexed keeps the value that must be in the index only where the index holds the field's values.
func (n field) indexed() field {
	if !slices.Contains(query.Whole, n.name) {
		n.whole = ""
	}
	return n
}

func (n field) eval(v *view, in, out rows) error {
	column, err := v.column(n.name, in)
	if err != nil {
		return err
	}
	if column == nil {
		clear(out)
		if n.holds("") {
			copy(out, in)
		}
		return nil
	}
	hits, some, every := v.hits(len(column.Values)), false, true
	for i, value := range column.Values {
		if n.holds(value) {
			hits[i], some = 1, true
		} else {
			hits[i], every = 0, false
		}
	}
	switch {
	case every:
		copy(out, in)
	case !some:
		clear(out)
	default:
		pick(column.Codes, hits, in, out)
	}
	return nil
}

// pick sets out to the rows of in whose code is a hit.
func pick(codes []uint16, hits []uint8, in, out rows) {
	for i, w := range in {
		if w == 0 {
			out[i] = 0
			continue
		}
		var hit uint64
		for j, code := range codes[i<<6 : min(i<<6+64, len(codes))] {
			hit |= uint64(hits[code]) << (j & 63)
		}
		out[i] = hit & w
	}
}

func (n field) cost() int { return n.price }

func (n field) may(s query.Stat) bool {
	return n.name != "source" || s.Source == "" || n.holds(s.Source)
}

func (n field) sure(s query.Stat) bool {
	return n.name == "source" && s.Source != "" && n.holds(s.Source)
}

func (n field) need() []string {
	if n.whole == "" {
		return nil
	}
	return []string{n.whole}
}

// asked is what answers for the index of a block: the block, or a probe.
type asked interface {
	MayHave(words []string) (bool, error)
}

// mayHave asks the index of a block whether it may have such rows.
func mayHave(n node, b asked, s query.Stat) (bool, error) {
	if !n.may(s) {
		return false, nil
	}
	if words := n.need(); len(words) > 0 {
		if may, err := b.MayHave(words); !may || err != nil {
			return false, err
		}
	}
	switch n := n.(type) {
	case and:
		for _, sub := range n.nodes {
			if _, list := sub.(or); !list { // their words are asked for already
				continue
			}
			if may, err := mayHave(sub, b, s); !may || err != nil {
				return false, err
			}
		}
	case or:
		for _, sub := range n {
			if may, err := mayHave(sub, b, s); may || err != nil {
				return may, err
			}
		}
		return false, nil
	}
	return true, nil
}

// asksIndex says whether mayHave asks the index about anything.
func asksIndex(n node) bool {
	if len(n.need()) > 0 {
		return true
	}
	switch n := n.(type) {
	case and:
		return slices.ContainsFunc(n.nodes, asksIndex)
	case or:
		return slices.ContainsFunc(n, asksIndex)
	}
	return false
}
