package sample

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/catalog"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

func TestDay(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, today string
		when        when
		want        string // "" means an error
	}{
		{"days ago", "2026-11-23", "-45d", "2026-10-09"},
		{"days ahead", "2026-11-23", "+23d", "2026-12-16"},
		{"months ago over a year", "2026-11-23", "-14m", "2025-09-23"},
		{"months ahead", "2026-11-23", "+7m", "2027-06-23"},
		{"the last day of a shorter month", "2026-03-31", "-1m", "2026-02-28"},
		{"first day of this year", "2026-11-23", "y0", "2026-04-01"},
		{"a day of last year", "2026-11-23", "y-1+60d", "2025-05-31"},
		{"long ago", "2026-11-23", "y-12", "2014-04-01"},
		{"part of the way", "2026-04-11", "y0~50%", "2026-04-06"},
		{"no way on the first day", "2026-04-01", "y0~50%", "2026-04-01"},
		{"end of last month", "2026-03-31", "e-1", "2026-02-28"},
		{"unknown form", "2026-11-23", "6w", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			today, err := jdate.ISO(tt.today)
			if err != nil {
				t.Fatal(err)
			}
			got, err := calendar{today}.day(tt.when)
			if (err != nil) != (tt.want == "") || err == nil && got.String() != tt.want {
				t.Errorf("%s on %s is %s (%v), want %s", tt.when, tt.today, got, err, tt.want)
			}
		})
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	now := jdate.On(2026, 11, 23).Start().Add(10 * time.Hour)
	c := NewClock(func() time.Time { return now })
	if got := c.Now(); got != now {
		t.Errorf("before the history it is %s, want %s", got, now)
	}
	past := jdate.On(2024, 5, 1)
	c.Set(past)
	first := c.Now()
	c.Set(past)
	if second := c.Now(); jdate.Of(first) != past || !second.After(first) {
		t.Errorf("on %s it is %s, then %s", past, first, second)
	}
	c.Set(jdate.On(2026, 11, 24))
	if got := c.Now(); got.After(now) {
		t.Errorf("the clock runs ahead: %s", got)
	}
	c.Follow()
	if got := c.Now(); got != now {
		t.Errorf("after the history it is %s, want %s", got, now)
	}
}

func TestPlanRunsByDay(t *testing.T) {
	t.Parallel()
	var p plan
	var ran []string
	note := func(name string) func(context.Context) error {
		return func(context.Context) error { ran = append(ran, name); return nil }
	}
	p.add(20, "c", note("c"))
	p.add(10, "a", note("a"))
	p.add(10, "b", note("b"))
	told := 0
	if err := p.run(t.Context(), NewClock(time.Now), func(done, total int) { told += done * total }); err != nil { // any clock will do
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "b", "c"}, ran); diff != "" || told != 3+6+9 {
		t.Errorf("told %d; order (-want +got):\n%s", told, diff)
	}
}

// What content names must exist: items, departments, people; numbers of people are given once.
func TestContentNamesWhatExists(t *testing.T) {
	t.Parallel()
	c, err := readContent()
	if err != nil {
		t.Fatal(err)
	}
	numbers := map[string]bool{}
	for _, p := range c.people {
		if numbers[p.no] {
			t.Errorf("two people have the number %s", p.no)
		}
		numbers[p.no] = true
		if !slices.ContainsFunc(c.Departments, func(d departmentRow) bool { return d.ID == p.department }) {
			t.Errorf("%s is in %q, which is no department", p.no, p.department)
		}
	}
	frameworks, err := framework.Load(catalog.FS)
	if err != nil {
		t.Fatal(err)
	}
	answered := map[string]bool{}
	for _, a := range c.sheets.Answers {
		if !numbers[a.By] {
			t.Errorf("answers by %q, who is nobody", a.By)
		}
		for _, row := range a.Items {
			node := a.Framework + "/" + row.Item
			if frameworks.Item(c.sheets.Frameworks[a.Framework], row.Item) == nil || answered[node] {
				t.Errorf("the answer at %s has no item, or is the second", node)
			}
			answered[node] = true
		}
	}
	for _, o := range c.sheets.Owners {
		if !numbers[o.By] {
			t.Errorf("items belong to %q, who is nobody", o.By)
		}
	}
}
