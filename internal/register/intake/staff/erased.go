package staff

import (
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// span is the first and the last day of somebody.
type span struct{ joined, left jdate.Day }

// erasedSpans lists the days of people who were erased. They are all that can tell that a row would bring one of them
// back: nothing else is left of them.
func erasedSpans(all []people.Person) map[span]bool {
	out := map[span]bool{}
	for _, p := range all {
		if !p.Erased.IsZero() {
			out[span{p.Joined, p.Left}] = true
		}
	}
	return out
}
