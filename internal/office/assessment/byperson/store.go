package byperson

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/personal"
)

// personCounts is how often the tables name one person.
type personCounts struct{ answers, items, actions int }

func countsOf(ctx context.Context, tx *sqlite.Tx, who personal.Subject) (n personCounts, err error) {
	list, err := json.Marshal(who.Actors())
	if err != nil {
		return n, fmt.Errorf("list names of a person: %w", err)
	}
	err = tx.QueryRowContext(ctx, `WITH who AS (SELECT value FROM json_each(?))
		SELECT (SELECT count(*) FROM assessment_answers WHERE by_actor IN who), (SELECT count(*) FROM assessment_items WHERE owner IN who),
		(SELECT count(*) FROM assessment_actions WHERE owner IN who OR done_by IN who OR created_by IN who)`, string(list)).Scan(&n.answers, &n.items, &n.actions)
	if err != nil {
		return n, fmt.Errorf("count records of a person: %w", err)
	}
	return n, nil
}
