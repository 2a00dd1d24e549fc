package dossier

import (
	"context"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/due"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Duties asks to erase the people whose retention is over (due.Source).
func (s *Service) Duties(ctx context.Context, tx *sqlite.Tx, today jdate.Day) ([]due.Duty, error) {
	days, err := s.days(ctx, tx)
	if err != nil {
		return nil, err
	}
	list, err := s.leftBefore(ctx, tx, today.Add(-days), nil)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	_, first := stateOf(list[0], today, days)
	return []due.Duty{{
		Key: "people.retention", Text: "personal.duty", Args: problem.Args{"n": len(list)}, Why: "personal.duty_why",
		Link: "/people/retention", On: first, Needs: string(people.PermErase),
	}}, nil
}
