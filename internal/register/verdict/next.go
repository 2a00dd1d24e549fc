package verdict

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/framework"
)

// ConfirmRemedy is the remedy of the catalogue for "answer as the records say": the step that closes assist
// clauses which wait for nothing but a person.
const ConfirmRemedy = "confirm_answers"

// OpenClause is one gap as Next needs it.
type OpenClause struct {
	Clause  *framework.Clause
	Verdict Verdict
	State   ClauseState
	Answer  Answer // the effective one
	Weight  int    // of its level; 0: taken from the framework
}

// Step is one act that closes gaps: one of the next five (次の5つ).
type Step struct {
	Remedy  string // key of Table.Remedies
	Group   string // value of its GroupBy, such as a topic; "" none
	Title   framework.Text
	Button  framework.Text
	Why     framework.Text
	Link    string
	N       int // members or records it is about
	Minutes int
	Clauses []*framework.Clause // what it turns to 達成, in the order of the open clauses
	Misses  []Miss
	Confirm bool // it asks a person to answer, not to make a record

	weight int
}

// Turned counts the different clauses that steps turn together.
func Turned(steps []Step) int {
	seen := map[*framework.Clause]bool{}
	for _, s := range steps {
		for _, c := range s.Clauses {
			seen[c] = true
		}
	}
	return len(seen)
}

// candidate is a step before it is known what it turns.
type candidate struct {
	key    stepKey
	remedy framework.Remedy
	misses []Miss
	seen   map[missKey]bool

	about *framework.Framework // confirm steps only: the framework whose clauses wait; nil else
}

type stepKey struct{ remedy, group string }

// need is one sort of miss of a clause.
type need struct {
	key  stepKey
	kind string
}

// Next ranks what to do: the misses of open clauses are grouped by remedy, each remedy is simulated (its
// facts hold as of today, blanks are filled in), and the clauses whose state turns are weighed against
// the minutes. Ties go to the lowest item. Steps that turn nothing are left out. n below 0 means all.
func Next(w *World, open []OpenClause, n int) []Step {
	candidates, needs := gatherSteps(w, open)
	var steps []Step
	for _, key := range slices.SortedFunc(maps.Keys(candidates), compareKeys) {
		c := candidates[key]
		step := c.step(w)
		over := c.simulate(w)
		given := append([]string{}, c.remedy.Gives...)
		for i := range open {
			o := &open[i]
			if !eligible(o, needs[i], key, given) {
				continue
			}
			v := Evaluate(over, o.Clause)
			if !State(o.Clause.Mark, v, o.Answer, w.Today, false).Open() {
				step.Clauses = append(step.Clauses, o.Clause)
				step.weight += weightOf(o)
			}
		}
		steps = append(steps, step)
	}
	steps = append(steps, confirmSteps(w, open)...)
	steps = slices.DeleteFunc(steps, func(s Step) bool { return len(s.Clauses) == 0 })
	slices.SortStableFunc(steps, compareSteps)
	if n >= 0 && len(steps) > n {
		steps = steps[:n]
	}
	return steps
}

func compareKeys(a, b stepKey) int { return compareText(a.remedy, b.remedy, a.group, b.group) }

// compareSteps puts more weight for a minute first.
func compareSteps(a, b Step) int {
	return cmp.Or(cmp.Compare(b.weight*a.Minutes, a.weight*b.Minutes), compareItems(lowest(a.Clauses), lowest(b.Clauses)))
}

func lowest(clauses []*framework.Clause) *framework.Node {
	var low *framework.Node
	for _, c := range clauses {
		if c.Item != nil && (low == nil || compareItems(c.Item, low) < 0) {
			low = c.Item
		}
	}
	return low
}

// compareItems orders by number; items without a number come after those with one, by id.
func compareItems(a, b *framework.Node) int {
	if a == nil || b == nil {
		return 0
	}
	number := func(n *framework.Node) int {
		if n.Number == 0 {
			return math.MaxInt
		}
		return n.Number
	}
	return cmp.Or(cmp.Compare(number(a), number(b)), strings.Compare(a.ID, b.ID))
}

func weightOf(o *OpenClause) int {
	if o.Weight > 0 {
		return o.Weight
	}
	return LevelWeight(o.Clause.Item)
}

// LevelWeight is the weight of the level of an item, 1 when the level is unknown.
func LevelWeight(item *framework.Node) int {
	if item == nil || item.Framework == nil {
		return 1
	}
	if i := item.Framework.LevelIndex(item.Level); i >= 0 {
		return max(1, item.Framework.Levels[i].Weight)
	}
	return 1
}

func gatherSteps(w *World, open []OpenClause) (map[stepKey]*candidate, [][]need) {
	candidates := map[stepKey]*candidate{}
	needs := make([][]need, len(open))
	for i := range open {
		for _, m := range open[i].Verdict.Misses {
			name := remedyOf(w.Table, m)
			remedy, known := w.Table.Remedies[name]
			key := stepKey{remedy: name}
			if remedy.GroupBy != "" {
				key.group = m.Attrs[remedy.GroupBy]
			}
			if n := (need{key, m.Kind}); !slices.Contains(needs[i], n) {
				needs[i] = append(needs[i], n)
			}
			if !known {
				continue
			}
			c := candidates[key]
			if c == nil {
				c = &candidate{key: key, remedy: remedy, seen: map[missKey]bool{}}
				candidates[key] = c
			}
			if id := keyOf(m); !c.seen[id] {
				c.seen[id] = true
				c.misses = append(c.misses, m)
			}
		}
	}
	return candidates, needs
}

// missKey tells misses apart.
type missKey struct {
	kind, member, unknown, attrs string
	value                        int64
}

func keyOf(m Miss) missKey { return missKey{m.Kind, m.Member, m.Unknown, attrText(m.Attrs), m.Value} }

func attrText(attrs map[string]string) string {
	if len(attrs) <= 1 { // nearly all; a remedy can be about thousands
		for name, value := range attrs {
			return name + "=" + value
		}
		return ""
	}
	var b strings.Builder
	for _, name := range sortedKeys(attrs) {
		b.WriteString(name + "=" + attrs[name] + "\x00")
	}
	return b.String()
}

// remedyOf names the remedy for a miss: that of its kind, for blanks that of the register.
func remedyOf(t *framework.Table, m Miss) string {
	if m.Unknown != "" {
		for _, name := range sortedKeys(t.Populations) {
			if p := t.Populations[name]; p.MemberKind == m.Kind && p.FillRemedy != "" {
				return p.FillRemedy
			}
		}
	}
	return t.Kinds[m.Kind].Remedy
}

// eligible leaves out clauses that a step cannot turn, because they lack something else too.
func eligible(o *OpenClause, needs []need, key stepKey, gives []string) bool {
	if len(needs) == 0 || o.Clause.Rule == nil || !o.State.Open() {
		return false
	}
	_, anyOf := o.Clause.Rule.Ops()
	for _, n := range needs {
		covered := n.key == key || slices.Contains(gives, n.kind)
		if covered && anyOf {
			return true
		}
		if !covered && !anyOf {
			return false
		}
	}
	return !anyOf
}

// simulate gives the world in which the remedy was done today for everybody it is about.
func (c *candidate) simulate(w *World) *World {
	facts := make([]fact.Fact, 0, len(c.misses)*(1+len(c.remedy.Gives)))
	blanks := map[string]map[string]map[string]string{} // kind → member → attribute → value
	for i, m := range c.misses {
		if m.Unknown != "" {
			if blanks[m.Kind] == nil {
				blanks[m.Kind] = map[string]map[string]string{}
			}
			if blanks[m.Kind][m.Member] == nil {
				blanks[m.Kind][m.Member] = map[string]string{}
			}
			blanks[m.Kind][m.Member][m.Unknown] = fillValue(w.Table.Kinds[m.Kind], m.Unknown)
			continue
		}
		facts = append(facts, c.fact(w, i, m, m.Kind))
		for _, kind := range c.remedy.Gives {
			facts = append(facts, c.fact(w, i, m, kind))
		}
	}
	over := w.With(facts...)
	for kind, values := range blanks {
		over.resolve(kind, values)
	}
	return over
}

// fact is what doing the remedy records for one miss.
func (c *candidate) fact(w *World, i int, m Miss, kind string) fact.Fact {
	attrs := maps.Clone(m.Attrs)
	for name, value := range c.remedy.Set {
		if attrs == nil {
			attrs = map[string]string{}
		}
		if attrs[name] == "" {
			attrs[name] = value
		}
	}
	sort, own := w.Table.Kinds[kind].Member, w.Table.Kinds[m.Kind].Member
	member := ""
	switch {
	case sort == own && m.Member != "":
		member = m.Member
	case sort != "":
		member = sort + "/simulated"
	}
	return fact.Fact{Kind: kind, Record: "simulated/" + strconv.Itoa(i), Member: member, Attrs: attrs, On: w.Today, Value: m.Value}
}

// fillValue is what a blank is taken to be: the value that asks the most, which is yes.
func fillValue(kind framework.Kind, attr string) string {
	values := kind.Values(attr)
	switch {
	case attr == "left": // a leaving day that nobody knows: the person is still there
		return ""
	case len(values) == 0 || slices.Contains(values, "yes"):
		return "yes"
	default:
		return values[0]
	}
}

// confirmSteps gathers, for each framework, the clauses that only wait for a person to answer as the records say.
func confirmSteps(w *World, open []OpenClause) []Step {
	waiting := map[string][]*OpenClause{}
	for i := range open {
		o := &open[i]
		if o.State.Open() && o.State.WaitsConfirm && o.Verdict.Result == Met {
			key := ""
			if o.Clause.Item != nil && o.Clause.Item.Framework != nil {
				key = o.Clause.Item.Framework.Key()
			}
			waiting[key] = append(waiting[key], o)
		}
	}
	steps := make([]Step, 0, len(waiting))
	for _, key := range sortedKeys(waiting) {
		c := candidate{key: stepKey{remedy: ConfirmRemedy}, remedy: w.Table.Remedies[ConfirmRemedy]}
		if item := waiting[key][0].Clause.Item; item != nil {
			c.about = item.Framework
		}
		for _, o := range waiting[key] {
			c.misses = append(c.misses, Miss{Member: o.Clause.ID})
		}
		step := c.step(w)
		step.Confirm, step.Group, step.Misses = true, key, nil
		for _, o := range waiting[key] {
			step.Clauses = append(step.Clauses, o.Clause)
			step.weight += weightOf(o)
		}
		steps = append(steps, step)
	}
	return steps
}
