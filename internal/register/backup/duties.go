package backup

import (
	"context"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/due"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Duties asks for a recovery key, for a backup that is older than the company wants, and for a look at one that
// went wrong.
func (s *Service) Duties(ctx context.Context, tx *sqlite.Tx, today jdate.Day) ([]due.Duty, error) {
	st, err := s.Status(ctx, tx)
	if err != nil {
		return nil, err
	}
	needs := string(PermManage)
	if !st.HasKey {
		return []due.Duty{{Key: "backup.no_key", Text: "backup.duty.no_key", Why: "backup.duty.no_key_why", Link: "/backup/key", Needs: needs}}, nil
	}
	var duties []due.Duty
	days, made := st.Age(today)
	switch {
	case !made:
		duties = append(duties, due.Duty{Key: "backup.none", Text: "backup.duty.none", Why: "backup.duty.old_why", Link: "/backup", Needs: needs})
	case st.Old(today):
		duties = append(duties, due.Duty{
			Key: "backup.old", Text: "backup.duty.old", Args: problem.Args{"n": days}, Why: "backup.duty.old_why", Link: "/backup",
			On: jdate.Of(st.Last).Add(st.WarnDays), Needs: needs,
		})
	case st.Failed != nil:
		duties = append(duties, due.Duty{Key: "backup.failed", Text: "backup.duty.failed", Why: "backup.duty.failed_why", Link: "/backup", Needs: needs})
	}
	return duties, nil
}
