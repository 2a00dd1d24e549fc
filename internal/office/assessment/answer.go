package assessment

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// NewAnswer is what a person says of a clause or an item.
type NewAnswer struct {
	Node    string         // id of the clause, or of the item
	Value   verdict.Result // None takes the answer back; Unknown is 分からない
	Note    string
	Reason  string
	Expires jdate.Day // zero: the longest that is allowed
	Version int       // of the answer that was shown; 0: none was
	Field   string    // added to the names of fields in problems, so that a form with many answers finds them
}

// SaveAnswer keeps one answer at an item or one of its clauses, with the facts that were shown. See SaveAnswers.
func (s *Service) SaveAnswer(ctx context.Context, key, item string, way Way, in NewAnswer) error {
	return s.SaveAnswers(ctx, key, item, way, []NewAnswer{in})
}

// SaveAnswers keeps several answers of one item in one act. 該当なし needs a reason. 達成 against 未達成 needs a
// reason and a last day, at most LongestHold days ahead; 達成 without records gets the end of the round, at most
// LongestHold days, as its last day. Problem codes: invalid (fields value, reason, expires), not_found, conflict
// when somebody answered meanwhile or the round is locked, forbidden.
func (s *Service) SaveAnswers(ctx context.Context, key, item string, way Way, in []NewAnswer) error {
	return s.db.Write(ctx, func(tx *sqlite.Tx) error { return s.PutAnswers(ctx, tx, key, item, way, in) })
}

// PutAnswers is SaveAnswers inside the transaction of another act, such as a link that is used up by it.
func (s *Service) PutAnswers(ctx context.Context, tx *sqlite.Tx, key, item string, way Way, in []NewAnswer) error {
	round, it, err := s.answering(ctx, tx, key, item)
	if err != nil {
		return err
	}
	var found problem.List
	var answers []*Answer
	for _, one := range in {
		a, err := s.check(ctx, tx, round, it, one)
		if one := problem.All(err); len(one) > 0 && problem.CodeOf(err) == problem.CodeInvalid {
			found = append(found, one...)
			continue
		}
		if err != nil {
			return err
		}
		a.Way = way
		answers = append(answers, a)
	}
	if err := found.Err(); err != nil {
		return err
	}
	return s.keep(ctx, tx, round, key, answers, it.Node.Clauses)
}

// answering gives the open round and the item as it stands now, for an actor who may answer it.
func (s *Service) answering(ctx context.Context, tx *sqlite.Tx, key, item string) (*Round, *Item, error) {
	if err := actor.From(ctx).Require(PermAnswer); err != nil {
		return nil, nil, err
	}
	b, err := s.board(ctx, tx, key)
	if err != nil {
		return nil, nil, err
	}
	it := b.Item(item)
	if it == nil {
		return nil, nil, problem.NotFound("assessment.item.not_found")
	}
	if err := s.mayAnswer(ctx, tx, it.Meta.Owner); err != nil {
		return nil, nil, err
	}
	round, err := s.answerRound(ctx, tx, key)
	if err != nil {
		return nil, nil, err
	}
	if b.Round == nil || b.Round.ID != round.ID { // this very answer opened the round
		if b, err = s.board(ctx, tx, key); err != nil {
			return nil, nil, err
		}
		it = b.Item(item)
	}
	return round, it, nil
}

// check turns what was entered into the answer to keep.
func (s *Service) check(ctx context.Context, tx *sqlite.Tx, round *Round, it *Item, in NewAnswer) (*Answer, error) {
	about := it.about(in.Node)
	if about == nil {
		return nil, problem.NotFound("assessment.clause.not_found")
	}
	have, err := findAnswer(ctx, tx, round.ID, in.Node)
	if err != nil {
		return nil, err
	}
	if have.Version != in.Version {
		return nil, problem.Conflict("assessment.answer.changed_meanwhile", "version", have.Version)
	}
	a := &Answer{
		Node: in.Node, Item: it.Node.ID, Version: have.Version + 1, Value: in.Value, Note: in.Note, Reason: in.Reason,
		Verdict: about.result(), By: actor.From(ctx).ID(), At: tx.Now,
	}
	if a.Expires, err = about.lastDay(in, round, jdate.Of(tx.Now)); err != nil {
		return nil, err
	}
	a.Facts, a.FactsHash, err = s.freeze(ctx, tx, about.clauses)
	return a, err
}

// about is what an answer is about: one clause, or all clauses of an item that have no answer of their own.
type about struct {
	item    bool
	clauses []*Clause
}

// about finds what the node stands for, nil when it does not belong to the item.
func (it *Item) about(node string) *about {
	if node == it.Node.ID {
		ab := &about{item: true}
		for _, c := range it.Clauses {
			if c.Answer == nil {
				ab.clauses = append(ab.clauses, c)
			}
		}
		return ab
	}
	for _, c := range it.Clauses {
		if c.ID == node {
			return &about{clauses: []*Clause{c}}
		}
	}
	return nil
}

// result is what the records say of what is answered: the worst where it is several clauses.
func (ab *about) result() verdict.Result {
	result := verdict.NA
	for _, c := range ab.clauses {
		switch {
		case c.Verdict.Result == verdict.Unmet:
			return verdict.Unmet
		case c.Verdict.Result == verdict.Unknown:
			result = verdict.Unknown
		case c.Verdict.Result == verdict.Met && result == verdict.NA:
			result = verdict.Met
		}
	}
	if len(ab.clauses) == 0 {
		return verdict.Unknown
	}
	return result
}

// byWord says whether the records could prove what is answered, and do not.
func (ab *about) byWord() bool {
	return slices.ContainsFunc(ab.clauses, func(c *Clause) bool {
		return c.Mark != framework.Human && c.Verdict.Result == verdict.Unknown
	})
}

// lastDay checks the value and gives the last day on which the answer counts, zero for the whole round.
func (ab *about) lastDay(in NewAnswer, round *Round, today jdate.Day) (jdate.Day, error) {
	var found problem.List
	switch in.Value {
	case verdict.Met, verdict.Unmet, verdict.Unknown, None:
	case verdict.NA:
		if in.Reason == "" {
			found.Add(problem.Invalid("reason"+in.Field, "assessment.answer.na_reason"))
		}
	case verdict.Part:
		if !ab.item {
			found.Add(problem.Invalid("value"+in.Field, "assessment.answer.part_only_item"))
		}
	default:
		found.Add(problem.Invalid("value"+in.Field, "web.choose"))
	}
	if in.Value != verdict.Met {
		return 0, found.Err()
	}
	longest := today.Add(LongestHold)
	switch {
	case ab.result() == verdict.Unmet:
		if in.Reason == "" {
			found.Add(problem.Invalid("reason"+in.Field, "assessment.answer.against_reason"))
		}
		if in.Expires.IsZero() {
			found.Add(problem.Invalid("expires"+in.Field, "assessment.answer.against_expires"))
		}
	case !ab.byWord():
		return 0, nil
	case in.Expires.IsZero():
		if round.To.Before(today) {
			return longest, nil
		}
		return min(round.To, longest), nil
	}
	if !in.Expires.IsZero() && (in.Expires.Before(today) || in.Expires.After(longest)) {
		found.Add(problem.Invalid("expires"+in.Field, "assessment.answer.expires_range", "from", today, "to", longest))
	}
	return in.Expires, found.Err()
}

// freeze gives the rows that the verdicts name and one hash over their contents, so that later nobody can say
// that something else was shown.
func (s *Service) freeze(ctx context.Context, tx *sqlite.Tx, clauses []*Clause) ([]int64, string, error) {
	var ids []int64
	for _, c := range clauses {
		ids = append(ids, c.Verdict.Facts...)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	facts, err := s.facts.ByID(ctx, tx, ids)
	if err != nil {
		return nil, "", err
	}
	return ids, HashFacts(facts), nil
}

// HashFacts seals the facts that stand beside an answer, by number and content.
func HashFacts(facts []fact.Fact) string {
	h := sha256.New()
	for _, f := range facts {
		fmt.Fprintf(h, "%d:%s,", f.ID, f.Hash)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// keep writes answers, audits each, and joins them with the verdicts that stand.
func (s *Service) keep(ctx context.Context, tx *sqlite.Tx, round *Round, key string, answers []*Answer, clauses []*framework.Clause) error {
	for _, a := range answers {
		if err := insertAnswer(ctx, tx, round.ID, a); err != nil {
			return err
		}
		err := audit.Record(ctx, tx, "assessment.answered", "assessment/"+key+"/"+a.Node, audit.Image{
			"round": round.Key, "value": a.Value.Stored(), "verdict": a.Verdict.Stored(), "way": string(a.Way), "facts": a.FactsHash,
			"expires": a.Expires.String(), "note": audit.Personal(a.Note), "reason": audit.Personal(a.Reason),
		})
		if err != nil {
			return err
		}
	}
	return s.restate(ctx, tx, clauses)
}

// ConfirmProposed answers 達成 at every clause of which the records say so and nobody has answered; item ""
// means the whole sheet, as far as the actor may answer it. It returns how many clauses were answered.
func (s *Service) ConfirmProposed(ctx context.Context, key, item string) (int, error) {
	n := 0
	err := s.db.Write(ctx, func(tx *sqlite.Tx) error {
		if err := actor.From(ctx).Require(PermAnswer); err != nil {
			return err
		}
		round, err := s.answerRound(ctx, tx, key)
		if err != nil {
			return err
		}
		b, err := s.board(ctx, tx, key)
		if err != nil {
			return err
		}
		if item != "" && b.Item(item) == nil {
			return problem.NotFound("assessment.item.not_found")
		}
		var answers []*Answer
		var clauses []*framework.Clause
		for _, it := range b.Items {
			if item != "" && it.Node.ID != item {
				continue
			}
			if err := s.mayAnswer(ctx, tx, it.Meta.Owner); err != nil {
				if item == "" && problem.CodeOf(err) == problem.CodeForbidden {
					continue
				}
				return err
			}
			for _, c := range it.Proposed() {
				a, err := s.confirmed(ctx, tx, round, it, c)
				if err != nil {
					return err
				}
				answers = append(answers, a)
				clauses = append(clauses, c.Clause)
			}
		}
		n = len(answers)
		return s.keep(ctx, tx, round, key, answers, clauses)
	})
	return n, err
}

func (s *Service) confirmed(ctx context.Context, tx *sqlite.Tx, round *Round, it *Item, c *Clause) (*Answer, error) {
	have, err := findAnswer(ctx, tx, round.ID, c.ID)
	if err != nil {
		return nil, err
	}
	a, err := s.check(ctx, tx, round, it, NewAnswer{Node: c.ID, Value: verdict.Met, Version: have.Version})
	if err != nil {
		return nil, err
	}
	a.Way = WayConfirm
	return a, nil
}

// SaveItemMeta notes owner, planned date and note of an item. Problem codes: conflict when somebody changed them
// meanwhile, not_found, forbidden.
func (s *Service) SaveItemMeta(ctx context.Context, key, item string, m ItemMeta) error {
	return s.db.Write(ctx, func(tx *sqlite.Tx) error { return s.PutItemMeta(ctx, tx, key, item, m) })
}

// History lists every answer given at an item and its clauses in the present round, newest first.
func (s *Service) History(ctx context.Context, tx *sqlite.Tx, key, item string) ([]*Answer, error) {
	b, it, err := s.Item(ctx, tx, key, item)
	if err != nil || b.Round == nil {
		return nil, err
	}
	return findHistory(ctx, tx, b.Round.ID, it.Node.ID)
}

// FactsOf returns the rows with these numbers, whether they still hold or not: what a frozen answer shows.
func (s *Service) FactsOf(ctx context.Context, tx *sqlite.Tx, ids []int64) ([]fact.Fact, error) {
	return s.facts.ByID(ctx, tx, ids)
}
