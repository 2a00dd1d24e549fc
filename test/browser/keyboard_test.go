package browser

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/kizuki-security/kizuki/internal/app"
)

const (
	tabKey = "\t"
	enter  = "\r"
	space  = " "
)

// press types keys that do not lead away.
func (b *tab) press(keys string) {
	b.t.Helper()
	b.do("press a key", chromedp.KeyEvent(keys))
}

// reach presses Tab until what the selector finds has the focus, and wants to see where the focus is on
// the way.
func (b *tab) reach(css string) {
	b.t.Helper()
	const most = 400
	for range most {
		b.press(tabKey)
		if eval[bool](b, `(() => { const e = document.activeElement; return e === document.body || e === document.documentElement })()`) {
			continue // the browser's own controls have the focus
		}
		if seen := eval[string](b, visibleFocus); seen != "" {
			b.t.Fatalf("at %s the focus cannot be seen on %s", b.at(), seen)
		}
		if eval[bool](b, "document.activeElement.matches(`"+css+"`)") {
			return
		}
	}
	b.t.Fatalf("Tab does not reach %s at %s", css, b.at())
}

// visibleFocus names the focused element when nothing shows that it has the focus.
const visibleFocus = `(() => {
	const e = document.activeElement, s = getComputedStyle(e), box = e.getBoundingClientRect();
	const ring = s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0 || s.boxShadow !== "none";
	return ring && box.width > 0 && box.height > 0 ? "" : e.outerHTML.slice(0, 120);
})()`

// TestKeyboardOnly signs in, takes the first step and answers an item without a mouse.
func TestKeyboardOnly(t *testing.T) {
	t.Parallel()
	_, address := sampleOffice(t)
	b := newTab(t, address, wide)
	b.open("/login")
	b.reach(`[name="login"]`)
	b.press(app.DemoLogin)
	b.reach(`[name="password"]`)
	b.press(app.DemoPassword)
	b.leave("press Enter", chromedp.KeyEvent(enter))
	b.reads("h1", "できていないところ")

	// The first stop of each page skips the menu.
	b.press(tabKey)
	if !eval[bool](b, `document.activeElement.matches(".skip") && document.activeElement.getBoundingClientRect().top >= 0`) {
		t.Errorf("the first Tab shows %s, want 本文へ", eval[string](b, "document.activeElement.outerHTML.slice(0, 120)"))
	}
	b.press(enter)
	b.wait(`document.activeElement.id === "main"`)

	b.reach(`.steps a.btn`)
	first := eval[string](b, `document.activeElement.getAttribute("href")`)
	b.leave("press Enter on the first step", chromedp.KeyEvent(enter))
	if b.at() != first {
		t.Errorf("the first step leads to %s, want %s", b.at(), first)
	}

	// One item by Tab and Space, the next by Tab and Enter: the keys of the page must not take them away.
	b.reach(`nav a[href="/sheet"]`)
	b.leave("open the check sheet", chromedp.KeyEvent(enter))
	b.reach(`main a[href$="/ask"]`)
	b.leave("open 一問一答", chromedp.KeyEvent(enter))
	for _, key := range []string{space, enter} {
		number := b.number("h1")
		b.reach(`.choices button[data-key^="1"]`)
		b.leave("press the answer", chromedp.KeyEvent(key))
		if got := b.number("h1"); got != number {
			t.Fatalf("the key for the button left No. %d for No. %d", number, got)
		}
		b.reads("section.quiz", "あなたの回答")
		b.reads("section.quiz", "一部達成")
		b.reach(`a[data-key="Enter"]`)
		b.leave("go on", chromedp.KeyEvent(enter))
	}

	// An item page: choose with the arrow keys, save with Enter on the button.
	b.open("/sheet/jama-japia@2.3/28")
	b.reach(`form[data-swap="item"] > details.more-form > summary`)
	b.press(space)
	b.reach(`form[data-swap="item"] > details.more-form select`)
	for range 6 {
		if b.press(kb.ArrowDown); eval[string](b, "document.activeElement.value") == "part" {
			break
		}
	}
	if got := eval[string](b, "document.activeElement.value"); got != "part" {
		t.Fatalf("the arrow keys choose %q, want 一部達成", got)
	}
	b.reach(`form[data-swap="item"] button.first`)
	b.press(enter)
	b.wait(`document.getElementById("live").textContent !== ""`)
	if eval[bool](b, "document.activeElement === document.body") {
		t.Error("saving in place loses the focus")
	}
	for _, complaint := range b.complaints() {
		t.Errorf("the browser complained: %s", complaint)
	}
}
