package browser

import (
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/internal/app"
)

// TestAuditLog reads the log as an administrator does, keeps a checkpoint on paper, and looks at the pages on a phone.
func TestAuditLog(t *testing.T) {
	t.Parallel()
	_, address := sampleOffice(t)
	b := newTab(t, address, wide)
	b.signIn(app.DemoLogin, app.DemoPassword)
	b.open("/audit")
	b.reads("main h1", "操作記録")
	if said := b.text("tbody tr:first-child"); !strings.Contains(said, "サインインしました") {
		t.Errorf("the newest act: %s", said)
	}
	b.shoot("audit")
	b.open("/audit?kind=people.&from=2026-01-01")
	b.shoot("audit-people")
	if said := b.text("tbody"); strings.Contains(said, "サインイン") || !strings.Contains(said, "名簿") {
		t.Errorf("filtered: %.200s", said)
	}
	b.open("/audit/checkpoints")
	if got := b.click("main form button.first"); got != 200 {
		t.Errorf("make a checkpoint: %d", got)
	}
	b.reads(".flash", "チェックポイントを作りました")
	b.shoot("checkpoints")
	if got := b.click("tbody a[href$='/print']"); got != 200 {
		t.Errorf("the page to print: %d", got)
	}
	if eval[int](b, "document.querySelectorAll('svg.qr').length") != 1 || !strings.Contains(b.text("main code"), "kizuki-chain/1") {
		t.Error("no note or no QR code on the page to print")
	}
	b.shoot("checkpoint-print")
	if got := b.click("form[action$='/printed'] button"); got != 200 {
		t.Errorf("note that it is stored: %d", got)
	}
	b.reads("main", "紙")
	for _, path := range []string{"/audit?lang=en", "/audit/checkpoints"} {
		b.open(path)
	}
	b.shoot("checkpoints-en")
	phone := newTab(t, address, 375)
	phone.withoutScripts()
	phone.signIn(app.DemoLogin, app.DemoPassword)
	for name, path := range map[string]string{"audit-375": "/audit", "checkpoints-375": "/audit/checkpoints"} {
		phone.open(path)
		phone.shoot(name)
		if w := eval[int](phone, "document.documentElement.scrollWidth"); w > 375 {
			t.Errorf("%s is %d px wide on a phone", path, w)
		}
	}
	for _, noise := range append(b.complaints(), phone.complaints()...) {
		t.Error(noise)
	}
}
