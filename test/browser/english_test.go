package browser

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestSetUpInEnglish goes through the set-up, the second step and the ends of a few ways on a phone, in English.
func TestSetUpInEnglish(t *testing.T) {
	t.Parallel()
	const password = "momiji-no-kouen-2026"
	a, address, link := emptyOffice(t)
	b := newTab(t, address, phone)
	b.open(link)
	b.click(`header a[hreflang="en"]`)
	b.reads("h1", "About your company")
	b.fits()
	for name, value := range map[string]string{
		"name": "Midori Precision", "industry": "auto_parts", "size": "51-100", "fiscal_start": "4", "recipient": "Aoba Motors", "due": "2027-02-26",
		"important": "no", "leads": "no", "asked": "none",
	} {
		b.fill(name, value)
	}
	b.click("main button.first")
	b.reads("h1", "The target and the first person")
	b.fits()
	for name, value := range map[string]string{
		"family_name": "Sato", "given_name": "Hana", "login": "sato@midori.example", "password": password, "again": password, "target_level": "1",
	} {
		b.fill(name, value)
	}
	b.click("main button.first")
	b.click(`main a[href="/me/factors/app/new"]`)
	b.fits()
	b.fill("current", password)
	b.click("main button.first")
	b.fits()
	b.fill("code", shownCode(b, a.Config().Now))
	b.click("main button.first")
	b.reads("h1", "Recovery codes")
	b.fits()
	codes := strings.Fields(b.text("ol.codes"))
	for path, want := range map[string]string{
		"/sheet/jama-japia@2.3/export": "Write the check sheet", "/sheet/jama-japia@2.3/ask?end=1": "JAMA/JAPIA",
	} {
		b.open(path)
		b.reads("main", want)
		b.fits()
	}
	b.open("/me")
	b.click(`form[action="/logout"] button`)
	b.fill("login", "sato@midori.example")
	b.fill("password", password)
	b.click("main button.first")
	b.reads("h1", "Second step")
	b.fits()
	b.shoot("english-second-phone")
	b.fill("code", codes[0])
	b.click("main button.first")
	b.reads("main", "recovery code")
	for _, complaint := range b.complaints() {
		t.Errorf("the browser complained: %s", complaint)
	}
}

// TestPasskeyThatDoesNotOpen sends what no authenticator ever signed: the page says how to go on.
func TestPasskeyThatDoesNotOpen(t *testing.T) {
	t.Parallel()
	_, address := sampleOffice(t)
	b := newTab(t, strings.Replace(address, "127.0.0.1", "localhost", 1), phone)
	for _, want := range [][2]string{{"ja", "パスキー"}, {"en", "Sign-in did not work"}} {
		b.open("/login?lang=" + want[0])
		if got := b.leave("send a made-up answer", chromedp.Evaluate[chromedp.Void](`(() => {
			const form = document.querySelector('form[data-passkey="get"]');
			const field = Object.assign(document.createElement("input"), { type: "hidden", name: "answer", value: "{}" });
			form.append(field);
			HTMLFormElement.prototype.submit.call(form);
		})()`)); got < 400 {
			t.Errorf("a made-up answer gives status %d", got)
		}
		b.reads("main", want[1])
		b.fits()
		b.shoot("passkey-failed-" + want[0])
	}
}

// fits wants the page not to be wider than the window.
func (b *tab) fits() {
	b.t.Helper()
	if by := eval[int](b, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); by > 0 {
		b.t.Errorf("%s is %d px wider than the window", b.at(), by)
	}
}
