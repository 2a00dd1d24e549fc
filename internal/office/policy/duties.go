package policy

import (
	"context"
	"slices"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/due"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// duesAhead is how many days before its end a yearly review shows up as a duty.
const duesAhead = 45

// Duties lists drafts waiting for approval, editions that nobody was told about, and reviews that fall due.
func (s *Service) Duties(ctx context.Context, tx *sqlite.Tx, today jdate.Day) ([]due.Duty, error) {
	docs, err := findDocuments(ctx, tx, "")
	if err != nil {
		return nil, err
	}
	var out []due.Duty
	for _, d := range docs {
		out = append(out, documentDuties(d, today)...)
	}
	return out, nil
}

func documentDuties(d *Document, today jdate.Day) []due.Duty {
	if !d.RetiredOn.IsZero() {
		return nil
	}
	var out []due.Duty
	duty := func(what string, on jdate.Day, needs string) {
		out = append(out, due.Duty{
			Key: "policy." + what + "/" + d.Key, Text: "policy.duty." + what, Args: problem.Args{"title": d.Title},
			Link: "/policy/" + d.Key, On: on, Needs: needs, Whole: true,
		})
	}
	if d.Draft() != nil {
		duty("approve", 0, string(PermApprove))
	}
	current := d.InForce(today)
	if current == nil {
		return out
	}
	if told := hasNotice(d, current.Number); !told {
		duty("notify", current.EffectiveOn, string(PermEdit))
	}
	if by := d.ReviewDue(today); by.Sub(today) <= duesAhead {
		duty("review", by, string(PermEdit))
	}
	return out
}

func hasNotice(d *Document, edition int) bool {
	return slices.ContainsFunc(d.Notices, func(n Notice) bool { return n.Edition == edition })
}
