package sheet

import (
	"cmp"
	"slices"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/register/framework"
)

// LevelCount says how many items of a level a sheet has, beside the official number.
type LevelCount struct {
	Level          string
	Here, Official int
}

// Counts is what a whole sheet must add up to: 50, 74 and 29 items in 24 labels for JAMA/JAPIA 2.3.
type Counts struct {
	Levels                      []LevelCount
	Unknown                     int // items without a level
	Labels, OfficialLabels      int // different labels; OfficialLabels 0: the framework has none
	levelColumn, labelColumn    bool
	differentLevel, differentLb bool
}

// Right says whether the sheet adds up.
func (c Counts) Right() bool { return !c.differentLevel && !c.differentLb }

// Count adds the items of a sheet up by level and label. Columns that the sheet does not have are not held against it.
func Count(f *framework.Framework, p *Parsed) Counts {
	var c Counts
	_, c.levelColumn = p.Header.Index(colLevel)
	_, c.labelColumn = p.Header.Index(colLabel)
	labels, byLevel := map[string]bool{}, map[string]int{}
	for _, r := range p.Rows {
		if r.Level == "" {
			c.Unknown++
		} else {
			byLevel[r.Level]++
		}
		if r.Label != "" {
			labels[r.Label] = true
		}
	}
	for _, l := range f.Levels {
		c.Levels = append(c.Levels, LevelCount{l.ID, byLevel[l.ID], l.Total})
		c.differentLevel = c.differentLevel || c.levelColumn && byLevel[l.ID] != l.Total
	}
	c.Labels = len(labels)
	official := map[*framework.Node]bool{}
	for _, node := range f.Items() {
		if label := node.Up("label"); label != nil {
			official[label] = true
		}
	}
	c.OfficialLabels = len(official)
	c.differentLb = c.labelColumn && c.OfficialLabels > 0 && c.Labels != c.OfficialLabels
	return c
}

// LevelDifferences lists the items whose level in the sheet is not the one that we know. They are shown, never
// written over.
func LevelDifferences(f *framework.Framework, p *Parsed) []assessment.LevelDifference {
	var out []assessment.LevelDifference
	for _, r := range p.Rows {
		if node := f.Item(r.Item); node != nil && node.Level != "" && r.Level != "" && node.Level != r.Level {
			out = append(out, assessment.LevelDifference{Item: r.Item, Known: node.Level, Official: r.Level})
		}
	}
	place := map[string]int{}
	for i, node := range f.Items() {
		place[node.ID] = i
	}
	slices.SortFunc(out, func(a, b assessment.LevelDifference) int { return cmp.Compare(place[a.Item], place[b.Item]) })
	return out
}

// Official gives the wording of a sheet in the form in which the office keeps it.
func (p *Parsed) Official() []assessment.OfficialItem {
	out := make([]assessment.OfficialItem, 0, len(p.Rows))
	for _, r := range p.Rows {
		it := assessment.OfficialItem{
			Item: r.Item, Level: r.Level, Label: cmp.Or(r.Label, r.Category), Objective: r.Objective, Requirement: r.Requirement,
			Condition: r.Condition, Criteria: r.Criteria, Examples: r.Examples,
		}
		if p.Form == CriteriaSheet && r.Objective != "" { // the name of the requirement stands in a column of its own
			it.Objective, it.Requirement = "", r.Objective+"\n"+r.Requirement
		}
		if it != (assessment.OfficialItem{Item: r.Item}) {
			out = append(out, it)
		}
	}
	return out
}
