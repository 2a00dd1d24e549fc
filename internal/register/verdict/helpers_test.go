package verdict_test

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// today is 2026-11-23 in all tests that do not say otherwise: fiscal year 2026-04-01 to 2027-03-31.
var today = jdate.On(2026, time.November, 23)

var fixtures = sync.OnceValues(func() (*framework.Catalog, error) { return framework.Load(os.DirFS("testdata")) })

func fixture(tb testing.TB) *framework.Catalog {
	tb.Helper()
	c, err := fixtures()
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func day(tb testing.TB, text string) jdate.Day {
	tb.Helper()
	d, err := jdate.ISO(text)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// world returns a world in which every kind of the fixture was read today.
func world(tb testing.TB, facts ...fact.Fact) *verdict.World {
	tb.Helper()
	w := &verdict.World{Table: fixture(tb).Table, FiscalStart: time.April, Facts: map[string][]fact.Fact{}}
	for i, f := range facts {
		if f.ID == 0 {
			f.ID = int64(i + 1)
		}
		if f.Record == "" {
			f.Record = fmt.Sprintf("record/%d", i+1)
		}
		w.Facts[f.Kind] = append(w.Facts[f.Kind], f)
	}
	setDay(w, today)
	return w
}

// setDay moves a world to another day, on which everything was read.
func setDay(w *verdict.World, d jdate.Day) {
	w.Today, w.Now = d, d.Start().Add(9*time.Hour)
	w.Readings = map[string]fact.Reading{}
	for kind := range w.Table.Kinds {
		w.Readings[kind] = fact.Reading{At: d.Start().Add(3 * time.Hour)}
	}
}

func clause(op framework.Op) *framework.Clause {
	return &framework.Clause{Kind: "rule", Mark: framework.Auto, Rule: &framework.Rule{Op: op}}
}

func person(key, mail string, more ...string) fact.Fact {
	attrs := map[string]string{"mail": mail, "class": "employee"}
	for i := 0; i+1 < len(more); i += 2 {
		attrs[more[i]] = more[i+1]
	}
	return fact.Fact{Kind: "people.member", Member: "person/" + key, Attrs: attrs, On: jdate.On(2020, time.April, 1)}
}

func completed(tb testing.TB, key, topic, on string) fact.Fact {
	tb.Helper()
	return fact.Fact{Kind: "training.completed", Member: "person/" + key, Attrs: map[string]string{"topic": topic}, On: day(tb, on)}
}

func session(tb testing.TB, key, topic, on string) fact.Fact {
	tb.Helper()
	return fact.Fact{Kind: "training.session", Member: "session/" + key, Attrs: map[string]string{"topic": topic}, On: day(tb, on)}
}

func confirmed(tb testing.TB, kind, on string) fact.Fact {
	tb.Helper()
	return fact.Fact{Kind: kind, On: day(tb, on)}
}

func hasAny(text, chars string) bool { return strings.ContainsAny(text, chars) }
