package training

import (
	"context"
	"slices"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/due"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Days that duties of this feature look ahead or back.
const (
	yearDays   = 365
	aheadDays  = 60
	reflectFor = 120 // a reflection on a session older than this helps nobody
	reflectBy  = 30  // days after the session by which it should be written
)

// Duties lists topics whose yearly training falls due, sessions without reflection and records with gaps.
func (s *Service) Duties(ctx context.Context, tx *sqlite.Tx, today jdate.Day) ([]due.Duty, error) {
	company, err := s.org.Company(ctx, tx)
	if err != nil {
		return nil, err
	}
	start := company.FiscalStart
	if start == 0 {
		start = time.April
	}
	sessions, err := findSessions(ctx, tx, Filter{From: today.Add(-3 * yearDays)})
	if err != nil {
		return nil, err
	}
	var out []due.Duty
	for _, topic := range Common() {
		last := lastOn(sessions, topic)
		// 年1回以上 holds to the end of the fiscal year of the last session, or 365 days, whichever is later.
		by := max(last.FiscalEnd(start), last.Add(yearDays))
		if last.IsZero() {
			by = today.FiscalEnd(start)
		}
		if by.Sub(today) <= aheadDays {
			out = append(out, due.Duty{
				Key: "training.yearly/" + topic, Text: "training.duty.yearly", Args: problem.Args{"topic": i18n.Msg{Key: "training.topic." + topic}}, Link: "/training/new?topic=" + topic, On: by, Needs: string(PermEdit),
			})
		}
	}
	for _, session := range sessions {
		if today.Sub(session.On) > reflectFor {
			continue
		}
		duty := due.Duty{Args: problem.Args{"title": session.Title}, Link: "/training/" + session.Key, Needs: string(PermEdit), Whole: len(session.Departments) == 0}
		if len(session.Reflections) == 0 {
			duty.Key, duty.Text, duty.On = "training.reflect/"+session.Key, "training.duty.reflect", session.On.Add(reflectBy)
			out = append(out, duty)
		}
		if !session.Recorded() {
			duty.Key, duty.Text, duty.On = "training.complete/"+session.Key, "training.duty.complete", session.On.Add(reflectBy)
			out = append(out, duty)
		}
	}
	return out, nil
}

// lastOn gives the newest day on which a topic was taught; sessions are newest first.
func lastOn(sessions []*Session, topic string) jdate.Day {
	for _, s := range sessions {
		if slices.Contains(s.Topics, topic) {
			return s.On
		}
	}
	return 0
}
