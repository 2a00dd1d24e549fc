package outbox

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/job"
	"github.com/kizuki-security/kizuki/internal/platform/mail"
	"github.com/kizuki-security/kizuki/internal/platform/notify"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// delivery is all that one attempt needs, read before the network is touched.
type delivery struct {
	entry   Entry
	lang    string
	to      mail.Address   // of a mail
	server  mail.Server    // of a mail
	channel notify.Channel // of a post
	company string
}

// deliver makes one attempt. Everything is read first; no transaction is open while the network answers.
func (s *Service) deliver(ctx context.Context, j job.Job) error {
	var p payload
	if err := json.Unmarshal(j.Payload, &p); err != nil {
		return job.Permanent(fmt.Errorf("read job: %w", err))
	}
	var d delivery
	err := s.db.Read(ctx, func(tx *sqlite.Tx) (err error) {
		d, err = s.prepare(ctx, tx, p.Message)
		return err
	})
	if err == nil && d.entry.State == Queued { // else it went out, and the process ended before the job knew
		err = s.attempt(ctx, d)
	}
	switch problem.CodeOf(err) {
	case "", problem.CodeInternal:
		return err
	case problem.CodeUnavailable:
		return job.Later(err, notify.Wait(err))
	default:
		return job.Permanent(err)
	}
}

func (s *Service) attempt(ctx context.Context, d delivery) error {
	text := s.render(ctx, d)
	if d.entry.Channel != "" {
		return s.cfg.Poster.Post(ctx, d.channel, text.post(d.entry.Key))
	}
	m := text.mail()
	m.ID, m.Date, m.To = d.entry.Key, s.db.Now(), d.to
	if d.entry.File != nil {
		m.Attachments = []mail.Attachment{*d.entry.File}
	}
	return d.server.Send(ctx, m)
}

// prepare finds out where the message goes now: addresses change while it waits.
func (s *Service) prepare(ctx context.Context, tx *sqlite.Tx, key string) (d delivery, err error) {
	if d.entry, err = messageByKey(ctx, tx, key); err != nil || d.entry.State != Queued {
		return d, err
	}
	d.lang = i18n.Locales[0]
	if d.company, err = s.cfg.Company(ctx, tx); err != nil {
		return d, err
	}
	if d.entry.Channel != "" {
		c, err := channelByKey(ctx, tx, d.entry.Channel)
		if err != nil {
			return d, err
		}
		if !c.Disabled.IsZero() {
			return d, problem.Unsupported("outbox.error.channel_closed")
		}
		d.channel, err = s.open(c)
		return d, err
	}
	if err := s.address(ctx, tx, &d); err != nil {
		return d, err
	}
	set, err := readSettings(ctx, tx)
	if err != nil {
		return d, err
	}
	d.server, err = s.server(set)
	return d, err
}

func (s *Service) address(ctx context.Context, tx *sqlite.Tx, d *delivery) error {
	switch e := d.entry; {
	case e.Address != "":
		d.to.Addr = e.Address
	case e.Person != "":
		name, email, err := s.cfg.Person(ctx, tx, e.Person)
		if err != nil {
			return err
		}
		d.to = mail.Address{Name: name, Addr: email}
	default:
		r, err := s.reader(ctx, tx, e.Account)
		if err != nil {
			return err
		}
		d.to = mail.Address{Name: r.Name, Addr: r.Email}
		w, err := s.Wishes(ctx, tx, e.Account)
		if err != nil {
			return err
		}
		d.lang = w.Lang
	}
	if d.to.Addr == "" {
		return problem.Unsupported("outbox.error.no_address")
	}
	return nil
}

func (s *Service) reader(ctx context.Context, tx *sqlite.Tx, account string) (Reader, error) {
	all, err := s.cfg.Readers(ctx, tx)
	if err != nil {
		return Reader{}, err
	}
	for _, r := range all {
		if r.Account == account {
			return r, nil
		}
	}
	return Reader{}, problem.Unsupported("outbox.error.no_reader")
}

// ended notes the outcome, in the transaction that ends the attempt of the job.
func (s *Service) ended(ctx context.Context, tx *sqlite.Tx, j job.Job, o job.Outcome) error {
	var p payload
	if err := json.Unmarshal(j.Payload, &p); err != nil {
		return fmt.Errorf("read job: %w", err)
	}
	found, err := findMessages(ctx, tx, Filter{Key: p.Message})
	if err != nil || len(found) == 0 || found[0].State != Queued {
		return err
	}
	e := found[0]
	state := map[job.State]State{job.Done: Sent, job.Failed: Failed}[o.State]
	if state == "" {
		state = Queued
	}
	failure := sentence(o.Err)
	if err := putOutcome(ctx, tx, e.Key, state, j.Attempts, failure, o.Next); err != nil {
		return err
	}
	if e.Channel == "" {
		return nil
	}
	return noteChannel(ctx, tx, e.Channel, failure)
}

// sentence is what people read of an error, nil for none.
func sentence(err error) *i18n.Msg {
	if err == nil {
		return nil
	}
	if all := problem.All(err); len(all) > 0 {
		return &i18n.Msg{Key: all[0].Key, Args: all[0].Args}
	}
	return &i18n.Msg{Key: "outbox.error.internal"}
}

// TestMail sends a mail to the actor's own address, at once, and says what went wrong.
func (s *Service) TestMail(ctx context.Context) (address string, err error) {
	who := actor.From(ctx)
	if err := who.Require(PermManage); err != nil {
		return "", err
	}
	d := delivery{entry: Entry{Message: Message{Account: who.Account, Text: "outbox.test"}}}
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error {
		d.entry.Key = tx.NewKey()
		if err := s.address(ctx, tx, &d); err != nil {
			return err
		}
		set, err := readSettings(ctx, tx)
		if err != nil {
			return err
		}
		if d.server, err = s.server(set); err != nil {
			return err
		}
		if d.company, err = s.cfg.Company(ctx, tx); err != nil {
			return err
		}
		return audit.Record(ctx, tx, "outbox.mail_tested", "outbox/settings", nil)
	})
	if err != nil {
		return "", err
	}
	return d.to.Addr, s.attempt(ctx, d)
}

// TestChannel posts to a channel at once, disabled or not, and says what went wrong.
func (s *Service) TestChannel(ctx context.Context, key string) error {
	who := actor.From(ctx)
	if err := who.Require(PermManage); err != nil {
		return err
	}
	d := delivery{lang: i18n.Locales[0], entry: Entry{Message: Message{Channel: key, Text: "outbox.test"}}}
	err := s.db.Write(ctx, func(tx *sqlite.Tx) error {
		d.entry.Key = tx.NewKey()
		c, err := channelByKey(ctx, tx, key)
		if err != nil {
			return err
		}
		if d.channel, err = s.open(c); err != nil {
			return err
		}
		if d.company, err = s.cfg.Company(ctx, tx); err != nil {
			return err
		}
		return audit.Record(ctx, tx, "outbox.channel_tested", "outbox/channel/"+key, nil)
	})
	if err != nil {
		return err
	}
	failed := s.attempt(ctx, d)
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error { return noteChannel(ctx, tx, key, sentence(failed)) })
	if failed != nil {
		return failed
	}
	return err
}

// rendered is a message in one language.
type rendered struct {
	subject, greeting string
	body, lines       []string
	links             []string // of the lines, beside them
	link, open        string
	footer            []string
	more              string
}

func (s *Service) render(ctx context.Context, d delivery) rendered {
	base := s.cfg.Base(ctx)
	t := func(key string, args problem.Args) string { return s.cfg.Texts.T(d.lang, key, args) }
	at := func(link string) string {
		if strings.HasPrefix(link, "/") {
			return base + link
		}
		return link
	}
	e := d.entry
	r := rendered{
		subject: t(e.Text+".subject", e.Args), body: strings.Split(t(e.Text+".body", e.Args), "\n"), link: at(e.Link), open: t("outbox.open", nil),
		footer: []string{t("outbox.footer", problem.Args{"company": d.company}), base}, more: t("outbox.more", nil),
	}
	if d.to.Name != "" {
		r.greeting = t("outbox.greeting", problem.Args{"name": d.to.Name})
	}
	for _, l := range e.Line {
		text := t(l.Text, l.Args)
		if l.When != "" {
			text = t(l.When, problem.Args{"text": text, "n": l.Days, "on": l.On})
		}
		r.lines, r.links = append(r.lines, text), append(r.links, at(l.Link))
	}
	if e.Text == digestText && e.Account != "" {
		r.footer = append([]string{t("outbox.footer_digest", problem.Args{"link": base + "/me/messages"})}, r.footer...)
	}
	return r
}

func (r rendered) mail() mail.Message {
	var b strings.Builder
	para := func(lines ...string) {
		if text := strings.Trim(strings.Join(lines, "\n"), "\n"); text != "" {
			b.WriteString(text + "\n\n")
		}
	}
	para(r.greeting)
	para(r.body...)
	var list []string
	for i, l := range r.lines {
		list = append(list, "・"+l)
		if r.links[i] != "" {
			list = append(list, "  "+r.links[i])
		}
	}
	para(list...)
	if r.link != "" {
		para(r.open, r.link)
	}
	b.WriteString("-- \n" + strings.Join(r.footer, "\n") + "\n")
	return mail.Message{Subject: r.subject, Text: b.String()}
}

func (r rendered) post(key string) notify.Message {
	m := notify.Message{ID: key, Title: r.subject, Lines: append([]string(nil), r.body...), Link: r.link, LinkText: r.open, More: r.more}
	for _, l := range r.lines {
		m.Lines = append(m.Lines, "・"+l)
	}
	return m
}
