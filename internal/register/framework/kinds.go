package framework

import (
	"fmt"
	"slices"
)

// Table is catalog/kinds.yaml: every kind, population, topic, setting and remedy.
type Table struct {
	Kinds       map[string]Kind             `yaml:"kinds"`
	Populations map[string]PopulationSource `yaml:"populations"`
	Topics      map[string]Text             `yaml:"topics"`
	Settings    map[string]Setting          `yaml:"settings"`
	Remedies    map[string]Remedy           `yaml:"remedies"`

	topicOrder []string
}

// TopicKeys lists the topics in the order of the file, which is the order shown.
func (t *Table) TopicKeys() []string { return slices.Clone(t.topicOrder) }

// Kind describes one kind of fact.
type Kind struct {
	Owner  string         `yaml:"owner"` // the package that gives it
	State  string         `yaml:"state"` // live or planned
	Shape  string         `yaml:"shape"` // measure or series
	Member string         `yaml:"member"`
	Unit   string         `yaml:"unit"`  // measures only
	Fresh  int            `yaml:"fresh"` // days
	Remedy string         `yaml:"remedy"`
	Attrs  map[string]any `yaml:"attrs"`
	Name   Text           `yaml:"name"`
}

// Live says whether a feature of this version gives the kind.
func (k Kind) Live() bool { return k.State == "live" }

// Values returns the closed values of an attribute, nil when it is open (a topic, a key, a day, a text) or unknown.
func (k Kind) Values(attr string) []string {
	list, closed := k.Attrs[attr].([]any)
	if !closed {
		return nil
	}
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = fmt.Sprint(v)
	}
	return out
}

// PopulationSource describes a register whose members a rule can demand something of.
type PopulationSource struct {
	Owner         string `yaml:"owner"`
	MemberKind    string `yaml:"member_kind"`
	ExcludedKind  string `yaml:"excluded_kind"`
	ConfirmedKind string `yaml:"confirmed_kind"`
	ConfirmedDays int    `yaml:"confirmed_days"`
	Name          Text   `yaml:"name"`
	Unit          Text   `yaml:"unit"`
	FillRemedy    string `yaml:"fill_remedy"`
}

// Setting is a number that the source leaves open.
type Setting struct {
	Value int    `yaml:"value"`
	Unit  string `yaml:"unit"`
	Name  Text   `yaml:"name"`
}

// Remedy is the one act that closes what a kind misses, as the next five show it.
type Remedy struct {
	Title     Text              `yaml:"title"`      // may hold {topic} and {n}
	Button    Text              `yaml:"button"`     //
	Why       Text              `yaml:"why"`        // may hold {topic} and {n}
	Link      string            `yaml:"link"`       // page where it is done; may hold {topic}, {member} and, to confirm answers, {framework}
	GroupBy   string            `yaml:"group_by"`   // attribute that splits it into several steps ("topic"); "" none
	Minutes   int               `yaml:"minutes"`    // fixed effort
	PerMember int               `yaml:"per_member"` // tenths of a minute for each missing member
	Gives     []string          `yaml:"gives"`      // kinds that doing it gives, beside the kind it is listed under
	Set       map[string]string `yaml:"set"`        // attributes of the given facts that are not in the rule
}
