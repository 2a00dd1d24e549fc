package sheet

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/register/verdict"
)

func TestScore(t *testing.T) {
	t.Parallel()
	const none = verdict.Unanswered
	tests := map[string]struct {
		value verdict.Value
		ok    bool
	}{
		"2": {verdict.ValueMet, true}, "２": {verdict.ValueMet, true}, " 1 ": {verdict.ValuePart, true}, "0": {verdict.ValueUnmet, true}, "2点": {verdict.ValueMet, true},
		"2.0": {verdict.ValueMet, true}, "○": {verdict.ValueMet, true}, "〇": {verdict.ValueMet, true}, "◯": {verdict.ValueMet, true}, "△": {verdict.ValuePart, true},
		"×": {verdict.ValueUnmet, true}, "✖": {verdict.ValueUnmet, true}, "ｘ": {verdict.ValueUnmet, true}, "②": {verdict.ValueMet, true},
		"対策完了": {verdict.ValueMet, true}, "2:対策完了": {verdict.ValueMet, true}, "２：対策完了": {verdict.ValueMet, true}, "1．対策中": {verdict.ValuePart, true},
		"0 未対策": {verdict.ValueUnmet, true}, "対策完了（2）": {verdict.ValueMet, true}, "2（達成）": {verdict.ValueMet, true}, "1：社内で検討": {verdict.ValuePart, true},
		"該当なし": {verdict.NotApplicable, true}, "該当無し": {verdict.NotApplicable, true}, "N/A": {verdict.NotApplicable, true}, "Ｎ／Ａ": {verdict.NotApplicable, true},
		"n.a.": {verdict.NotApplicable, true}, "対象外": {verdict.NotApplicable, true}, "－": {verdict.NotApplicable, true}, "-": {verdict.NotApplicable, true},
		"": {none, true}, "\u3000": {none, true}, "分からない": {none, true}, "？": {none, true}, "未回答": {none, true},
		"3": {none, false}, "1.5": {none, false}, "20": {none, false}, "1:対策完了": {none, false}, "2：1": {none, false}, "◎": {none, false}, "来年": {none, false}, "-1": {none, false},
		"2026-11-23": {none, false}, "#REF!": {none, false},
	}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			value, ok := Score(text)
			if value != want.value || ok != want.ok {
				t.Errorf("Score(%q) = %d, %v", text, value, ok)
			}
		})
	}
}

func TestLevelID(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Lv1": "1", "LV 1": "1", "レベル１": "1", "1": "1", "Ｌｖ２": "2", "Lv.3": "3", "Level 2": "2", "★3": "3", "★４": "4", "L1": "1",
		"": "", "★3/★4": "", "高": "", "Lv": "", "12": "", "Lv1,Lv2": "",
	} {
		if got := LevelID(text); got != want {
			t.Errorf("LevelID(%q) = %q", text, got)
		}
	}
}

func TestReferences(t *testing.T) {
	t.Parallel()
	tests := map[string][]Reference{
		"No.9 (LV1), No.10 (LV2) ":              {{9, "1"}, {10, "2"}},
		"No.98, 102 (LV2)":                      {{98, "2"}, {102, "2"}},
		"No.53, No.143 (LV2)":                   {{53, "2"}, {143, "2"}},
		"No.28, No.29, No.30\u3000(LV1)":        {{28, "1"}, {29, "1"}, {30, "1"}},
		"No.28, No.29, No.30(LV1)":              {{28, "1"}, {29, "1"}, {30, "1"}},
		"No.103,\nNo.104 (LV2) ,\nNo.115 (Lv1)": {{103, "2"}, {104, "2"}, {115, "1"}},
		"No.117 (Lv1)":                          {{117, "1"}},
		"Ｎｏ．９１，９２（ＬＶ２）":                         {{91, "2"}, {92, "2"}},
		"No.12": {{12, ""}},
		"":      nil,
		"なし":    nil,
	}
	for text, want := range tests {
		if diff := cmp.Diff(want, References(text)); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func TestItemNumber(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]string{
		"28": {"28"}, "２８": {"28"}, "No.28": {"28"}, "№ 28": {"28"}, "028": {"28"}, "28.0": {"28"}, "No.9 (LV1)": {"9", "1"}, "#5": {"5"},
		"4-2-1-3": {"4-2-1-3"}, "４－２－１－３": {"4-2-1-3"}, "No.4-2-1-3": {"4-2-1-3"}, "4‐2‐1‐3": {"4-2-1-3"},
		"": {}, "合計": {}, "4-2-1": {}, "1.5": {}, "No.9, No.10 (LV2)": {}, "A1": {}, "12345": {}, "2026-11-23": {},
	} {
		id, level := itemNumber(text)
		if id != want[0] || level != want[1] {
			t.Errorf("itemNumber(%q) = %q, %q", text, id, level)
		}
	}
}
