package attach

import (
	"context"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
)

// Rule says whether the actor in ctx, whose account is limited to departments, may see a file of one kind of record:
// problem code forbidden, nil for yes.
type Rule func(ctx context.Context, tx *sqlite.Tx, a Attachment) error

// Guard sets the rule for records whose names begin so ("policy/"); the longest beginning counts. Files of records
// without a rule are for those in charge of the whole company. Call it at start only.
func (s *Store) Guard(prefix string, rule Rule) {
	if s.rules == nil {
		s.rules = map[string]Rule{}
	}
	s.rules[prefix] = rule
}

// InScope returns problem code forbidden unless the record of the file lies in the departments of the actor in ctx.
// What one attached oneself one may read again. It does not ask for a permission.
func (s *Store) InScope(ctx context.Context, tx *sqlite.Tx, a Attachment) error {
	who := actor.From(ctx)
	if who.Covers("") || a.AddedBy == who.ID() {
		return nil
	}
	best, rule := "", Rule(nil)
	for prefix, r := range s.rules {
		if strings.HasPrefix(a.Record, prefix) && len(prefix) > len(best) {
			best, rule = prefix, r
		}
	}
	if rule == nil {
		return who.RequireScope("")
	}
	return rule(ctx, tx, a)
}

// Seen is Of, without the files that do not lie in the scope of the actor in ctx.
func (s *Store) Seen(ctx context.Context, tx *sqlite.Tx, record string) ([]Attachment, error) {
	all, err := s.Of(ctx, tx, record)
	var out []Attachment
	for _, a := range all {
		if s.InScope(ctx, tx, a) == nil {
			out = append(out, a)
		}
	}
	return out, err
}
