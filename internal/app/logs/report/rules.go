package report

import (
	"cmp"
	"strconv"
	"strings"
)

// ruleView is one rule with what it found.
type ruleView struct {
	ID, Title, Facts, Origin string
	Level                    levelLine
	Known                    bool // there is an explanation; else Description and False are the rule's own
	What, Why, First         string
	Description              string
	False                    []string
	Samples                  []sampleView
	Left                     string
}

type sampleView struct {
	When, Place, Same, MoreWhy, MoreFields, FieldsName string
	Why                                                []whyView
	Fields                                             []fieldValue
}

type whyView struct{ Says, Before, Found, Behind string }

const longestText = 4000 // bytes of a description

func (r *Report) explanation(sum *ruleSum) (Explanation, bool) {
	if r.o.Explain == nil {
		return Explanation{}, false
	}
	x, ok := r.o.Explain(sum.hit.Rule.ID)
	if !ok {
		return Explanation{}, false
	}
	return x, true
}

// title is what the rule is called in the language of the reader, if anybody knows.
func (r *Report) title(sum *ruleSum) string {
	x, _ := r.explanation(sum)
	return cmp.Or(x.Title, sum.hit.Rule.Title, sum.hit.Rule.ID, r.message("logs.report.unnamed"))
}

func (r *Report) rule1(sum *ruleSum, id string) ruleView {
	x, known := r.explanation(sum)
	v := ruleView{
		ID: id, Title: r.title(sum), Level: r.level(sum.level), Facts: r.facts(sum), Known: known && x.What+x.Why+x.First != "",
		What: x.What, Why: x.Why, First: x.First, Description: short(sum.hit.Rule.Description, longestText),
		Origin: r.message("logs.report.origin", "id", cmp.Or(sum.hit.Rule.ID, sum.hit.Rule.File), "author", r.orUnnamed(sum.hit.Rule.Author), "license", r.orUnnamed(sum.hit.Rule.License)),
	}
	for i, text := range sum.hit.Rule.FalsePositives {
		if i == sampleWhy {
			break
		}
		if word := strings.ToLower(strings.Trim(text, " .")); word == "unknown" || word == "unlikely" || word == "none" {
			continue // says nothing to a reader
		}
		v.False = append(v.False, short(text, longestText))
	}
	shown := uint64(0)
	for _, s := range sum.samples {
		shown += s.same
		v.Samples = append(v.Samples, r.sampleView(s))
	}
	if left := sum.hits - shown; left > 0 {
		v.Left = r.message("logs.report.sample.left", "n", left)
	}
	return v
}

// facts says how much a rule found, where and when.
func (r *Report) facts(sum *ruleSum) string {
	key := "logs.report.facts"
	switch {
	case sum.first.IsZero():
		key = "logs.report.facts.untimed"
	case sum.first.Equal(sum.last):
		key = "logs.report.facts.once"
	}
	return r.message(key, "n", sum.hits, "hosts", sum.hosts.names(r), "first", r.moment(sum.first), "last", r.moment(sum.last))
}

func (r *Report) sampleView(s *sample) sampleView {
	v := sampleView{
		When: r.message("logs.report.sample.untimed"), Fields: s.fields, FieldsName: r.message("logs.report.sample.fields", "n", len(s.fields)+s.moreFields),
		Place: r.message("logs.report.sample.place", "file", s.file, "record", strconv.FormatUint(s.record, 10)),
	}
	if !s.at.IsZero() {
		v.When = r.moment(s.at)
	}
	if s.together {
		v.Place = r.message("logs.report.sample.together", "n", strconv.FormatFloat(s.count, 'f', -1, 64))
		v.FieldsName = r.message("logs.report.sample.group", "n", len(s.fields)+s.moreFields)
	}
	if s.same > 1 {
		v.Same = r.message("logs.report.sample.same", "n", s.same)
	}
	if s.moreFields > 0 {
		v.MoreFields = r.message("logs.report.sample.more_fields", "n", s.moreFields)
	}
	if s.moreWhy > 0 {
		v.MoreWhy = r.message("logs.report.sample.more_why", "n", s.moreWhy)
	}
	for i := range s.why {
		w := &s.why[i]
		v.Why = append(v.Why, whyView{r.says(w), w.before, w.found, w.behind})
	}
	return v
}

// says is a reason as a sentence: which field, and what was looked for.
func (r *Report) says(w *whyLine) string {
	field := cmp.Or(w.field, r.message("logs.report.keyword"))
	key := "logs.report.op." + w.op
	if !r.o.Texts.Has(key) {
		key = "logs.report.op.other"
	}
	return r.message(key, "field", field, "pattern", w.pattern, "op", w.op)
}
