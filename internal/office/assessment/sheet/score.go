package sheet

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
)

// words say a value without a digit; keys are in the form of jtext.SearchKey.
var words = wordTable(map[verdict.Value][]string{
	verdict.ValueMet: {
		"○", "◯", "〇", "⭕", "o", "達成", "完了", "対策完了", "対策済", "対策済み", "実施済", "実施済み", "対応済", "対応済み", "できている",
		"はい", "yes", "y", "met", "done", "completed", "achieved",
	},
	verdict.ValuePart: {
		"△", "▲", "一部達成", "一部", "一部実施", "一部対応", "対策中", "実施中", "対応中", "途中", "部分的", "partly met", "part", "partial", "partially", "in progress",
	},
	verdict.ValueUnmet: {
		"×", "✕", "✖", "✗", "❌", "x", "未達成", "未対策", "未実施", "未対応", "できていない", "いいえ", "no", "not met", "unmet", "not done", "not achieved",
	},
	verdict.NotApplicable: {
		"該当なし", "該当無し", "該当無", "非該当", "対象外", "適用外", "適用除外", "n/a", "n.a.", "na", "not applicable",
	},
	verdict.Unanswered: {
		"?", "分からない", "わからない", "不明", "未確認", "未回答", "未記入", "unknown", "not answered", "not sure", "don't know",
	},
})

func wordTable(by map[verdict.Value][]string) map[string]verdict.Value {
	out := map[string]verdict.Value{}
	for value, list := range by {
		for _, word := range list {
			out[jtext.SearchKey(word)] = value
		}
	}
	return out
}

var (
	digitOnly = regexp.MustCompile(`^([012])(?:\.0+)?点?$`)
	digitHead = regexp.MustCompile(`^([012])点?\s*[:.,、。()=\])/ ]+\s*(.+?)\)?$`)
	digitTail = regexp.MustCompile(`^(.+?)\s*[(\[:=]\s*([012])点?\s*[)\]]?$`)
	onlyDash  = regexp.MustCompile(`^[-‐‑‒–—―−ー－─]+$`)
)

// Score reads what stands in an answer cell: 2, ２, 2点, ○, 対策完了, 「2:対策完了」, 「対策完了（2）」, 該当なし, N/A, 対象外, －. An
// empty cell and 分からない are Unanswered. ok is false for a text that says nothing of this kind, and for one
// whose digit and word contradict each other.
func Score(text string) (value verdict.Value, ok bool) {
	s := strings.NewReplacer("（", "(", "）", ")", "：", ":", "［", "[", "］", "]", "①", "1", "②", "2").Replace(jtext.Line(text))
	switch {
	case s == "":
		return verdict.Unanswered, true
	case onlyDash.MatchString(s):
		return verdict.NotApplicable, true
	}
	if m := digitOnly.FindStringSubmatch(s); m != nil {
		return digit(m[1]), true
	}
	if value, ok := words[jtext.SearchKey(s)]; ok {
		return value, true
	}
	if m := digitHead.FindStringSubmatch(s); m != nil {
		return agree(m[1], m[2])
	}
	if m := digitTail.FindStringSubmatch(s); m != nil {
		return agree(m[2], m[1])
	}
	return verdict.Unanswered, false
}

// agree reads a digit with a word beside it, 「2:対策完了」; ok is false when they contradict each other.
func agree(number, word string) (value verdict.Value, ok bool) {
	value = digit(number)
	said, known := words[jtext.SearchKey(word)]
	if strings.ContainsAny(word, "0123456789") || known && said != value {
		return verdict.Unanswered, false
	}
	return value, true
}

func digit(s string) verdict.Value {
	switch s {
	case "2":
		return verdict.ValueMet
	case "1":
		return verdict.ValuePart
	default:
		return verdict.ValueUnmet
	}
}

var levelText = regexp.MustCompile(`^(?:lv|level|l|レベル|★|☆)?[.:]?([1-9])(?:以上)?$`)

// LevelID reads the text of a level cell (Lv1, LV 1, レベル１, ★3, 1) as the id of a level; "" when it names none or
// several.
func LevelID(text string) string {
	if m := levelText.FindStringSubmatch(jtext.SearchKey(text)); m != nil {
		return m[1]
	}
	return ""
}

// Reference is one number that a text cites, with the level printed beside it ("" none).
type Reference struct {
	Number int
	Level  string
}

var referenceParts = regexp.MustCompile(`(?i)(?:no\.?|№)?\s*([0-9]{1,3})|\(\s*(?:lv|level|レベル)\s*\.?\s*([0-9])\s*\)`)

// References reads how METI's sheet cites this one: 「No.53, No.143 (LV2)」. A level stands for all numbers before it
// that have none yet; blanks, line breaks, full-width signs and the second "No." may be missing or not.
func References(text string) []Reference {
	s := strings.NewReplacer("（", "(", "）", ")", "\n", " ").Replace(jtext.Store(text))
	var out []Reference
	open := 0
	for _, m := range referenceParts.FindAllStringSubmatch(s, -1) {
		if m[1] == "" {
			for i := open; i < len(out); i++ {
				out[i].Level = m[2]
			}
			open = len(out)
			continue
		}
		n, err := strconv.Atoi(m[1])
		if err != nil || n == 0 {
			continue
		}
		out = append(out, Reference{Number: n})
	}
	return out
}

var (
	criterionNumber = regexp.MustCompile(`^(?:no\.?)?\s*([0-9]{1,2}(?:-[0-9]{1,2}){3})\.?$`)
	plainNumber     = regexp.MustCompile(`(?i)^(?:no\.?|№|#)?\s*([0-9]{1,4})(?:\.0+)?[.)]?$`)
	citedNumber     = regexp.MustCompile(`(?i)^(?:no\.?|№)\s*[0-9]{1,3}\s*\(.*\)$`)
)

// itemNumber reads a number cell as the id of an item: "28", "No.２８", "No.9 (LV1)", "4-2-1-3"; "" when it is none.
func itemNumber(text string) (id, level string) {
	s := strings.NewReplacer("（", "(", "）", ")").Replace(strings.TrimSpace(jtext.Line(text)))
	if m := plainNumber.FindStringSubmatch(s); m != nil {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			return "", ""
		}
		return strconv.Itoa(n), ""
	}
	if m := criterionNumber.FindStringSubmatch(strings.ToLower(strings.ReplaceAll(jtext.Number(s), " ", ""))); m != nil {
		return m[1], ""
	}
	if citedNumber.MatchString(s) {
		if refs := References(s); len(refs) == 1 {
			return strconv.Itoa(refs[0].Number), refs[0].Level
		}
	}
	return "", ""
}
