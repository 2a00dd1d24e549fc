package item

import (
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
)

// missingNames lists the persons that a clause still misses and those of whom it is not known whether it is about
// them at all (a field of the staff list is blank), at most limit each, and how many more members there are.
func missingNames(c *assessment.Clause, names map[string]string, limit int) (left, unsure []string, more int) {
	for _, m := range c.Verdict.Misses {
		person, ok := strings.CutPrefix(m.Member, "person/")
		if !ok {
			continue
		}
		list := &left
		if m.Unknown != "" {
			list = &unsure
		}
		if name := names[person]; name != "" && len(*list) < limit {
			*list = append(*list, name)
			continue
		}
		more++
	}
	slices.Sort(left)
	slices.Sort(unsure)
	return left, unsure, more
}
