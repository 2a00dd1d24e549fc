package app

import (
	"context"
	crypto "crypto/rand"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/job"
	"github.com/kizuki-security/kizuki/internal/platform/mail"
	"github.com/kizuki-security/kizuki/internal/platform/notify"
	"github.com/kizuki-security/kizuki/internal/platform/outward"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/due"
	"github.com/kizuki-security/kizuki/internal/register/outbox"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// postLimit is how long a chat or a webhook may take to answer.
const postLimit = 20 * time.Second

// openMessages makes the queue and the outbox. What they need of features travels as functions.
func (a *App) openMessages() error {
	var seed [16]byte
	if _, err := crypto.Read(seed[:]); err != nil {
		return fmt.Errorf("seed the queue: %w", err)
	}
	a.Jobs = job.New(a.DB, job.Config{
		Log:  a.cfg.Log,
		Rand: rand.New(rand.NewPCG(binary.LittleEndian.Uint64(seed[:8]), binary.LittleEndian.Uint64(seed[8:]))), //nolint:gosec // it spreads attempts, nothing more
	})
	a.Outbox = outbox.New(a.DB, outbox.Config{
		Texts: a.Texts, Queue: a.Jobs, Sealer: a.Secrets, Rand: crypto.Reader, Base: a.baseAddress,
		Poster: notify.New(notify.Config{HTTP: straight(outward.Policy{Timeout: postLimit}), Inside: straight(outward.Policy{Timeout: postLimit, AllowPrivate: true}), Now: a.cfg.Now}),
		Company: func(ctx context.Context, tx *sqlite.Tx) (string, error) {
			c, err := a.Org.Company(ctx, tx)
			return c.Name, err
		},
		Readers: a.readers,
		Person: func(ctx context.Context, tx *sqlite.Tx, key string) (name, email string, err error) {
			p, err := a.People.ByKey(ctx, tx, key)
			return p.Name(), p.Email, err
		},
		Duties: func(ctx context.Context) ([]due.Duty, jdate.Day, error) { return a.Home.Today(ctx) },
	})
	return nil
}

// straight is a guarded client that follows no redirect: a channel that moved is told to the administrator.
func straight(p outward.Policy) *http.Client {
	client := outward.Client(p)
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client
}

// readers lists the accounts that can sign in today. The address is that of the staff list, else the login.
func (a *App) readers(ctx context.Context, tx *sqlite.Tx) ([]outbox.Reader, error) {
	all, err := a.Accounts.List(ctx, tx)
	if err != nil {
		return nil, err
	}
	var out []outbox.Reader
	for _, acc := range all {
		who, err := a.Accounts.ActorOf(ctx, tx, acc.Login)
		if problem.CodeOf(err) == problem.CodeForbidden {
			continue
		}
		if err != nil {
			return nil, err
		}
		r := outbox.Reader{Account: acc.Key, Person: acc.Person, Name: acc.Name, Admin: who.May(outbox.PermManage), Who: who}
		if acc.Person != "" {
			p, err := a.People.ByKey(ctx, tx, acc.Person)
			if err != nil && problem.CodeOf(err) != problem.CodeNotFound {
				return nil, err
			}
			r.Email = p.Email
		}
		if login, err := mail.ParseAddress(acc.Login); r.Email == "" && err == nil {
			r.Email = login
		}
		out = append(out, r)
	}
	return out, nil
}

// startMessages sends what the outbox holds and makes the digests, until ctx ends; wait returns when the message
// at hand is settled.
func (a *App) startMessages(ctx context.Context) (wait func()) {
	var both sync.WaitGroup
	ctx = actor.With(ctx, actor.House())
	both.Go(func() { a.Jobs.Run(ctx) })
	both.Go(func() {
		job.Daily{Now: a.cfg.Now, At: a.Outbox.DigestAt, Do: a.Outbox.Digests}.Run(ctx, func(err error) {
			a.cfg.Log.ErrorContext(ctx, "digests could not be made", "error", err)
		})
	})
	return both.Wait
}

// accountNotice mails a notice about an account to its owner. Without a mail server it stands on the person's page
// only: a message that nobody can send would be a failure to look after at every sign-in.
func (a *App) accountNotice(ctx context.Context, tx *sqlite.Tx, key, sentence string, args problem.Args) error {
	settings, err := a.Outbox.Settings(ctx, tx)
	if err != nil || settings.Server.Host == "" {
		return err
	}
	return a.Notice(ctx, tx, key, "app.notice", problem.Args{"sentence": i18n.Msg{Key: sentence, Args: args}})
}

// mailCheckpoint mails a signed checkpoint of the audit log to where it is kept.
func (a *App) mailCheckpoint(ctx context.Context, tx *sqlite.Tx, to, subject, body string, attachment []byte) error {
	_, err := a.Outbox.Send(ctx, tx, outbox.Message{
		Address: to, Text: "outbox.plain", Args: problem.Args{"subject": subject, "body": body},
		File: &mail.Attachment{Name: "kizuki-checkpoint.txt", Type: "text/plain; charset=UTF-8", Data: attachment},
	})
	return err
}

// Notice tells the owner of an account something by mail, in the act's transaction: text names the messages
// text+".subject" and text+".body".
func (a *App) Notice(ctx context.Context, tx *sqlite.Tx, account, text string, args problem.Args) error {
	return a.Outbox.Notice(ctx, tx, account, text, args)
}

// MailTo sends a mail that is already written to the administrators, in the act's transaction; attachment may be nil.
func (a *App) MailTo(ctx context.Context, tx *sqlite.Tx, subject, body string, attachment []byte) error {
	var file *mail.Attachment
	if attachment != nil {
		file = &mail.Attachment{Name: "kizuki.txt", Type: "text/plain; charset=UTF-8", Data: attachment}
	}
	return a.Outbox.MailTo(ctx, tx, subject, body, file)
}

// checkMessages tells doctor whether everything that was to leave the house did.
func (a *App) checkMessages(ctx context.Context, tx *sqlite.Tx, add func(name string, ok bool, pairs ...any)) error {
	waiting, retried, failed, err := a.Outbox.Health(ctx, tx)
	add("messages", failed == 0, "n", failed, "waiting", waiting, "again", retried)
	return err
}
