package chart

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func stacks(n int) StacksInput {
	in := StacksInput{
		Head:  Head{ID: "hits", Title: "検知", Desc: "時間ごとの検知"},
		Parts: []Part{{"critical", "緊急"}, {"high", "高"}, {"informational", "参考"}}, LabelName: "時刻", TotalName: "計",
	}
	for i := range n {
		in.Stacks = append(in.Stacks, Stack{Label: "2026-11-26 " + strconv.Itoa(i), Short: strconv.Itoa(i) + "時", Counts: []int{i, 100 * i}})
	}
	return in
}

func TestColumns(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 2, 24, 60} {
		c := Columns(stacks(n))
		svg, err := c.SVG()
		if err != nil {
			t.Fatal(err)
		}
		checkMarkup(t, string(svg))
		for i, p := range c.Pieces {
			if p.X < 0 || p.X+p.Width > Width || p.Y < 0 || p.Y+p.Height > lineBottom+0.2 {
				t.Errorf("%d columns: piece %d leaves the picture: %+v", n, i, p)
			}
		}
		for i := 1; i < len(c.Labels); i++ {
			if c.Labels[i].box.meets(c.Labels[i-1].box) {
				t.Errorf("%d columns: labels %d and %d meet", n, i-1, i)
			}
		}
		if n > 1 && len(c.Pieces) != 2*(n-1) {
			t.Errorf("%d columns have %d pieces, want %d", n, len(c.Pieces), 2*(n-1))
		}
		if n > 0 && (len(c.Labels) == 0 || c.Labels[0].Lines[0].Text != "0時") {
			t.Errorf("%d columns: the first has no label: %+v", n, c.Labels)
		}
	}
}

func TestColumnsScaleHasWholeNumbers(t *testing.T) {
	t.Parallel()
	in := stacks(0)
	in.Stacks = []Stack{{Label: "1", Counts: []int{1}}, {Label: "2", Counts: []int{0, 1, -4}}}
	c := Columns(in)
	for _, tick := range c.Ticks {
		if strings.Contains(tick.Label.Lines[0].Text, ".") {
			t.Errorf("tick %q of a count of hits", tick.Label.Lines[0].Text)
		}
	}
	want := Table{Headers: []string{"時刻", "緊急", "高", "計"}, Rows: [][]string{{"1", "1", "0", "1"}, {"2", "0", "1", "1"}}}
	if diff := cmp.Diff(want, c.Table()); diff != "" {
		t.Error(diff)
	}
}

func TestRows(t *testing.T) {
	t.Parallel()
	in := stacks(10)
	in.Stacks = append(in.Stacks, Stack{Label: `<script>"&` + strings.Repeat("ながい名前", 40), Counts: []int{1 << 40}})
	c := Rows(in)
	svg, err := c.SVG()
	if err != nil {
		t.Fatal(err)
	}
	checkMarkup(t, string(svg))
	for _, row := range c.Rows {
		for _, p := range row.Pieces {
			if p.X < 0 || p.X+p.Width > Width {
				t.Errorf("a piece leaves the picture: %+v", p)
			}
		}
	}
	if got := c.Table().Rows[3]; !cmp.Equal(got, []string{"2026-11-26 3", "3", "300", "303"}) {
		t.Errorf("row of the table is %q", got)
	}
}
