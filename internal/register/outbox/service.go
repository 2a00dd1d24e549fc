package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/job"
	"github.com/kizuki-security/kizuki/internal/platform/mail"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// payload is the job of one message.
type payload struct {
	Message string `json:"message"`
}

// Send queues a message in the transaction of the act that wants it and returns its key. It checks no
// permission: the act did. Where to and in which language is decided when it is sent.
func (s *Service) Send(ctx context.Context, tx *sqlite.Tx, m Message) (key string, err error) {
	targets := 0
	for _, t := range []string{m.Account, m.Person, m.Address, m.Channel} {
		if t != "" {
			targets++
		}
	}
	if targets != 1 || !s.cfg.Texts.Has(m.Text+".subject") || !s.cfg.Texts.Has(m.Text+".body") {
		return "", fmt.Errorf("message %s names %d recipients, or a text that no file holds", m.Text, targets)
	}
	if m.Address != "" {
		if m.Address, err = mail.ParseAddress(m.Address); err != nil {
			return "", err
		}
	}
	key = tx.NewKey()
	if err := insertMessage(ctx, tx, key, actor.From(ctx).ID(), m); err != nil {
		return "", err
	}
	_, err = s.cfg.Queue.Put(ctx, tx, kind, payload{key})
	return key, err
}

// Notice tells the owner of an account something: text names the messages text+".subject" and text+".body".
func (s *Service) Notice(ctx context.Context, tx *sqlite.Tx, account, text string, args problem.Args) error {
	_, err := s.Send(ctx, tx, Message{Account: account, Text: text, Args: args})
	return err
}

// ToAdmins sends a message to every administrator who can be reached. When none can, one message is queued all
// the same: it fails, and the failure is shown.
func (s *Service) ToAdmins(ctx context.Context, tx *sqlite.Tx, m Message) error {
	readers, err := s.cfg.Readers(ctx, tx)
	if err != nil {
		return err
	}
	var reached, admins []string
	for _, r := range readers {
		if r.Admin {
			admins = append(admins, r.Account)
			if r.Email != "" {
				reached = append(reached, r.Account)
			}
		}
	}
	if len(reached) == 0 {
		reached = admins[:min(1, len(admins))]
	}
	for _, key := range reached {
		m.Account = key
		if _, err := s.Send(ctx, tx, m); err != nil {
			return err
		}
	}
	return nil
}

// MailTo sends a mail whose text another part of the program has made, with a file, to the administrators:
// anchors of the audit log, warnings of the backup. file may be nil.
func (s *Service) MailTo(ctx context.Context, tx *sqlite.Tx, subject, body string, file *mail.Attachment) error {
	return s.ToAdmins(ctx, tx, Message{Text: "outbox.plain", Args: problem.Args{"subject": subject, "body": body}, File: file})
}

// List returns messages, newest first.
func (s *Service) List(ctx context.Context, tx *sqlite.Tx, f Filter) ([]Entry, error) {
	return findMessages(ctx, tx, f)
}

// Resend queues a failed message again, with all its attempts. Problem codes: forbidden, not_found, conflict
// for one that has not failed or whose text was erased.
func (s *Service) Resend(ctx context.Context, key string) error {
	return s.onFailure(ctx, key, "outbox.resent", func(tx *sqlite.Tx, e Entry) error {
		if !e.Erased.IsZero() {
			return problem.Conflict("outbox.erased")
		}
		return s.again(ctx, tx, e)
	})
}

func (s *Service) again(ctx context.Context, tx *sqlite.Tx, e Entry) error {
	if err := putOutcome(ctx, tx, e.Key, Queued, 0, nil, tx.Now); err != nil {
		return err
	}
	_, err := s.cfg.Queue.Put(ctx, tx, kind, payload{e.Key})
	return err
}

// ResendAll queues every failure again that nobody has put aside, and returns how many.
func (s *Service) ResendAll(ctx context.Context) (n int, err error) {
	if err := actor.From(ctx).Require(PermManage); err != nil {
		return 0, err
	}
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error {
		open, err := findMessages(ctx, tx, Filter{Open: true})
		if err != nil {
			return err
		}
		for _, e := range open {
			if !e.Erased.IsZero() {
				continue
			}
			n++
			if err := errors.Join(s.again(ctx, tx, e), audit.Record(ctx, tx, "outbox.resent", "outbox/"+e.Key, nil)); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

// PutAside takes a failure off the list of what is open: somebody has looked at it. Problem codes as Resend.
func (s *Service) PutAside(ctx context.Context, key string) error {
	return s.onFailure(ctx, key, "outbox.put_aside", func(tx *sqlite.Tx, e Entry) error { return markSeen(ctx, tx, e.Key) })
}

func (s *Service) onFailure(ctx context.Context, key, act string, fn func(*sqlite.Tx, Entry) error) error {
	if err := actor.From(ctx).Require(PermManage); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		e, err := messageByKey(ctx, tx, key)
		if err != nil {
			return err
		}
		if e.State != Failed {
			return problem.Conflict("outbox.not_failed")
		}
		if err := fn(tx, e); err != nil {
			return err
		}
		return audit.Record(ctx, tx, act, "outbox/"+key, nil)
	})
}

// Sweep erases the text of what ended longer ago than the settings allow, and forgets jobs that are done.
func (s *Service) Sweep(ctx context.Context) error {
	const jobDays = 30
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		set, err := readSettings(ctx, tx)
		if err != nil {
			return err
		}
		before := tx.Now.Add(-time.Duration(set.KeepDays) * 24 * time.Hour)
		return errors.Join(erase(ctx, tx, before), sweepDigests(ctx, tx, before), job.Sweep(ctx, tx, tx.Now.Add(-jobDays*24*time.Hour)))
	})
}
