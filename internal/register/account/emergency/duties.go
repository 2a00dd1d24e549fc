package emergency

import (
	"context"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/due"
	"github.com/kizuki-security/kizuki/internal/register/personal"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// shownBanners is how many uses stand above every page; the page of all tells of the rest.
const shownBanners = 3

// shownReason is how much of a reason stands above every page, in columns of a fixed-width screen.
const shownReason = 120

// Duties ask for the reviews that are missing (due.Source). They stand from the moment the role is taken: a list that
// is kept until something changes would miss an end by the clock.
func (s *Service) Duties(ctx context.Context, tx *sqlite.Tx, _ jdate.Day) ([]due.Duty, error) {
	open, err := s.Unreviewed(ctx, tx)
	if err != nil {
		return nil, err
	}
	var out []due.Duty
	for _, u := range open {
		name, err := s.nameOf(ctx, tx, u)
		if err != nil {
			return nil, err
		}
		out = append(out, due.Duty{
			Key: subject(u.Key), Text: "emergency.duty.review", Args: problem.Args{"name": name, "role": i18n.Msg{Key: roleKey(u.Role)}},
			Why: "emergency.duty.why", Link: "/emergency/" + u.Key, On: jdate.Of(u.Until), Needs: string(PermReview),
		})
	}
	return out, nil
}

// nameOf is the name of the account that took the role.
func (s *Service) nameOf(ctx context.Context, tx *sqlite.Tx, u Use) (string, error) {
	a, err := s.accounts.ByKey(ctx, tx, u.Account)
	return a.Name, err
}

// Banners tell everybody who is signed in of every use that nobody has reviewed yet: who, which role, until when, why.
func (s *Service) Banners(ctx context.Context, tx *sqlite.Tx) ([]web.Banner, error) {
	open, err := s.Unreviewed(ctx, tx)
	if err != nil || len(open) == 0 {
		return nil, err
	}
	now, err := clock(ctx, tx)
	if err != nil {
		return nil, err
	}
	var out []web.Banner
	for _, u := range open[:min(len(open), shownBanners)] {
		name, err := s.nameOf(ctx, tx, u)
		if err != nil {
			return nil, err
		}
		out = append(out, web.Banner{Key: "emergency.banner." + u.State(now), Link: "/emergency/" + u.Key, Args: problem.Args{
			"name": name, "role": i18n.Msg{Key: roleKey(u.Role)}, "from": u.TakenAt, "until": u.Over(), "reason": jtext.Truncate(jtext.Line(u.Reason), shownReason),
		}})
	}
	if more := len(open) - shownBanners; more > 0 {
		out = append(out, web.Banner{Key: "emergency.banner.more", Args: problem.Args{"n": more}, Link: "/emergency"})
	}
	return out, nil
}

// Held lists the roles that a person took for an emergency (personal.Source).
func (s *Service) Held(ctx context.Context, tx *sqlite.Tx, who personal.Subject) ([]personal.Item, error) {
	item := personal.Item{Key: "emergency.held", Link: "/emergency", Retained: "personal.kept.act"}
	all, err := s.List(ctx, tx)
	for _, u := range all {
		for _, key := range who.Accounts {
			if u.Account == key {
				item.Count++
				item.On = jdate.Of(u.TakenAt) // they come newest first
				item.Values = append(item.Values, personal.Value{Text: u.Reason, On: item.On})
			}
		}
	}
	return []personal.Item{item}, err
}

// Erase keeps everything: a use of power stays on record; it names the person by key only (personal.Source).
func (*Service) Erase(context.Context, *sqlite.Tx, personal.Subject) (int, error) { return 0, nil }
