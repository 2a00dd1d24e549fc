package framework_test

import (
	"strings"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/catalog"
	"github.com/kizuki-security/kizuki/internal/register/framework"
)

func load(tb testing.TB) *framework.Catalog {
	tb.Helper()
	c, err := framework.Load(catalog.FS)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// Every reference of the shipped catalogue names something, and everything has its two languages.
func TestCatalogChecks(t *testing.T) {
	t.Parallel()
	if err := load(t).Check(); err != nil {
		t.Errorf("check:\n%v", err)
	}
}

// Source: JAMA/JAPIA guideline 2.3: 153 items, 24 labels, 50 + 74 + 29 items by level; 95 topics are known.
func TestCatalogCountsJAMA(t *testing.T) {
	t.Parallel()
	f := load(t).Latest("jama-japia")
	if f == nil || f.Version != "2.3" {
		t.Fatalf("latest is %v", f)
	}
	known, waiting := 0, 0
	for _, n := range f.Items() {
		if n.NeedsImport {
			waiting++
		} else {
			known++
		}
	}
	labels := 0
	walk(f.Nodes, func(n *framework.Node) {
		if n.Kind == "label" {
			labels++
		}
	})
	if len(f.Items()) != 153 || labels != 24 || known != 95 || waiting != 58 {
		t.Errorf("%d items, %d labels, %d known, %d waiting; want 153, 24, 95, 58", len(f.Items()), labels, known, waiting)
	}
	for i, want := range []int{50, 74, 29} {
		if got := f.Levels[i].Total; got != want {
			t.Errorf("level %s: total %d, want %d", f.Levels[i].ID, got, want)
		}
	}
}

// Source: METI, criteria of ★3 and ★4 of 2026-03-27: 43 requirements, 153 criteria, 81 of ★3, 72 more of ★4.
func TestCatalogCountsSCS(t *testing.T) {
	t.Parallel()
	f := load(t).Latest("scs")
	if f == nil {
		t.Fatal("no scs")
	}
	requirements, level := 0, map[string]int{}
	walk(f.Nodes, func(n *framework.Node) {
		if n.Kind == "requirement" {
			requirements++
		}
	})
	for _, n := range f.Items() {
		level[n.Level]++
	}
	if requirements != 43 || len(f.Items()) != 153 || level["3"] != 81 || level["4"] != 72 {
		t.Errorf("%d requirements, %d criteria, ★3 %d, ★4 %d; want 43, 153, 81, 72", requirements, len(f.Items()), level["3"], level["4"])
	}
}

// Version 2.2 is 2.3 with other facts, on nodes of its own.
func TestCatalogOverlay(t *testing.T) {
	t.Parallel()
	c := load(t)
	older, newer := c.Framework("jama-japia", "2.2"), c.Framework("jama-japia", "2.3")
	if older == nil || newer == nil {
		t.Fatal("a version is missing")
	}
	if got := older.Item("2").Level; got != "2" {
		t.Errorf("2.2: No. 2 is level %q, want 2", got)
	}
	if got := newer.Item("2").Level; got != "1" {
		t.Errorf("2.3: No. 2 is level %q, want 1", got)
	}
	for i, n := range older.Items() {
		if o := newer.Items()[i]; n == o || n.Framework != older || o.Framework != newer {
			t.Fatalf("item %s shares a node with the other version", n.ID)
		}
	}
	a, b := older.Item("28").Clauses[0], newer.Item("28").Clauses[0]
	if !strings.HasPrefix(a.ID, "jama-japia@2.2:28:") || !strings.HasPrefix(b.ID, "jama-japia@2.3:28:") || a.ID[15:] != b.ID[15:] {
		t.Errorf("clause ids %s and %s", a.ID, b.ID)
	}
}

func TestCatalogTwins(t *testing.T) {
	t.Parallel()
	c := load(t)
	item := c.Latest("scs").Item("1-1-1-1")
	var ids []string
	for _, twin := range c.Twins(item) {
		ids = append(ids, twin.Node.ID)
		if twin.Relation != framework.Intersects {
			t.Errorf("relation %s", twin.Relation)
		}
	}
	if got := strings.Join(ids, " "); got != "9 10" {
		t.Errorf("twins of 1-1-1-1: %s", got)
	}
	back := c.Twins(c.Framework("jama-japia", "2.2").Item("9"))
	if len(back) == 0 || back[0].Node != item {
		t.Errorf("twins of No. 9 in 2.2: %v", back)
	}
}

// Every operator of every rule reads as a sentence without gaps in both languages.
func TestCatalogSentences(t *testing.T) {
	t.Parallel()
	c := load(t)
	for _, f := range c.Frameworks() {
		for _, cl := range f.Clauses() {
			for _, locale := range []string{"ja", "en"} {
				lines, _ := framework.Sentences(cl.Rule, c.Table, locale)
				for _, line := range lines {
					if line == "" || strings.ContainsAny(line, "{}[]") || strings.Contains(line, "「」") {
						t.Errorf("%s: %q", cl.ID, line)
					}
				}
			}
		}
	}
}

// Loading happens at every start of every command.
func TestCatalogLoadsFast(t *testing.T) {
	t.Parallel()
	best := time.Hour
	for range 3 {
		start := time.Now()
		load(t)
		best = min(best, time.Since(start))
	}
	t.Logf("loaded in %s", best)
	if best > 2*time.Second {
		t.Errorf("loading took %s", best)
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		load(b)
	}
}

func walk(nodes []*framework.Node, fn func(*framework.Node)) {
	for _, n := range nodes {
		fn(n)
		walk(n.Nodes, fn)
	}
}

// A rule is explained in words: every attribute value that a rule names has a name in both languages.
func TestCatalogValuesHaveNames(t *testing.T) {
	t.Parallel()
	c := load(t)
	named := func(cl *framework.Clause, where framework.Where) {
		for attr, values := range where {
			for _, v := range values {
				if name := c.Table.ValueName(attr, v); name.JA == v || name.JA == "はい" || name.JA == "いいえ" {
					t.Errorf("%s: %s=%s has no name", cl.ID, attr, v)
				}
			}
		}
	}
	for _, f := range c.Frameworks() {
		for _, cl := range f.Clauses() {
			if cl.Rule == nil {
				continue
			}
			ops, _ := cl.Rule.Ops()
			for i := range ops {
				named(cl, ops[i].Where)
				named(cl, ops[i].TriggerWhere)
				if ops[i].Population != nil {
					named(cl, ops[i].Population.Where)
				}
				if ops[i].Attr != "" {
					named(cl, framework.Where{ops[i].Attr: ops[i].Set})
				}
			}
		}
	}
}
