package assessment

import (
	"context"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// StepCount is how many next steps the first page shows: 次の5つ.
const StepCount = 5

type cachedSteps struct {
	change string
	today  jdate.Day
	steps  []verdict.Step
}

// steps ranks what to do next over all targets. Like boards they are kept until something changes.
func (s *Service) nextSteps(ctx context.Context, tx *sqlite.Tx, targets []Target) ([]verdict.Step, error) {
	st, err := findStatus(ctx, tx)
	if err != nil {
		return nil, err
	}
	today := jdate.Of(tx.Now)
	s.mu.Lock()
	cached := s.steps
	s.mu.Unlock()
	if cached.steps != nil && cached.change == st.change && cached.today == today {
		return cached.steps, nil
	}
	var open []verdict.OpenClause
	var clauses []*framework.Clause
	var round *Round
	for _, t := range targets {
		if round == nil {
			round = t.Board.Round
		}
		for _, it := range t.Items() {
			for _, c := range it.Clauses {
				if c.Open() {
					open = append(open, verdict.OpenClause{Clause: c.Clause, Verdict: c.Verdict, State: c.State, Answer: c.Effective})
					clauses = append(clauses, c.Clause)
				}
			}
		}
	}
	w, err := s.worldsFor(ctx, tx, clauses)
	if err != nil {
		return nil, err
	}
	steps := verdict.Next(w.of(round), open, StepCount)
	if steps == nil {
		steps = []verdict.Step{}
	}
	s.mu.Lock()
	s.steps = cachedSteps{st.change, today, steps}
	s.mu.Unlock()
	return steps, nil
}

// Overview is what the first page shows: できていないところ.
type Overview struct {
	Company    Company
	Today      jdate.Day
	Targets    []Target
	Counts     []Counts      // of the targets, in their order
	Open       Counts        // over all targets
	SinceMonth *int          // open clauses now less those at the end of last month; nil: nothing to compare with
	Points     verdict.Score // of the first target that gives points
	HasPoints  bool
	Steps      []verdict.Step
	Conflicts  int
	Proposed   int // clauses that one click would answer
	Unknown    []Target
	Actions    []*Action
}

// Overview gathers the gaps of all targets. Problem code forbidden.
func (s *Service) Overview(ctx context.Context, tx *sqlite.Tx) (*Overview, error) {
	targets, err := s.Targets(ctx, tx)
	if err != nil {
		return nil, err
	}
	o := &Overview{Targets: targets, Today: jdate.Of(tx.Now)}
	if o.Company, err = s.company(ctx, tx); err != nil {
		return nil, err
	}
	for _, t := range targets {
		o.add(t)
	}
	if o.SinceMonth, err = s.sinceMonth(ctx, tx, targets); err != nil {
		return nil, err
	}
	if o.Steps, err = s.nextSteps(ctx, tx, targets); err != nil {
		return nil, err
	}
	o.Actions, err = sortedActions(ctx, tx)
	return o, err
}

func (o *Overview) add(t Target) {
	items := t.Items()
	c := Count(items)
	o.Counts = append(o.Counts, c)
	o.Open.OpenClauses += c.OpenClauses
	o.Open.UnmetClauses += c.UnmetClauses
	o.Open.UnknownClauses += c.UnknownClauses
	if !o.HasPoints && t.Board.Scoring.PerItem > 0 {
		o.Points, o.HasPoints = t.Points(), true
	}
	if t.UnknownLevels() > 0 {
		o.Unknown = append(o.Unknown, t)
	}
	for _, it := range items {
		o.Proposed += len(it.Proposed())
		for _, cl := range it.Clauses {
			if cl.State.Conflict {
				o.Conflicts++
			}
		}
	}
}

// Earned gives the points as the company reads 該当なし.
func (o *Overview) Earned() (earned, possible int) {
	if o.Company.CountNA {
		return o.Points.EarnedWithNA, o.Points.PossibleWithNA
	}
	return o.Points.Earned, o.Points.Possible
}

// sinceMonth walks back the changes of this month. It compares the targets as they are today, so that a higher
// target does not look like a step back.
func (s *Service) sinceMonth(ctx context.Context, tx *sqlite.Tx, targets []Target) (*int, error) {
	year, month, _ := jdate.Of(tx.Now).Time().Date()
	start := jdate.On(year, month, 1).Start()
	st, err := findStatus(ctx, tx)
	if err != nil {
		return nil, err
	}
	if st.startedAt.IsZero() || !st.startedAt.Before(start) {
		return nil, nil
	}
	return s.openSince(ctx, tx, targets, start)
}

func (s *Service) openSince(ctx context.Context, tx *sqlite.Tx, targets []Target, since time.Time) (*int, error) {
	within := map[string]bool{}
	for _, t := range targets {
		for _, it := range t.Items() {
			for _, c := range it.Clauses {
				within[c.ID] = true
			}
		}
	}
	changes, err := findChangesSince(ctx, tx, since)
	if err != nil {
		return nil, err
	}
	n := 0
	for _, c := range changes {
		switch {
		case !within[c.Clause]:
		case open(c.To) && !open(c.From):
			n++
		case open(c.From) && !open(c.To):
			n--
		}
	}
	return &n, nil
}

// ActionFor gives the first action still to do about a clause, nil when there is none.
func (o *Overview) ActionFor(c *Clause) *Action { return actionOf(o.Actions, c) }
