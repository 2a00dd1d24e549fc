package browser

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/kizuki-security/kizuki/internal/app"
)

// TestWithoutJavaScript does the daily work in a browser that runs no script: saving in place and keys are
// an enhancement.
func TestWithoutJavaScript(t *testing.T) {
	t.Parallel()
	_, address := sampleOffice(t)
	b := newTab(t, address, phone)
	b.withoutScripts()
	b.signIn(app.DemoLogin, app.DemoPassword)
	b.reads("h1", "できていないところ")

	// One item, as a whole.
	b.open("/sheet/jama-japia@2.3/60")
	b.do("open the answer", chromedp.Click(chromedp.CSS(`form[data-swap="item"] > details.more-form > summary`)))
	b.do("choose 一部達成", chromedp.SetValue(chromedp.CSS(`form[data-swap="item"] > details.more-form select`), "part"))
	b.click(`form[data-swap="item"] button.first`)
	b.reads("h1", "一部達成")

	// 一問一答.
	b.open("/sheet/jama-japia@2.3/ask")
	number := b.number("h1")
	b.click(`.choices button[data-key^="1"]`)
	if got := b.number("h1"); got != number {
		t.Errorf("after the answer No. %d is shown, want No. %d", got, number)
	}
	b.reads("section.quiz", "あなたの回答")
	b.reads("section.quiz", "一部達成")
	b.click(`a[data-key="Enter"]`)
	if b.number("h1") == number {
		t.Errorf("the next card is No. %d again", number)
	}
	b.open("/sheet/jama-japia@2.3/ask?end=1")
	b.reads("main", "できていないところ")

	// The list filters with its button.
	b.open("/sheet/jama-japia@2.3")
	b.fill("level", "1")
	b.click(`form[data-live] button`)
	if !strings.Contains(b.at(), "level=1") {
		t.Errorf("the filter leads to %s", b.at())
	}

	// A file through the wizard.
	b.open("/import/people")
	b.fill("file", staffList(t))
	b.click("main button.first")
	b.reads("main", "追加 120件")
	b.click(`form[action$="/apply"] button.first`)
	b.reads(".flash", "120件")

	// A draft of a regulation.
	b.open("/policy/new")
	b.fill("type", "regulation")
	b.fill("title", "来客の手順")
	b.do("choose a topic", chromedp.Click(chromedp.CSS(`input[name="topics"]`)))
	b.fill("body", "1 受付で名前を書いてもらう。")
	b.click("main button.first")
	b.reads("h1", "来客の手順")

	// Printing is the browser's: a button that does nothing is not shown.
	b.open("/training")
	b.click(`main td a[href^="/training/"]:not([href*="missing"])`)
	b.open(b.at() + "/sheet")
	if !eval[bool](b, `[...document.querySelectorAll("[data-print]")].every((e) => e.getBoundingClientRect().width === 0)`) {
		t.Error("the button for printing is shown although it does nothing")
	}
	b.reads("main", "ブラウザーのメニューから印刷できます")

	// A record of a lesson.
	b.open("/training/new")
	b.fill("title", "標的型メールの見分け方")
	b.fill("on", "2026-11-20")
	b.do("choose a topic", chromedp.Click(chromedp.CSS(`input[name="topics"]`)))
	b.click("main button.first")
	b.reads("h1", "標的型メールの見分け方")
	for _, complaint := range b.complaints() {
		t.Errorf("the browser complained: %s", complaint)
	}
}
