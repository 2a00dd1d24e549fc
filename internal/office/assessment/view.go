package assessment

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Table gives kinds, topics and remedies of the catalogue.
func (s *Service) Table() *framework.Table { return s.catalog.Table }

// flat takes the weekday out of its brackets, because the day itself stands in brackets.
var flat = strings.NewReplacer("（", " ", "）", "")

// When writes a 期限 as people read it: 「あと12日（12/4 金）」. The zero day is a message without text.
func When(on, today jdate.Day, locale string) i18n.Msg {
	switch days := on.Sub(today); {
	case on.IsZero():
		return i18n.Msg{Key: "assessment.when.none"}
	case days < 0:
		return i18n.Msg{Key: "assessment.when.over", Args: problem.Args{"n": -days}}
	case days == 0:
		return i18n.Msg{Key: "assessment.when.today"}
	default:
		return i18n.Msg{Key: "assessment.when.in", Args: problem.Args{"n": days, "on": flat.Replace(on.Short(locale))}}
	}
}

// Number is how an item is called: "No.28" where the framework numbers its items, else its id.
func (it *Item) Number() string { return NumberOf(it.Node) }

// NumberOf is Number of a node.
func NumberOf(n *framework.Node) string {
	if n.Number > 0 {
		return "No." + strconv.Itoa(n.Number)
	}
	return n.ID
}

// Path is the page of an item.
func (it *Item) Path() string { return PathOf(it.Node) }

// PathOf is the page of an item of any framework.
func PathOf(n *framework.Node) string {
	return "/sheet/" + n.Framework.Key() + "/" + url.PathEscape(n.ID)
}

// Cure is where what a clause misses is done.
type Cure struct {
	Title, Button framework.Text
	Link          string
}

// Cure gives the remedy for the first thing that a clause misses; ok is false when nothing is missing that a
// record could close.
func (s *Service) Cure(c *Clause) (cure Cure, ok bool) {
	for _, m := range c.Verdict.Misses {
		r, known := s.catalog.Table.Remedies[s.catalog.Table.Kinds[m.Kind].Remedy]
		if !known {
			continue
		}
		_, member, _ := strings.Cut(m.Member, "/")
		link := r.Link
		if member == "" { // nothing to show yet: the page above
			link = strings.Replace(link, "/{member}", "", 1)
		}
		group := m.Attrs[r.GroupBy]
		n := len(c.Verdict.Misses)
		name := s.catalog.Table.ValueName(r.GroupBy, group)
		fill := func(locale, text, name string) string {
			return s.texts.Fill(locale, text, problem.Args{"topic": name, "n": n})
		}
		return Cure{
			Title:  framework.Text{JA: fill("ja", r.Title.JA, name.JA), EN: fill("en", r.Title.EN, name.EN)},
			Button: framework.Text{JA: fill("ja", r.Button.JA, name.JA), EN: fill("en", r.Button.EN, name.EN)},
			Link:   strings.NewReplacer("{topic}", url.QueryEscape(group), "{member}", url.PathEscape(member), "{n}", strconv.Itoa(n)).Replace(link),
		}, true
	}
	return Cure{}, false
}

// FactLine is one record as the page 「なぜ？」 lists it.
type FactLine struct {
	On   jdate.Day
	What framework.Text
	Who  string // name of the person; empty when it is about no person or the name is gone
	Link string // page of the record; empty when the feature gave none
}

// FactLines gives the newest records that a verdict rests on, at most limit, and how many more there are.
func (s *Service) FactLines(ctx context.Context, tx *sqlite.Tx, ids []int64, names map[string]string, limit int) (lines []FactLine, more int, err error) {
	if len(ids) > limit {
		more, ids = len(ids)-limit, ids[:limit]
	}
	facts, err := s.facts.ByID(ctx, tx, ids)
	if err != nil {
		return nil, 0, err
	}
	slices.Reverse(facts)
	for _, f := range facts {
		line := FactLine{On: f.On, What: s.catalog.Table.Kinds[f.Kind].Name, Link: f.Link}
		if person, ok := strings.CutPrefix(f.Member, "person/"); ok {
			line.Who = names[person]
		}
		lines = append(lines, line)
	}
	return lines, more, nil
}

// Rule writes the rule of a clause as sentences; anyOf says that one of them is enough.
func (s *Service) Rule(c *Clause, locale string) (lines []string, anyOf bool) {
	return framework.Sentences(c.Rule, s.catalog.Table, locale)
}

// Line is one line about what an act changed, as a message.
type Line struct {
	Key  string
	Args problem.Args
}

// Lines says in a few words what changed: 「3件が達成になりました」. A clause that changed twice counts once.
func Lines(changes []Change) []Line {
	first, last := map[string]verdict.Result{}, map[string]verdict.Result{}
	for _, c := range changes {
		if _, seen := first[c.Clause]; !seen {
			first[c.Clause] = c.From
		}
		last[c.Clause] = c.To
	}
	count := map[string]int{}
	for clause, to := range last {
		switch from := first[clause]; {
		case from == to:
		case to == verdict.Met:
			count["met"]++
		case to == verdict.NA:
			count["na"]++
		case to == verdict.Unmet && from == verdict.Unknown:
			count["found"]++ // it became known, not worse
		case to == verdict.Unmet:
			count["unmet"]++
		default:
			count["unknown"]++
		}
	}
	var out []Line
	for _, key := range []string{"met", "na", "unmet", "found", "unknown"} {
		if n := count[key]; n > 0 {
			out = append(out, Line{"assessment.changed." + key, problem.Args{"n": n}})
		}
	}
	return out
}
