// Package frozen checks that answers still stand as they were given: with the facts that were shown beside them, and
// as the audit log tells them. It has no page; `kizuki verify` calls it. It imports assessment and registers.
package frozen

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// frozenAnswer is an answer as the check of frozen answers reads it.
type frozenAnswer struct {
	*assessment.Answer
	id        int64
	round     string // key
	framework string
	imported  bool // with a whole round of an earlier year: the log names the round, not each answer
}

// Verify checks every answer ever given: the facts that were frozen into it are still there with the same contents,
// and the log tells the same answer. It returns how many were checked; the error names the first that is wrong: code
// conflict, key assessment.frozen.facts or assessment.frozen.log.
func Verify(ctx context.Context, tx *sqlite.Tx, facts *fact.Store) (int, error) {
	all, err := allAnswers(ctx, tx)
	if err != nil {
		return 0, err
	}
	logged, err := loggedAnswers(ctx, tx)
	if err != nil {
		return 0, err
	}
	for i, a := range all {
		shown, err := frozenFacts(ctx, tx, facts, a.Facts)
		if err != nil {
			return i, err
		}
		if assessment.HashFacts(shown) != a.FactsHash {
			return i, problem.Conflict("assessment.frozen.facts", "row", a.id, "node", a.Node)
		}
		if !a.imported && !logged[a.said()] {
			return i, problem.Conflict("assessment.frozen.log", "row", a.id, "node", a.Node)
		}
	}
	return len(all), nil
}

func frozenFacts(ctx context.Context, tx *sqlite.Tx, facts *fact.Store, ids []int64) ([]fact.Fact, error) {
	const most = 500 // parameters of one query
	var out []fact.Fact
	for from := 0; from < len(ids); from += most {
		some, err := facts.ByID(ctx, tx, ids[from:min(from+most, len(ids))])
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
	}
	return out, nil
}

// saidAnswer is what log and answer must both tell.
type saidAnswer struct {
	Object, By                                 string
	At                                         int64
	Round, Value, Verdict, Way, Facts, Expires string
}

func (a frozenAnswer) said() saidAnswer {
	return saidAnswer{
		Object: "assessment/" + a.framework + "/" + a.Node, By: a.By, At: sqlite.Millis(a.At), Round: a.round, Value: a.Value.Stored(),
		Verdict: a.Verdict.Stored(), Way: string(a.Way), Facts: a.FactsHash, Expires: a.Expires.String(),
	}
}

func loggedAnswers(ctx context.Context, tx *sqlite.Tx) (map[saidAnswer]bool, error) {
	out := map[saidAnswer]bool{}
	err := audit.Each(ctx, tx, audit.Filter{Act: "assessment.answered"}, func(r audit.Row) error {
		said := saidAnswer{}
		if err := json.Unmarshal([]byte(r.After), &said); err != nil {
			return fmt.Errorf("read after-image of row %d: %w", r.ID, err)
		}
		said.Object, said.By, said.At = r.Object, r.Actor, sqlite.Millis(r.At)
		out[said] = true
		return nil
	})
	return out, err
}

func allAnswers(ctx context.Context, tx *sqlite.Tx) ([]frozenAnswer, error) {
	rows, err := tx.QueryContext(ctx, `SELECT a.id, r.key, r.framework, r.imported, a.node, a.value, a.expires_on, a.verdict, a.facts, a.facts_hash,
		a.way, a.by_actor, a.at FROM assessment_answers a JOIN assessment_rounds r ON r.id = a.round ORDER BY a.id`)
	if err != nil {
		return nil, fmt.Errorf("list answers: %w", err)
	}
	defer rows.Close()
	var out []frozenAnswer
	for rows.Next() {
		a := frozenAnswer{Answer: &assessment.Answer{}}
		var value, said, facts string
		var at int64
		err := rows.Scan(&a.id, &a.round, &a.framework, &a.imported, &a.Node, &value, &a.Expires, &said, &facts, &a.FactsHash, &a.Way, &a.By, &at)
		if err != nil {
			return nil, fmt.Errorf("read frozen answer: %w", err)
		}
		if err := json.Unmarshal([]byte(facts), &a.Facts); err != nil {
			return nil, problem.Conflict("assessment.frozen.facts", "row", a.id, "node", a.Node).Because(err)
		}
		a.Value, a.Verdict, a.At = verdict.ReadResult(value), verdict.ReadResult(said), sqlite.FromMillis(at)
		out = append(out, a)
	}
	return out, rows.Err()
}
