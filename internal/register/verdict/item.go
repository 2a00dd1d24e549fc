package verdict

import "github.com/kizuki-security/kizuki/internal/register/framework"

// Value is what a check sheet shows for an item.
type Value int8

// The values of a check sheet.
const (
	Unanswered    Value = -2 // still 分からない, or nobody has answered
	NotApplicable Value = -1 // 該当なし
	ValueUnmet    Value = 0
	ValuePart     Value = 1
	ValueMet      Value = 2
)

// Result is the answer that a value stands for.
func (v Value) Result() Result {
	switch v {
	case ValueMet:
		return Met
	case ValuePart:
		return Part
	case ValueUnmet:
		return Unmet
	case NotApplicable:
		return NA
	default:
		return Unknown
	}
}

// ItemState joins the states of the clauses of an item: all ○, some △, none: any 未達成 ×, else ？. 該当なし clauses do
// not count; when all are, so is the item. The answer at the item may lower it. It raises nothing that is certain:
// 一部達成 counts as long as a clause is open, and an item without clauses has only its answer.
func ItemState(states []ClauseState, item Answer) Result {
	base := joined(states)
	switch said := item.itemSays(); {
	case len(states) == 0:
		return said
	case said == Unmet && (base == Met || base == Part):
		return Unmet
	case said == Part && (base == Met || base == Unknown || base == Unmet && hasOpen(states)):
		return Part
	default:
		return base
	}
}

// itemSays is says for answers at items, where 一部達成 is one too.
func (a Answer) itemSays() Result {
	if a.Given && a.Value == Part {
		return Part
	}
	return a.says()
}

func hasOpen(states []ClauseState) bool {
	for _, s := range states {
		if s.Result == Unknown {
			return true
		}
	}
	return false
}

func joined(states []ClauseState) Result {
	count := map[Result]int{}
	for _, s := range states {
		count[s.Result]++
	}
	rest := len(states) - count[NA]
	switch {
	case len(states) == 0:
		return Unknown
	case rest == 0:
		return NA
	case count[Met] == rest:
		return Met
	case count[Met] > 0:
		return Part
	case count[Unmet] > 0:
		return Unmet
	default:
		return Unknown
	}
}

// ItemValue is the value of an item from the states of its clauses, lowered by the answer at the item: what
// the records and the answers give together. What is open counts as not met; only an item about which
// nothing is known at all is Unanswered.
func ItemValue(states []ClauseState, item Answer) Value { return valueOf(ItemState(states, item)) }

func valueOf(r Result) Value {
	switch r {
	case Met:
		return ValueMet
	case Part:
		return ValuePart
	case Unmet:
		return ValueUnmet
	case NA:
		return NotApplicable
	default:
		return Unanswered
	}
}

// AnswerValue is the value that an exported sheet carries: what people said, never what the records say.
// clauses are the answers at the clauses, item the answer at the item. As long as an open clause could still change the value, the
// item is Unanswered.
func AnswerValue(clauses []Answer, item Answer) Value {
	own := false
	count := map[Result]int{}
	for _, c := range clauses {
		own = own || c.Given
		count[Effective(c, item).says()]++
	}
	said := item.itemSays()
	if !own {
		return valueOf(said)
	}
	rest := len(clauses) - count[NA]
	value := Unanswered
	switch {
	case rest == 0:
		value = NotApplicable
	case count[Met] == rest:
		value = ValueMet
	case count[Met] > 0 && count[Unmet] > 0:
		value = ValuePart
	case count[Unmet] == rest:
		value = ValueUnmet
	}
	if said == Part && value != ValueUnmet && value != NotApplicable {
		return ValuePart
	}
	if said == Unmet && value > ValueUnmet {
		return ValueUnmet
	}
	return value
}

// Scored is one item with the value that counts, as Points adds them up.
type Scored struct {
	Level string // "" unknown
	Label string // id of its label node
	Value Value
}

// ScoredItem describes an item for Points.
func ScoredItem(item *framework.Node, value Value) Scored {
	s := Scored{Level: item.Level, Value: value}
	if label := item.Up("label"); label != nil {
		s.Label = label.ID
	}
	return s
}

// Score holds points both ways in which 該当なし can be read: left out of what is possible, or counted in full.
// Unanswered items count as nothing earned.
type Score struct {
	Items, Answered, Met, NA     int // numbers of items
	Earned, Possible             int // 該当なし leaves both
	EarnedWithNA, PossibleWithNA int // 該当なし counts in full
}

// Total is the points of a set of items.
type Total struct {
	All     Score
	ByLevel map[string]Score
	ByLabel map[string]Score
}

// Points adds up items, with perItem points for one that is met (framework.Scoring.PerItem, 2 in JAMA/JAPIA).
func Points(items []Scored, perItem int) Total {
	t := Total{ByLevel: map[string]Score{}, ByLabel: map[string]Score{}}
	for _, it := range items {
		t.All = t.All.add(it.Value, perItem)
		t.ByLevel[it.Level] = t.ByLevel[it.Level].add(it.Value, perItem)
		t.ByLabel[it.Label] = t.ByLabel[it.Label].add(it.Value, perItem)
	}
	return t
}

func (s Score) add(v Value, perItem int) Score {
	s.Items++
	if v != Unanswered {
		s.Answered++
	}
	if v == NotApplicable {
		s.NA++
		s.EarnedWithNA += perItem
		s.PossibleWithNA += perItem
		return s
	}
	earned := max(int(v), 0) * perItem / int(ValueMet)
	if v == ValueMet {
		s.Met++
	}
	s.Earned += earned
	s.Possible += perItem
	s.EarnedWithNA += earned
	s.PossibleWithNA += perItem
	return s
}
