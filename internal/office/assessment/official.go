package assessment

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// OfficialItem is what the official workbook, brought in by the office, says of one item. Its texts never leave
// this database. Empty fields were not in the workbook.
type OfficialItem struct {
	Item        string `json:"-"` // id of the node: the item number, or the number of the SCS criterion
	Level       string `json:"-"` // id of the level, e.g. "2"; empty: not given
	Label       string `json:"label,omitempty"`
	Objective   string `json:"objective,omitempty"`
	Requirement string `json:"requirement,omitempty"`
	Condition   string `json:"condition,omitempty"` // 達成条件
	Criteria    string `json:"criteria,omitempty"`  // 達成基準 with its headings 【規則】【対象】【頻度】【時期】
	Examples    string `json:"examples,omitempty"`
}

// LevelDifference is an item whose level in the workbook is not the level that we know. Ours stays.
type LevelDifference struct {
	Item, Known, Official string
}

// OfficialReport says what an imported workbook brought.
type OfficialReport struct {
	Items       int               // items with wording or level
	Learned     int               // items whose level was unknown before
	Clauses     int               // clauses split for items about which we knew nothing
	Differences []LevelDifference // levels that differ from those we know
}

// SetOfficial lays the wording of the official workbook over a framework, in place of what was imported before,
// and judges everything of it anew. source names the file. Problem codes: not_found for an unknown
// framework, invalid for an unknown item or level.
func (s *Service) SetOfficial(ctx context.Context, tx *sqlite.Tx, key, source string, items []OfficialItem) (OfficialReport, error) {
	if err := actor.From(ctx).RequireWhole(PermManage); err != nil {
		return OfficialReport{}, err
	}
	base := s.catalog.Key(key)
	if base == nil {
		return OfficialReport{}, problem.NotFound("assessment.framework_unknown", "framework", key)
	}
	report, err := checkOfficial(base, items)
	if err != nil {
		return OfficialReport{}, err
	}
	if err := putOfficial(ctx, tx, key, source, items); err != nil {
		return OfficialReport{}, err
	}
	err = audit.Record(ctx, tx, "assessment.official_imported", "assessment/"+key, audit.Image{
		"source": source, "items": report.Items, "levels_learned": report.Learned, "levels_different": len(report.Differences),
	})
	if err != nil {
		return OfficialReport{}, err
	}
	return report, s.RecomputeFramework(ctx, tx, key)
}

func checkOfficial(base *framework.Framework, items []OfficialItem) (OfficialReport, error) {
	var report OfficialReport
	var found problem.List
	for _, it := range items {
		node := base.Item(it.Item)
		if node == nil {
			found.Add(problem.Invalid("", "assessment.official.item_unknown", "item", it.Item))
			continue
		}
		if it.Level != "" && base.LevelIndex(it.Level) < 0 {
			found.Add(problem.Invalid("", "assessment.official.level_unknown", "item", it.Item, "level", it.Level))
			continue
		}
		report.Items++
		switch {
		case it.Level == "":
		case node.Level == "":
			report.Learned++
		case node.Level != it.Level:
			report.Differences = append(report.Differences, LevelDifference{it.Item, node.Level, it.Level})
		}
		if node.NeedsImport {
			report.Clauses += len(splitCriteria(it))
		}
	}
	return report, found.Err()
}

// changesOf turns what was imported into changes of the catalogue: levels that were unknown, and for items about which
// we knew nothing a title and clauses that only a person can judge.
func changesOf(base *framework.Framework, official map[string]*OfficialItem) []framework.Change {
	var changes []framework.Change
	for _, node := range base.Items() {
		it := official[node.ID]
		if it == nil {
			continue
		}
		ch := framework.Change{Node: node.ID}
		if node.Level == "" {
			ch.Level = it.Level
		}
		if node.NeedsImport && it.Condition != "" {
			known := false
			ch.NeedsImport = &known
			ch.Title = framework.Text{JA: firstWords(it.Condition), EN: firstWords(it.Condition)}
			ch.Text = framework.Text{JA: it.Condition, EN: it.Condition}
			ch.Clauses = splitCriteria(*it)
		}
		changes = append(changes, ch)
	}
	return changes
}

// headings of 達成基準 and the kind of clause that stands under them; 内容 stands under 規則.
var headings = []struct{ text, kind string }{
	{"規則", "rule"}, {"内容", "rule"}, {"対象", "target"}, {"頻度", "frequency"}, {"時期", "timing"}, {"タイミング", "timing"},
}

// splitCriteria makes one clause of each sentence or bullet of 達成基準, under the heading it stands under. An
// item without criteria gets one clause: its condition.
func splitCriteria(it OfficialItem) []*framework.Clause {
	var out []*framework.Clause
	add := func(kind, text string) {
		if text == "" {
			return
		}
		out = append(out, &framework.Clause{
			Kind: kind, Mark: framework.Human,
			Text: framework.Text{JA: text, EN: text}, Short: framework.Text{JA: cut(text, 10), EN: cut(text, 10)},
		})
	}
	kind := "rule"
	for line := range strings.Lines(it.Criteria) {
		text := strings.TrimSpace(jtext.Store(line))
		if is, rest, ok := heading(text); ok {
			kind, text = is, rest
		}
		text = strings.TrimSpace(strings.TrimLeft(text, "・･-•*◦○●■□　 "))
		add(kind, text)
	}
	if len(out) == 0 {
		add("rule", it.Condition)
	}
	return out
}

func heading(line string) (kind, rest string, ok bool) {
	for _, h := range headings {
		for _, form := range []string{"【" + h.text + "】", "[" + h.text + "]", "〔" + h.text + "〕", "<" + h.text + ">"} {
			if rest, ok := strings.CutPrefix(line, form); ok {
				return h.kind, strings.TrimSpace(rest), true
			}
		}
	}
	return "", line, false
}

// firstWords shortens an imported condition to a title.
func firstWords(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return cut(line, 24)
}

func cut(text string, runes int) string {
	r := []rune(text)
	if len(r) <= runes {
		return text
	}
	return string(r[:runes]) + "…"
}

// Outline is a framework as this office sees it.
type Outline struct {
	*framework.Framework
	Official map[string]*OfficialItem // by item id; what the office imported
	Source   string                   // file it came from; empty: nothing was imported
}

type outlineCache struct {
	change string
	byKey  map[string]*Outline
}

// Outline returns one framework as this office sees it; problem code not_found.
func (s *Service) Outline(ctx context.Context, tx *sqlite.Tx, key string) (*Outline, error) {
	all, err := s.allOutlines(ctx, tx)
	if err != nil {
		return nil, err
	}
	o := all[key]
	if o == nil {
		return nil, problem.NotFound("assessment.framework_unknown", "framework", key)
	}
	return o, nil
}

// allOutlines gives the outlines of all frameworks, built anew after an import.
func (s *Service) allOutlines(ctx context.Context, tx *sqlite.Tx) (map[string]*Outline, error) {
	st, err := findStatus(ctx, tx)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	cached := s.outlines
	s.mu.Unlock()
	if cached.byKey != nil && cached.change == st.official {
		return cached.byKey, nil
	}
	byKey := map[string]*Outline{}
	for _, f := range s.catalog.Frameworks() {
		official, source, err := findOfficial(ctx, tx, f.Key())
		if err != nil {
			return nil, err
		}
		o := &Outline{Framework: f, Official: official, Source: source}
		if changes := changesOf(f, official); len(changes) > 0 {
			if o.Framework, err = f.Changed(changes); err != nil {
				return nil, fmt.Errorf("lay imported wording over %s: %w", f.Key(), err)
			}
		}
		byKey[f.Key()] = o
	}
	s.mu.Lock()
	s.outlines = outlineCache{st.official, byKey}
	s.mu.Unlock()
	return byKey, nil
}

// keys lists the frameworks in the order of the catalogue.
func (s *Service) keys() []string {
	var keys []string
	for _, f := range s.catalog.Frameworks() {
		keys = append(keys, f.Key())
	}
	return keys
}

// LevelDifferences lists the items whose imported level is not the one of the catalogue.
func (o *Outline) LevelDifferences() []LevelDifference {
	var out []LevelDifference
	for _, node := range o.Items() {
		if it := o.Official[node.ID]; it != nil && it.Level != "" && node.Level != it.Level {
			out = append(out, LevelDifference{node.ID, node.Level, it.Level})
		}
	}
	return slices.Clip(out)
}
