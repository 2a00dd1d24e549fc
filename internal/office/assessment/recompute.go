package assessment

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web/request"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// Recompute judges the clauses that read any of kinds: the hook that the fact store calls before the commit
// of an act. What changed is noted under the request of ctx.
func (s *Service) Recompute(ctx context.Context, tx *sqlite.Tx, kinds []string) error {
	return s.judge(ctx, tx, s.clausesReading(kinds))
}

// RecomputeDue judges the clauses that time alone may have changed by today: the nightly pass, and the first
// page of a new day.
func (s *Service) RecomputeDue(ctx context.Context, tx *sqlite.Tx) error {
	today := jdate.Of(tx.Now)
	due, err := findDue(ctx, tx, today)
	if err != nil {
		return err
	}
	if err := s.judge(ctx, tx, due); err != nil {
		return err
	}
	if err := setJudgedOn(ctx, tx, today); err != nil {
		return err
	}
	return touch(ctx, tx) // what a board says about days (前年, あと12日) may differ too
}

// RecomputeAll judges every clause of every framework: at start, after a change of the company profile, and
// for doctor. Rows of clauses that the catalogue no longer has are dropped.
func (s *Service) RecomputeAll(ctx context.Context, tx *sqlite.Tx) error {
	outlines, err := s.allOutlines(ctx, tx)
	if err != nil {
		return err
	}
	var ids []string
	known := map[string]bool{}
	for _, key := range s.keys() {
		for _, c := range outlines[key].Clauses() {
			ids = append(ids, c.ID)
			known[c.ID] = true
		}
	}
	if err := s.judge(ctx, tx, ids); err != nil {
		return err
	}
	have, err := texts(ctx, tx, `SELECT clause FROM assessment_verdicts ORDER BY clause`)
	if err != nil {
		return err
	}
	gone := slices.DeleteFunc(have, func(id string) bool { return known[id] })
	if err := dropJudged(ctx, tx, gone); err != nil {
		return err
	}
	if err := setJudgedOn(ctx, tx, jdate.Of(tx.Now)); err != nil {
		return err
	}
	return touch(ctx, tx)
}

// RecomputeFramework judges every clause of one framework: its round or its wording changed.
func (s *Service) RecomputeFramework(ctx context.Context, tx *sqlite.Tx, key string) error {
	o, err := s.Outline(ctx, tx, key)
	if err != nil {
		return err
	}
	ids := make([]string, 0, len(o.Clauses()))
	for _, c := range o.Clauses() {
		ids = append(ids, c.ID)
	}
	have, err := findJudgedOf(ctx, tx, key)
	if err != nil {
		return err
	}
	var gone []string
	for id := range have {
		if o.Clause(id) == nil {
			gone = append(gone, id)
		}
	}
	if err := dropJudged(ctx, tx, gone); err != nil {
		return err
	}
	return s.judge(ctx, tx, ids)
}

// judge evaluates clauses over the present facts and writes what differs from the rows that stand. It reads only
// the kinds that these clauses read.
func (s *Service) judge(ctx context.Context, tx *sqlite.Tx, ids []string) error {
	clauses, err := s.find(ctx, tx, ids)
	if err != nil || len(clauses) == 0 {
		return err
	}
	worlds, err := s.worldsFor(ctx, tx, clauses)
	if err != nil {
		return err
	}
	return s.write(ctx, tx, clauses, func(c *framework.Clause, round *Round, _ judged) (verdict.Verdict, error) {
		return verdict.Evaluate(worlds.of(round), c), nil
	})
}

// restate joins the verdicts that stand with the present answers: after an answer no fact has changed.
func (s *Service) restate(ctx context.Context, tx *sqlite.Tx, clauses []*framework.Clause) error {
	return s.write(ctx, tx, clauses, func(_ *framework.Clause, _ *Round, have judged) (verdict.Verdict, error) {
		return have.verdict()
	})
}

func (s *Service) find(ctx context.Context, tx *sqlite.Tx, ids []string) ([]*framework.Clause, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	outlines, err := s.allOutlines(ctx, tx)
	if err != nil {
		return nil, err
	}
	clauses := make([]*framework.Clause, 0, len(ids))
	for _, id := range ids {
		if o := outlines[frameworkOf(id)]; o != nil {
			if c := o.Clause(id); c != nil {
				clauses = append(clauses, c)
			}
		}
	}
	return clauses, nil
}

type judgeFunc func(c *framework.Clause, round *Round, have judged) (verdict.Verdict, error)

// write joins what judge says with the answers, writes the rows that differ and notes changed states.
func (s *Service) write(ctx context.Context, tx *sqlite.Tx, clauses []*framework.Clause, judge judgeFunc) error {
	ids := make([]string, len(clauses))
	for i, c := range clauses {
		ids[i] = c.ID
	}
	have, err := findJudged(ctx, tx, ids)
	if err != nil {
		return err
	}
	rounds, err := s.allStandings(ctx, tx, clauses)
	if err != nil {
		return err
	}
	changed := false
	for _, c := range clauses {
		key := c.Item.Framework.Key()
		old, stood := have[c.ID]
		v, err := judge(c, rounds[key].round, old)
		if err != nil {
			return err
		}
		state := rounds[key].state(c, v, jdate.Of(tx.Now))
		payload, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("write verdict: %w", err)
		}
		row := judged{c.ID, key, c.Item.ID, v.Result, state.Result, earliest(v.ValidUntil, state.ValidUntil), string(payload)}
		if stood && row == old {
			continue
		}
		changed = true
		if err := putJudged(ctx, tx, row); err != nil {
			return err
		}
		if stood && old.state != row.state {
			if err := insertChange(ctx, tx, request.ID(ctx), row, old.state); err != nil {
				return err
			}
		}
	}
	if !changed {
		return nil
	}
	return touch(ctx, tx)
}

// verdict reads the stored verdict; a clause without a row has the zero verdict.
func (j judged) verdict() (verdict.Verdict, error) {
	var v verdict.Verdict
	if j.payload == "" {
		return v, nil
	}
	if err := json.Unmarshal([]byte(j.payload), &v); err != nil {
		return v, fmt.Errorf("read verdict of %s: %w", j.clause, err)
	}
	return v, nil
}

// standing is the round in which the answers of a framework count, with its answers.
type standing struct {
	round    *Round // nil: none was ever opened
	previous *Round // the one before, for 前年; nil: none
	answers  map[string]*Answer
}

// allStandings gives the standing of each framework that clauses belong to.
func (s *Service) allStandings(ctx context.Context, tx *sqlite.Tx, clauses []*framework.Clause) (map[string]*standing, error) {
	rounds, err := findRounds(ctx, tx, "")
	if err != nil {
		return nil, err
	}
	out := map[string]*standing{}
	for _, c := range clauses {
		key := c.Item.Framework.Key()
		if _, have := out[key]; have {
			continue
		}
		if out[key], err = standingOf(ctx, tx, rounds, key); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func standingOf(ctx context.Context, tx *sqlite.Tx, rounds []*Round, key string) (*standing, error) {
	st := &standing{round: currentRound(rounds, key)}
	st.previous = previousRound(rounds, key, st.round)
	if st.round == nil {
		return st, nil
	}
	var err error
	st.answers, err = findAnswers(ctx, tx, st.round.ID)
	return st, err
}

// state joins a verdict with the answer that counts for the clause. In a locked round time stands still on the
// day it was locked.
func (st *standing) state(c *framework.Clause, v verdict.Verdict, today jdate.Day) verdict.ClauseState {
	locked := st.round.Locked()
	if locked {
		today = jdate.Of(st.round.LockedAt)
	}
	return verdict.State(c.Mark, v, st.effective(c), today, locked)
}

// effective gives the answer that counts for a clause: its own, else the one at its item.
func (st *standing) effective(c *framework.Clause) verdict.Answer {
	return verdict.Effective(st.answers[c.ID].Engine(), st.answers[c.Item.ID].Engine())
}

// worlds holds the facts once, seen from each round: periods of rules may name the dates of a round.
type worlds struct {
	base  verdict.World
	views map[[2]jdate.Day]*verdict.World
}

func (w *worlds) of(round *Round) *verdict.World {
	var span [2]jdate.Day
	if round != nil && !round.Locked() {
		span = [2]jdate.Day{round.From, round.To}
	}
	if w.views[span] == nil {
		view := w.base
		view.RoundFrom, view.RoundTo = span[0], span[1]
		w.views[span] = &view
	}
	return w.views[span]
}

func (s *Service) worldsFor(ctx context.Context, tx *sqlite.Tx, clauses []*framework.Clause) (*worlds, error) {
	seen := map[string]bool{}
	var kinds []string
	for _, c := range clauses {
		for _, kind := range c.Kinds(s.catalog.Table) {
			if !seen[kind] {
				seen[kind] = true
				kinds = append(kinds, kind)
			}
		}
	}
	slices.Sort(kinds)
	company, err := s.company(ctx, tx)
	if err != nil {
		return nil, err
	}
	w := &worlds{views: map[[2]jdate.Day]*verdict.World{}, base: verdict.World{
		Now: tx.Now, Today: jdate.Of(tx.Now), FiscalStart: company.FiscalStart,
		Table: s.catalog.Table, Settings: company.Settings, Facts: map[string][]fact.Fact{},
	}}
	if w.base.Readings, err = s.facts.Readings(ctx, tx); err != nil {
		return nil, err
	}
	if len(kinds) == 0 {
		return w, nil
	}
	facts, err := s.facts.Current(ctx, tx, kinds...)
	if err != nil {
		return nil, err
	}
	for _, f := range facts {
		w.base.Facts[f.Kind] = append(w.base.Facts[f.Kind], f)
	}
	return w, nil
}

// Changes lists the clauses whose state a request changed, for the sentence after an act.
func (s *Service) Changes(ctx context.Context, tx *sqlite.Tx, requestID string) ([]Change, error) {
	if requestID == "" {
		return nil, nil
	}
	return findChangesOf(ctx, tx, requestID)
}

// earliest returns the earlier of two days; zero is never.
func earliest(a, b jdate.Day) jdate.Day {
	if a.IsZero() || b.IsZero() {
		return cmp.Or(a, b)
	}
	return min(a, b)
}
