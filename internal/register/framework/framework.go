// Package framework is the catalogue: frameworks as generic node trees, their clauses with rules, the
// kinds of facts the rules may name, and crosswalks. It is data read once at start and never changed.
//
// Words: category 分類, label ラベル, requirement 要求事項, item 達成条件 (assessable), criterion 達成基準
// (評価基準 in SCS), clause 確認事項. It knows no answers and no verdicts.
package framework

import (
	"slices"

	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// Text is a text in both languages of the house.
type Text struct {
	JA string `yaml:"ja"`
	EN string `yaml:"en"`
}

// In returns the text in a language, Japanese when the language is unknown.
func (t Text) In(locale string) string {
	if locale == "en" {
		return t.EN
	}
	return t.JA
}

// Framework is one version of one framework.
type Framework struct {
	ID        string            `yaml:"framework"` // "jama-japia"
	Version   string            `yaml:"version"`
	Base      string            `yaml:"base"`    // overlay files only: version of the same framework, or "id@version"
	Changes   []Change          `yaml:"changes"` // overlay files only: what differs from the base
	Published jdate.Day         `yaml:"published"`
	Title     Text              `yaml:"title"`
	Short     Text              `yaml:"short"`
	Words     Words             `yaml:"words"`
	Sources   map[string]Source `yaml:"sources"`
	Scoring   Scoring           `yaml:"scoring"`
	Levels    []Level           `yaml:"levels"`
	Nodes     []*Node           `yaml:"nodes"`

	items  []*Node
	byID   map[string]*Node
	clause map[string]*Clause
}

// Words are what this framework calls its parts on screen.
type Words struct {
	Item      Text `yaml:"item"`
	Criterion Text `yaml:"criterion"`
}

// Source is a document that a fact of the catalogue comes from.
type Source struct {
	Title      Text      `yaml:"title"`
	Date       jdate.Day `yaml:"date"`
	Confidence string    `yaml:"confidence"` // S F F? D K as in the research notes
	Note       Text      `yaml:"note"`
}

// Scoring is how the scheme counts. PerItem 0 means that it gives no points (SCS).
type Scoring struct {
	Scheme  string `yaml:"scheme"`
	PerItem int    `yaml:"per_item"`
}

// Level is one level of the scheme; they are listed from the lowest.
type Level struct {
	ID     string `yaml:"id"`
	Name   Text   `yaml:"name"`
	Total  int    `yaml:"total"`  // official number of items (criteria) at exactly this level
	Weight int    `yaml:"weight"` // weight for the next five; lower levels weigh more
}

// Node is one node of the tree. Assessable nodes are items (JAMA/JAPIA) or criteria (SCS).
type Node struct {
	ID              string    `yaml:"id"`
	Kind            string    `yaml:"kind"` // category subcategory label requirement item criterion
	Assessable      bool      `yaml:"assessable"`
	Number          int       `yaml:"number"` // item number, label number; 0: none
	Level           string    `yaml:"level"`  // "" is unknown, shown so
	LevelNote       Text      `yaml:"level_note"`
	LevelCandidates []string  `yaml:"level_candidates"`
	NeedsImport     bool      `yaml:"needs_import"` // topic unknown until the official sheet is imported
	Title           Text      `yaml:"title"`
	Text            Text      `yaml:"text"`
	Theme           Text      `yaml:"theme"`
	UsualOwner      Text      `yaml:"usual_owner"`
	Confidence      string    `yaml:"confidence"`
	Source          string    `yaml:"source"`
	ISO             []string  `yaml:"iso"`
	CSF             string    `yaml:"csf"`
	Examples        []Text    `yaml:"examples"`
	Clauses         []*Clause `yaml:"clauses"`
	Nodes           []*Node   `yaml:"nodes"`

	Parent    *Node      `yaml:"-"`
	Framework *Framework `yaml:"-"`
}

// Clause is 確認事項: one checkable statement.
type Clause struct {
	Kind       string `yaml:"kind"` // rule target frequency timing
	Mark       string `yaml:"mark"` // auto assist human
	Source     string `yaml:"source"`
	Text       Text   `yaml:"text"`
	Short      Text   `yaml:"short"`
	MayBeEmpty bool   `yaml:"may_be_empty"`
	Rule       *Rule  `yaml:"rule"`

	// ID is framework@version:item:kind:ordinal:hash of the Japanese text (first 8 hex digits): a changed text is a new
	// clause, and its old answers are asked again.
	ID   string `yaml:"-"`
	Item *Node  `yaml:"-"`
}

// Marks of a clause.
const (
	Auto   = "auto"   // facts can prove it
	Assist = "assist" // facts support it, a person confirms
	Human  = "human"  // only a person can judge
)

// Rule is one operator, or a one-level all_of / any_of.
type Rule struct {
	Op    `yaml:",inline"`
	AllOf []Op `yaml:"all_of"`
	AnyOf []Op `yaml:"any_of"`
}

// Ops returns the operators of the rule and whether any one of them is enough.
func (r *Rule) Ops() (ops []Op, anyOf bool) {
	switch {
	case len(r.AllOf) > 0:
		return r.AllOf, false
	case len(r.AnyOf) > 0:
		return r.AnyOf, true
	default:
		return []Op{r.Op}, false
	}
}

// Op is one of the closed set of operators with its parameters.
type Op struct {
	Op           string      `yaml:"op"`
	Kind         string      `yaml:"kind"`
	Where        Where       `yaml:"where"`
	Period       Period      `yaml:"period"`
	Population   *Population `yaml:"population"`
	Trigger      string      `yaml:"trigger"`
	TriggerWhere Where       `yaml:"trigger_where"`
	N            int         `yaml:"n"`
	Value        int64       `yaml:"value"`
	Permille     int         `yaml:"permille"`
	Days         int         `yaml:"days"`
	Setting      string      `yaml:"setting"` // the setting that overrides Days
	Attr         string      `yaml:"attr"`
	Set          Values      `yaml:"set"`
}

// Operators is the closed set; the verdict engine and the sentences cover each of them.
var Operators = []string{
	"exists", "none", "count_at_least", "value_at_least", "value_at_most", "ratio_at_least", "all_have",
	"each_within", "each_after", "last_within", "reviewed_since", "approved_by", "covers",
}

// Where selects facts by attributes: each attribute must have one of the values.
type Where map[string]Values

// Values is one value or a list of values in YAML.
type Values []string

// Population is a named selector over the members of a register.
type Population struct {
	Of    string `yaml:"of"`
	Where Where  `yaml:"where"`
}

// Span is one alternative of a period.
type Span struct {
	FiscalYear bool // this fiscal year
	Round      bool // the dates of the open round
	Days       int  // the last Days days
	Grace      int  // days added to Days before the verdict turns
}

// Period is a set of alternatives: one is enough. An empty period means "at any time".
type Period []Span

// Items returns the assessable nodes in the order of the framework.
func (f *Framework) Items() []*Node { return f.items }

// Item finds an assessable node by id, nil when there is none.
func (f *Framework) Item(id string) *Node {
	if n := f.byID[id]; n != nil && n.Assessable {
		return n
	}
	return nil
}

// Clause finds a clause by its id, nil when there is none.
func (f *Framework) Clause(id string) *Clause { return f.clause[id] }

// Key is "jama-japia@2.3".
func (f *Framework) Key() string { return f.ID + "@" + f.Version }

// LevelIndex gives the place of a level from the lowest (0), -1 when unknown.
func (f *Framework) LevelIndex(id string) int {
	return slices.IndexFunc(f.Levels, func(l Level) bool { return l.ID == id })
}

// Up returns the nearest ancestor of that kind, nil when there is none.
func (n *Node) Up(kind string) *Node {
	for p := n.Parent; p != nil; p = p.Parent {
		if p.Kind == kind {
			return p
		}
	}
	return nil
}
