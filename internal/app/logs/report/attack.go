package report

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// tactics are those of MITRE ATT&CK for enterprises, in the order in which an attack goes on.
var tactics = []string{
	"reconnaissance", "resource-development", "initial-access", "execution", "persistence", "privilege-escalation", "defense-evasion",
	"credential-access", "discovery", "lateral-movement", "collection", "command-and-control", "exfiltration", "impact",
}

const (
	mostTechniques  = 2000 // ATT&CK has some 700
	shownTechniques = 24
)

var technique = regexp.MustCompile(`^t\d{4}(\.\d{3})?$`)

// attack counts hits by what their rules are tagged with. A rule with several tactics counts for each; which of its
// techniques belongs to which of them no tag tells, so that they are counted apart.
type attack struct {
	tactics    map[string]uint64
	techniques map[string]uint64
	none       uint64 // hits without a tactic
	over       uint64 // found no room
}

func newAttack() *attack {
	return &attack{tactics: map[string]uint64{}, techniques: map[string]uint64{}}
}

func (a *attack) add(tags []string) {
	var room [16]string // on the stack; hardly any rule has more
	seen := room[:0]
	some := false
	for _, tag := range tags {
		name, ok := strings.CutPrefix(strings.ToLower(tag), "attack.")
		name = strings.ReplaceAll(name, "_", "-")
		if !ok || slices.Contains(seen, name) {
			continue
		}
		seen = append(seen, name)
		switch {
		case slices.Contains(tactics, name):
			a.tactics[name]++
			some = true
		case !technique.MatchString(name):
		case a.techniques[name] == 0 && len(a.techniques) >= mostTechniques:
			a.over++
		default:
			a.techniques[name]++
		}
	}
	if !some {
		a.none++
	}
}

type techniqueLine struct {
	ID   string
	Hits uint64
}

// top lists the techniques with most hits, and how many are left out.
func (a *attack) top() (list []techniqueLine, more int) {
	for name, n := range a.techniques {
		list = append(list, techniqueLine{strings.ToUpper(name), n})
	}
	slices.SortFunc(list, func(x, y techniqueLine) int { return cmp.Or(cmp.Compare(y.Hits, x.Hits), strings.Compare(x.ID, y.ID)) })
	if len(list) > shownTechniques {
		return list[:shownTechniques], len(list) - shownTechniques
	}
	return list, 0
}
