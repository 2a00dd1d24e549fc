package sample

import (
	"github.com/kizuki-security/kizuki/internal/register/verdict"
)

// sheets is content/answers.yaml. Frameworks stand by their short names.
type sheets struct {
	Frameworks map[string]string
	LastYear   struct {
		Framework string
		On        when
		Values    map[string]int
	} `yaml:"last_year"`
	Rounds    []itemsRow
	Owners    []itemsRow
	Confirmed []itemsRow
	Answers   []answersRow
	Against   answersRow
	Actions   []actionRow
	Requests  []requestRow
	Proofs    []proofRow
}

// itemsRow is one act about several items.
type itemsRow struct {
	Framework, By, Note string
	On, Planned         when
	Items               []string
}

type answersRow struct {
	Framework, By string
	On            when
	Days          int // how long answers against the records stand
	Items         []answerRow
}

type answerRow struct {
	Item, Note, Reason string
	Reads              string // kind of fact that the clause reads; "": the first clause that fits
	Value              string // "met", "part", "unmet", "na", or "unknown"
}

func (r answerRow) value() verdict.Result {
	if r.Value == "unknown" {
		return verdict.Unknown
	}
	return verdict.Result(r.Value)
}

type actionRow struct {
	Title, Owner, Framework, Note string
	Due, Made                     when
	Items                         []string
}

type requestRow struct {
	Customer, Framework, Level, Form, Note string
	Mean                                   int
	Asked                                  []struct{ On, Deadline when }
	Events                                 []struct {
		On              when
		What, How, Note string
	}
}

type proofRow struct {
	Framework, Item, Name, Note string
	On                          when
}
