package training

import (
	"context"
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/register/people/within"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// maxRosterRows bounds a roster: one session has no more people than a plant.
const maxRosterRows = 5000

// rosterColumns are the headers under which rosters name people.
var rosterColumns = []sheet.Column{
	{Name: "社員番号", Aliases: []string{"従業員番号", "社員No", "番号", "employee no", "employee number", "id"}},
	{Name: "氏名", Aliases: []string{"名前", "受講者", "受講者名", "参加者", "出席者", "name"}},
	{Name: "フリガナ", Aliases: []string{"ふりがな", "カナ", "kana"}},
	{Name: "メールアドレス", Aliases: []string{"メール", "email", "e-mail", "mail"}},
}

// RosterLine is one row of a roster file with whom it means.
type RosterLine struct {
	Line  int // as the person sees it in the file
	Text  string
	Match people.Matched
}

// ReadRoster reads who took part from a workbook or CSV and finds them on the staff list. Nothing is
// saved: the page asks before. Problem codes as in sheet.Open; invalid when no header names people.
func (s *Service) ReadRoster(ctx context.Context, name string, data []byte) (lines []RosterLine, err error) {
	if err := actor.From(ctx).Require(PermEdit); err != nil {
		return nil, err
	}
	book, err := sheet.Open(name, data, sheet.Limits{Rows: maxRosterRows})
	if err != nil {
		return nil, err
	}
	var rows []people.RosterRow
	for _, table := range book.Sheets {
		header, err := sheet.FindHeader(table.Rows, rosterColumns, 20)
		if err != nil || len(header.Matches) == 0 {
			continue
		}
		for i := header.First(); i < len(table.Rows); i++ {
			row := rosterRow(table, header, i)
			if row == (people.RosterRow{}) {
				continue
			}
			rows = append(rows, row)
			lines = append(lines, RosterLine{Line: table.Line(i), Text: strings.TrimSpace(row.EmployeeNo + " " + row.Name)})
		}
		break
	}
	if len(rows) == 0 {
		return nil, problem.Invalid("roster", "training.roster.nobody", "file", name)
	}
	err = s.db.Read(ctx, func(tx *sqlite.Tx) error {
		found, err := s.people.Match(ctx, tx, rows)
		if err != nil {
			return err
		}
		known, err := within.Of(ctx, tx, s.people)
		for i := range found {
			lines[i].Match = onlyKnown(found[i], known)
		}
		return err
	})
	return lines, err
}

// onlyKnown leaves out of a match whom the reader may not know of, as if they were on no list.
func onlyKnown(m people.Matched, known within.Set) people.Matched {
	m.Candidates = slices.DeleteFunc(m.Candidates, func(p people.Person) bool { return !known.Has(p.Key) })
	if m.Person != nil && !known.Has(m.Person.Key) {
		m.Person, m.By = nil, ""
	}
	return m
}

func rosterRow(table sheet.Table, header sheet.Header, row int) people.RosterRow {
	cell := func(column string) string {
		i, ok := header.Index(column)
		if !ok {
			return ""
		}
		return jtext.Store(table.At(row, i).Text)
	}
	return people.RosterRow{EmployeeNo: cell("社員番号"), Name: cell("氏名"), Kana: cell("フリガナ"), Email: cell("メールアドレス")}
}

// Coverage is how many of those concerned were taught a topic within a period.
type Coverage struct {
	Topic     string
	Done, All int
	Missing   []people.Person
}

// concerned says whom a topic is for: mail users, internet users, everybody (JAMA/JAPIA guideline 2.3, No. 28–30).
// Whoever's use is unknown is counted in: nobody is left out by a blank.
func concerned(topic string, p people.Person) bool {
	switch topic {
	case "mail":
		return p.Mail != people.No
	case "web":
		return p.Internet != people.No
	default:
		return true
	}
}

// cover counts a topic over the people of today.
func cover(topic string, staff []people.Person, sessions []*Session) Coverage {
	c := Coverage{Topic: topic}
	taught := map[string]bool{}
	for _, s := range sessions {
		if !slices.Contains(s.Topics, topic) {
			continue
		}
		for _, a := range s.Attendance {
			taught[a.Person] = true
		}
	}
	for _, p := range staff {
		if !concerned(topic, p) {
			continue
		}
		c.All++
		if taught[p.Key] {
			c.Done++
		} else {
			c.Missing = append(c.Missing, p)
		}
	}
	return c
}
