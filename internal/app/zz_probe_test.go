package app_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
)

func TestProbe(t *testing.T) {
	a := openDemo(t)
	ctx := app.AsCommand(t.Context())
	f, _ := os.Create("/tmp/kz/sample-state.txt")
	defer f.Close()
	r, err := a.Gaps(ctx, "ja")
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range r.Targets {
		fmt.Fprintf(f, "%+v points %d/%d\n", x, deref(x.Points), deref(x.Possible))
	}
	fmt.Fprintf(f, "open %+v since %d conflicts %d\n", r.Open, deref(r.Open.SinceMonth), r.Conflicts)
	for _, s := range r.NextSteps {
		fmt.Fprintf(f, "step %+v\n", s)
	}
	_ = a.DB.Read(ctx, func(tx *sqlite.Tx) error {
		for _, key := range []string{"jama-japia@2.3", "scs@2026-03-27"} {
			b, err := a.Assess.Board(ctx, tx, key)
			if err != nil {
				t.Error(err)
				return err
			}
			for _, c := range b.Contradictions() {
				fmt.Fprintf(f, "CONTRA %s %s %q %+v\n", c.Item.Node.ID, c.Clause.Short.JA, c.Clause.Verdict.Result, c.Clause.Effective)
			}
			n := 0
			for _, it := range b.Items {
				if it.Node.Level == "" || it.Node.Level > "3" || (key[0] == 'j' && it.Node.Level > "2") {
					continue
				}
				if it.AnswerValue != -2 {
					n++
				}
				fmt.Fprintf(f, "%s %s state=%q ans=%d\n", it.Node.ID, it.Node.Title.JA, it.State, it.AnswerValue)
				for _, c := range it.Clauses {
					ans := "-"
					if c.Answer != nil {
						ans = string(c.Answer.Value)
					}
					fmt.Fprintf(f, "    %-14s v=%q st=%q ans=%s prop=%v miss=%d\n", c.Short.JA, c.Verdict.Result, c.State.Result, ans, c.Proposed, 0)
				}
			}
			fmt.Fprintf(f, "answered %d of %d\n", n, len(b.Items))
		}
		return nil
	})
}

func deref(p *int) int {
	if p == nil {
		return -999
	}
	return *p
}
