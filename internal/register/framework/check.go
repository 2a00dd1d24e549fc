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

func (fw *Framework) check(f *findings, t *Table) {
	f.place = fw.Key()
	f.both("title", fw.Title, false)
	f.both("short", fw.Short, false)
	f.both("words.item", fw.Words.Item, false)
	f.both("words.criterion", fw.Words.Criterion, false)
	for _, id := range sortedKeys(fw.Sources) {
		f.place = fw.Key() + ": source " + id
		f.both("title", fw.Sources[id].Title, false)
		f.oneOf("confidence", fw.Sources[id].Confidence, confidences)
	}
	for _, l := range fw.Levels {
		f.place = fw.Key() + ": level " + l.ID
		f.both("name", l.Name, false)
		if l.Weight < 1 {
			f.add("weight must be 1 or more")
		}
	}
	seen := map[string]bool{}
	var walk func(nodes []*Node)
	walk = func(nodes []*Node) {
		for _, n := range nodes {
			f.place = fw.Key() + ": " + n.Kind + " " + n.ID
			if n.ID == "" || seen[n.ID] {
				f.add("id is empty or given twice")
			}
			seen[n.ID] = true
			fw.checkNode(f, n, t)
			walk(n.Nodes)
		}
	}
	walk(fw.Nodes)
	fw.checkNumbers(f)
}

func (fw *Framework) checkNode(f *findings, n *Node, t *Table) {
	f.oneOf("kind", n.Kind, nodeKinds)
	f.both("title", n.Title, false)
	f.both("text", n.Text, !n.Assessable || n.NeedsImport)
	f.both("level_note", n.LevelNote, true)
	f.both("theme", n.Theme, true)
	f.both("usual_owner", n.UsualOwner, true)
	for _, e := range n.Examples {
		f.both("example", e, false)
	}
	if n.Source != "" || n.Assessable {
		fw.checkSource(f, n.Source)
	}
	if n.Confidence != "" || n.Assessable {
		f.oneOf("confidence", n.Confidence, confidences)
	}
	for _, level := range append(slices.Clone(n.LevelCandidates), n.Level) {
		if level != "" && fw.LevelIndex(level) < 0 {
			f.add("level %q is not in levels", level)
		}
	}
	switch {
	case !n.Assessable && len(n.Clauses) > 0:
		f.add("only assessable nodes carry clauses")
	case n.Assessable && len(n.Clauses) == 0 && !n.NeedsImport:
		f.add("an item without clauses can never be met")
	}
	place := f.place
	ids := map[string]bool{}
	for _, c := range n.Clauses {
		f.place = fmt.Sprintf("%s: %s %q", place, c.Kind, c.Short.JA)
		if ids[c.ID] {
			f.add("clause is given twice")
		}
		ids[c.ID] = true
		fw.checkClause(f, c, t)
	}
	f.place = place
}

func (fw *Framework) checkSource(f *findings, id string) {
	if _, known := fw.Sources[id]; !known {
		f.add("source %q is not in sources", id)
	}
}

func (fw *Framework) checkClause(f *findings, c *Clause, t *Table) {
	f.oneOf("kind", c.Kind, clauseKinds)
	f.oneOf("mark", c.Mark, marks)
	f.both("text", c.Text, false)
	f.both("short", c.Short, false)
	fw.checkSource(f, c.Source)
	if c.Rule == nil {
		if c.Mark != Human {
			f.add("mark %s needs a rule", c.Mark)
		}
		if c.MayBeEmpty {
			f.add("may_be_empty says nothing without a rule")
		}
		return
	}
	if c.Mark == Human {
		f.add("a human clause has no rule")
	}
	forms := 0
	for _, given := range []bool{c.Rule.Op.Op != "", len(c.Rule.AllOf) > 0, len(c.Rule.AnyOf) > 0} {
		if given {
			forms++
		}
	}
	if forms != 1 {
		f.add("a rule is one operator, or all_of, or any_of")
		return
	}
	ops, _ := c.Rule.Ops()
	for i := range ops {
		t.checkOp(f, &ops[i])
	}
}

// checkNumbers asks that item numbers are unique and, where the totals of all levels are known, that
// they run from 1 to their sum, each once. No level may hold more items than its total.
func (fw *Framework) checkNumbers(f *findings) {
	f.place = fw.Key()
	total, perLevel, seen := 0, map[string]int{}, map[int]bool{}
	for _, l := range fw.Levels {
		total += l.Total
	}
	numbered := false
	for _, n := range fw.items {
		perLevel[n.Level]++
		numbered = numbered || n.Number != 0
		if n.Number != 0 && seen[n.Number] {
			f.add("number %d is given twice", n.Number)
		}
		seen[n.Number] = true
	}
	if total == 0 {
		return
	}
	for number := 1; numbered && number <= total; number++ {
		if !seen[number] {
			f.add("number %d is missing", number)
		}
	}
	if len(fw.items) != total {
		f.add("%d items, but the levels add up to %d", len(fw.items), total)
	}
	for _, l := range fw.Levels {
		if perLevel[l.ID] > l.Total {
			f.add("level %s has %d items, but its total is %d", l.ID, perLevel[l.ID], l.Total)
		}
	}
}
