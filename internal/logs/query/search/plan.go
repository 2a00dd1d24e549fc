package search

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/kizuki-security/kizuki/internal/logs/query"
	"github.com/kizuki-security/kizuki/internal/logs/query/text"
)

// node is a term made ready to run. Nodes are shared by the workers.
type node interface {
	// eval sets out to the rows of in that the term holds for. in and out are different sets.
	eval(v *view, in, out rows) error
	// cost orders the terms of a list: the cheap ones first leave fewer rows to the others.
	cost() int
	// may says whether a block may have such rows, by what is known of it; false is certain.
	may(s query.Stat) bool
	// sure says whether all rows of the block are such, by what is known of it; true is certain.
	sure(s query.Stat) bool
	// need gives the words of the index that every such row has.
	need() []string
}

// Costs of terms.
const (
	costNone = iota
	costTime
	costColumn
	costPattern // of a column
	costKey     // raw lines are decoded
	costText    // raw lines are searched
	costRegex
)

// plan is a query made ready to run.
type plan struct {
	root     node
	from, to int64 // both included
	sources  []string
	keys     []string // fields, for reading keys from raw lines
	text     bool     // raw lines are needed to find the rows
}

func newPlan(q query.Query, l query.Limits) (*plan, error) {
	where := query.Normalize(q.Where)
	p := &plan{}
	c := compiler{limits: l}
	var err error
	if p.root, err = c.node(where); err != nil {
		return nil, err
	}
	p.from, p.to = span(where)
	p.sources = sources(where)
	p.keys, p.text = c.keys, c.text
	return p, nil
}

// field adds a field that is wanted besides the conditions.
func (p *plan) field(name string) {
	if !slices.Contains(p.keys, name) {
		p.keys = append(p.keys, name)
	}
}

// span gives the range of time outside of which the term holds for nothing.
func span(t query.Term) (from, to int64) {
	from, to = math.MinInt64, math.MaxInt64
	switch t := t.(type) {
	case query.Time:
		from = t.From
		if t.To != math.MaxInt64 {
			to = t.To - 1
		}
	case query.And:
		for _, sub := range t {
			f, e := span(sub)
			from, to = max(from, f), min(to, e)
		}
	case query.Or:
		from, to = math.MaxInt64, math.MinInt64
		for _, sub := range t {
			f, e := span(sub)
			from, to = min(from, f), max(to, e)
		}
	}
	return from, to
}

// sources gives the only sources the term can hold for; nil: any. Names of sources have one case.
func sources(t query.Term) []string {
	switch t := t.(type) {
	case query.Equal:
		if t.Field == "source" {
			return []string{fold(t.Value, t.Cased)}
		}
	case query.In:
		if t.Field == "source" {
			var names []string
			for _, v := range t.Values {
				names = append(names, fold(v, t.Cased))
			}
			return names
		}
	case query.And:
		for _, sub := range t {
			if names := sources(sub); names != nil {
				return names
			}
		}
	}
	return nil
}

func fold(s string, cased bool) string {
	if cased {
		return s
	}
	return query.Fold(s)
}

type compiler struct {
	limits query.Limits
	keys   []string
	text   bool
}

func (c *compiler) node(t query.Term) (node, error) {
	switch t := t.(type) {
	case query.All:
		return all{}, nil
	case query.And:
		nodes, err := c.nodes(t)
		slices.SortStableFunc(nodes, func(a, b node) int { return a.cost() - b.cost() })
		return and{nodes, needs(nodes)}, err
	case query.Or:
		nodes, err := c.nodes(t)
		slices.SortStableFunc(nodes, func(a, b node) int { return a.cost() - b.cost() })
		return or(nodes), err
	case query.Not:
		n, err := c.node(t.Term)
		return not{n}, err
	case query.Time:
		return between{t.From, t.To}, nil
	case query.Word:
		c.text = true
		f := text.NewFinder(t.Text, true, !t.Prefix, t.Cased)
		return finder{f, text.Need(t.Text, true, !t.Prefix, t.Cased)}, nil
	case query.Substring:
		c.text = true
		return finder{text.NewFinder(t.Text, false, false, t.Cased), text.Need(t.Text, false, false, t.Cased)}, nil
	case query.Regex:
		return c.regex(t)
	}
	return c.fieldNode(t)
}

func (c *compiler) nodes(terms []query.Term) ([]node, error) {
	nodes := make([]node, 0, len(terms))
	for _, t := range terms {
		n, err := c.node(t)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

func needs(nodes []node) []string {
	var words []string
	for _, n := range nodes {
		for _, w := range n.need() {
			if !slices.Contains(words, w) {
				words = append(words, w)
			}
		}
	}
	return words
}

func (c *compiler) regex(t query.Regex) (node, error) {
	c.text = true
	p, err := text.Compile(t.Pattern, t.Cased, c.limits.Program)
	if err != nil {
		return nil, fmt.Errorf("query: %w", err)
	}
	r := regex{pattern: p}
	if p.Literal != "" {
		r.literal = text.NewFinder(p.Literal, false, false, t.Cased)
		r.words = text.Need(p.Literal, false, false, t.Cased)
	}
	return r, nil
}

// fieldNode makes a condition on a field; that on any address becomes one on both.
func (c *compiler) fieldNode(t query.Term) (node, error) {
	f := field{price: costColumn}
	switch t := t.(type) {
	case query.Equal:
		want := fold(t.Value, t.Cased)
		f.name, f.holds = t.Field, func(v string) bool { return same(v, want, t.Cased) }
		if t.Value != "" {
			f.whole = query.WholeValue(t.Value)
		}
	case query.In:
		wanted := map[string]bool{}
		for _, v := range t.Values {
			wanted[fold(v, t.Cased)] = true
		}
		f.name, f.holds = t.Field, func(v string) bool { return wanted[fold(v, t.Cased)] }
	case query.Prefix:
		want := fold(t.Value, t.Cased)
		f.name, f.holds = t.Field, func(v string) bool { return strings.HasPrefix(fold(v, t.Cased), want) }
	case query.Contains:
		find := text.NewFinder(t.Value, false, false, t.Cased)
		f.name, f.holds = t.Field, find.MatchString
	case query.Match:
		p, err := text.Compile(t.Pattern, t.Cased, c.limits.Program)
		if err != nil {
			return nil, fmt.Errorf("query: %w", err)
		}
		f.name, f.holds, f.price = t.Field, p.Match, costPattern
	case query.Exists:
		f.name, f.holds = t.Field, func(v string) bool { return v != "" }
	case query.Number:
		f.name, f.holds = t.Field, func(v string) bool { return compares(v, t.Op, t.Value) }
	case query.IP:
		f.name, f.holds = t.Field, nets(t.Nets)
		if len(t.Nets) == 1 && t.Nets[0].IsSingleIP() {
			f.whole = t.Nets[0].Addr().String()
		}
	default:
		return nil, fmt.Errorf("query: term %T is not known", t)
	}
	if f.name == query.AnyIP {
		src, dst := f, f
		src.name, dst.name = "src_ip", "dst_ip"
		c.keys = append(c.keys, src.name, dst.name)
		return either{or{src.indexed(), dst.indexed()}, f.whole}, nil
	}
	if !query.IsColumn(f.name) {
		c.text = true
		f.price = costKey
	}
	if !slices.Contains(c.keys, f.name) {
		c.keys = append(c.keys, f.name)
	}
	return f.indexed(), nil
}

// same says whether a value is the one that is wanted, which is folded unless cased.
func same(v, want string, cased bool) bool {
	if v == want {
		return true
	}
	if cased {
		return false
	}
	if len(v) == len(want) && v != "" && v[0] < 0x80 && want[0] < 0x80 && v[0]|0x20 != want[0]|0x20 {
		return false // most values end here
	}
	return query.Fold(v) == want
}

// compares reads a whole decimal number of up to 18 digits and compares it.
func compares(v string, op query.Op, want int64) bool {
	digits := strings.TrimPrefix(v, "-")
	if digits == "" || len(digits) > 18 || digits[0] == '+' || digits[0] == '-' {
		return false
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		return false
	}
	switch op {
	case query.Less:
		return n < want
	case query.LessEqual:
		return n <= want
	case query.Greater:
		return n > want
	default:
		return n >= want
	}
}

// nets gives the predicate of networks. Most values are plain IPv4 addresses that differ in their first numbers; those
// need not be read.
func nets(list []netip.Prefix) func(v string) bool {
	heads := make([]string, len(list))
	for i, n := range list {
		heads[i] = head(n)
	}
	return func(v string) bool {
		six := strings.IndexByte(v, ':') >= 0
		for i, n := range list {
			if !six && (!n.Addr().Is4() || !strings.HasPrefix(v, heads[i])) {
				continue
			}
			if ip, err := netip.ParseAddr(v); err == nil && n.Contains(query.PlainAddr(ip)) {
				return true
			}
		}
		return false
	}
}

// head is what all addresses of an IPv4 network begin with when written with dots.
func head(n netip.Prefix) string {
	if !n.Addr().Is4() {
		return ""
	}
	var b strings.Builder
	for _, octet := range n.Addr().AsSlice()[:n.Bits()/8] {
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(strconv.Itoa(int(octet)))
	}
	return b.String()
}
