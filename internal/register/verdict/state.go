package verdict

import (
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// Answer is what a person said about a clause or an item in the present round, as far as states need it.
type Answer struct {
	Given   bool
	Value   Result    // Met, Unmet, NA or Unknown (分からない); Part only on items
	Reason  string    // why 該当なし, or why it stands against the records; 該当なし without one does not count
	Expires jdate.Day // last day of a 自己申告 or of an answer against the records; zero: none set
	Own     bool      // it stands at the clause itself, not at its item
}

// says gives the value that counts on today; Unknown when nothing usable was said.
func (a Answer) says() Result {
	if !a.Given || a.Value == Part || a.Value == NA && a.Reason == "" {
		return Unknown
	}
	return a.Value
}

// expired says whether a self-declaration has run out.
func (a Answer) expired(today jdate.Day) bool { return !a.Expires.IsZero() && a.Expires < today }

// Effective gives the answer that counts for a clause: its own, else what the answer at its item says of
// every clause. 一部達成 and an item without an answer say nothing of a single clause.
func Effective(clause, item Answer) Answer {
	if clause.Given {
		clause.Own = true
		return clause
	}
	if !item.Given || item.Value == Part {
		return Answer{}
	}
	item.Own = false
	return item
}

// ClauseState is the state of one clause: what counts, from the records' verdict and the answer.
type ClauseState struct {
	Result       Result    `json:"result"`
	Declared     bool      `json:"declared,omitempty"`      // 自己申告: met by word, the records say nothing
	Held         bool      `json:"held,omitempty"`          // met against the records, with a reason and until a day
	Conflict     bool      `json:"conflict,omitempty"`      // 回答と記録の食い違い; a held answer is still one
	Proposed     bool      `json:"proposed,omitempty"`      // the records say met and nobody has answered: one click answers
	WaitsConfirm bool      `json:"waits_confirm,omitempty"` // only a person's confirmation is missing
	ValidUntil   jdate.Day `json:"valid_until"`             // first day on which time alone may change it; zero: never
}

// Open says whether the clause belongs to the gaps: neither 達成 nor 該当なし.
func (s ClauseState) Open() bool { return s.Result != Met && s.Result != NA }

// State joins verdict and answer as the manual publishes it (DESIGN §3). In a locked round nobody can answer any
// more: then nothing is proposed and nothing waits. Pass the day of locking as today of a locked round.
func State(mark string, v Verdict, a Answer, today jdate.Day, locked bool) ClauseState {
	var s ClauseState
	switch mark {
	case framework.Auto:
		s = autoState(v, a, today)
	case framework.Assist:
		s = assistState(v, a, today)
	default:
		s = ClauseState{Result: a.says()}
	}
	if mark == framework.Auto || mark == framework.Assist {
		s.Conflict = contradicts(v.Result, a.says())
		s.Proposed = a.says() == Unknown && v.Result == Met
		s.ValidUntil = earlier(s.ValidUntil, v.ValidUntil)
	}
	if locked {
		s.Proposed, s.WaitsConfirm = false, false
	}
	return s
}

// contradicts says whether records and answer cannot both be right. 未確認 contradicts nothing, and
// 該当なし（期間内） only an answer 未達成.
func contradicts(records, answer Result) bool {
	switch records {
	case Met:
		return answer == Unmet || answer == NA
	case Unmet:
		return answer == Met || answer == NA
	case NA:
		return answer == Unmet
	default:
		return false
	}
}

func autoState(v Verdict, a Answer, today jdate.Day) ClauseState {
	switch a.says() {
	case Unmet:
		return ClauseState{Result: Unmet} // a person may always lower
	case NA:
		return ClauseState{Result: NA}
	case Met:
		switch v.Result {
		case Unknown:
			return declared(a, today, Unknown)
		case Unmet:
			return held(a, today)
		default:
			return ClauseState{Result: v.Result}
		}
	default:
		return ClauseState{Result: v.Result}
	}
}

func assistState(v Verdict, a Answer, today jdate.Day) ClauseState {
	switch a.says() {
	case Unmet:
		return ClauseState{Result: Unmet}
	case NA:
		return ClauseState{Result: NA}
	case Met:
		switch v.Result {
		case Unknown:
			return declared(a, today, Unknown)
		case Unmet:
			return held(a, today)
		default:
			return ClauseState{Result: Met}
		}
	default:
		if v.Result == Unmet {
			return ClauseState{Result: Unmet}
		}
		return ClauseState{Result: Unknown, WaitsConfirm: v.Result == Met || v.Result == NA}
	}
}

// declared is met by word until the answer expires.
func declared(a Answer, today jdate.Day, otherwise Result) ClauseState {
	if a.expired(today) {
		return ClauseState{Result: otherwise}
	}
	return ClauseState{Result: Met, Declared: true, ValidUntil: a.Expires.Add(1)}
}

// held is met against the records; that takes a reason and a last day.
func held(a Answer, today jdate.Day) ClauseState {
	if a.Reason == "" || a.Expires.IsZero() || a.expired(today) {
		return ClauseState{Result: Unmet}
	}
	return ClauseState{Result: Met, Held: true, ValidUntil: a.Expires.Add(1)}
}
