package sigma

import (
	"github.com/kizuki-security/kizuki/sigma/internal/gram"
	"github.com/kizuki-security/kizuki/sigma/internal/rarity"
	"github.com/kizuki-security/kizuki/sigma/internal/route"
)

// part is the rules for the events of one source, with an index of their witnesses. It never changes.
type part struct {
	rules   []int32
	always  []int32 // rules without a witness
	aliases []aliasIDs
	slots   []uint16 // by field: place in fields plus one
	fields  []fieldPart
	keyword *gram.Index // over all values; nil when no rule has keywords
	found   [][]int32   // by payload of the indexes: the rules whose witness it is
}

type aliasIDs struct{ from, to int32 }

// fieldPart is what is looked for in one field.
type fieldPart struct {
	index   *gram.Index // nil: nothing but presence
	present []int32     // rules that need only the field
}

type partBuilder struct {
	part     *part
	payloads map[witness]int32
	literals map[int32][]gram.Literal
	present  map[int32][]int32
}

func (s *RuleSet) newPart(rules []int32, aliases []route.Alias) *part {
	b := partBuilder{
		part:     &part{rules: rules, slots: make([]uint16, len(s.fields))},
		payloads: map[witness]int32{}, literals: map[int32][]gram.Literal{}, present: map[int32][]int32{},
	}
	for _, a := range aliases {
		if to, ok := s.fields[a.Field]; ok {
			b.part.aliases = append(b.part.aliases, aliasIDs{from: s.fields[a.Source], to: to})
		}
	}
	for _, r := range rules {
		if s.rules[r].witness == nil {
			b.part.always = append(b.part.always, r)
		}
		for _, w := range s.rules[r].witness {
			b.add(r, w)
		}
	}
	b.finish(s)
	return b.part
}

func (b *partBuilder) add(rule int32, w witness) {
	if w.present {
		b.present[w.field] = appendOnce(b.present[w.field], rule)
		return
	}
	payload, ok := b.payloads[w]
	if !ok {
		payload = int32(len(b.part.found))
		b.payloads[w] = payload
		b.part.found = append(b.part.found, nil)
		b.literals[w.field] = append(b.literals[w.field], gram.Literal{Kind: w.kind, Text: w.text, Payload: payload})
	}
	b.part.found[payload] = appendOnce(b.part.found[payload], rule)
}

// appendOnce keeps out a rule that was just appended: rules come one after another.
func appendOnce(rules []int32, rule int32) []int32 {
	if n := len(rules); n > 0 && rules[n-1] == rule {
		return rules
	}
	return append(rules, rule)
}

func (b *partBuilder) finish(s *RuleSet) {
	common := rarity.Default().Gram
	for name, id := range s.fields {
		literals, present := b.literals[id], b.present[id]
		if len(literals) == 0 && len(present) == 0 {
			continue
		}
		var index *gram.Index
		if len(literals) > 0 {
			index = gram.Build(literals, common)
		}
		if name == "" {
			b.part.keyword = index
			continue
		}
		b.part.fields = append(b.part.fields, fieldPart{index: index, present: present})
		b.part.slots[id] = uint16(len(b.part.fields))
	}
}
