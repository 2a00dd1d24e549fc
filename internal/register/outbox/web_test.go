package outbox_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"

	"github.com/kizuki-security/kizuki/internal/platform/mail"
	"github.com/kizuki-security/kizuki/internal/platform/notify"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/outbox"
	"github.com/kizuki-security/kizuki/internal/register/people/peopletest"
)

func (o *office) browsers(t *testing.T) []*peopletest.Browser {
	t.Helper()
	rt, _ := o.Router(mail.Messages(), notify.Messages(), outbox.Messages(), account.Messages(), testTexts())
	outbox.NewWeb(o.svc, rt.Shell()).Routes(rt)
	return peopletest.Browsers(o.admin(), t, rt)
}

// TestPages goes through every page and act in both languages; secrets never come back.
func TestPages(t *testing.T) {
	t.Parallel()
	o := open(t)
	for _, b := range o.browsers(t) {
		b.Get("/settings/messages", 200)
		s := o.mail.Settings
		first := strings.TrimSpace(version(t, b.Get("/settings/messages/server", 200)))
		form := url.Values{
			"version": {first}, "host": {s.Host}, "port": {itoa(s.Port)}, "security": {"starttls"}, "user": {s.User}, "password": {"Geheim-77"},
			"from": {s.From}, "from_name": {s.FromName}, "ca": {s.CA},
		}
		b.Post("/settings/messages/server", url.Values{"version": {first}, "host": {"mail server"}}, 422)
		if to := b.Post("/settings/messages/server", form, 303); to != "/settings/messages" {
			t.Errorf("led to %s", to)
		}
		if page := b.Post("/settings/messages/server/test", nil, 503); !strings.Contains(page, "127.0.0.1") || strings.Contains(page, "Geheim-77") {
			t.Error("a wrong password is not told, or the page shows it")
		}
		b.Post("/settings/messages/server", form, 409) // of another version
		form.Set("version", version(t, b.Get("/settings/messages/server", 200)))
		form.Set("password", s.Password)
		b.Post("/settings/messages/server", form, 303)
		b.Post("/settings/messages/server/test", nil, 303)
		// The password stays with the server it was entered for.
		form.Set("version", version(t, b.Get("/settings/messages/server", 200)))
		form.Set("password", "")
		b.Post("/settings/messages/server", form, 303)
		form.Set("version", version(t, b.Get("/settings/messages/server", 200)))
		form.Set("host", "elsewhere.example")
		b.Post("/settings/messages/server", form, 422)

		times := url.Values{"version": {version(t, b.Get("/settings/messages", 200))}, "digest_at": {"7:30"}, "keep_days": {"30"}}
		b.Post("/settings/messages", times, 303)
		times.Set("version", version(t, b.Get("/settings/messages", 200)))
		times.Set("digest_at", "25:00")
		b.Post("/settings/messages", times, 422)
		o.channelPages(t, b)
		o.logPages(t, b)
		b.Get("/me/messages", 200)
		b.Post("/me/messages", url.Values{"lang": {"en"}}, 303)
		b.Post("/me/messages", url.Values{"lang": {"fr"}}, 422)
	}
	if s := o.settings(); s.DigestAt != 7*60+30 || s.Weekdays || s.KeepDays != 30 {
		t.Errorf("settings %+v", s)
	}
}

func (o *office) channelPages(t *testing.T, b *peopletest.Browser) {
	t.Helper()
	b.Get("/settings/messages/channels/new", 200)
	for _, k := range notify.Kinds() {
		b.Get("/settings/messages/channels/new?kind="+string(k), 200)
		b.Post("/settings/messages/channels/new", url.Values{"kind": {string(k)}}, 422)
	}
	page := b.Post("/settings/messages/channels/new", url.Values{"kind": {"webhook"}, "name": {"外"}, "url": {"https://hook.example/hidden-part"}}, 200)
	_, after, _ := strings.Cut(page, `href="/settings/messages/channels/`)
	key, _, _ := strings.Cut(after, `"`)
	if !strings.Contains(page, "whsec_") || len(key) != 26 {
		t.Fatalf("no secret, or key %q", key)
	}
	at := "/settings/messages/channels/" + key
	o.chat.status = 200
	b.Post(at+"/test", nil, 303)
	o.chat.status = 404
	b.Post(at+"/test", nil, 415)
	o.chat.status = 200
	shown := b.Get(at, 200)
	for _, hidden := range []string{"hidden-part", "whsec_"} {
		if strings.Contains(shown, hidden) {
			t.Errorf("the page shows %s", hidden)
		}
	}
	if !strings.Contains(b.Post(at+"/secret", nil, 200), "whsec_") {
		t.Error("no new secret")
	}
	b.Post(at, url.Values{"version": {version(t, b.Get(at, 200))}, "name": {"新しい名前"}, "digest": {"yes"}}, 303) // the address stays
	b.Post(at+"/test", nil, 303)
	b.Post(at, url.Values{"version": {"1"}, "name": {"x"}}, 409)
	b.Post(at+"/close", nil, 303)
	b.Get("/settings/messages", 200)
	b.Post(at+"/open", nil, 303)
	b.Get("/settings/messages/channels/none", 404)
}

func (o *office) logPages(t *testing.T, b *peopletest.Browser) {
	t.Helper()
	o.mail.Refuse = func(string, string) error { return &smtp.SMTPError{Code: 550, Message: "no <b>such</b> user"} }
	key := o.send(outbox.Message{Person: "tanaka"})
	o.send(outbox.Message{Account: "sato"})
	o.run()
	page := b.Get("/settings/messages/log?state=open", 200)
	if !strings.Contains(page, "田中 一郎") || !strings.Contains(page, "no &lt;b&gt;such&lt;/b&gt; user") {
		t.Errorf("the failure is not shown: %.2000s", page)
	}
	for _, format := range []string{"xlsx", "csv", "cp932", "json"} {
		b.Get("/settings/messages/log/export?format="+format, 200)
	}
	b.Post("/settings/messages/log/"+key+"/aside", nil, 303)
	o.mail.Refuse = nil
	b.Post("/settings/messages/log/"+key+"/resend", nil, 303)
	b.Post("/settings/messages/log/resend", nil, 303)
	o.run()
	for _, state := range []string{"", "?state=sent", "?state=failed", "?state=queued", "?state=no"} {
		b.Get("/settings/messages/log"+state, 200)
	}
	b.Post("/settings/messages/log/"+key+"/resend", nil, 409)
}
