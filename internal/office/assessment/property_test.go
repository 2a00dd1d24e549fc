package assessment_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/office/assessment/assessmenttest"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// row is what stands in the table of verdicts, without the day on which it is judged again: reading a kind
// twice within a day moves that day without touching anything else, so that a row may only be judged too early.
type row struct {
	Result, State string
	Verdict       verdict.Verdict
}

func rowsOf(ctx context.Context, tx *sqlite.Tx) (rows map[string]row, due map[string]string, err error) {
	list, err := tx.QueryContext(ctx, `SELECT clause, result, state, due_on, payload FROM assessment_verdicts`)
	if err != nil {
		return nil, nil, err
	}
	defer list.Close()
	rows, due = map[string]row{}, map[string]string{}
	for list.Next() {
		var clause, on, payload string
		var r row
		if err := list.Scan(&clause, &r.Result, &r.State, &on, &payload); err != nil {
			return nil, nil, err
		}
		if err := json.Unmarshal([]byte(payload), &r.Verdict); err != nil {
			return nil, nil, err
		}
		r.Verdict.ValidUntil, r.Verdict.HoldsUntil = 0, 0
		rows[clause], due[clause] = r, on
	}
	return rows, due, list.Err()
}

// walk is one office that random things happen to, over years.
type walk struct {
	*assessmenttest.Office
	t   *testing.T
	rng *rand.Rand
	log []string
}

var errRollback = errors.New("roll back")

// TestIncrementalEqualsFull walks through random histories (40, with KIZUKI_PROVE=1 all 1,000): facts come and
// go, readings fail, people answer, rounds open and lock, time passes. After each step the verdicts that acts
// and nights left must be those that judging everything anew gives.
func TestIncrementalEqualsFull(t *testing.T) {
	t.Parallel()
	histories := 40
	if os.Getenv("KIZUKI_PROVE") == "1" {
		histories = 1000
	}
	const offices = 5
	for i := range offices {
		t.Run(fmt.Sprintf("seed %d", i), func(t *testing.T) {
			t.Parallel()
			w := &walk{Office: assessmenttest.Open(t), t: t, rng: rand.New(rand.NewPCG(uint64(i), 2026))}
			for h := range histories / offices {
				w.log = []string{fmt.Sprintf("history %d", h)}
				if w.rng.IntN(2) == 0 {
					w.forget()
				}
				for range 6 + w.rng.IntN(10) {
					w.step()
					w.compare()
					if t.Failed() {
						return
					}
				}
			}
		})
	}
}

func (w *walk) compare() {
	w.t.Helper()
	ctx := assessmenttest.House(w.t)
	err := w.DB.Write(ctx, func(tx *sqlite.Tx) error {
		have, haveDue, err := rowsOf(ctx, tx)
		if err != nil {
			return err
		}
		if err := w.Svc.RecomputeAll(ctx, tx); err != nil {
			return err
		}
		want, wantDue, err := rowsOf(ctx, tx)
		if err != nil {
			return err
		}
		if diff := cmp.Diff(want, have); diff != "" {
			w.t.Errorf("after %v on %s (-full +incremental):\n%s", w.log, w.Svc.Today(), diff)
		}
		for clause, full := range wantDue {
			if inc := haveDue[clause]; full != "" && (inc == "" || inc > full) {
				w.t.Errorf("after %v: %s is judged again on %q, must be by %q", w.log, clause, inc, full)
			}
		}
		return errRollback
	})
	if !errors.Is(err, errRollback) {
		w.t.Fatal(err)
	}
}

func (w *walk) step() {
	acts := []struct {
		name string
		do   func()
	}{
		{"person", w.person},
		{"person", w.person},
		{"joined", w.joined},
		{"confirmed", w.confirmed},
		{"training", w.training},
		{"training", w.training},
		{"reflection", w.reflection},
		{"system", w.system},
		{"policy", w.policy},
		{"withdraw", w.withdraw},
		{"excluded", w.excluded},
		{"failed reading", w.fail},
		{"read all", func() { w.ReadAll(w.t) }},
		{"answer", w.answer},
		{"answer", w.answer},
		{"confirm", w.confirm},
		{"round", w.round},
		{"time", w.time},
		{"time", w.time},
		{"a night", w.night},
		{"setting", w.setting},
	}
	act := acts[w.rng.IntN(len(acts))]
	w.log = append(w.log, act.name)
	act.do()
}

func (w *walk) past(days int) jdate.Day { return w.Svc.Today().Add(-w.rng.IntN(days)) }

func (w *walk) pick(of ...string) string { return of[w.rng.IntN(len(of))] }

func (w *walk) who() string { return fmt.Sprintf("person/%d", w.rng.IntN(5)) }

func (w *walk) person() {
	member := w.who()
	attrs := map[string]string{"class": w.pick("employee", "dispatched", fact.Unknown), "mail": w.pick("yes", "yes", "no", fact.Unknown)}
	if w.rng.IntN(4) == 0 {
		attrs["left"] = w.Svc.Today().Add(w.rng.IntN(60) - 20).String()
	}
	w.Put(w.t, "people/"+member, fact.Fact{Kind: "people.member", Member: member, Attrs: attrs, On: w.past(400)})
}

func (w *walk) joined() {
	member := w.who()
	w.Put(w.t, "people/joined/"+member, fact.Fact{
		Kind: "people.joined", Member: member, Attrs: map[string]string{"mail": w.pick("yes", "no", fact.Unknown)}, On: w.past(90),
	})
}

func (w *walk) excluded() {
	f := fact.Fact{Kind: "people.excluded", Member: w.who(), On: w.past(30)}
	if w.rng.IntN(2) == 0 {
		f.ValidUntil = w.Svc.Today().Add(w.rng.IntN(40))
	}
	w.Put(w.t, "people/excluded", f)
}

func (w *walk) confirmed() {
	w.Put(w.t, w.pick("people/confirmed", "systems/confirmed"), fact.Fact{Kind: w.pick("people.confirmed", "systems.confirmed"), On: w.past(420)})
}

func (w *walk) training() {
	record := fmt.Sprintf("training/%d", w.rng.IntN(3))
	on, topic := w.past(500), map[string]string{"topic": w.pick("mail", "mail", "web", fact.Unknown)}
	facts := []fact.Fact{{Kind: "training.session", Member: "session/" + record, Attrs: topic, On: on}}
	for i := range 5 {
		if w.rng.IntN(3) > 0 {
			facts = append(facts, fact.Fact{Kind: "training.completed", Member: fmt.Sprintf("person/%d", i), Attrs: topic, On: on})
		}
	}
	w.Put(w.t, record, facts...)
}

func (w *walk) reflection() {
	record := fmt.Sprintf("training/%d", w.rng.IntN(3))
	w.Put(w.t, record, fact.Fact{Kind: "training.reflection", Member: "session/" + record, Attrs: map[string]string{"topic": "mail"}, On: w.past(300)})
}

func (w *walk) system() {
	name := fmt.Sprintf("system/%d", w.rng.IntN(3))
	facts := []fact.Fact{{Kind: "systems.member", Member: name, Attrs: map[string]string{"in_use": w.pick("yes", "no", fact.Unknown)}, On: w.past(900)}}
	if w.rng.IntN(2) == 0 {
		facts = append(facts, fact.Fact{Kind: "review.closed", Member: name, On: w.past(500)})
	}
	w.Put(w.t, name, facts...)
}

func (w *walk) policy() {
	record := fmt.Sprintf("policy/%d", w.rng.IntN(3))
	attrs := map[string]string{"type": w.pick("policy", "regulation"), "topic": w.pick("policy", "application", "need_only"), "version": "1"}
	approved := map[string]string{"type": attrs["type"], "topic": attrs["topic"], "version": "1", "author": "person/1", "approver": w.pick("person/1", "person/2", fact.Unknown), "way": "person"}
	facts := []fact.Fact{{Kind: "policy.in_force", Member: "document/" + record, Attrs: attrs, On: w.past(300)}}
	if w.rng.IntN(2) == 0 {
		facts = append(facts, fact.Fact{Kind: "policy.approved", Member: "document/" + record, Attrs: approved, On: w.past(300)})
	}
	w.Put(w.t, record, facts...)
}

// withdraw empties one record, forget all of them.
func (w *walk) withdraw() {
	w.drop(w.pick("training/0", "training/1", "people/person/1", "system/0", "policy/0", "people/confirmed"))
}

func (w *walk) forget() {
	for _, record := range []string{"training/0", "training/1", "training/2", "people/confirmed", "policy/0", "policy/1", "policy/2", "people/excluded"} {
		w.drop(record)
	}
}

func (w *walk) drop(record string) {
	kinds := []string{
		"people.member", "people.joined", "people.excluded", "people.confirmed", "systems.member", "systems.confirmed", "review.closed",
		"policy.in_force", "policy.approved", "training.session", "training.completed", "training.reflection",
	}
	w.Write(w.t, func(ctx context.Context, tx *sqlite.Tx) error { return w.Facts.Put(ctx, tx, record, kinds, nil) })
}

func (w *walk) fail() {
	kind := w.pick("people.member", "training.session", "systems.member")
	w.Write(w.t, func(ctx context.Context, tx *sqlite.Tx) error {
		return w.Facts.Fail(ctx, tx, []string{kind}, errors.New("source is away"))
	})
}

func (w *walk) answer() {
	key := w.pick(jama, jama, scs)
	b := w.Board(w.t, key)
	it := b.Items[w.rng.IntN(len(b.Items))]
	in := assessment.NewAnswer{
		Node: it.Node.ID, Version: it.Version, Reason: w.pick("", "理由"),
		Value: []verdict.Result{verdict.Met, verdict.Met, verdict.Unmet, verdict.NA, verdict.Unknown, assessment.None, verdict.Part}[w.rng.IntN(7)],
	}
	if len(it.Clauses) > 0 && w.rng.IntN(3) > 0 {
		c := it.Clauses[w.rng.IntN(len(it.Clauses))]
		in.Node, in.Version = c.ID, c.Version
	}
	if w.rng.IntN(2) == 0 {
		in.Expires = w.Svc.Today().Add(w.rng.IntN(100))
	}
	err := w.Svc.SaveAnswer(assessmenttest.Keeper(w.t), key, it.Node.ID, assessment.WayPage, in)
	if code := problem.CodeOf(err); err != nil && code != problem.CodeInvalid && code != problem.CodeConflict {
		w.t.Fatal(err)
	}
}

func (w *walk) confirm() {
	_, err := w.Svc.ConfirmProposed(assessmenttest.Keeper(w.t), w.pick(jama, scs), "")
	if err != nil && problem.CodeOf(err) != problem.CodeConflict {
		w.t.Fatal(err)
	}
}

func (w *walk) round() {
	ctx := assessmenttest.Keeper(w.t)
	b := w.Board(w.t, jama)
	if b.Round != nil && !b.Round.Locked() {
		if err := w.Svc.LockRound(ctx, b.Round.Key, b.Round.Version); err != nil {
			w.t.Fatal(err)
		}
		return
	}
	today := w.Svc.Today()
	_, err := w.Svc.OpenRound(ctx, assessment.NewRound{Framework: jama, FiscalYear: today.FiscalYear(time.April), Name: "回", From: today, To: today.Add(w.rng.IntN(200))})
	if err != nil {
		w.t.Fatal(err)
	}
}

// time passes; night is time after which everything is read again.
func (w *walk) time() {
	w.Clock.Advance(time.Duration(1+w.rng.IntN(45)*w.rng.IntN(3)) * 24 * time.Hour / 2)
	if err := w.Svc.Fresh(assessmenttest.House(w.t)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *walk) night() {
	w.Clock.Advance(24 * time.Hour)
	w.ReadAll(w.t)
	w.Write(w.t, func(ctx context.Context, tx *sqlite.Tx) error { return w.Svc.RecomputeDue(ctx, tx) })
}

func (w *walk) setting() {
	w.Company.Settings = map[string]int{"joiner_training_days": 10 + w.rng.IntN(60)}
	w.Write(w.t, func(ctx context.Context, tx *sqlite.Tx) error { return w.Svc.RecomputeAll(ctx, tx) })
}
