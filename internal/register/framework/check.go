package framework

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Kinds of clauses and the confidences of sources, in the words of the catalogue.
var (
	clauseKinds = []string{"rule", "target", "frequency", "timing"}
	marks       = []string{Auto, Assist, Human}
	confidences = []string{"S", "F", "F?", "D", "K", "K?"}
	relations   = []string{Equal, Subset, Superset, Intersects}
	nodeKinds   = []string{"category", "subcategory", "label", "requirement", "item", "criterion"}
)

// findings collects what is wrong, each with the place where it stands.
type findings struct {
	place string
	errs  []error
}

func (f *findings) add(format string, args ...any) {
	f.errs = append(f.errs, fmt.Errorf(f.place+": "+format, args...))
}

func (f *findings) oneOf(what, value string, allowed []string) {
	if !slices.Contains(allowed, value) {
		f.add("%s %q is not one of %s", what, value, strings.Join(allowed, ", "))
	}
}

// both asks for a text in both languages; an optional one may lack both.
func (f *findings) both(what string, t Text, optional bool) {
	if optional && t.JA == "" && t.EN == "" {
		return
	}
	if strings.TrimSpace(t.JA) == "" || strings.TrimSpace(t.EN) == "" {
		f.add("%s must be given in both languages", what)
	}
}

// Check judges the contents of the catalogue: every reference names something, every clause has what it
// needs, texts stand in both languages, numbers and ids are unique. It reports all findings, nil for none.
func (c *Catalog) Check() error {
	f := &findings{errs: slices.Clone(c.unconnected)}
	c.Table.check(f)
	for _, one := range c.frameworks {
		one.check(f, c.Table)
	}
	for _, x := range c.crosswalks {
		for _, p := range x.Pairs {
			f.place = x.ID + ": " + p.From
			f.oneOf("relation", p.Relation, relations)
			if _, known := x.Sources[p.Source]; !known {
				f.add("source %q is not in sources", p.Source)
			}
		}
	}
	return errors.Join(f.errs...)
}

func (f *Framework) check(found *findings, t *Table) {
	found.place = f.Key()
	found.both("title", f.Title, false)
	found.both("short", f.Short, false)
	found.both("words.item", f.Words.Item, false)
	found.both("words.criterion", f.Words.Criterion, false)
	for _, id := range sortedKeys(f.Sources) {
		found.place = f.Key() + ": source " + id
		found.both("title", f.Sources[id].Title, false)
		found.oneOf("confidence", f.Sources[id].Confidence, confidences)
	}
	for _, l := range f.Levels {
		found.place = f.Key() + ": level " + l.ID
		found.both("name", l.Name, false)
		if l.Weight < 1 {
			found.add("weight must be 1 or more")
		}
	}
	seen := map[string]bool{}
	var walk func(nodes []*Node)
	walk = func(nodes []*Node) {
		for _, n := range nodes {
			found.place = f.Key() + ": " + n.Kind + " " + n.ID
			if n.ID == "" || seen[n.ID] {
				found.add("id is empty or given twice")
			}
			seen[n.ID] = true
			f.checkNode(found, n, t)
			walk(n.Nodes)
		}
	}
	walk(f.Nodes)
	f.checkNumbers(found)
}

func (f *Framework) checkNode(found *findings, n *Node, t *Table) {
	found.oneOf("kind", n.Kind, nodeKinds)
	found.both("title", n.Title, false)
	found.both("text", n.Text, !n.Assessable || n.NeedsImport)
	found.both("level_note", n.LevelNote, true)
	found.both("theme", n.Theme, true)
	found.both("usual_owner", n.UsualOwner, true)
	for _, e := range n.Examples {
		found.both("example", e, false)
	}
	if n.Source != "" || n.Assessable {
		f.checkSource(found, n.Source)
	}
	if n.Confidence != "" || n.Assessable {
		found.oneOf("confidence", n.Confidence, confidences)
	}
	for _, level := range append(slices.Clone(n.LevelCandidates), n.Level) {
		if level != "" && f.LevelIndex(level) < 0 {
			found.add("level %q is not in levels", level)
		}
	}
	switch {
	case !n.Assessable && len(n.Clauses) > 0:
		found.add("only assessable nodes carry clauses")
	case n.Assessable && len(n.Clauses) == 0 && !n.NeedsImport:
		found.add("an item without clauses can never be met")
	}
	place := found.place
	ids := map[string]bool{}
	for _, c := range n.Clauses {
		found.place = fmt.Sprintf("%s: %s %q", place, c.Kind, c.Short.JA)
		if ids[c.ID] {
			found.add("clause is given twice")
		}
		ids[c.ID] = true
		f.checkClause(found, c, t)
	}
	found.place = place
}

func (f *Framework) checkSource(found *findings, id string) {
	if _, known := f.Sources[id]; !known {
		found.add("source %q is not in sources", id)
	}
}

func (f *Framework) checkClause(found *findings, c *Clause, t *Table) {
	found.oneOf("kind", c.Kind, clauseKinds)
	found.oneOf("mark", c.Mark, marks)
	found.both("text", c.Text, false)
	found.both("short", c.Short, false)
	f.checkSource(found, c.Source)
	if c.Rule == nil {
		if c.Mark != Human {
			found.add("mark %s needs a rule", c.Mark)
		}
		if c.MayBeEmpty {
			found.add("may_be_empty says nothing without a rule")
		}
		return
	}
	if c.Mark == Human {
		found.add("a human clause has no rule")
	}
	forms := 0
	for _, given := range []bool{c.Rule.Op.Op != "", len(c.Rule.AllOf) > 0, len(c.Rule.AnyOf) > 0} {
		if given {
			forms++
		}
	}
	if forms != 1 {
		found.add("a rule is one operator, or all_of, or any_of")
		return
	}
	ops, _ := c.Rule.Ops()
	for i := range ops {
		t.checkOp(found, &ops[i])
	}
}

// checkNumbers asks that item numbers are unique and, where the totals of all levels are known, that
// they run from 1 to their sum, each once. No level may hold more items than its total.
func (f *Framework) checkNumbers(found *findings) {
	found.place = f.Key()
	total, perLevel, seen := 0, map[string]int{}, map[int]bool{}
	for _, l := range f.Levels {
		total += l.Total
	}
	numbered := false
	for _, n := range f.items {
		perLevel[n.Level]++
		numbered = numbered || n.Number != 0
		if n.Number != 0 && seen[n.Number] {
			found.add("number %d is given twice", n.Number)
		}
		seen[n.Number] = true
	}
	if total == 0 {
		return
	}
	for number := 1; numbered && number <= total; number++ {
		if !seen[number] {
			found.add("number %d is missing", number)
		}
	}
	if len(f.items) != total {
		found.add("%d items, but the levels add up to %d", len(f.items), total)
	}
	for _, l := range f.Levels {
		if perLevel[l.ID] > l.Total {
			found.add("level %s has %d items, but its total is %d", l.ID, perLevel[l.ID], l.Total)
		}
	}
}
