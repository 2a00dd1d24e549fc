package sheet

import (
	"cmp"
	"strings"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/register/intake"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// notesLimit bounds the differences and warnings that a plan lists one by one.
const notesLimit = 40

// wording plans to lay the official wording over ours. What an earlier file brought of other items stays. A sheet that we
// wrote ourselves has our words in it and teaches nothing.
func (p *planner) wording() {
	if p.in.Option(OptionWording) == No {
		return
	}
	if p.parsed.Ours() {
		p.note("checksheet.note.ours")
		return
	}
	have := p.board.Official
	merged := make(map[string]assessment.OfficialItem, len(have))
	for id, it := range have {
		merged[id] = *it
		one := merged[id]
		one.Item = id
		merged[id] = one
	}
	changed, learned, split := 0, 0, 0
	base := p.m.office.Catalog().Key(p.act.framework)
	for _, it := range p.parsed.Official() {
		if it.Condition == "" && it.Criteria == "" && it.Requirement == "" && it.Level == "" {
			continue
		}
		if before, has := merged[it.Item]; has && before == it {
			continue
		}
		node := base.Item(it.Item)
		if before := merged[it.Item]; node.Level == "" && it.Level != "" && before.Level == "" {
			learned++
		}
		if node.NeedsImport && it.Condition != "" && merged[it.Item].Condition == "" {
			split++
		}
		merged[it.Item] = it
		changed++
	}
	if changed == 0 {
		return
	}
	for _, node := range base.Items() {
		if it, ok := merged[node.ID]; ok {
			p.act.official = append(p.act.official, it)
		}
	}
	p.plan.Changes = append(p.plan.Changes, intake.Entry{
		Name: cmp.Or(p.parsed.Sheet, p.in.File), Fields: []intake.Field{{
			Label: "checksheet.field.wording",
			Old:   i18n.Msg{Key: "checksheet.items", Args: problem.Args{"n": len(have)}},
			New:   i18n.Msg{Key: "checksheet.items", Args: problem.Args{"n": len(merged)}},
		}},
	})
	p.note("checksheet.note.wording", "n", changed)
	if learned+split > 0 {
		p.note("checksheet.note.learned", "levels", learned, "items", split)
	}
}

// Ours says whether Kizuki itself wrote the sheet.
func (p *Parsed) Ours() bool {
	return strings.Contains(headerOf(p.Header, colCondition)+headerOf(p.Header, colCriteria), ownMark)
}

// ownMark stands in the header of the column with our own words; it is the same in all languages.
const ownMark = "Kizuki"

// findings tells what a person should look at: sums, levels that differ, cells that could not be read.
func (p *planner) findings() {
	sums := Count(p.board.Framework, p.parsed)
	if len(p.parsed.Missing) == 0 && len(p.parsed.Refused) == 0 && !p.parsed.Ours() {
		if sums.differentLevel {
			for _, l := range sums.Levels {
				if l.Here != l.Official {
					p.note("checksheet.note.level_count", "level", levelName(p.board, l.Level), "n", l.Here, "official", l.Official)
				}
			}
		}
		if sums.differentLb {
			p.note("checksheet.note.label_count", "n", sums.Labels, "official", sums.OfficialLabels)
		}
		if sums.Right() && sums.levelColumn {
			p.note("checksheet.note.sums_right", "n", len(p.parsed.Rows))
		}
	}
	base := p.m.office.Catalog().Key(p.act.framework)
	for i, d := range LevelDifferences(base, p.parsed) {
		if i == notesLimit {
			p.note("checksheet.note.more_differences", "n", len(LevelDifferences(base, p.parsed))-notesLimit)
			break
		}
		p.note("checksheet.note.level_differs", "number", assessment.NumberOf(base.Item(d.Item)), "here", levelName(p.board, d.Official), "known", levelName(p.board, d.Known))
	}
	for i, w := range p.parsed.Warnings {
		if i == notesLimit {
			p.note("checksheet.note.more_warnings", "n", len(p.parsed.Warnings)-notesLimit)
			break
		}
		p.note("checksheet.note.warning", "row", w.Line, "column", i18n.Msg{Key: columnTitle(w.Column)}, "reason", w.Reason)
	}
	for i, table := range p.in.Book.Sheets {
		if i == p.in.Layout.Sheet {
			continue
		}
		if h, err := headerIn(table, p.parsed.Form, intake.Setting{}); err == nil && numbersIn(table, h, p.parsed.Form) > 0 {
			p.note("checksheet.note.other_sheet", "sheet", table.Name)
		}
	}
}

func levelName(b *assessment.Board, id string) i18n.Text {
	return i18n.Text{JA: b.LevelName(id, "ja"), EN: b.LevelName(id, "en")}
}
