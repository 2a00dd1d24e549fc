// Package report writes what a scan of logs found as one HTML file that opens anywhere: no network, no script, no other
// file. It adds up while hits come, so that memory is bounded whatever their number: what is counted by name has a
// limit, and what found no room is counted and told; samples are kept per rule, shortened.
//
// All texts from logs, names of files and rules are hostile: html/template escapes them, and signs that nobody sees or
// that turn the direction of reading are written out as U+202E and the like.
//
// It reads neither clock nor environment.
package report

import (
	"cmp"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/app/logs"
	"github.com/kizuki-security/kizuki/internal/platform/i18n"
)

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Messages returns the texts of this package.
func Messages() fs.FS { return messages }

const (
	levels       = 5        // as logs.Severity counts, the least first
	mostNames    = 10_000   // computers, users, addresses counted by name
	mostTimes    = 20_000   // hours, then days, then weeks with hits
	mostRules    = 20_000   // rules counted by name
	mostHosts    = 100      // computers counted for one rule
	mostFiles    = 100      // files told that were not read
	mostSamples  = 5        // for each rule, when nobody says otherwise
	sampleBudget = 16 << 20 // bytes of all samples; the first of each rule is kept whatever stands here
	nameBytes    = 200      // of a computer, a user, an address
)

// Options are what a report needs to know from the beginning.
type Options struct {
	Texts   *i18n.Messages
	Lang    string         // ja or en
	Zone    *time.Location // in which times are shown
	Now     time.Time      // when the scan began; hits later than tomorrow have a wrong clock
	Samples int            // hits shown for each rule; 0 is 5

	// Explain gives what people should know about a rule, in Lang; nil: nothing is known.
	Explain func(ruleID string) (Explanation, bool)
}

// Explanation tells a person without training what a rule is about. Each part may be empty.
type Explanation struct {
	Title string // in the reader's language
	What  string // what happened
	Why   string // why it is dangerous
	First string // what to do first
}

// Report adds up hits. It is used by one goroutine.
type Report struct {
	o       Options
	hits    uint64
	byLevel levelCounts
	rules   map[string]*ruleSum
	noRule  uint64 // hits of rules beyond mostRules
	hosts   *tally
	users   *tally
	sources *tally
	times   *times
	attack  *attack
	first   time.Time
	last    time.Time
	bytes   int // of samples

	files     []fileLine
	moreFiles int
}

type levelCounts [levels]uint64

func (c *levelCounts) total() uint64 {
	sum := uint64(0)
	for _, n := range c {
		sum += n
	}
	return sum
}

// fileLine is a file that was not read, or not wholly.
type fileLine struct {
	Name   string
	Reason logs.Reason // empty: it was read, with damages
	Notes  []string
}

// ruleSum is what one rule found.
type ruleSum struct {
	hit         logs.Hit // its rule; no fields
	level       int
	hits        uint64
	first, last time.Time
	hosts       *tally
	samples     []*sample
}

// New begins a report.
func New(o Options) *Report {
	if o.Samples <= 0 {
		o.Samples = mostSamples
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	return &Report{
		o: o, rules: map[string]*ruleSum{}, hosts: newTally(mostNames), users: newTally(mostNames), sources: newTally(mostNames),
		times: newTimes(o.Zone, o.Now), attack: newAttack(),
	}
}

// Hit adds one hit; it keeps nothing of h but a few shortened samples.
func (r *Report) Hit(h *logs.Hit) {
	level := logs.Severity(h.Rule.Level)
	r.hits++
	r.byLevel[level]++
	host := lookUp(h, hostFields)
	r.hosts.add(host, level)
	r.users.add(lookUp(h, userFields), level)
	r.sources.add(lookUp(h, addressFields), level)
	if r.times.add(h.Time, level) {
		r.first, r.last = earlier(r.first, h.Time), later(r.last, h.Time)
	}
	r.attack.add(h.Rule.Tags)
	sum := r.rule(h, level)
	if sum == nil {
		r.noRule++
		return
	}
	sum.hits++
	sum.hosts.add(host, level)
	if r.times.plausible(h.Time) {
		sum.first, sum.last = earlier(sum.first, h.Time), later(sum.last, h.Time)
	}
	r.sample(sum, h, host)
}

// rule finds the sum of a rule; nil when there are too many.
func (r *Report) rule(h *logs.Hit, level int) *ruleSum {
	key := h.Rule.ID
	if key == "" {
		key = fmt.Sprintf("%s:%d", h.Rule.File, h.Rule.Line)
	}
	sum := r.rules[key]
	if sum == nil && len(r.rules) < mostRules {
		sum = &ruleSum{hit: logs.Hit{Rule: h.Rule, Together: h.Together}, level: level, hosts: newTally(mostHosts)}
		r.rules[key] = sum
	}
	return sum
}

// File notes what became of a file; those that were read without loss are only counted, by the total of the scan.
func (r *Report) File(f *logs.FileReport) {
	if f.Error == nil && len(f.Notes) == 0 {
		return
	}
	if len(r.files) >= mostFiles {
		r.moreFiles++
		return
	}
	line := fileLine{Name: short(f.Name, 4*nameBytes)}
	if f.Error != nil {
		line.Reason = f.Error.Reason
	}
	for _, note := range f.Notes {
		line.Notes = append(line.Notes, short(note, 4*nameBytes))
	}
	r.files = append(r.files, line)
}

// ranked lists the rules, the most important first: by level, then by number of hits.
func (r *Report) ranked() []*ruleSum {
	all := make([]*ruleSum, 0, len(r.rules))
	for _, sum := range r.rules {
		all = append(all, sum)
	}
	slices.SortFunc(all, func(a, b *ruleSum) int {
		return cmp.Or(cmp.Compare(b.level, a.level), cmp.Compare(b.hits, a.hits),
			strings.Compare(a.hit.Rule.Title, b.hit.Rule.Title), strings.Compare(a.hit.Rule.ID, b.hit.Rule.ID), strings.Compare(a.hit.Rule.File, b.hit.Rule.File))
	})
	return all
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
