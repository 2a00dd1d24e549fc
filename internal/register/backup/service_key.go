package backup

import (
	"context"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/archive"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// pendingKey is a recovery key between showing and confirming. It lives in memory only.
type pendingKey struct {
	secret, public string
	account        string // who may see it
	until          time.Time
}

// pendingLife is how long there is to print and confirm a new key.
const pendingLife = 30 * time.Minute

// typedLetters is how many of the last letters a person types to show that the paper is there.
const typedLetters = 8

// markLetters is how many letters of the public part tell papers apart.
const markLetters = 6

// Mark is what tells recovery keys apart: the last letters of the public part, in capitals, as on the paper.
func Mark(public string) string {
	return strings.ToUpper(public[max(0, len(public)-markLetters):])
}

// NewKey makes a recovery key that only the actor sees, for half an hour, until it is confirmed.
func (s *Service) NewKey(ctx context.Context) error {
	who := actor.From(ctx)
	if err := who.Require(PermManage); err != nil {
		return err
	}
	secret, public, err := archive.NewKey()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = &pendingKey{secret: secret, public: public, account: who.ID(), until: s.db.Now().Add(pendingLife)}
	return nil
}

// ShownKey returns the new key that the actor has not confirmed yet: secret, the mark on its paper, and until when.
func (s *Service) ShownKey(ctx context.Context) (secret, mark string, until time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending != nil && !s.db.Now().Before(s.pending.until) {
		s.pending = nil
	}
	if s.pending == nil || s.pending.account != actor.From(ctx).ID() {
		return "", "", time.Time{}, false
	}
	return s.pending.secret, Mark(s.pending.public), s.pending.until, true
}

// ConfirmKey takes a shown key into use: typed are the last letters on the paper. From then on the secret is
// nowhere but there. Problem codes: conflict (backup.key_gone), invalid.
func (s *Service) ConfirmKey(ctx context.Context, typed string) error {
	who := actor.From(ctx)
	if err := who.Require(PermManage); err != nil {
		return err
	}
	secret, mark, _, ok := s.ShownKey(ctx)
	if !ok {
		return problem.Conflict("backup.key_gone")
	}
	typed = strings.ToUpper(strings.Join(strings.Fields(jtext.Line(typed)), ""))
	if typed != secret[len(secret)-typedLetters:] {
		return problem.Invalid("typed", "backup.key_typed_wrong", "n", typedLetters)
	}
	public := s.takePending(secret)
	if public == "" {
		return problem.Conflict("backup.key_gone")
	}
	return s.AddKey(ctx, public, mark)
}

// takePending forgets the secret and returns its public part; "" when somebody was faster.
func (s *Service) takePending(secret string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending == nil || s.pending.secret != secret {
		return ""
	}
	public := s.pending.public
	s.pending = nil
	return public
}

// AddKey takes the public part of a key into use; earlier keys are retired, and still open earlier backups.
func (s *Service) AddKey(ctx context.Context, public, mark string) error {
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		if err := putKey(ctx, tx, public, mark, actor.From(ctx).ID()); err != nil {
			return err
		}
		return audit.Record(ctx, tx, "backup.key_added", "backup/key", audit.Image{"public": public})
	})
}

// Keys lists the recovery keys, newest first.
func (s *Service) Keys(ctx context.Context, tx *sqlite.Tx) ([]Key, error) { return findKeys(ctx, tx) }
