package reference

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// File is the text of a YAML file with one or more documents.
type File struct {
	Name string
	Text []byte
}

// Options are what rules cannot say themselves.
type Options struct {
	Placeholders map[string][]string // values for %name%
	Calendars    map[string][]string // dates as YYYY-MM-DD, by the name of the calendar
	Lateness     time.Duration       // how much older than the newest event one may be
}

// Refusal is a document that cannot be used. Document counts those of the file from 0, empty ones left out.
type Refusal struct {
	File     string
	Document int
	Title    string
	ID       string
	Reason   string
}

// document is one rule, correlation, extension or filter.
type document struct {
	file            string
	index           int
	title, id, name string
	body            *node
	refusal         error
	silent          bool // its hits go to a correlation only

	source      LogSource
	detection   detection
	keep        bool        // of a filter: its condition tells what stays, not what goes
	filters     []*document // those of a rule
	correlation *correlation
}

func (d *document) is(kind string) bool { return d.body.member(kind) != nil }

// loader compiles documents.
type loader struct {
	options   Options
	documents []*document
	known     map[string]*document // by id and by name
}

// Rules are loaded documents.
type Rules struct {
	Refused   []Refusal
	documents []*document // those that can be used
	options   Options
}

// Load reads files in their order. What cannot be used is in Refused, with the reason; nothing is left out silently.
func Load(files []File, options Options) *Rules {
	l := &loader{options: options, known: map[string]*document{}}
	for _, file := range files {
		l.read(file)
	}
	l.each("detection", l.rule)
	l.each("correlation", l.sigmaCorrelation)
	l.each("kizuki", l.extension)
	l.refuseUnusable()
	l.each("filter", l.filter)
	l.silence()
	rules := &Rules{options: options}
	for _, d := range l.documents {
		if d.refusal != nil {
			rules.Refused = append(rules.Refused, Refusal{d.file, d.index, d.title, d.id, d.refusal.Error()})
		} else {
			rules.documents = append(rules.documents, d)
		}
	}
	return rules
}

func (l *loader) read(file File) {
	for i, n := range documents(file.Text) {
		d := &document{file: file.Name, index: i, body: n.body, refusal: n.err}
		l.documents = append(l.documents, d)
		if d.refusal == nil {
			d.refusal = l.head(d)
		}
	}
}

// head reads what every document has, and sees to it that ids and names are unique.
func (l *loader) head(d *document) error {
	if !d.body.isMap() {
		return errors.New("a document must be a map")
	}
	var errs [3]error
	d.title, errs[0] = d.body.word("title")
	d.id, errs[1] = d.body.word("id")
	d.name, errs[2] = d.body.word("name")
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	kinds := 0
	for _, kind := range []string{"detection", "correlation", "kizuki", "filter"} {
		if d.is(kind) {
			kinds++
		}
	}
	if kinds != 1 {
		return errors.New("a document holds one of detection, correlation, filter, kizuki")
	}
	if d.title == "" {
		return errors.New("there is no title")
	}
	for _, handle := range []string{d.id, d.name} {
		if handle != "" && l.known[handle] != nil {
			return fmt.Errorf("%q was given before, to %q", handle, l.known[handle].title)
		}
	}
	for _, handle := range []string{d.id, d.name} {
		if handle != "" {
			l.known[handle] = d
		}
	}
	return nil
}

// each compiles the documents of one kind that are still good.
func (l *loader) each(kind string, compile func(*document) error) {
	for _, d := range l.documents {
		if d.refusal == nil && d.is(kind) {
			d.refusal = compile(d)
		}
	}
}

func readSource(n *node) (LogSource, error) {
	var s LogSource
	if !n.isMap() {
		return s, errors.New("there is no logsource")
	}
	var errs [3]error
	s.Product, errs[0] = n.word("product")
	s.Category, errs[1] = n.word("category")
	s.Service, errs[2] = n.word("service")
	return s, errors.Join(errs[:]...)
}

func (l *loader) rule(d *document) error {
	var err error
	if d.source, err = readSource(d.body.member("logsource")); err != nil {
		return err
	}
	d.detection, err = l.detection(d.body.member("detection"), "timeframe")
	return err
}

// wants says whether something from a source is what a rule or filter with this source asks for.
func (s LogSource) wants(from LogSource) bool {
	agree := func(wanted, given string) bool { return wanted == "" || strings.EqualFold(wanted, given) }
	return agree(s.Product, from.Product) && agree(s.Category, from.Category) && agree(s.Service, from.Service)
}

func (l *loader) filter(d *document) error {
	var err error
	if d.source, err = readSource(d.body.member("logsource")); err != nil {
		return err
	}
	section := d.body.member("filter")
	if d.detection, err = l.detection(section, "rules"); err != nil {
		return err
	}
	d.keep = d.detection.holdsForNothing()
	names, err := section.words("rules")
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return errors.New("the filter names no rules")
	}
	found := slices.Contains(names, "any") // it may be there before the rules are
	for _, rule := range l.documents {
		if !rule.is("detection") || rule.refusal != nil {
			continue
		}
		if slices.Contains(names, "any") || rule.id != "" && slices.Contains(names, rule.id) ||
			rule.name != "" && slices.Contains(names, rule.name) {
			found = true
			if d.source.wants(rule.source) {
				rule.filters = append(rule.filters, d)
			}
		}
	}
	if !found {
		return fmt.Errorf("none of the rules %s is loaded", strings.Join(names, ", "))
	}
	return nil
}

// matches says whether an event is a hit of a rule.
func (d *document) matches(r record) bool {
	if !d.source.wants(r.source) || !d.detection.holds(r) {
		return false
	}
	for _, f := range d.filters {
		if f.detection.holds(r) != f.keep {
			return false
		}
	}
	return true
}

// refuseUnusable refuses correlations that name what is missing, refused, or themselves.
func (l *loader) refuseUnusable() {
	for _, d := range l.documents {
		if d.correlation == nil || d.refusal != nil {
			continue
		}
		for _, handle := range d.correlation.rules {
			to := l.known[handle]
			if to == nil || to.is("filter") {
				d.refusal = fmt.Errorf("the rule %q is not loaded", handle)
				break
			}
			d.correlation.inputs = append(d.correlation.inputs, to)
		}
	}
	for _, d := range l.documents {
		if d.correlation != nil && d.refusal == nil && d.reaches(d, map[*document]bool{}) {
			d.refusal = errors.New("the correlation is made of itself")
		}
	}
	for again := true; again; {
		again = false
		for _, d := range l.documents {
			if d.correlation == nil || d.refusal != nil {
				continue
			}
			for i, to := range d.correlation.inputs {
				if to.refusal != nil {
					d.refusal = fmt.Errorf("the rule %q is refused", d.correlation.rules[i])
					again = true
				}
			}
		}
	}
}

// reaches says whether the inputs of a correlation lead to a document.
func (d *document) reaches(target *document, seen map[*document]bool) bool {
	if d.correlation == nil || seen[d] {
		return false
	}
	seen[d] = true
	for _, to := range d.correlation.inputs {
		if to == target || to.reaches(target, seen) {
			return true
		}
	}
	return false
}

// silence finds the rules whose hits only serve correlations.
func (l *loader) silence() {
	loud := map[*document]bool{}
	for _, d := range l.documents {
		if d.correlation == nil || d.refusal != nil {
			continue
		}
		for _, to := range d.correlation.inputs {
			to.silent = true
			if d.correlation.generate {
				loud[to] = true
			}
		}
	}
	for to := range loud {
		to.silent = false
	}
}
