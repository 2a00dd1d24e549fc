package report

import (
	"html/template"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/app/logs"
)

// page is what the template shows. Texts from outside are raw: the template writes them with v.
type page struct {
	Lang, Policy, Made string
	Style              template.CSS
	Warnings           []string
	Hits, Sums         string
	Levels             []levelLine
	Contents           []link
	First              []ruleView
	FirstLead          string
	Advice             string // where a rule among the first has no explanation
	Scope              []named
	Refused            []numbered
	Files              []named
	MoreFiles          string
	Charts             []chartView
	Tactics            []tacticView
	Techniques         []numbered
	AttackNotes        []string
	HitsLead           string
	Rules              []ruleView
	MoreRules          string
	Authors            []authorView
	Foot               string
}

type link struct{ ID, Name string }

type named struct {
	Name   string
	Values []string
}

type levelLine struct{ Class, Name, Hits string }

type numbered struct{ Name, Count string }

type tacticView struct {
	Name, Count string
	Hits        bool
}

type authorView struct {
	Author, License string
	Rules           []string
}

const (
	shownFirst = 5   // rules told first
	shownRules = 200 // rules with samples
	shownPaths = 20
)

var levelClasses = [levels]string{"informational", "low", "medium", "high", "critical"}

func (r *Report) level(at int) levelLine {
	class := levelClasses[at]
	return levelLine{Class: class, Name: r.message("logs.report.level." + class), Hits: r.count(r.byLevel[at])}
}

func (r *Report) page(s *Scope) (*page, error) {
	ranked := r.ranked()
	ids := make(map[*ruleSum]string, len(ranked))
	p := &page{
		Lang: r.o.Lang, Made: r.moment(r.o.Now), Hits: r.count(r.hits), Warnings: r.warnings(s), Sums: r.sums(s),
		HitsLead: r.message("logs.report.hits.lead", "n", r.o.Samples), Foot: r.message("logs.report.foot", "program", s.Program),
		Scope: r.scope(s), Refused: r.refused(s.Total), Authors: r.authors(ranked),
	}
	for at := levels - 1; at >= 0; at-- {
		p.Levels = append(p.Levels, r.level(at))
	}
	for i, sum := range ranked {
		if i == shownRules {
			break
		}
		ids[sum] = "rule-" + strconv.Itoa(i+1)
		p.Rules = append(p.Rules, r.rule1(sum, ids[sum]))
	}
	p.MoreRules = r.moreRules(ranked)
	r.begin(p, ranked)
	r.fileLines(p)
	if err := r.charts(p, ranked, ids); err != nil {
		return nil, err
	}
	r.stages(p)
	p.Contents = r.contents(p)
	return p, nil
}

// contents lists the sections in their order.
func (r *Report) contents(p *page) []link {
	list := []link{{"first", r.message("logs.report.first")}, {"scope", r.message("logs.report.scope")}}
	for _, c := range p.Charts {
		list = append(list, link{c.ID, c.Name})
	}
	return append(list, link{"attack", r.message("logs.report.attack")}, link{"hits", r.message("logs.report.hits")}, link{"authors", r.message("logs.report.authors")})
}

// warnings are what a reader must know before the figures: what is missing in them.
func (r *Report) warnings(s *Scope) []string {
	var list []string
	if s.Stopped {
		list = append(list, r.message("logs.report.warn.stopped", "n", s.Total.NotTried))
	}
	if s.Total.FilesRefused > 0 {
		list = append(list, r.message("logs.report.warn.files", "n", s.Total.FilesRefused))
	}
	lost := uint64(0)
	for reason, n := range s.Total.Refused {
		if reason != logs.OutsideTime && reason != logs.NoTime {
			lost += n
		}
	}
	if lost > 0 {
		list = append(list, r.message("logs.report.warn.records", "n", lost))
	}
	if s.Total.Unsourced > 0 {
		list = append(list, r.message("logs.report.warn.unsourced", "n", s.Total.Unsourced))
	}
	if s.RulesRefused > 0 {
		list = append(list, r.message("logs.report.warn.rules", "n", s.RulesRefused))
	}
	return list
}

func (r *Report) sums(s *Scope) string {
	if r.first.IsZero() {
		return r.message("logs.report.sums.none", "scanned", s.Total.Scanned)
	}
	return r.message("logs.report.sums", "rules", len(r.rules), "hosts", r.hosts.names(r), "first", r.moment(r.first), "last", r.moment(r.last))
}

// names is how many names there are, as a text: beyond the limit nobody knows.
func (t *tally) names(r *Report) string {
	n := r.count(uint64(len(t.counts)))
	if t.over > 0 {
		return r.message("logs.report.hosts.over", "n", n)
	}
	return n
}

// begin picks what to look at first.
func (r *Report) begin(p *page, ranked []*ruleSum) {
	p.First = p.Rules[:min(len(p.Rules), shownFirst)]
	key := "logs.report.first.calm"
	for i, sum := range ranked[:len(p.First)] {
		if sum.level >= logs.Severity("high") {
			key = "logs.report.first.high"
		} else if key == "logs.report.first.high" { // what is lower can wait
			p.First = p.First[:i]
			break
		}
	}
	p.FirstLead = r.message(key, "n", len(p.First))
	if slices.ContainsFunc(p.First, func(v ruleView) bool { return !v.Known }) {
		p.Advice = r.message("logs.report.do.unknown")
	}
}

func (r *Report) scope(s *Scope) []named {
	line := func(key string, values ...string) named { return named{r.message("logs.report.scope." + key), values} }
	paths := s.Paths
	if len(paths) > shownPaths {
		paths = append(slices.Clone(paths[:shownPaths]), r.message("logs.report.scope.paths.more", "n", len(paths)-shownPaths))
	}
	list := []named{
		line("made", r.moment(r.o.Now)), line("zone", r.message("logs.report.scope.zone.is", "zone", r.o.Now.In(r.o.Zone).Format("-07:00"))),
		line("paths", paths...),
	}
	if len(s.Exclude) > 0 {
		list = append(list, line("exclude", s.Exclude...))
	}
	span := r.message("logs.report.scope.range.all")
	if !s.From.IsZero() || !s.To.IsZero() {
		span = r.message("logs.report.scope.range.is", "from", r.open(s.From), "to", r.open(s.To))
	}
	rules := r.message("logs.report.scope.rules.is", "rules", s.Rules, "correlations", s.Correlations, "refused", s.RulesRefused, "filters", s.Filters)
	level := r.message("logs.report.level." + levelClasses[logs.Severity(s.MinLevel)])
	t := s.Total
	refused := uint64(0)
	for _, n := range t.Refused {
		refused += n
	}
	list = append(list, line("range", span), line("level", r.message("logs.report.scope.level.is", "level", level)), line("rules", append([]string{rules}, s.Sources...)...),
		line("read", r.message("logs.report.scope.read.is", "read", t.Read, "scanned", t.Scanned, "refused", refused, "files", t.Files)))
	if t.Untimed+t.Evicted+t.Dropped+t.Hurried+t.Late+t.Future > 0 {
		list = append(list, line("correlations", r.message("logs.report.scope.correlations.is", "untimed", t.Untimed, "evicted", t.Evicted, "dropped", t.Dropped, "hurried", t.Hurried, "late", t.Late, "future", t.Future)))
	}
	return list
}

func (r *Report) open(at time.Time) string {
	if at.IsZero() {
		return r.message("logs.report.scope.open")
	}
	return r.moment(at)
}

func (r *Report) reason(code logs.Reason) string { return r.message("logs.reason." + string(code)) }

func (r *Report) refused(t *logs.Total) []numbered {
	var list []numbered
	for _, code := range slices.Sorted(maps.Keys(t.Refused)) {
		list = append(list, numbered{r.reason(code), r.count(t.Refused[code])})
	}
	return list
}

func (r *Report) fileLines(p *page) {
	for _, f := range r.files {
		line := named{Name: f.Name}
		if f.Reason != "" {
			line.Values = append(line.Values, r.reason(f.Reason))
		}
		for _, note := range f.Notes {
			line.Values = append(line.Values, r.message("logs.report.damaged", "note", note))
		}
		p.Files = append(p.Files, line)
	}
	if r.moreFiles > 0 {
		p.MoreFiles = r.message("logs.report.files.more", "n", r.moreFiles)
	}
}

func (r *Report) moreRules(ranked []*ruleSum) string {
	rules, hits := 0, r.noRule
	for _, sum := range ranked[min(len(ranked), shownRules):] {
		rules++
		hits += sum.hits
	}
	if hits == 0 {
		return ""
	}
	return r.message("logs.report.more_rules", "rules", rules, "n", hits)
}

// stages fills the strip of tactics, and the techniques below it.
func (r *Report) stages(p *page) {
	for _, tactic := range tactics {
		n := r.attack.tactics[tactic]
		p.Tactics = append(p.Tactics, tacticView{r.message("logs.report.tactic." + tactic), r.count(n), n > 0})
	}
	list, more := r.attack.top()
	for _, t := range list {
		p.Techniques = append(p.Techniques, numbered{t.ID, r.count(t.Hits)})
	}
	note := func(key string, n uint64) {
		if n > 0 {
			p.AttackNotes = append(p.AttackNotes, r.message("logs.report.attack."+key, "n", n))
		}
	}
	note("more", uint64(more))
	note("none", r.attack.none)
	note("over", r.attack.over)
}

// authors lists who wrote the rules that found something, in the order of names.
func (r *Report) authors(ranked []*ruleSum) []authorView {
	type key struct{ author, license string }
	rules := map[key][]string{}
	for _, sum := range ranked {
		k := key{r.orUnnamed(sum.hit.Rule.Author), r.orUnnamed(sum.hit.Rule.License)}
		rules[k] = append(rules[k], short(r.title(sum), nameBytes))
	}
	list := make([]authorView, 0, len(rules))
	for k, titles := range rules {
		list = append(list, authorView{k.author, k.license, titles})
	}
	slices.SortFunc(list, func(a, b authorView) int {
		return strings.Compare(a.Author+"\x00"+a.License, b.Author+"\x00"+b.License)
	})
	return list
}

func (r *Report) orUnnamed(text string) string {
	if strings.TrimSpace(text) == "" {
		return r.message("logs.report.unnamed")
	}
	return short(text, 4*nameBytes)
}
