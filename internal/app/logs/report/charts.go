package report

import (
	"fmt"
	"html/template"
	"strconv"

	"github.com/kizuki-security/kizuki/internal/platform/chart"
)

// chartView is a picture with the table beside it; without anything to show there is only Empty.
type chartView struct {
	ID, Name, Empty string
	SVG             template.HTML
	Headers         []string
	Rows            []rowView
	Notes           []string
}

type rowView struct {
	Name, Href string
	Wide       bool // its name may break
	Cells      []string
}

const (
	drawn  = 10 // names in a picture
	listed = 30 // names in its table
)

// parts are the levels that occur, the highest first, and where each stands in levelCounts.
func (r *Report) parts() (parts []chart.Part, places []int) {
	for at := levels - 1; at >= 0; at-- {
		if r.byLevel[at] > 0 {
			l := r.level(at)
			parts = append(parts, chart.Part{Class: l.Class, Name: l.Name})
			places = append(places, at)
		}
	}
	return parts, places
}

func (r *Report) headers(first string, parts []chart.Part) []string {
	list := []string{first}
	for _, p := range parts {
		list = append(list, p.Name)
	}
	return append(list, r.message("logs.report.by.total"))
}

// cells are the numbers of a row: those of the levels that occur, and their sum.
func (r *Report) cells(c *levelCounts, places []int) []string {
	var list []string
	for _, at := range places {
		list = append(list, r.count(c[at]))
	}
	return append(list, r.count(c.total()))
}

func ints(c *levelCounts, places []int) []int {
	list := make([]int, len(places))
	for i, at := range places {
		list[i] = int(c[at])
	}
	return list
}

func (r *Report) charts(p *page, ranked []*ruleSum, ids map[*ruleSum]string) error {
	overTime, err := r.timeChart()
	if err != nil {
		return err
	}
	rules, err := r.ruleChart(ranked, ids)
	if err != nil {
		return err
	}
	p.Charts = []chartView{overTime, rules}
	for _, by := range []struct {
		id string
		t  *tally
	}{{"hosts", r.hosts}, {"users", r.users}, {"sources", r.sources}} {
		c, err := r.nameChart(by.id, by.t)
		if err != nil {
			return err
		}
		p.Charts = append(p.Charts, c)
	}
	return nil
}

// widths are the message of a column's width, how its start is written in the table, and in the picture.
var widths = [...]struct{ name, long, short string }{
	byHour:  {"hour", "2006-01-02 15:04", "1/2 15:04"},
	byDay:   {"day", "2006-01-02", "1/2"},
	byWeek:  {"week", "2006-01-02", "2006/1/2"},
	byMonth: {"month", "2006-01", "2006/1"},
	byYear:  {"year", "2006", "2006"},
}

func (r *Report) timeChart() (chartView, error) {
	v := chartView{ID: "times", Name: r.message("logs.report.times")}
	width, columns := r.times.columns()
	parts, places := r.parts()
	as := widths[width]
	widthName := r.message("logs.report.times." + as.name)
	in := chart.StacksInput{Parts: parts}
	most, gaps := 0, false
	for i := range columns {
		c := &columns[i]
		long := c.Start.Format(as.long)
		in.Stacks = append(in.Stacks, chart.Stack{Label: long, Short: c.Start.Format(as.short), Counts: ints(&c.Counts, places)})
		if c.Counts.total() == 0 {
			gaps = true
			continue
		}
		if c.Counts.total() > columns[most].Counts.total() {
			most = i
		}
		v.Rows = append(v.Rows, rowView{Name: long, Cells: r.cells(&c.Counts, places)})
	}
	if r.times.none > 0 {
		v.Notes = append(v.Notes, r.message("logs.report.times.none", "n", r.times.none))
	}
	if r.times.wrong > 0 {
		v.Notes = append(v.Notes, r.message("logs.report.times.wrong", "n", r.times.wrong))
	}
	if len(columns) == 0 {
		v.Empty = r.message("logs.report.times.empty")
		return v, nil
	}
	about := r.message("logs.report.times.width", "width", widthName)
	if gaps {
		about += r.message("logs.report.times.gaps")
	}
	v.Notes = append([]string{about}, v.Notes...)
	v.Headers = r.headers(r.message("logs.report.times.name"), parts)
	in.Head = chart.Head{ID: "chart-times", Title: v.Name, Desc: r.message("logs.report.times.desc", "width", widthName,
		"most", in.Stacks[most].Label, "n", columns[most].Counts.total())}
	var err error
	if v.SVG, err = chart.Columns(in).SVG(); err != nil {
		return v, fmt.Errorf("draw hits over time: %w", err)
	}
	return v, nil
}

func (r *Report) ruleChart(ranked []*ruleSum, ids map[*ruleSum]string) (chartView, error) {
	var list []counted
	var links []string
	more := uint64(0)
	for i, sum := range ranked {
		if i >= shownRules { // the table links to all that are shown below
			more += sum.hits
			continue
		}
		c := counted{Name: r.title(sum)}
		c.Counts[sum.level] = sum.hits
		list, links = append(list, c), append(links, ids[sum])
	}
	v, err := r.ranking("rules", list, max(0, len(ranked)-shownRules), more)
	v.Headers = []string{r.message("logs.report.by.rules.name"), r.message("logs.report.by.level"), r.message("logs.report.by.total")}
	for i := range v.Rows { // a rule has one level: columns for the others would be empty
		v.Rows[i].Href = links[i]
		v.Rows[i].Cells = []string{r.level(ranked[i].level).Name, r.count(ranked[i].hits)}
	}
	if r.noRule > 0 {
		v.Notes = append(v.Notes, r.message("logs.report.by.over", "n", r.noRule))
	}
	return v, err
}

func (r *Report) nameChart(id string, t *tally) (chartView, error) {
	list, names, hits := t.top(listed)
	v, err := r.ranking(id, list, names, hits)
	if t.over > 0 {
		v.Notes = append(v.Notes, r.message("logs.report.by.over", "n", t.over))
	}
	if t.none > 0 {
		v.Notes = append(v.Notes, r.message("logs.report.by.none", "n", t.none))
	}
	return v, err
}

// ranking draws the first names of a list and writes all of it.
func (r *Report) ranking(id string, list []counted, moreNames int, moreHits uint64) (chartView, error) {
	v := chartView{ID: id, Name: r.message("logs.report.by." + id)}
	if len(list) == 0 {
		v.Empty = r.message("logs.report.by.empty")
		return v, nil
	}
	parts, places := r.parts()
	in := chart.StacksInput{Parts: parts}
	most := 0
	for i := range list {
		c := &list[i]
		v.Rows = append(v.Rows, rowView{Name: c.Name, Wide: true, Cells: r.cells(&c.Counts, places)})
		if i < drawn {
			in.Stacks = append(in.Stacks, chart.Stack{Label: plainly(c.Name), Counts: ints(&c.Counts, places)})
			if c.Counts.total() > list[most].Counts.total() {
				most = i
			}
		}
	}
	if moreNames > 0 {
		v.Notes = append(v.Notes, r.message("logs.report.by.more", "names", moreNames, "n", moreHits))
	}
	v.Headers = r.headers(r.message("logs.report.by."+id+".name"), parts)
	in.Head = chart.Head{ID: "chart-" + id, Title: v.Name, Desc: r.message("logs.report.by.desc", "n", strconv.Itoa(len(in.Stacks)),
		"most", in.Stacks[most].Label, "hits", list[most].Counts.total())}
	var err error
	if v.SVG, err = chart.Rows(in).SVG(); err != nil {
		return v, fmt.Errorf("draw %s: %w", id, err)
	}
	return v, nil
}
