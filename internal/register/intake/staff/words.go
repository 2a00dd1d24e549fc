package staff

import (
	"strings"

	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
)

// wordTable maps what stands in files, in the form of jtext.SearchKey, to our values.
func wordTable(groups map[string][]string) map[string]string {
	out := map[string]string{}
	for value, words := range groups {
		for _, w := range words {
			out[jtext.SearchKey(w)] = value
		}
	}
	return out
}

var classWords = wordTable(map[string][]string{
	people.Officer: {"役員", "取締役", "代表取締役", "代表", "社長", "専務", "常務", "会長", "監査役", "執行役員", "officer", "director", "executive"},
	people.Employee: {
		"従業員", "社員", "正社員", "正規", "契約社員", "嘱託", "嘱託社員", "準社員", "パート", "パートタイマー", "パート社員", "アルバイト",
		"期間工", "期間社員", "期間従業員", "技能実習生", "特定技能", "再雇用", "employee", "regular", "full-time", "part-time", "part timer", "contract employee",
	},
	people.Dispatched: {"派遣", "派遣社員", "派遣スタッフ", "派遣労働者", "dispatched", "agency", "temp", "temporary"},
	people.External:   {"外部", "業務委託", "委託", "請負", "構内請負", "協力会社", "協力会社員", "常駐", "外注", "external", "contractor"},
})

// classHints are looked for inside longer words (派遣（製造）); the first that fits decides.
var classHints = []struct{ part, class string }{
	{"派遣", people.Dispatched},
	{"業務委託", people.External},
	{"請負", people.External},
	{"協力会社", people.External},
	{"役員", people.Officer},
	{"取締役", people.Officer},
	{"パート", people.Employee},
	{"アルバイト", people.Employee},
	{"嘱託", people.Employee},
	{"社員", people.Employee},
}

// readClass returns the class a cell names; false when it names none.
func readClass(text string) (string, bool) {
	key := jtext.SearchKey(text)
	if class, ok := classWords[key]; ok {
		return class, true
	}
	for _, h := range classHints {
		if strings.Contains(key, jtext.SearchKey(h.part)) {
			return h.class, true
		}
	}
	return "", false
}

var useWords = wordTable(map[string][]string{
	people.Yes: {
		"○", "〇", "◯", "◎", "o", "有", "有り", "あり", "有る", "はい", "使う", "使用", "使用する", "利用", "利用する", "利用あり", "利用有", "する",
		"済", "✓", "✔", "レ", "1", "yes", "y", "true", "uses",
	},
	people.No: {
		"×", "✕", "✖", "x", "無", "無し", "なし", "無い", "いいえ", "使わない", "不使用", "使用しない", "利用しない", "利用なし", "利用無", "しない",
		"不要", "0", "no", "n", "false", "does not use",
	},
	people.Unknown: {"", "?", "不明", "未確認", "分からない", "わからない", "確認中", "unknown"},
})

// readUse returns the answer a cell gives; false when it gives none that we know.
func readUse(text string) (string, bool) {
	use, ok := useWords[jtext.SearchKey(text)]
	return use, ok
}
