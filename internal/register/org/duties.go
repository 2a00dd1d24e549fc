package org

import (
	"context"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/due"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Duties asks for an owner of each department that has none, or whose owner leaves within 30 days.
func (s *Service) Duties(ctx context.Context, tx *sqlite.Tx, today jdate.Day) ([]due.Duty, error) {
	departments, err := s.Departments(ctx, tx)
	if err != nil {
		return nil, err
	}
	const ahead = 30 // days
	var duties []due.Duty
	without, first := 0, ""
	for _, d := range departments {
		switch {
		case !d.Owned(today):
			if without == 0 {
				first = d.Name
			}
			without++
		case !d.Owned(today.Add(ahead)):
			duties = append(duties, due.Duty{
				Key: "org.owner_leaves/" + d.Key, Text: "org.duty.owner_leaves", Args: problem.Args{"department": d.Name, "until": d.OwnerUntil},
				Why: "org.duty.owner_leaves_why", Link: "/org/departments/" + d.Key, On: d.OwnerUntil, Needs: string(PermEdit),
			})
		}
	}
	if without > 0 {
		duties = append(duties, due.Duty{
			Key: "org.no_owner", Text: "org.duty.no_owner", Args: problem.Args{"n": without, "first": first},
			Why: "org.duty.no_owner_why", Link: "/org?show=no_owner", Needs: string(PermEdit),
		})
	}
	return duties, nil
}
