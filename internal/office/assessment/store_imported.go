package assessment

import (
	"context"
	"fmt"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
)

// updateWithdrawn hides or shows an imported round; problem code conflict when there is no such round in the
// other state.
func updateWithdrawn(ctx context.Context, tx *sqlite.Tx, key string, withdrawn bool) error {
	at := int64(0)
	if withdrawn {
		at = sqlite.Millis(tx.Now)
	}
	res, err := tx.ExecContext(ctx, `UPDATE assessment_rounds SET withdrawn_at = ?, version = version + 1
		WHERE key = ? AND imported = 1 AND (withdrawn_at <> 0) <> ?`, at, key, withdrawn)
	if err != nil {
		return fmt.Errorf("withdraw round: %w", err)
	}
	if err := changedOne(res, "assessment.round.changed_meanwhile"); err != nil {
		return err
	}
	return touch(ctx, tx)
}

// findAnswerVersion returns one version of an answer; one with value None when there never was that version.
func findAnswerVersion(ctx context.Context, tx *sqlite.Tx, round int64, node string, version int) (*Answer, error) {
	list, err := queryAnswers(ctx, tx, `SELECT `+answerColumns+` FROM assessment_answers
		WHERE round = ? AND node = ? AND version = ?`, round, node, version)
	if err != nil || len(list) == 0 {
		return &Answer{Node: node, Value: None, Way: WayImport, FactsHash: HashFacts(nil)}, err
	}
	return list[0], nil
}
