package browser

import (
	"encoding/base64"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/kizuki-security/kizuki/internal/platform/sheet"
)

// TestFirstAfternoon walks the first afternoon of a new user: from the set-up link to an exported check
// sheet with three answers, with what a person sees and clicks.
func TestFirstAfternoon(t *testing.T) {
	t.Parallel()
	a, address, link := emptyOffice(t)
	b := newTab(t, address, wide)
	setUp(b, link)
	secondFactor(b, a.Config().Now)
	importStaff(b)
	b.click(`nav a[href="/gaps"]`)
	b.reads("h1", "できていないところ")
	before := b.number(".head .big")
	if before == 0 {
		t.Fatal("a new office has no gaps")
	}
	b.shoot("afternoon-gaps")
	importSheet(b)
	b.click(`nav a[href="/gaps"]`)
	b.reads("main", "No.")
	answers := map[int]string{}
	answers[answerOnItemPage(b)] = "1"
	maps.Copy(answers, answerByKeyboard(b))
	if len(answers) != 3 {
		t.Fatalf("answered %v, want three items", answers)
	}
	written := exported(b)
	for number, want := range answers {
		if got := written[number]; got != want {
			t.Errorf("No. %d in the exported workbook says %q, want %q", number, got, want)
		}
	}
	for _, complaint := range b.complaints() {
		t.Errorf("the browser complained: %s", complaint)
	}
}

// setUp fills in the two pages behind the one-time link.
func setUp(b *tab, link string) {
	b.t.Helper()
	b.open(link)
	for name, value := range map[string]string{
		"name": "みどり精工株式会社", "industry": "auto_parts", "size": "101-300", "fiscal_start": "4", "recipient": "あおば自動車株式会社", "due": "2027-02-26",
		"important": "yes", "leads": "no", "asked": "none",
	} {
		b.fill(name, value)
	}
	b.shoot("afternoon-setup-1")
	b.click("main button.first")
	b.reads("main", "みどり精工株式会社")
	for name, value := range map[string]string{
		"family_name": "佐藤", "given_name": "花子", "family_kana": "サトウ", "given_kana": "ハナコ", "login": "sato@midori.example",
		"password": "momiji-no-kouen-2026", "again": "momiji-no-kouen-2026", "target_level": "2",
	} {
		b.fill(name, value)
	}
	b.shoot("afternoon-setup-2")
	b.click("main button.first")
	b.reads("main", "みどり精工株式会社")
	if strings.HasPrefix(b.at(), "/setup") {
		b.t.Fatalf("the set-up goes on: %s", b.text("main"))
	}
}

// secondFactor does what the office asks of its first administrator next, before any other page opens.
func secondFactor(b *tab, now func() time.Time) {
	b.t.Helper()
	if b.at() != "/me/factors" {
		b.t.Fatalf("the set-up leads to %s", b.at())
	}
	b.click(`nav a[href="/people"]`)
	b.reads("main", "システム管理者には")
	b.shoot("afternoon-factors")
	enrol(b, "momiji-no-kouen-2026", now)
	b.click("main a.first")
}

// importStaff takes the staff list in: ① 入れる ② 確かめる ③ 反映.
func importStaff(b *tab) {
	b.t.Helper()
	b.click(`nav a[href="/people"]`)
	b.click(`main a[href="/import/people"]`)
	b.fill("file", staffList(b.t))
	b.click("main button.first")
	b.reads("h1", "社員名簿.xlsx")
	b.reads("main", "追加 120件")
	b.reads("main", "読めない行 0件")
	b.shoot("afternoon-import-people")
	b.click(`form[action$="/apply"] button.first`)
	b.reads(".flash", "120")
	b.click(`nav a[href="/people"]`)
	b.reads("main", "121") // and the person of the set-up
}

// importSheet takes in the sheet that was sent last year.
func importSheet(b *tab) {
	b.t.Helper()
	file, _ := lastYearsSheet(b.t)
	b.click(`nav a[href="/sheet"]`)
	b.click(`main a[href^="/import"]`)
	if b.at() == "/import" {
		b.click(`main a[href="/import/sheet"]`)
	}
	b.fill("file", file)
	b.click("main button.first")
	b.reads("main", "公式シートの文面")
	b.shoot("afternoon-import-sheet")
	b.click(`form[action$="/apply"] button.first`)
	b.reads(".flash", "反映しました")
	b.click(`nav a[href="/sheet"]`)
	b.reads("main", "前年") // its answers stand beside this year's
}

// answerOnItemPage opens the first item that no record speaks about and answers it as a whole: 一部達成.
func answerOnItemPage(b *tab) (number int) {
	b.t.Helper()
	b.click(`nav a[href="/sheet"]`)
	b.fill("state", "unknown")
	b.wait(`location.search.includes("state=unknown")`)
	b.click(`#items td a`)
	number = b.number("h1")
	b.do("open the answer for the whole item", chromedp.Click(chromedp.CSS(`form[data-swap="item"] > details.more-form > summary`)))
	b.do("choose 一部達成", chromedp.SetValue(chromedp.CSS(`form[data-swap="item"] > details.more-form select`), "part"))
	b.do("save", chromedp.Click(chromedp.CSS(`form[data-swap="item"] button.first`)))
	b.wait(`document.getElementById("live").textContent !== ""`)
	b.reads("h1", "一部達成")
	b.open(b.at())
	b.reads("h1", "一部達成")
	b.shoot("afternoon-item")
	return number
}

// answerByKeyboard answers two items in 一問一答 with the keys of the sheet's points. Where records say
// 未達成 they stand, so the second answer goes to a card further on that no record speaks about.
func answerByKeyboard(b *tab) map[int]string {
	b.t.Helper()
	recorded := []int{1, 2, 3, 9, 10, 11}
	answers := map[int]string{}
	b.click(`nav a[href="/sheet"]`)
	b.click(`main a[href$="/ask"]`)
	for _, key := range []string{"0", "1"} {
		number := b.number("h1")
		for key == "1" && slices.Contains(recorded, number) {
			b.leave("skip a card", chromedp.KeyEvent("\r"))
			number = b.number("h1")
		}
		b.leave("press "+key, chromedp.KeyEvent(key))
		b.reads("section.quiz", "あなたの回答")
		b.reads("section.quiz", map[string]string{"1": "一部達成", "0": "未達成"}[key])
		answers[number] = key
		b.shoot("afternoon-ask-" + key)
		b.leave("press Enter", chromedp.KeyEvent("\r"))
		if b.number("h1") == number {
			b.t.Fatalf("Enter stays at No. %d", number)
		}
	}
	return answers
}

// exported fetches the workbook as the page offers it and reads the answers by number of item.
func exported(b *tab) map[int]string {
	b.t.Helper()
	b.click(`nav a[href="/sheet"]`)
	b.click(`main a[href$="/export"]`)
	if eval[bool](b, `!!document.querySelector('[name="unanswered"]')`) {
		b.fill("unanswered", "yes")
	}
	encoded := eval[string](b, `(async () => {
		const form = document.querySelector('main form');
		const res = await fetch(form.action + "?" + new URLSearchParams(new FormData(form)));
		if (!res.ok) return "status " + res.status;
		const bytes = new Uint8Array(await res.arrayBuffer());
		let text = "";
		for (const b of bytes) text += String.fromCharCode(b);
		return btoa(text);
	})()`)
	data, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		b.t.Fatalf("the export is no file: %s", encoded)
	}
	book, err := sheet.Open("check.xlsx", data, sheet.DefaultLimits)
	if err != nil {
		b.t.Fatalf("open the exported workbook: %v", err)
	}
	answers := map[int]string{}
	for _, table := range book.Sheets {
		readAnswers(table, answers)
	}
	return answers
}

// readAnswers finds the columns of number and answer by their titles and reads what stands below.
func readAnswers(table sheet.Table, answers map[int]string) {
	no, answer := -1, -1
	for row, cells := range table.Rows {
		for col, c := range cells {
			switch {
			case strings.HasPrefix(c.Text, "No") || c.Text == "番号":
				no = col
			case c.Text == "評価" || c.Text == "回答":
				answer = col
			}
		}
		if no < 0 || answer < 0 {
			continue
		}
		if n, err := strconv.Atoi(table.At(row, no).Text); err == nil {
			answers[n] = table.At(row, answer).Text
		}
	}
}
