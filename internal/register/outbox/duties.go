package outbox

import (
	"context"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/due"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Duties asks the administrator to look at what could not be sent, and for a mail server while mails wait for one.
func (s *Service) Duties(ctx context.Context, tx *sqlite.Tx, _ jdate.Day) ([]due.Duty, error) {
	waiting, _, failed, err := count(ctx, tx)
	if err != nil {
		return nil, err
	}
	var out []due.Duty
	if failed > 0 {
		out = append(out, due.Duty{
			Key: "outbox.failed", Text: "outbox.duty.failed", Args: problem.Args{"n": failed}, Link: "/settings/messages/log?state=open", Needs: string(PermManage),
		})
	}
	set, err := readSettings(ctx, tx)
	if err == nil && waiting > 0 && set.Server.Host == "" {
		out = append(out, due.Duty{
			Key: "outbox.no_server", Text: "outbox.duty.no_server", Args: problem.Args{"n": waiting}, Link: "/settings/messages/server", Needs: string(PermManage),
		})
	}
	return out, err
}

// Health is how many messages wait, how many of them were tried in vain, and how many failures nobody has looked at.
func (s *Service) Health(ctx context.Context, tx *sqlite.Tx) (waiting, retried, failed int, err error) {
	return count(ctx, tx)
}
