package chart

import (
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name string, got template.HTML, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Error(diff)
	}
	checkMarkup(t, string(got))
}

// checkMarkup asserts what every chart promises: XML that parses, a name that is read out, no style, no script.
func checkMarkup(t *testing.T, svg string) {
	t.Helper()
	ids, named := map[string]bool{}, ""
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		for _, a := range start.Attr {
			switch name := a.Name.Local; {
			case name == "style" || strings.HasPrefix(name, "on"):
				t.Errorf("<%s %s>", start.Name.Local, name)
			case name == "id":
				if ids[a.Value] {
					t.Errorf("id %q twice", a.Value)
				}
				ids[a.Value] = true
			case name == "aria-labelledby":
				named = a.Value
			}
			if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") || strings.Contains(a.Value, "ZgotmplZ") {
				t.Errorf("<%s %s=%q>", start.Name.Local, a.Name.Local, a.Value)
			}
		}
	}
	for id := range strings.FieldsSeq(named) {
		if !ids[id] {
			t.Errorf("aria-labelledby names %q, which is not there", id)
		}
	}
	if named == "" {
		t.Error("the chart has no name")
	}
}

// labels24 are as long as the labels of the check sheet, made up.
func labels24() []string {
	return []string{
		"方針", "機密を扱うときの規則", "法令と契約の順守", "平時の体制", "事故のときの体制", "事故が起きたときの手順", "日常の教育", "社外との情報共有のしかた",
		"取引先を含めた供給網の確認", "使う権利の付け方と見直し", "情報資産の台帳", "機器と部品の台帳", "持ち込みと持ち出し", "外部の情報サービスの利用", "回線とつなぎ方", "社内のつなぎ方の分離",
		"入退室と設備", "本人の確認", "更新と修正の適用", "データの保護", "復元のための複製", "記録の取得と点検", "不正な動きの検知", "悪意のあるプログラムへの対策",
	}
}

func radar24() RadarInput {
	in := RadarInput{
		Head: Head{ID: "score", Title: "ラベルごとの点数", Desc: "24個のラベル。前年より上がった。"},
		Name: "今年", BeforeName: "前年", LabelName: "ラベル", Unknown: "未確認",
	}
	for i, label := range labels24() {
		in.Axes = append(in.Axes, Axis{Label: label, Value: float64(i%9) / 4, Before: float64(i%5) / 4, Max: 2})
	}
	return in
}

func TestRadar(t *testing.T) {
	t.Parallel()
	c := Radar(radar24())
	svg, err := c.SVG()
	golden(t, "radar24.svg", svg, err)
	table := c.Table()
	if diff := cmp.Diff([]string{"ラベル", "今年", "前年"}, table.Headers); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"法令と契約の順守", "0.5", "0.5"}, table.Rows[2]); diff != "" || len(table.Rows) != 24 {
		t.Error(diff, len(table.Rows))
	}
}

// No two labels touch and none leaves the picture, however many there are and however long.
func TestRadarLabelsDoNotOverlap(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("とても長い名前", 6)
	for n := range 41 {
		for name, label := range map[string]func(int) string{
			"short": func(i int) string { return fmt.Sprintf("項%d", i) },
			"real":  func(i int) string { return labels24()[i%24] },
			"long":  func(int) string { return long },
		} {
			in := RadarInput{Head: Head{ID: "x"}}
			for i := range n {
				in.Axes = append(in.Axes, Axis{Label: label(i), Value: 1, Max: 2})
			}
			checkLabels(t, fmt.Sprintf("%d %s labels", n, name), Radar(in))
		}
	}
}

func checkLabels(t *testing.T, what string, c RadarChart) {
	t.Helper()
	for i, l := range c.Labels {
		if b := l.box; b.left < 0 || b.right > c.Width || b.top < 0 || b.bottom > c.Height {
			t.Errorf("%s: %v leaves the picture: %+v in %v × %v", what, l.Lines, b, c.Width, c.Height)
		}
		for _, o := range c.Labels[:i] {
			if l.box.meets(o.box) {
				t.Errorf("%s: %v covers %v", what, l.Lines, o.Lines)
			}
		}
		if len(l.Lines) > 2 {
			t.Errorf("%s: %v has %d lines", what, l.Lines, len(l.Lines))
		}
	}
}

func TestRadarWithUnknownValues(t *testing.T) {
	t.Parallel()
	c := Radar(RadarInput{
		Head: Head{ID: "gap", Title: "<点数>", Desc: "a & b"}, Name: "今年", LabelName: "ラベル", Unknown: "未確認",
		Axes: []Axis{{Label: "一", Value: 1, Max: 2}, {Label: "二", Value: None(), Max: 2}, {Label: "三", Value: 9, Max: 2}, {Label: "四", Value: -1, Max: 2}},
	})
	if c.Shapes[0].Closed || len(c.Shapes[0].Dots) != 3 || strings.Count(c.Shapes[0].Path, "M") != 2 {
		t.Errorf("shape = %+v", c.Shapes[0])
	}
	if got := c.Table().Rows[1][1]; got != "未確認" {
		t.Errorf("unknown value reads %q", got)
	}
	svg, err := c.SVG()
	golden(t, "radar_gap.svg", svg, err)
}

func TestLevelBars(t *testing.T) {
	t.Parallel()
	c := LevelBars(BarsInput{
		Head:   Head{ID: "levels", Title: "レベルごとの状態", Desc: "レベル1はほぼ達成。"},
		States: StateNames{Met: "達成", Part: "一部達成", Unmet: "未達成", Unknown: "未確認", NA: "該当なし"},
		Bars: []Bar{
			{Label: "レベル1", Met: 38, Unmet: 1, Unknown: 10, NA: 1},
			{Label: "レベル2", Met: 20, Unmet: 14, Unknown: 40},
			{Label: "レベル3（努力する項目のすべて）", Unknown: 29},
			{Label: "なし"},
		},
		LabelName: "レベル", TotalName: "計",
	})
	svg, err := c.SVG()
	golden(t, "bars.svg", svg, err)
	want := Table{
		Headers: []string{"レベル", "達成", "未達成", "未確認", "該当なし", "計"},
		Rows: [][]string{
			{"レベル1", "38", "1", "10", "1", "50"},
			{"レベル2", "20", "14", "40", "0", "74"},
			{"レベル3（努力する項目のすべて）", "0", "0", "29", "0", "29"},
			{"なし", "0", "0", "0", "0", "0"},
		},
	}
	if diff := cmp.Diff(want, c.Table()); diff != "" {
		t.Error(diff)
	}
	for _, row := range c.Rows {
		for _, p := range row.Pieces {
			if p.X < 0 || p.X+p.Width > Width || p.Width <= 0 {
				t.Errorf("piece %q lies at %v, %v wide", p.Title, p.X, p.Width)
			}
		}
	}
}

func TestLine(t *testing.T) {
	t.Parallel()
	c := Line(LineInput{
		Head:   Head{ID: "years", Title: "年度ごとの点数", Desc: "2023年度から上がっている。"},
		Labels: []string{"2022年度", "2023年度", "2024年度", "2025年度", "2026年度"},
		Series: []LineSeries{{Name: "自社", Values: []float64{88, None(), 140, 190.5, 231}}, {Name: "目標", Values: []float64{300, 300, 300, 300, 300}}},
		Max:    306, LabelName: "年度", Unknown: "記録なし",
	})
	svg, err := c.SVG()
	golden(t, "line.svg", svg, err)
	if diff := cmp.Diff([]string{"2023年度", "記録なし", "300"}, c.Table().Rows[1]); diff != "" {
		t.Error(diff)
	}
}

func TestLineScale(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		values    []float64
		max       float64
		top, step float64
	}{
		"score": {nil, 306, 400, 100}, "two": {[]float64{0.3, 2}, 0, 2, 0.5}, "nothing": {[]float64{None()}, 0, 1, 0.25},
		"many": {[]float64{12345}, 0, 15000, 5000}, "per cent": {nil, 100, 100, 25}, "seven": {[]float64{7}, 0, 8, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			top, step := lineScale(LineInput{Max: test.max, Series: []LineSeries{{Values: test.values}}})
			if top != test.top || step != test.step {
				t.Errorf("scale to %v by %v, want %v by %v", top, step, test.top, test.step)
			}
		})
	}
}

func TestLineLabelsHaveRoom(t *testing.T) {
	t.Parallel()
	for n := range 80 {
		in := LineInput{Head: Head{ID: "x"}, Series: []LineSeries{{Name: "a"}}}
		for i := range n {
			in.Labels = append(in.Labels, fmt.Sprintf("2026年%d月", i))
			in.Series[0].Values = append(in.Series[0].Values, float64(i))
		}
		c := Line(in)
		for i, l := range c.Labels {
			if l.box.left < 0 || l.box.right > Width || i > 0 && l.box.meets(c.Labels[i-1].box) {
				t.Errorf("%d points: label %q at %+v", n, l.Lines[0].Text, l.box)
			}
		}
		if n > 0 && c.Labels[len(c.Labels)-1].Lines[0].Text != in.Labels[n-1] {
			t.Errorf("%d points: the last label is missing", n)
		}
		if len(c.Shapes[0].Dots) != n {
			t.Errorf("%d points: %d dots", n, len(c.Shapes[0].Dots))
		}
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		in   string
		want []string
	}{
		"short": {"方針", []string{"方針"}}, "phrase": {"事故が起きたときの手順", []string{"事故が", "起きたときの手順"}},
		"katakana stays whole": {"悪意のあるプログラムへの対策", []string{"悪意のある", "プログラムへの対策"}},
		"too long":             {strings.Repeat("あ", 30), []string{strings.Repeat("あ", 9), strings.Repeat("あ", 8) + "…"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, wrap(test.in, radarLabel)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
