package training

import (
	"context"
	"slices"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/fact"
)

var kinds = []string{"training.session", "training.completed", "training.recorded", "training.reflection"}

// Kinds lists what this feature gives; catalog/kinds.yaml says what each means.
func (s *Service) Kinds() []string { return slices.Clone(kinds) }

// EachRecord derives all facts from the records again.
func (s *Service) EachRecord(ctx context.Context, tx *sqlite.Tx, yield func(string, []fact.Fact) error) error {
	sessions, err := findSessions(ctx, tx, Filter{})
	if err != nil {
		return err
	}
	for _, session := range sessions {
		if err := yield(record(session.Key), sessionFacts(session)); err != nil {
			return err
		}
	}
	return nil
}

// sessionFacts gives one row per topic: a session on two topics is two sessions to the rules.
func sessionFacts(s *Session) []fact.Fact {
	var out []fact.Fact
	for _, topic := range s.Topics {
		base := fact.Fact{Record: record(s.Key), Member: "session/" + s.Key, On: s.On, Link: "/training/" + s.Key}
		held := base
		held.Kind, held.Attrs = "training.session", map[string]string{"topic": topic, "method": s.Method}
		out = append(out, held)
		if s.Recorded() {
			complete := base
			complete.Kind, complete.Attrs = "training.recorded", map[string]string{"topic": topic}
			out = append(out, complete)
		}
		for _, r := range s.Reflections {
			reflection := base
			reflection.Kind, reflection.On, reflection.Attrs = "training.reflection", r.On, map[string]string{"topic": topic}
			out = append(out, reflection)
		}
		for _, a := range s.Attendance {
			done := base
			done.Kind, done.Member, done.On = "training.completed", "person/"+a.Person, a.On
			done.Attrs = map[string]string{"topic": topic, "class": a.Class}
			out = append(out, done)
		}
	}
	return out
}
