package browser

import (
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/platform/mail"
	"github.com/kizuki-security/kizuki/internal/platform/mail/mailtest"
)

// TestMessagesOut sets the mail server up on a phone without JavaScript, sends a test mail to it, adds a chat
// and sees why its test post did not arrive.
func TestMessagesOut(t *testing.T) {
	t.Parallel()
	_, address := sampleOffice(t)
	post := mailtest.Start(t, mail.StartTLS)
	b := newTab(t, address, phone)
	b.withoutScripts()
	b.signIn(app.DemoLogin, app.DemoPassword)

	b.open("/settings/messages")
	b.reads("h1", "通知")
	b.shoot("messages-empty")
	b.click("main a.first")
	b.reads("h1", "メールサーバー")
	b.fill("host", "127.0.0.1")
	b.fill("port", strconv.Itoa(post.Settings.Port))
	b.fill("user", mailtest.User)
	b.fill("password", mailtest.Password)
	b.fill("from", "kizuki@kojo.example")
	b.fill("from_name", "きづき")
	b.shoot("messages-server")
	b.click("main form button.first")
	b.reads(".flash", "メールサーバーを保存しました")

	// The certificate of the server is its own: the page says so and gives the fingerprint to compare.
	if got := b.click(`form[action$="/server/test"] button`); got != 503 {
		t.Errorf("status %d", got)
	}
	b.reads(".problems", mail.Fingerprint(post.Cert.Leaf))
	b.shoot("messages-certificate")
	b.open("/settings/messages/server")
	b.do("open the certificates", chromedp.Click(chromedp.CSS("main details > summary")))
	b.fill("fingerprint", mail.Fingerprint(post.Cert.Leaf))
	b.click("main form button.first")
	b.click(`form[action$="/server/test"] button`)
	b.reads(".flash", "テストメールを送りました")
	if all := post.Received(); len(all) != 1 || all[0].User != mailtest.User {
		t.Errorf("%d mails arrived", len(all))
	}

	b.open("/settings/messages/channels/new")
	b.reads("main", "LINE WORKS")
	b.shoot("messages-kinds")
	b.click(`a[href$="kind=webhook"]`)
	b.fill("name", "社内の監視")
	b.fill("url", "https://127.0.0.1/hook")
	b.click("main form button.first")
	b.reads("h1", "署名の鍵")
	if secret := b.text("main code"); !strings.HasPrefix(secret, "whsec_") {
		t.Errorf("secret %q", secret)
	}
	b.shoot("messages-secret")
	b.click("main a.first")
	if got := b.click(`form[action$="/test"] button`); got < 400 {
		t.Errorf("a post to this machine itself: status %d", got)
	}
	b.reads(".problems", "127.0.0.1")
	b.shoot("messages-channel")
	b.open("/settings/messages/channels/new?lang=en&kind=webhook")
	b.fill("name", "monitoring")
	b.fill("url", "https://127.0.0.1/another")
	b.click("main form button.first")
	b.reads("h1", "Signing secret")
	b.fits()
	for _, lang := range []string{"?lang=en", "?lang=ja"} {
		b.open("/settings/messages/channels/new" + lang + "&kind=lineworks")
		b.shoot("messages-lineworks" + lang[6:])
		b.open("/settings/messages" + lang)
		b.shoot("messages-overview" + lang[6:])
		b.open("/settings/messages/log" + lang)
		b.shoot("messages-log" + lang[6:])
		b.open("/me/messages" + lang)
		b.shoot("messages-wishes" + lang[6:])
	}
	for _, complaint := range b.complaints() {
		if !strings.Contains(complaint, "503") && !strings.Contains(complaint, "415") { // the pages that say what went wrong
			t.Errorf("the browser complained: %s", complaint)
		}
	}
}
