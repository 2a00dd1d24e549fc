package framework_test

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/register/framework"
)

// files reads the fixtures, with some of them changed: pairs of old and new text in one file.
func files(tb testing.TB, name string, pairs ...string) fstest.MapFS {
	tb.Helper()
	entries, err := os.ReadDir("testdata")
	if err != nil {
		tb.Fatal(err)
	}
	out := fstest.MapFS{}
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		data, err := os.ReadFile("testdata/" + e.Name())
		if err != nil {
			tb.Fatal(err)
		}
		text := string(data)
		if e.Name() == name {
			for i := 0; i+1 < len(pairs); i += 2 {
				if !strings.Contains(text, pairs[i]) {
					tb.Fatalf("%s does not hold %q", name, pairs[i])
				}
				text = strings.Replace(text, pairs[i], pairs[i+1], 1)
			}
		}
		out[e.Name()] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

func small(tb testing.TB) *framework.Catalog {
	tb.Helper()
	c, err := framework.Load(files(tb, ""))
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func TestLoad(t *testing.T) {
	t.Parallel()
	c := small(t)
	if err := c.Check(); err != nil {
		t.Errorf("check: %v", err)
	}
	if got := c.Latest("small").Version; got != "1.0" {
		t.Errorf("latest is %s", got)
	}
	item := c.Framework("small", "1.0").Item("1")
	target := item.Clauses[1]
	want := framework.Op{
		Op: "all_have", Kind: "training.completed", Where: framework.Where{"topic": {"mail"}},
		Period:     framework.Period{{FiscalYear: true}, {Days: 365, Grace: 10}, {Round: true}},
		Population: &framework.Population{Of: "people", Where: framework.Where{"class": {"officer", "employee"}, "mail": {"yes"}}},
	}
	if diff := cmp.Diff(want, target.Rule.Op); diff != "" {
		t.Errorf("rule (-want +got):\n%s", diff)
	}
	if target.Item != item || item.Up("category").ID != "common" || item.Framework.Key() != "small@1.0" {
		t.Error("pointers are not set")
	}
	if got := item.Clauses[2].ID; !strings.HasPrefix(got, "small@1.0:1:rule:2:") || len(got) != len("small@1.0:1:rule:2:")+8 {
		t.Errorf("id of the second rule clause: %s", got)
	}
	if c.Clause(target.ID) != target || c.Item("small@1.0", "common") != nil {
		t.Error("look-ups by id")
	}
}

// A changed text is a new clause: its old answers are asked again.
func TestClauseIDFollowsText(t *testing.T) {
	t.Parallel()
	before := small(t).Framework("small", "1.0").Item("1").Clauses[0].ID
	c, err := framework.Load(files(t, "small-1.0.yaml", "ja: 教育している", "ja: 毎年教育している"))
	if err != nil {
		t.Fatal(err)
	}
	if after := c.Framework("small", "1.0").Item("1").Clauses[0].ID; after == before {
		t.Errorf("id stays %s", after)
	}
}

func TestOverlay(t *testing.T) {
	t.Parallel()
	c := small(t)
	over, base := c.Framework("small", "0.9"), c.Framework("small", "1.0")
	if over.Item("2").Level != "2" || base.Item("2").Level != "1" || over.Item("2").Title.JA != "方針の承認" {
		t.Errorf("levels %s and %s, title %s", over.Item("2").Level, base.Item("2").Level, over.Item("2").Title.JA)
	}
	if over.Item("1") == base.Item("1") || over.Item("1").Clauses[0].Item != over.Item("1") || over.Item("1").Parent.Framework != over {
		t.Error("the overlay shares nodes with its base")
	}
	mine, err := base.Changed([]framework.Change{{Node: "3", Text: framework.Text{JA: "公式の文", EN: "official"}, Level: "2"}, {Node: "1", Remove: true}})
	if err != nil {
		t.Fatal(err)
	}
	if len(mine.Items()) != 2 || mine.Item("3").Text.JA != "公式の文" || base.Item("3").Text.JA != "" {
		t.Error("wording laid over the catalogue")
	}
	if _, err := base.Changed([]framework.Change{{Node: "99"}}); err == nil {
		t.Error("a change of nothing passes")
	}
}

func TestTwins(t *testing.T) {
	t.Parallel()
	c := small(t)
	twins := c.Twins(c.Framework("small", "1.0").Item("1"))
	if len(twins) != 2 || twins[0].Node != c.Framework("small", "0.9").Item("2") || twins[0].Relation != framework.Subset {
		t.Errorf("twins: %+v", twins)
	}
	back := c.Twins(c.Framework("small", "0.9").Item("2"))
	if len(back) != 1 || back[0].Relation != framework.Superset {
		t.Errorf("seen from the other side: %+v", back)
	}
	if got := c.Twins(nil); got != nil {
		t.Errorf("twins of nothing: %v", got)
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, file, old, text, want string }{
		{"unknown field", "small-1.0.yaml", "assessable: true", "assesable: true", "small-1.0.yaml:20: field assesable not found"},
		{"unknown field of a rule", "small-1.0.yaml", "kind: training.session, where", "kind: training.session, were", "small-1.0.yaml:28: field were not found"},
		{"unknown span", "small-1.0.yaml", "[fiscal_year]", "[year]", `small-1.0.yaml:28: unknown span "year"`},
		{"span without days", "small-1.0.yaml", "days: 365, grace", "grace", "small-1.0.yaml:30: a span needs days"},
		{"negative days", "small-1.0.yaml", "days: 365", "days: -3", "small-1.0.yaml:30: days must be a number of days"},
		{"period without brackets", "small-1.0.yaml", "[fiscal_year]", "fiscal_year", "small-1.0.yaml:28: a period is a list"},
		{"value is a map", "small-1.0.yaml", "topic: mail", "topic: {a: b}", "small-1.0.yaml:28: expected a value"},
		{"bad day", "small-1.0.yaml", "2025-09-01", "September", "small-1.0.yaml"},
		{"unknown base", "small-0.9.overlay.yaml", `"1.0"`, `"3.0"`, "small@0.9: base 3.0"},
		{"unknown node", "small-0.9.overlay.yaml", `node: "2"`, `node: "7"`, `change of unknown node "7"`},
		{"same version twice", "small-0.9.overlay.yaml", `"0.9"`, `"1.0"`, "small@1.0: given in two files"},
		{"neither", "small-0.9.overlay.yaml", "framework: small", "# none", "neither a framework nor a crosswalk"},
		{"two documents", "kinds.yaml", "topics:", "---\ntopics:", "kinds.yaml: more than one document"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := framework.Load(files(t, tc.file, tc.old, tc.text))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v\nwant %s", err, tc.want)
			}
		})
	}
}

func TestCheckFinds(t *testing.T) {
	t.Parallel()
	const file = "small-1.0.yaml"
	for _, tc := range []struct{ name, file, old, text, want string }{
		{"unknown kind", file, "kind: training.session, where", "kind: training.sesion, where", `kind "training.sesion" is not in kinds.yaml`},
		{"unknown topic", file, "topic: mail", "topic: post", `topic "post" is not in topics`},
		{"unknown value", file, "mail: yes", "mail: often", `mail of people.member has no value "often"`},
		{"unknown attribute", file, "{class: [officer, employee], mail: yes}", "{rank: high}", `people.member has no attribute "rank"`},
		{"unknown population", file, "of: people", "of: folk", `population "folk" is not in`},
		{"unknown operator", file, "op: exists", "op: exist", `operator "exist" is not one of`},
		{"parameter missing", file, "op: exists", "op: count_at_least", "count_at_least needs n"},
		{"parameter too many", file, "op: exists", "op: exists, days: 3", "exists does not take days"},
		{"series as measure", file, "op: exists, kind: training.session, where: {topic: mail}", "op: value_at_least, value: 3, kind: training.session", "cannot read training.session, a series"},
		{"no mark", file, "mark: auto, ", "", `mark "" is not one of`},
		{"no source", file, "mark: auto, source: S", "mark: auto", `source "" is not in sources`},
		{"human with a rule", file, "mark: auto", "mark: human", "a human clause has no rule"},
		{"auto without a rule", file, "mark: human", "mark: auto", "mark auto needs a rule"},
		{"one language", file, "{ja: 教える。, en: Teach.}", "{ja: 教える。}", "text must be given in both languages"},
		{"same id", file, "{id: \"3\"", "{id: \"common\"", "id is empty or given twice"},
		{"same number", file, "number: 2", "number: 1", "number 1 is given twice"},
		{"number missing", file, "number: 2", "number: 4", "number 2 is missing"},
		{"level", file, `level: "1"`, `level: "9"`, `level "9" is not in levels`},
		{"too many of a level", file, "level: null", `level: "1"`, "level 1 has 3 items, but its total is 2"},
		{"two forms", file, "{any_of:", "{op: none, kind: training.session, any_of:", "a rule is one operator, or all_of, or any_of"},
		{"unknown remedy", "kinds.yaml", "remedy: fill,", "remedy: fil,", `remedy "fil" is not in remedies`},
		{"outside link", "kinds.yaml", "link: /people", "link: https://example.jp", "must be a path of ours"},
		{"placeholder", "kinds.yaml", "{n}名分", "{count}名分", `placeholder "count" is not one of`},
		{"relation", "crosswalk-small.yaml", "subset", "same", `relation "same" is not one of`},
		{"pair", "crosswalk-small.yaml", `from: "1"`, `from: "11"`, "pair 11 and 2: no such node"},
		{"framework of a crosswalk", "crosswalk-small.yaml", "framework: small", "framework: tiny", "no such framework"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, err := framework.Load(files(t, tc.file, tc.old, tc.text))
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Check(); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v\nwant %s", err, tc.want)
			}
		})
	}
}

// Hostile input is expected: whatever the file, Load and Check answer with an error or a catalogue.
func FuzzLoadFramework(f *testing.F) {
	for name := range files(f, "") {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("framework: a\nversion: b\nnodes: [{id: x, assessable: true, clauses: [{rule: {all_of: [{}]}}]}]\n"))
	f.Add([]byte("framework: a\nversion: b\nbase: a@b\n"))
	kinds := files(f, "")[framework.KindsFile]
	f.Fuzz(func(_ *testing.T, data []byte) {
		fsys := fstest.MapFS{framework.KindsFile: kinds, "fuzzed.yaml": {Data: data}}
		c, err := framework.Load(fsys)
		if err != nil {
			return
		}
		_ = c.Check()
		for _, fw := range c.Frameworks() {
			for _, cl := range fw.Clauses() {
				framework.Sentences(cl.Rule, c.Table, "ja")
				cl.Kinds(c.Table)
				c.Twins(cl.Item)
			}
		}
	})
}
