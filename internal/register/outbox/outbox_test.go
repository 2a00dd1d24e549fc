package outbox_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/job"
	"github.com/kizuki-security/kizuki/internal/platform/mail"
	"github.com/kizuki-security/kizuki/internal/platform/mail/mailtest"
	"github.com/kizuki-security/kizuki/internal/platform/notify"
	"github.com/kizuki-security/kizuki/internal/platform/secret"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/due"
	"github.com/kizuki-security/kizuki/internal/register/outbox"
	"github.com/kizuki-security/kizuki/internal/register/people/peopletest"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// chat stands for the chats: it keeps what was posted and answers with a status.
type chat struct {
	mu     sync.Mutex
	status int
	posts  []string
}

func (c *chat) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.status == 200 {
		c.posts = append(c.posts, string(body))
	}
	return &http.Response{StatusCode: c.status, Header: http.Header{}, Body: http.NoBody, Request: r}, err
}

// office is an outbox with a mail server, a chat, and people.
type office struct {
	*peopletest.Office
	queue   *job.Queue
	svc     *outbox.Service
	mail    *mailtest.Server
	chat    *chat
	texts   *i18n.Messages
	readers []outbox.Reader
	duties  map[string][]due.Duty // by account; "" is the house
	dir     string                // of the key
}

const day = "2026-11-24" // a Tuesday

func open(t *testing.T) *office {
	t.Helper()
	o := &office{Office: peopletest.Open(t, day, job.Migrations(), outbox.Migrations()), chat: &chat{status: 200}, duties: map[string][]due.Duty{}}
	o.mail = mailtest.Start(t, mail.StartTLS)
	var err error
	o.texts, err = i18n.New(web.Messages(), mail.Messages(), notify.Messages(), outbox.Messages(), account.Messages(), testTexts())
	o.Must(err)
	reader := func(key, email string, admin bool) outbox.Reader {
		return outbox.Reader{Account: key, Name: key + "さん", Email: email, Admin: admin, Who: actor.New(actor.Actor{Account: key, Via: "account"}, nil)}
	}
	o.readers = []outbox.Reader{reader("sato", "sato@kojo.example", true), reader("genba", "", false), reader("suzuki", "suzuki@kojo.example", false)}
	o.dir = t.TempDir()
	o.build(t, o.DB)
	return o
}

// build makes the service over a database: again after a restart.
func (o *office) build(t *testing.T, db *sqlite.DB) {
	t.Helper()
	box, err := secret.Open(o.dir, rand.Reader)
	o.Must(err)
	o.queue = job.New(db, job.Config{})
	o.svc = outbox.New(db, outbox.Config{
		Texts: o.texts, Queue: o.queue, Sealer: box, Rand: rand.Reader,
		Poster:  notify.New(notify.Config{HTTP: o.chat, Inside: o.chat, Now: o.Clock.Now}),
		Company: func(context.Context, *sqlite.Tx) (string, error) { return "見本製作所", nil },
		Base:    func(context.Context) string { return "http://localhost:8600" },
		Readers: func(context.Context, *sqlite.Tx) ([]outbox.Reader, error) { return o.readers, nil },
		Person: func(_ context.Context, _ *sqlite.Tx, key string) (string, string, error) {
			if key != "tanaka" {
				return "", "", problem.NotFound("outbox.not_found")
			}
			return "田中 一郎", "tanaka@kojo.example", nil
		},
		Duties: func(ctx context.Context) ([]due.Duty, jdate.Day, error) {
			return o.duties[actor.From(ctx).Account], o.Today(), nil
		},
	})
}

// admin is the context of the administrator.
func (o *office) admin() context.Context {
	return actor.With(o.T.Context(), actor.New(actor.Actor{Account: "sato", Name: "佐藤", Via: "session"}, []actor.Permission{outbox.PermManage}))
}

func (o *office) settings() (s outbox.Settings) {
	o.Read(func(ctx context.Context, tx *sqlite.Tx) (err error) { s, err = o.svc.Settings(ctx, tx); return err })
	return s
}

func (o *office) useMail() {
	o.T.Helper()
	o.Must(o.svc.SaveServer(o.admin(), o.mail.Settings, o.settings().Version))
}

func (o *office) useChat(digest bool) (key string) {
	o.T.Helper()
	key, _, err := o.svc.AddChannel(o.admin(), outbox.NewChannel{Name: "総務の部屋", Digest: digest, To: notify.Channel{Kind: notify.Slack, URL: "https://hooks.slack.com/services/T/B/hidden"}})
	o.Must(err)
	return key
}

func (o *office) send(m outbox.Message) (key string) {
	o.T.Helper()
	if m.Text == "" {
		m.Text = "outbox.test"
	}
	o.Must(o.DB.Write(o.admin(), func(tx *sqlite.Tx) (err error) { key, err = o.svc.Send(o.admin(), tx, m); return err }))
	return key
}

func (o *office) run() { o.T.Helper(); o.Must(o.queue.RunDue(o.T.Context())) }

func (o *office) entries() (out []outbox.Entry) {
	o.Read(func(ctx context.Context, tx *sqlite.Tx) (err error) {
		out, err = o.svc.List(ctx, tx, outbox.Filter{})
		return err
	})
	return out
}

func (o *office) states() (out []string) {
	for _, e := range o.entries() {
		text := fmt.Sprint(e.State, " ", e.Attempts)
		if e.Error != nil {
			text += " " + e.Error.Key
		}
		out = append(out, text)
	}
	return out
}

func (o *office) wants(what string, want ...string) {
	o.T.Helper()
	if diff := cmp.Diff(want, o.states()); diff != "" {
		o.T.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// TestSend: each kind of recipient gets the message in its words; one that nobody can reach fails and says why.
func TestSend(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.useMail()
	room := o.useChat(false)
	o.Must(o.svc.SaveWishes(actor.With(t.Context(), actor.Actor{Account: "suzuki", Via: "session"}), outbox.Wishes{Digest: true, Lang: "en"}))
	args := problem.Args{"n": 3, "on": o.Today(), "who": i18n.Text{JA: "日本", EN: "Japan"}, "what": i18n.Msg{Key: "test.inner", Args: problem.Args{"n": 1200}}}
	for _, m := range []outbox.Message{
		{Account: "sato"},
		{Account: "suzuki"},
		{Person: "tanaka"},
		{Address: "gaibu@example.com", Link: "https://kizuki.example/l/approve/x"},
		{Channel: room},
		{Account: "genba"},
		{Account: "gone"},
		{Person: "nobody"},
	} {
		m.Text, m.Args = "test.notice", args
		o.send(m)
	}
	o.run()
	o.wants("states, newest first", "failed 1 outbox.not_found", "failed 1 outbox.error.no_reader", "failed 1 outbox.error.no_address", "sent 1", "sent 1", "sent 1", "sent 1", "sent 1")
	got := map[string]string{}
	for _, m := range o.mail.Received() {
		raw := m.Parsed(t)
		body, err := io.ReadAll(decoded(raw))
		o.Must(err)
		got[m.To] = subject(t, raw) + "\n" + strings.ReplaceAll(string(body), "\r\n", "\n")
	}
	want := map[string]string{
		"sato@kojo.example":   "3件 日本\nsatoさん 様\n\n2026-11-24 までに 1,200円\n\n-- \n見本製作所 きづき（このメールには返信できません）\nhttp://localhost:8600\n",
		"suzuki@kojo.example": "3 of Japan\nDear suzukiさん,\n\nBy 2026-11-24: 1,200 yen\n\n-- \nKizuki at 見本製作所 (replies are not read)\nhttp://localhost:8600\n",
		"tanaka@kojo.example": "3件 日本\n田中 一郎 様\n\n2026-11-24 までに 1,200円\n\n-- \n見本製作所 きづき（このメールには返信できません）\nhttp://localhost:8600\n",
		"gaibu@example.com":   "3件 日本\n2026-11-24 までに 1,200円\n\nきづきで開く\nhttps://kizuki.example/l/approve/x\n\n-- \n見本製作所 きづき（このメールには返信できません）\nhttp://localhost:8600\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("mails (-want +got):\n%s", diff)
	}
	if len(o.chat.posts) != 1 || !strings.Contains(o.chat.posts[0], "3件 日本") {
		t.Errorf("posts %v", o.chat.posts)
	}
}

// TestRetry: the waits double by the clock, the page knows the next try, and after three days the message has failed
// and is shown as duty and banner, until it is sent again or put aside.
func TestRetry(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.useMail()
	o.mail.Refuse = func(string, string) error { return &smtp.SMTPError{Code: 451, Message: "later"} }
	key := o.send(outbox.Message{Account: "sato"})
	o.run()
	o.wants("after one try", "queued 1 mail.refused_later")
	if wait := o.entries()[0].Next.Sub(o.Clock.Now()); wait != time.Minute {
		t.Errorf("next try after %s", wait)
	}
	o.run()
	o.wants("before its time", "queued 1 mail.refused_later")
	for range 80 {
		o.Clock.Advance(time.Hour)
		o.run()
	}
	if s := o.states(); !strings.HasPrefix(s[0], "failed ") {
		t.Fatalf("after three days: %v", s)
	}
	if diff := cmp.Diff([]string{"outbox.failed "}, o.Duties(o.svc)); diff != "" {
		t.Errorf("duties (-want +got):\n%s", diff)
	}
	banners := func() (n int) {
		o.Read(func(_ context.Context, tx *sqlite.Tx) error {
			b, err := o.svc.Banners(o.admin(), tx)
			n = len(b)
			return err
		})
		return n
	}
	if banners() != 1 {
		t.Error("no banner")
	}
	o.Must(o.svc.PutAside(o.admin(), key))
	if banners() != 0 || o.Duties(o.svc) != nil {
		t.Error("put aside and still open")
	}
	o.mail.Refuse = nil
	o.Must(o.svc.Resend(o.admin(), key))
	o.run()
	o.wants("sent again", "sent 1")
	o.Refused(o.svc.Resend(o.admin(), key), problem.CodeConflict, "outbox.not_failed")
	o.Refused(o.svc.Resend(o.admin(), "none"), problem.CodeNotFound, "outbox.not_found")
}

// TestFinalNo: a 5xx answer is not tried again.
func TestFinalNo(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.useMail()
	o.mail.Refuse = func(string, string) error { return &smtp.SMTPError{Code: 550, Message: "no such user"} }
	o.send(outbox.Message{Account: "sato"})
	o.send(outbox.Message{Account: "suzuki"})
	o.run()
	o.wants("after one try", "failed 1 mail.refused", "failed 1 mail.refused")
	o.mail.Refuse = nil
	if n, err := o.svc.ResendAll(o.admin()); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	o.run()
	o.wants("sent again", "sent 1", "sent 1")
}

// TestNoServerYet: what waits for a mail server goes as soon as there is one.
func TestNoServerYet(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.send(outbox.Message{Account: "sato"})
	o.run()
	o.wants("without a server", "queued 1 outbox.error.no_server")
	if diff := cmp.Diff([]string{"outbox.no_server "}, o.Duties(o.svc)); diff != "" {
		t.Errorf("duties (-want +got):\n%s", diff)
	}
	o.useMail()
	o.run()
	o.wants("with a server", "sent 2")
}

// TestNothingLostWithTheAct: a message of an act that fails does not exist.
func TestNothingLostWithTheAct(t *testing.T) {
	t.Parallel()
	o := open(t)
	broken := errors.New("the act failed")
	err := o.DB.Write(o.admin(), func(tx *sqlite.Tx) error {
		_, err := o.svc.Send(o.admin(), tx, outbox.Message{Account: "sato", Text: "outbox.test"})
		return errors.Join(err, broken)
	})
	if !errors.Is(err, broken) || len(o.entries()) != 0 {
		t.Errorf("%v, %v", err, o.states())
	}
	for _, m := range []outbox.Message{{}, {Account: "a", Person: "b"}, {Account: "a", Text: "no.such"}, {Address: "x\r\n@y"}} {
		if m.Text == "" {
			m.Text = "outbox.test"
		}
		if err := o.DB.Write(o.admin(), func(tx *sqlite.Tx) error { _, err := o.svc.Send(o.admin(), tx, m); return err }); err == nil {
			t.Errorf("%+v is taken", m)
		}
	}
}

// TestToAdmins: administrators with an address get it; where none has one, the failure shows.
func TestToAdmins(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.useMail()
	mailTo := func() {
		t.Helper()
		o.Must(o.DB.Write(o.admin(), func(tx *sqlite.Tx) error {
			return o.svc.MailTo(o.admin(), tx, "操作記録の控え", "本文 {n}", &mail.Attachment{Name: "checkpoint.txt", Data: []byte("kizuki")})
		}))
		o.run()
	}
	mailTo()
	if all := o.mail.Received(); len(all) != 1 || !strings.Contains(string(all[0].Raw), "checkpoint.txt") || subject(t, all[0].Parsed(t)) != "操作記録の控え" {
		t.Errorf("received %d", len(all))
	}
	o.readers[0].Email = ""
	mailTo()
	o.wants("nobody can be reached", "failed 1 outbox.error.no_address", "sent 1")
}

// TestRetention: after the days of the settings the words are gone and the row stays.
func TestRetention(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.useMail()
	o.send(outbox.Message{Address: "gaibu@example.com", Text: "outbox.plain", Args: problem.Args{"subject": "s", "body": "b"}, File: &mail.Attachment{Name: "f", Data: []byte("f")}})
	o.run()
	for days, erased := range map[int]bool{89: false, 91: true} {
		o.Clock.SetDay(day)
		o.Clock.Advance(time.Duration(days) * 24 * time.Hour)
		o.Must(o.svc.Sweep(actor.With(t.Context(), actor.House())))
		if e := o.entries()[0]; erased && (e.Erased.IsZero() || e.Address != "" || len(e.Args) != 0 || e.File != nil || e.State != outbox.Sent) {
			t.Errorf("after %d days: %+v", days, e)
		}
	}
}
