package assessment

import (
	"context"
	"slices"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// PastItems gives what an imported round carried, in the order of the framework.
func (s *Service) PastItems(ctx context.Context, tx *sqlite.Tx, round *Round) ([]PastItem, error) {
	if err := actor.From(ctx).Require(PermRead); err != nil {
		return nil, err
	}
	base := s.catalog.Key(round.Framework)
	if base == nil {
		return nil, problem.NotFound("assessment.framework_unknown", "framework", round.Framework)
	}
	results, err := findResults(ctx, tx, round.ID)
	if err != nil {
		return nil, err
	}
	answers, err := findAnswers(ctx, tx, round.ID)
	if err != nil {
		return nil, err
	}
	var out []PastItem
	for _, node := range base.Items() {
		r, has := results[node.ID]
		if !has {
			continue
		}
		it := PastItem{Item: node.ID, Value: verdict.Value(r.AnswerValue)}
		if a := answers[node.ID].present(); a != nil {
			it.Note = a.Note
		}
		out = append(out, it)
	}
	return out, nil
}

// WithdrawRound hides an imported round as if the file had never come, or shows it again. Its answers stay in the
// database: nothing is ever deleted. Problem codes: not_found; conflict for rounds that were kept here, and when the
// round is already as wanted.
func (s *Service) WithdrawRound(ctx context.Context, tx *sqlite.Tx, key string, withdrawn bool) error {
	if err := actor.From(ctx).RequireWhole(PermManage); err != nil {
		return err
	}
	if err := updateWithdrawn(ctx, tx, key, withdrawn); err != nil {
		return err
	}
	act := "assessment.round_restored"
	if withdrawn {
		act = "assessment.round_withdrawn"
	}
	return audit.Record(ctx, tx, act, "assessment/round/"+key, audit.Image{})
}

// Given names one answer as an import left it.
type Given struct {
	Item    string `json:"item"` // node of the answer
	Version int    `json:"version"`
}

// TakeBack gives items the answers back that stood before an import, as new versions; items that had none lose
// theirs. It refuses with code conflict when somebody answered since or the round is locked.
func (s *Service) TakeBack(ctx context.Context, tx *sqlite.Tx, key, round string, given []Given) error {
	if err := actor.From(ctx).Require(PermAnswer); err != nil {
		return err
	}
	rounds, err := findRounds(ctx, tx, key)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(rounds, func(r *Round) bool { return r.Key == round })
	if i < 0 {
		return problem.NotFound("assessment.round.not_found")
	}
	if rounds[i].Locked() {
		return problem.Conflict("assessment.round.locked", "round", rounds[i].Name)
	}
	outline, err := s.Outline(ctx, tx, key)
	if err != nil {
		return err
	}
	var answers []*Answer
	var clauses []*framework.Clause
	for _, g := range given {
		have, err := findAnswer(ctx, tx, rounds[i].ID, g.Item)
		if err != nil {
			return err
		}
		node := outline.Item(g.Item)
		if have.Version != g.Version || node == nil {
			return problem.Conflict("assessment.answer.changed_meanwhile", "version", have.Version)
		}
		before, err := findAnswerVersion(ctx, tx, rounds[i].ID, g.Item, g.Version-1)
		if err != nil {
			return err
		}
		before.Item, before.Version, before.By, before.At = g.Item, have.Version+1, actor.From(ctx).ID(), tx.Now
		answers = append(answers, before)
		clauses = append(clauses, node.Clauses...)
	}
	return s.keep(ctx, tx, rounds[i], key, answers, clauses)
}

// PutItemMeta is SaveItemMeta inside the transaction of another act.
func (s *Service) PutItemMeta(ctx context.Context, tx *sqlite.Tx, key, item string, m ItemMeta) error {
	b, err := s.board(ctx, tx, key)
	if err != nil {
		return err
	}
	it := b.Item(item)
	if it == nil {
		return problem.NotFound("assessment.item.not_found")
	}
	if err := s.mayAnswer(ctx, tx, it.Meta.Owner); err != nil {
		return err
	}
	if err := s.onStaffList(ctx, tx, m.Owner); err != nil {
		return err
	}
	return s.putItemMeta(ctx, tx, key, item, m)
}

// PutItemMetas is PutItemMeta for many items at once: an import does not judge each of them on a board of its own.
func (s *Service) PutItemMetas(ctx context.Context, tx *sqlite.Tx, key string, metas map[string]ItemMeta) error {
	b, err := s.board(ctx, tx, key)
	if err != nil {
		return err
	}
	for _, it := range b.Items {
		m, wanted := metas[it.Node.ID]
		if !wanted {
			continue
		}
		if err := s.mayAnswer(ctx, tx, it.Meta.Owner); err != nil {
			return err
		}
		if err := s.putItemMeta(ctx, tx, key, it.Node.ID, m); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) putItemMeta(ctx context.Context, tx *sqlite.Tx, key, item string, m ItemMeta) error {
	if err := putItem(ctx, tx, key, item, m); err != nil {
		return err
	}
	return audit.Record(ctx, tx, "assessment.item_noted", "assessment/"+key+"/"+item, audit.Image{
		"owner": m.Owner, "planned": m.PlannedOn.String(), "note": audit.Personal(m.Note),
	})
}

// PutItemAnswers answers many items at once, as an import of this year's sheet does: the rules of SaveAnswers hold
// for each; the board is read once. It returns what TakeBack needs and the key of the round.
func (s *Service) PutItemAnswers(ctx context.Context, tx *sqlite.Tx, key string, way Way, in []NewAnswer) (string, []Given, error) {
	if err := actor.From(ctx).Require(PermAnswer); err != nil {
		return "", nil, err
	}
	round, err := s.answerRound(ctx, tx, key)
	if err != nil {
		return "", nil, err
	}
	b, err := s.board(ctx, tx, key)
	if err != nil {
		return "", nil, err
	}
	var answers []*Answer
	var given []Given
	var clauses []*framework.Clause
	for _, one := range in {
		it := b.Item(one.Node)
		if it == nil {
			return "", nil, problem.NotFound("assessment.item.not_found")
		}
		if err := s.mayAnswer(ctx, tx, it.Meta.Owner); err != nil {
			return "", nil, err
		}
		a, err := s.check(ctx, tx, round, it, one)
		if err != nil {
			return "", nil, err
		}
		a.Way = way
		answers, clauses = append(answers, a), append(clauses, it.Node.Clauses...)
		given = append(given, Given{one.Node, a.Version})
	}
	return round.Key, given, s.keep(ctx, tx, round, key, answers, clauses)
}
