package sheet

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	tables "github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
)

// speller writes values as a workbook itself writes them: as its lists offer, else as its cells already say.
type speller struct {
	choices []tables.Choice
	seen    map[verdict.Value]map[written]int
	signs   bool // ○ △ × rather than 2 1 0
}

// written is one way of writing a value.
type written struct {
	text   string
	number bool
}

func (w written) edit(sheet, cell string) tables.Edit {
	if w.number {
		return tables.NumberEdit(sheet, cell, float64(w.text[0]-'0'))
	}
	return tables.TextEdit(sheet, cell, w.text)
}

func newSpeller(p *Parsed, choices []tables.Choice) *speller {
	s := &speller{choices: choices, seen: map[verdict.Value]map[written]int{}, signs: p.Form == CriteriaSheet}
	for _, r := range p.Rows {
		value, ok := Score(r.AnswerText)
		if !ok || r.AnswerText == "" || value == verdict.Unanswered {
			continue
		}
		if s.seen[value] == nil {
			s.seen[value] = map[written]int{}
		}
		s.seen[value][written{r.raw, r.kind == tables.Number}]++
		s.signs = s.signs || strings.ContainsAny(r.AnswerText, "○◯〇△×✕✖")
	}
	return s
}

// of spells a value for a cell; ok is false when the list of the cell does not offer it.
func (s *speller) of(v verdict.Value, row, col int) (w written, ok bool) {
	for _, c := range s.choices {
		if !c.Offers(row, col) {
			continue
		}
		var fit []string
		for _, text := range c.Values {
			if value, ok := Score(text); ok && value == v {
				fit = append(fit, text)
			}
		}
		if len(fit) == 0 {
			return written{}, false
		}
		for _, known := range s.usual(v) {
			if slices.Contains(fit, known.text) {
				return known, true
			}
		}
		return written{fit[0], plainDigit(fit[0])}, true
	}
	if usual := s.usual(v); len(usual) > 0 {
		return usual[0], true
	}
	return s.ours(v), true
}

// usual lists how the sheet writes a value, the most frequent way first.
func (s *speller) usual(v verdict.Value) []written {
	ways := slices.Collect(maps.Keys(s.seen[v]))
	slices.SortFunc(ways, func(a, b written) int {
		return cmp.Or(cmp.Compare(s.seen[v][b], s.seen[v][a]), cmp.Compare(a.text, b.text))
	})
	for i, w := range ways {
		ways[i].number = w.number && plainDigit(w.text)
	}
	return ways
}

func (s *speller) ours(v verdict.Value) written {
	switch {
	case v == verdict.NotApplicable:
		return written{text: "該当なし"}
	case !s.signs:
		return written{valueWord(v), true}
	case v == verdict.ValueMet:
		return written{text: "○"}
	case v == verdict.ValuePart:
		return written{text: "△"}
	default:
		return written{text: "×"}
	}
}

func plainDigit(s string) bool { return s == "0" || s == "1" || s == "2" }
