package assessment

import (
	"context"
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// NewRound is what a person enters to open a round.
type NewRound struct {
	Framework  string
	FiscalYear int
	Name       string
	From, To   jdate.Day
}

// Past is what an item was worth in an earlier round.
type Past struct {
	State       verdict.Result
	Value       int // from records and answers; -1 not applicable, -2 unanswered
	AnswerValue int // what the sheet carried
}

// currentRound is the open round of a framework, else the last one that was locked here. What came from a
// file is always an earlier round.
func currentRound(rounds []*Round, key string) *Round {
	var last *Round
	for _, r := range rounds {
		if r.Framework != key || r.Imported {
			continue
		}
		if !r.Locked() {
			return r
		}
		if last == nil {
			last = r
		}
	}
	return last
}

// previousRound is the newest locked round before the current one, of any version of the same framework: last
// year's sheet may be of the version before.
func previousRound(rounds []*Round, key string, current *Round) *Round {
	id, _, _ := strings.Cut(key, "@")
	for _, r := range rounds {
		theirs, _, _ := strings.Cut(r.Framework, "@")
		if theirs == id && r.Locked() && (current == nil || r.ID != current.ID && !r.To.After(current.To)) {
			return r
		}
	}
	return nil
}

// Rounds lists all rounds, newest first; framework "" means all frameworks.
func (s *Service) Rounds(ctx context.Context, tx *sqlite.Tx, framework string) ([]*Round, error) {
	if err := actor.From(ctx).Require(PermRead); err != nil {
		return nil, err
	}
	return findRounds(ctx, tx, framework)
}

// Results gives what the items of a locked round were worth, by item id.
func (s *Service) Results(ctx context.Context, tx *sqlite.Tx, round *Round) (map[string]Past, error) {
	if err := actor.From(ctx).Require(PermRead); err != nil {
		return nil, err
	}
	return findResults(ctx, tx, round.ID)
}

// OpenRound opens a round; answers of the round before no longer count and are shown as 前年. Problem codes:
// invalid; conflict while another round of the framework is open.
func (s *Service) OpenRound(ctx context.Context, in NewRound) (*Round, error) {
	if err := actor.From(ctx).RequireWhole(PermManage); err != nil {
		return nil, err
	}
	if err := s.checkRound(in); err != nil {
		return nil, err
	}
	var round *Round
	err := s.db.Write(ctx, func(tx *sqlite.Tx) error {
		rounds, err := findRounds(ctx, tx, in.Framework)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(rounds, func(r *Round) bool { return !r.Locked() }) {
			return problem.Conflict("assessment.round.still_open")
		}
		round, err = s.openRound(ctx, tx, in)
		return err
	})
	return round, err
}

func (s *Service) checkRound(in NewRound) error {
	var found problem.List
	if s.catalog.Key(in.Framework) == nil {
		found.Add(problem.Invalid("framework", "web.choose"))
	}
	if in.Name == "" {
		found.Add(problem.Invalid("name", "assessment.round.name_needed"))
	}
	switch {
	case in.From.IsZero():
		found.Add(problem.Invalid("from", "assessment.round.from_needed"))
	case in.To.IsZero():
		found.Add(problem.Invalid("to", "assessment.round.to_needed"))
	case in.To.Before(in.From):
		found.Add(problem.Invalid("to", "assessment.round.to_before_from"))
	}
	return found.Err()
}

func (s *Service) openRound(ctx context.Context, tx *sqlite.Tx, in NewRound) (*Round, error) {
	round := &Round{Framework: in.Framework, FiscalYear: in.FiscalYear, Name: in.Name, From: in.From, To: in.To}
	if err := insertRound(ctx, tx, round, actor.From(ctx).ID()); err != nil {
		return nil, err
	}
	err := audit.Record(ctx, tx, "assessment.round_opened", "assessment/round/"+round.Key, audit.Image{
		"framework": in.Framework, "fiscal_year": in.FiscalYear, "name": in.Name, "from": in.From.String(), "to": in.To.String(),
	})
	if err != nil {
		return nil, err
	}
	return round, s.RecomputeFramework(ctx, tx, in.Framework)
}

// answerRound gives the round in which an answer of today stands. The first answer opens a round for this fiscal
// year by itself; while this year's round is locked, nothing can be answered: problem code conflict.
func (s *Service) answerRound(ctx context.Context, tx *sqlite.Tx, key string) (*Round, error) {
	rounds, err := findRounds(ctx, tx, key)
	if err != nil {
		return nil, err
	}
	current := currentRound(rounds, key)
	if current != nil && !current.Locked() {
		return current, nil
	}
	today := jdate.Of(tx.Now)
	if current != nil && !current.To.Before(today) {
		return nil, problem.Conflict("assessment.round.locked", "round", current.Name)
	}
	company, err := s.company(ctx, tx)
	if err != nil {
		return nil, err
	}
	return s.openRound(ctx, tx, s.SuggestRound(key, company, today))
}

// SuggestRound is the round of the fiscal year that holds today.
func (s *Service) SuggestRound(key string, company Company, today jdate.Day) NewRound {
	start := company.FiscalStart
	if start < 1 {
		start = 4
	}
	year := today.FiscalYear(start)
	return NewRound{
		Framework: key, FiscalYear: year, Name: s.texts.T("ja", "assessment.round.suggested", problem.Args{"year": yearText(year)}),
		From: today.FiscalStart(start), To: today.FiscalEnd(start),
	}
}

// LockRound locks a round: its answers and what its items are worth stay for good. Nothing unlocks it. Problem
// codes: not_found, conflict when it is locked already or was changed meanwhile.
func (s *Service) LockRound(ctx context.Context, key string, version int) error {
	if err := actor.From(ctx).RequireWhole(PermManage); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		rounds, err := findRounds(ctx, tx, "")
		if err != nil {
			return err
		}
		i := slices.IndexFunc(rounds, func(r *Round) bool { return r.Key == key })
		if i < 0 {
			return problem.NotFound("assessment.round.not_found")
		}
		round := rounds[i]
		if round.Locked() {
			return problem.Conflict("assessment.round.locked", "round", round.Name)
		}
		board, err := s.board(ctx, tx, round.Framework)
		if err != nil {
			return err
		}
		for _, it := range board.Items {
			if err := insertResult(ctx, tx, round.ID, it.Node.ID, it.State.Stored(), int(it.Value), int(it.AnswerValue)); err != nil {
				return err
			}
		}
		round.Version = version
		if err := updateLocked(ctx, tx, round, actor.From(ctx).ID()); err != nil {
			return err
		}
		err = audit.Record(ctx, tx, "assessment.round_locked", "assessment/round/"+key, audit.Image{
			"framework": round.Framework, "name": round.Name, "items": len(board.Items), "unanswered": board.Unanswered(),
		})
		if err != nil {
			return err
		}
		return s.RecomputeFramework(ctx, tx, round.Framework)
	})
}

// PastItem is one item of a check sheet that was filled elsewhere.
type PastItem struct {
	Item  string
	Value verdict.Value // 0, 1, 2, verdict.NotApplicable or verdict.Unanswered
	Note  string
}

// ImportRound keeps the answers of an earlier check sheet as a locked round of its own; the present round shows
// them as 前年. Unknown items are an error of code invalid.
func (s *Service) ImportRound(ctx context.Context, tx *sqlite.Tx, in NewRound, items []PastItem) (*Round, error) {
	if err := actor.From(ctx).RequireWhole(PermManage); err != nil {
		return nil, err
	}
	if err := s.checkRound(in); err != nil {
		return nil, err
	}
	base := s.catalog.Key(in.Framework)
	round := &Round{
		Framework: in.Framework, FiscalYear: in.FiscalYear, Name: in.Name, From: in.From, To: in.To, Imported: true,
	}
	// An open round must not exist beside it for a moment: it is born locked.
	if err := insertLockedRound(ctx, tx, round, actor.From(ctx).ID()); err != nil {
		return nil, err
	}
	for _, it := range items {
		if base.Item(it.Item) == nil {
			return nil, problem.Invalid("", "assessment.official.item_unknown", "item", it.Item)
		}
		state := stateOf(it.Value)
		a := &Answer{
			Node: it.Item, Item: it.Item, Version: 1, Value: state, Note: it.Note, Way: WayImport,
			By: actor.From(ctx).ID(), At: tx.Now, FactsHash: HashFacts(nil),
		}
		if err := insertAnswer(ctx, tx, round.ID, a); err != nil {
			return nil, err
		}
		if err := insertResult(ctx, tx, round.ID, it.Item, state.Stored(), int(it.Value), int(it.Value)); err != nil {
			return nil, err
		}
	}
	err := audit.Record(ctx, tx, "assessment.round_imported", "assessment/round/"+round.Key, audit.Image{
		"framework": in.Framework, "fiscal_year": in.FiscalYear, "name": in.Name, "items": len(items),
	})
	return round, err
}

// stateOf is the state that a value on a sheet stands for.
func stateOf(v verdict.Value) verdict.Result {
	switch v {
	case verdict.ValueMet:
		return verdict.Met
	case verdict.ValuePart:
		return verdict.Part
	case verdict.ValueUnmet:
		return verdict.Unmet
	case verdict.NotApplicable:
		return verdict.NA
	default:
		return verdict.Unknown
	}
}
