package people

import (
	"context"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/due"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// ahead is how many days before its date a duty is shown.
const ahead = 30

// Duties asks for a staff list, the answers that are open, and a look at exclusions that end soon. The
// yearly confirmation is a duty of the subfolder roster.
func (s *Service) Duties(ctx context.Context, tx *sqlite.Tx, today jdate.Day) ([]due.Duty, error) {
	some, err := anybody(ctx, tx)
	if err != nil {
		return nil, err
	}
	if !some {
		return []due.Duty{{
			Key: "people.empty", Text: "people.duty.empty", Why: "people.duty.empty_why", Link: "/import/people", Needs: string(PermEdit),
		}}, nil
	}
	open, err := s.openAnswers(ctx, tx, today)
	if err != nil {
		return nil, err
	}
	expiring, err := s.expiring(ctx, tx, today)
	return append(open, expiring...), err
}

func (s *Service) openAnswers(ctx context.Context, tx *sqlite.Tx, today jdate.Day) ([]due.Duty, error) {
	var duties []due.Duty
	for _, ask := range []struct {
		name string
		f    Filter
	}{
		{"mail", Filter{ActiveOn: today, Mail: Unknown}},
		{"internet", Filter{ActiveOn: today, Internet: Unknown}},
	} {
		list, err := findPersons(ctx, tx, ask.f)
		if err != nil {
			return nil, err
		}
		if len(list) > 0 {
			duties = append(duties, due.Duty{
				Key: "people.unknown_" + ask.name, Text: "people.duty.unknown_" + ask.name, Args: problem.Args{"n": len(list)},
				Why: "people.duty.unknown_why", Link: "/people?" + ask.name + "=unknown", Needs: string(PermEdit),
			})
		}
	}
	return duties, nil
}

func (s *Service) expiring(ctx context.Context, tx *sqlite.Tx, today jdate.Day) ([]due.Duty, error) {
	all, err := findExclusions(ctx, tx, "")
	if err != nil {
		return nil, err
	}
	var duties []due.Duty
	for _, person := range sortedKeys(all) {
		last := all[person][len(all[person])-1]
		for _, e := range all[person] {
			if e.Until.After(last.Until) {
				last = e
			}
		}
		if last.Until.Before(today) || last.Until.After(today.Add(ahead)) {
			continue
		}
		p, err := findPerson(ctx, tx, person)
		if err != nil {
			return nil, err
		}
		if !p.ActiveOn(last.Until) {
			continue
		}
		duties = append(duties, due.Duty{
			Key: "people.exclusion/" + last.Key, Text: "people.duty.exclusion", Args: problem.Args{"name": p.Name(), "until": last.Until},
			Why: "people.duty.exclusion_why", Link: "/people/" + p.Key, On: last.Until, Needs: string(PermEdit),
		})
	}
	return duties, nil
}
