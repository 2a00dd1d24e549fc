// Command gen writes the generated pages of docs/: run it with go generate ./docs/gen.
//
// docs/catalog.md shows for each framework how many clauses the records can prove today, how many wait for
// features to come, and how many only a person can judge. Honesty is the point: nothing here is rounded up.
package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"

	"github.com/kizuki-security/kizuki/catalog"
	"github.com/kizuki-security/kizuki/internal/register/framework"
)

//go:generate go run . ../catalog.md

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: gen FILE")
		os.Exit(2)
	}
	text, err := page()
	if err == nil {
		err = os.WriteFile(os.Args[1], text, 0o644) //nolint:gosec // a page of the manual, for everybody
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// split counts the clauses of one framework by what can prove them.
type split struct {
	items, known, needImport                                int
	clauses                                                 int
	autoLive, autoPlanned, assistLive, assistPlanned, human int
}

func page() ([]byte, error) {
	c, err := framework.Load(catalog.FS)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	fmt.Fprintln(&b, "# What the records can prove")
	fmt.Fprintln(&b, "\nGenerated from `catalog/` by `go generate ./docs/gen`. Do not edit.")
	fmt.Fprintln(&b, "\n*auto*: the records alone decide. *assist*: the records support it, a person confirms. *human*: only a person can judge.")
	fmt.Fprintln(&b, "*live*: every kind of record that the rule reads is given by this version. *planned*: at least one comes with a later part;")
	fmt.Fprintln(&b, "until then the clause stays 未確認 and waits for an answer (自己申告).")
	fmt.Fprintln(&b, "\n| framework | items | with wording | need the official sheet | clauses | auto live | auto planned | assist live | assist planned | human |")
	fmt.Fprintln(&b, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
	for _, f := range c.Frameworks() {
		s := count(c.Table, f)
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d | %d | %d | %d | %d |\n", f.Key(), s.items, s.known, s.needImport, s.clauses,
			s.autoLive, s.autoPlanned, s.assistLive, s.assistPlanned, s.human)
	}
	levels(&b, c)
	proved(&b, c)
	operators(&b, c)
	kinds(&b, c.Table)
	return b.Bytes(), nil
}

func live(t *framework.Table, c *framework.Clause) bool {
	return !slices.ContainsFunc(c.Kinds(t), func(kind string) bool { return !t.Kinds[kind].Live() })
}

func count(t *framework.Table, f *framework.Framework) split {
	var s split
	for _, item := range f.Items() {
		s.items++
		if item.NeedsImport {
			s.needImport++
		} else {
			s.known++
		}
		for _, c := range item.Clauses {
			s.clauses++
			switch {
			case c.Mark == framework.Human:
				s.human++
			case c.Mark == framework.Auto && live(t, c):
				s.autoLive++
			case c.Mark == framework.Auto:
				s.autoPlanned++
			case live(t, c):
				s.assistLive++
			default:
				s.assistPlanned++
			}
		}
	}
	return s
}

func levels(b *bytes.Buffer, c *framework.Catalog) {
	fmt.Fprintln(b, "\n## Levels\n\nKnown so far against the official totals. Unknown levels are never guessed; the import of the official sheet brings them.")
	fmt.Fprintln(b, "\n| framework | level | known | official total |\n|---|---|--:|--:|")
	for _, f := range c.Frameworks() {
		unknown := 0
		known := map[string]int{}
		for _, item := range f.Items() {
			if item.Level == "" {
				unknown++
			}
			known[item.Level]++
		}
		for _, l := range f.Levels {
			fmt.Fprintf(b, "| %s | %s | %d | %d |\n", f.Key(), l.Name.EN, known[l.ID], l.Total)
		}
		if unknown > 0 {
			fmt.Fprintf(b, "| %s | unknown | %d | |\n", f.Key(), unknown)
		}
	}
}

// proved lists the items whose auto clauses all rest on live kinds: these move by records alone today.
func proved(b *bytes.Buffer, c *framework.Catalog) {
	fmt.Fprintln(b, "\n## Items whose auto clauses the records decide today")
	for _, f := range c.Frameworks() {
		var ids []string
		for _, item := range f.Items() {
			autos := 0
			all := true
			for _, cl := range item.Clauses {
				if cl.Mark == framework.Auto {
					autos++
					all = all && live(c.Table, cl)
				}
			}
			if autos > 0 && all {
				ids = append(ids, item.ID)
			}
		}
		fmt.Fprintf(b, "\n**%s** (%d): ", f.Key(), len(ids))
		for i, id := range ids {
			if i > 0 {
				fmt.Fprint(b, ", ")
			}
			fmt.Fprint(b, id)
		}
		fmt.Fprintln(b)
	}
}

// operators tells which operators a feature feeds today; the others rest on their table tests alone.
func operators(b *bytes.Buffer, c *framework.Catalog) {
	fmt.Fprintln(b, "\n## Operators\n\n| operator | clauses on live records | clauses on planned records |\n|---|--:|--:|")
	fed, waiting := map[string]int{}, map[string]int{}
	for _, f := range c.Frameworks() {
		if f.Base != "" { // an overlay repeats its base
			continue
		}
		for _, cl := range f.Clauses() {
			if cl.Rule == nil {
				continue
			}
			ops, _ := cl.Rule.Ops()
			for _, op := range ops {
				if live(c.Table, cl) {
					fed[op.Op]++
				} else {
					waiting[op.Op]++
				}
			}
		}
	}
	for _, op := range framework.Operators {
		fmt.Fprintf(b, "| %s | %d | %d |\n", op, fed[op], waiting[op])
	}
	fmt.Fprintln(b, "\nAn operator without live records is proved by its table tests in `internal/register/verdict` only.")
}

func kinds(b *bytes.Buffer, t *framework.Table) {
	fmt.Fprintln(b, "\n## Kinds of records\n\n| kind | state | given by | name |\n|---|---|---|---|")
	names := make([]string, 0, len(t.Kinds))
	for name := range t.Kinds {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, c string) int {
		if t.Kinds[a].Live() != t.Kinds[c].Live() {
			if t.Kinds[a].Live() {
				return -1
			}
			return 1
		}
		if a < c {
			return -1
		}
		return 1
	})
	for _, name := range names {
		k := t.Kinds[name]
		fmt.Fprintf(b, "| %s | %s | %s | %s / %s |\n", name, k.State, k.Owner, k.Name.JA, k.Name.EN)
	}
}
