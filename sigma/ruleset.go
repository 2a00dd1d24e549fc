package sigma

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/kizuki-security/kizuki/sigma/internal/pattern"
	"github.com/kizuki-security/kizuki/sigma/internal/rarity"
	"github.com/kizuki-security/kizuki/sigma/internal/route"
)

// RuleSet is compiled rules. It never changes; any number of goroutines may use it, each with its own Matcher.
// To replace rules while running, keep the set in an atomic.Pointer and make new matchers when it changed.
type RuleSet struct {
	rules    []*compiled
	public   []*Rule
	steps    []step
	atoms    []atom
	fields   map[string]int32
	special  specials
	unrouted bool
	table    *route.Table
	words    [3]map[string]bool // products, categories, services that rules name

	mu    sync.Mutex
	parts map[string]*part // by what is known of the source; as many as the routing table and the rules tell apart
	same  map[string]*part // by rules and aliases
}

// atom is a test with what running it needs.
type atom struct {
	*pattern.Atom

	field, other int32 // field is -1 for a keyword
	form         pattern.Form
}

// specials are the fields that routing reads.
type specials struct{ channel, id, kind int32 }

func (c *compiler) finish() *RuleSet {
	s := &RuleSet{
		fields: c.fields, unrouted: c.options.Unrouted, table: route.Default(),
		parts: map[string]*part{}, same: map[string]*part{},
	}
	s.special = specials{c.field("Channel"), c.field("EventID"), c.field("EventType")}
	for _, a := range s.table.Aliases() {
		c.field(a.Source)
	}
	pick := chooser{c: c, model: rarity.Default(), costs: map[int32]option{}}
	for _, r := range c.rules {
		if !c.intern(r.expr, 0, &r.tests) {
			c.refuse(&r.rule.Header, r.rule.Line, "size",
				fmt.Sprintf("rule has more than %d tests or is nested deeper than %d", maxTests, maxDepth))
			continue
		}
		r.entry = emit(&s.steps, r.expr, matched, failed)
		r.witness = pick.choose(r.expr).list
		s.rules = append(s.rules, r)
		s.public = append(s.public, r.rule)
	}
	for _, a := range c.all {
		one := atom{Atom: a, field: -1, form: a.Form()}
		if a.Field != "" {
			one.field = c.fields[a.Field]
		}
		if a.Op == pattern.OpRef {
			one.other = c.fields[a.Other]
		}
		s.atoms = append(s.atoms, one)
	}
	s.vocabulary()
	return s
}

func (s *RuleSet) vocabulary() {
	for i := range s.words {
		s.words[i] = map[string]bool{}
	}
	for _, r := range s.public {
		s.words[0][strings.ToLower(r.LogSource.Product)] = true
		s.words[1][strings.ToLower(r.LogSource.Category)] = true
		s.words[2][strings.ToLower(r.LogSource.Service)] = true
	}
}

// Rules gives the rules in use, in the order of the documents. The slice must not be changed.
func (s *RuleSet) Rules() []*Rule { return s.public }

// sources is what is known of where an event comes from: any of several products, categories and services.
type sources struct {
	known   [3][]string
	aliases []route.Alias
}

func (s *RuleSet) sourcesOf(l LogSource, channel, id, kind string) sources {
	var out sources
	add := func(i int, word string) {
		word = strings.ToLower(word)
		if word == "" || !s.words[i][word] {
			return
		}
		if slices.Contains(out.known[i], word) {
			return
		}
		out.known[i] = append(out.known[i], word)
	}
	add(0, l.Product)
	add(1, l.Category)
	add(2, l.Service)
	for _, r := range s.table.Find(l.Product, channel, id, kind) {
		add(0, r.Product)
		add(1, r.Category)
		add(2, r.Service)
		out.aliases = append(out.aliases, r.Aliases...)
	}
	return out
}

func (k *sources) covers(l LogSource) bool {
	for i, word := range [3]string{l.Product, l.Category, l.Service} {
		if word == "" {
			continue
		}
		found := false
		for _, have := range k.known[i] {
			found = found || strings.EqualFold(have, word)
		}
		if !found {
			return false
		}
	}
	return true
}

// part gives the rules for events of a source, made when first asked for.
func (s *RuleSet) part(l LogSource, channel, id, kind string) *part {
	var from sources
	if s.unrouted {
		from.aliases = s.table.Aliases()
	} else {
		from = s.sourcesOf(l, channel, id, kind)
	}
	key := fmt.Sprint(from)
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.parts[key]; p != nil {
		return p
	}
	var rules []int32
	for i, r := range s.public {
		if s.unrouted || from.covers(r.LogSource) {
			rules = append(rules, int32(i))
		}
	}
	content := fmt.Sprint(rules, from.aliases)
	p := s.same[content]
	if p == nil {
		p = s.newPart(rules, from.aliases)
		s.same[content] = p
	}
	s.parts[key] = p
	return p
}
