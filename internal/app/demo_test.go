package app_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
)

// openDemoOn opens the sample company as it stands at noon of a day.
func openDemoOn(t testing.TB, on string) *app.App {
	t.Helper()
	noon := day(on).Start().Add(12 * time.Hour)
	a, err := app.OpenDemo(t.Context(), app.Config{Dir: t.TempDir(), Now: func() time.Time { return noon }, Log: app.DiscardLog(), Demo: true}, nil)
	if err != nil {
		t.Fatalf("%s: %v", on, err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

func TestDemo(t *testing.T) { //nolint:tparallel // the subtests share one office, which is cheap to read
	t.Parallel()
	a := openDemo(t)
	t.Run("staff", func(t *testing.T) { demoStaff(t, a) })
	t.Run("verdicts", func(t *testing.T) { demoVerdicts(t, a) })
	t.Run("report", func(t *testing.T) { demoReport(t, a) })
	t.Run("plans", func(t *testing.T) { demoPlans(t, a) })
	t.Run("files", func(t *testing.T) { demoFiles(t, a) })
	t.Run("doctor", func(t *testing.T) {
		checks, err := a.Doctor(app.AsCommand(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range checks {
			if !c.OK {
				t.Errorf("doctor: %s: %v", c.Name, c.Text)
			}
		}
	})
}

func demoStaff(t *testing.T, a *app.App) {
	t.Helper()
	today := day("2026-11-23")
	err := a.DB.Read(t.Context(), func(tx *sqlite.Tx) error {
		for _, tt := range []struct {
			name   string
			filter people.Filter
			want   int
		}{
			{"active", people.Filter{ActiveOn: today}, 120},
			{"with a shared terminal only", people.Filter{ActiveOn: today, Kiosk: people.Yes, Mail: people.No, Internet: people.No}, 25},
			{"nobody knows whether they use mail", people.Filter{ActiveOn: today, Mail: people.Unknown}, 4},
			{"excluded", people.Filter{ActiveOn: today, ExcludedOn: today}, 2},
			{"excluded in a month", people.Filter{ActiveOn: today, ExcludedOn: today.Add(30)}, 1},
			{"left", people.Filter{LeftBefore: today}, 8},
			{"of one name", people.Filter{ActiveOn: today, Query: "鈴木浩"}, 2},
		} {
			list, err := a.People.List(t.Context(), tx, tt.filter)
			if err != nil {
				return err
			}
			if len(list) != tt.want {
				t.Errorf("%s: %d people, want %d", tt.name, len(list), tt.want)
			}
		}
		departments, err := a.Org.Departments(t.Context(), tx)
		ownerless := 0
		for _, d := range departments {
			if d.Owner == "" {
				ownerless++
			}
		}
		if len(departments) != 9 || ownerless != 1 {
			t.Errorf("%d departments, %d without an owner", len(departments), ownerless)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// demoVerdicts proves that each imperfection of the company shows where it belongs.
func demoVerdicts(t *testing.T, a *app.App) {
	t.Helper()
	ctx := app.AsCommand(t.Context())
	err := a.DB.Read(ctx, func(tx *sqlite.Tx) error {
		board, err := a.Assess.Board(ctx, tx, "jama-japia@2.3")
		if err != nil {
			return err
		}
		for _, tt := range []struct {
			name, item string
			clause     int
			want       verdict.Result
			certain    int // members that certainly miss it; -1: any number
		}{
			{"the policy is approved by a second person", "1", 0, verdict.Met, -1},
			{"nine people were not told of the policy", "3", 2, verdict.Unmet, 9},
			{"a rule approved by its own author proves nothing more than that it is in force", "54", 0, verdict.Met, -1},
			{"the legal rule was revised and not announced", "9", 9, verdict.Unmet, -1},
			{"a customer's demand is in no rule", "10", 1, verdict.Unmet, 1},
			{"the laws were looked through too long ago", "11", 0, verdict.Unmet, -1},
			{"mail was taught and looked back on", "28", 1, verdict.Met, -1},
			{"six people were not taught about mail", "28", 2, verdict.Unmet, 6},
			{"who came 45 days ago was not taught", "28", 3, verdict.Unmet, 1},
			{"web was taught and not looked back on", "29", 1, verdict.Unmet, -1},
			{"classification was taught last year only", "30", 4, verdict.Unmet, -1},
			{"one training record is empty", "36", 0, verdict.Unmet, 1},
			{"incident training is on record", "36", 1, verdict.Met, -1},
			{"executives cannot be counted on an old list", "33", 1, verdict.Unknown, -1},
			{"access rights have their rules", "49", 0, verdict.Met, -1},
			{"remote work has only a draft", "82", 0, verdict.Unmet, -1},
		} {
			c := board.Item(tt.item).Clauses[tt.clause]
			if c.Verdict.Result != tt.want {
				t.Errorf("%s: No.%s %s: %q, want %q (%v)", tt.name, tt.item, c.Short.JA, c.Verdict.Result, tt.want, c.Verdict.Reasons)
			}
			if n := certain(c); tt.certain >= 0 && n != tt.certain {
				t.Errorf("%s: No.%s %s: %d missing, want %d", tt.name, tt.item, c.Short.JA, n, tt.certain)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// certain counts the members that miss a clause whatever the open answers turn out to be.
func certain(c *assessment.Clause) int {
	n := 0
	for _, m := range c.Verdict.Misses {
		if m.Member != "" && m.Unknown == "" {
			n++
		}
	}
	return n
}

func demoReport(t *testing.T, a *app.App) {
	t.Helper()
	r, err := a.Gaps(app.AsCommand(t.Context()), "ja")
	if err != nil {
		t.Fatal(err)
	}
	if r.Open.SinceMonth == nil || *r.Open.SinceMonth == 0 {
		t.Errorf("nothing changed since last month: %v", r.Open.SinceMonth)
	}
	if r.Conflicts != 4 || len(r.NextSteps) != assessment.StepCount || len(r.Targets) != 2 {
		t.Errorf("%d conflicts, %d steps, %d targets", r.Conflicts, len(r.NextSteps), len(r.Targets))
	}
	for _, target := range r.Targets {
		for state, n := range map[string]int{"met": target.Met, "part": target.Part, "unmet": target.Unmet, "unknown": target.Unknown, "na": target.NA} {
			if n == 0 {
				t.Errorf("%s: no item is %s", target.Framework, state)
			}
		}
	}
}

func demoPlans(t *testing.T, a *app.App) {
	t.Helper()
	ctx := app.AsCommand(t.Context())
	today := day("2026-11-23")
	err := a.DB.Read(ctx, func(tx *sqlite.Tx) error {
		actions, err := a.Assess.Actions(ctx, tx)
		if err != nil {
			return err
		}
		if len(actions) != 3 || !actions[0].Due.Before(today) || actions[1].Due.Before(today) {
			t.Errorf("actions: %+v", actions)
		}
		requests, err := a.Requests.List(ctx, tx)
		if err != nil {
			return err
		}
		if len(requests) != 2 || requests[0].Deadline != today.Add(23) || len(requests[0].Events) != 1 {
			t.Errorf("requests: %+v", requests)
		}
		rounds, err := a.Assess.Rounds(ctx, tx, "jama-japia@2.3")
		if len(rounds) != 2 || rounds[0].Locked() || !rounds[1].Imported || rounds[1].FiscalYear != 2025 {
			t.Errorf("rounds: %+v", rounds)
		}
		board, boardErr := a.Assess.Board(ctx, tx, "jama-japia@2.3")
		if boardErr != nil {
			return boardErr
		}
		answered := 0
		for _, it := range board.Items {
			if it.AnswerValue != verdict.Unanswered {
				answered++
			}
		}
		if answered < 45 || answered > 55 {
			t.Errorf("%d items answered", answered)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// demoFiles proves that the sample files can be brought in, with the mistakes that they hold.
func demoFiles(t *testing.T, a *app.App) {
	t.Helper()
	for _, tt := range []struct {
		kind, file    string
		adds, refused int
		options       map[string]string
	}{
		{"people", "staff.xlsx", 2, 5, nil},
		{"people", "staff-cp932.csv", 0, 0, nil},
		{"sheet", "last-year-sheet.xlsx", 90, 0, map[string]string{"round": "before_last"}},
	} {
		data, err := os.ReadFile(filepath.Join(app.SampleDir(a.Config().Dir), tt.file))
		if err != nil {
			t.Fatal(err)
		}
		res, err := a.Import(app.AsCommand(t.Context()), tt.kind, tt.file, data, tt.options, false, nil)
		if err != nil {
			t.Errorf("%s: %v", tt.file, err)
			continue
		}
		if res.Adds != tt.adds || len(res.Refused) != tt.refused {
			t.Errorf("%s: %d adds, %d changes, refused %+v", tt.file, res.Adds, res.Changes, res.Refused)
		}
	}
}

// The first and the last day of a fiscal year, and a day that most years do not have, make a company too.
func TestDemoOnOtherDays(t *testing.T) {
	t.Parallel()
	for _, on := range []string{"2027-04-01", "2027-03-31", "2028-02-29"} {
		r, err := openDemoOn(t, on).Gaps(app.AsCommand(t.Context()), "en")
		if err != nil {
			t.Fatalf("%s: %v", on, err)
		}
		if r.AsOf != day(on) || len(r.Gaps) == 0 {
			t.Errorf("%s: as of %s, %d gaps", on, r.AsOf, len(r.Gaps))
		}
	}
}

// A folder that holds the company opens as it is: nothing is built or judged twice.
func TestDemoOpensAgain(t *testing.T) {
	t.Parallel()
	cfg := app.Config{Dir: demoFolder(t), Now: fixed(), Log: app.DiscardLog(), Demo: true}
	var open [2]assessment.GapsOpen
	for i := range open {
		a, err := app.OpenDemo(t.Context(), cfg, nil)
		if err != nil {
			t.Fatal(err)
		}
		r, err := a.Gaps(app.AsCommand(t.Context()), "ja")
		if err != nil {
			t.Fatal(err)
		}
		open[i] = r.Open
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(open[0], open[1]); diff != "" {
		t.Errorf("opening again changed the gaps (-first +again):\n%s", diff)
	}
}
