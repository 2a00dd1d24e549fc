package sample

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
)

// papers is content/files.yaml.
type papers struct {
	Staff struct {
		Title         string
		Columns       []string
		Classes, Uses map[string]string
		Extra         [][]string // lines beside the staff: people to come, and mistakes
	}
	Payroll struct {
		Title   string
		Columns []string
	}
	LastYear struct {
		Title, Head string
		Columns     []string
		Notes       map[string]string
	} `yaml:"last_year"`
}

// files makes the sample files, by name.
func (b *builder) files(ctx context.Context) (map[string][]byte, error) {
	var list []people.Person
	var departments, sites map[string]string
	err := b.DB.Read(ctx, func(tx *sqlite.Tx) (err error) {
		if list, err = b.People.List(ctx, tx, people.Filter{ActiveOn: b.today}); err != nil {
			return err
		}
		if departments, err = b.Org.DepartmentNames(ctx, tx); err != nil {
			return err
		}
		sites, err = b.Org.SiteNames(ctx, tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	var staff, payroll bytes.Buffer
	err = sheet.WriteXLSX(&staff, b.staffList(list, departments, sites))
	_, lost := sheet.WriteCSV(&payroll, b.payroll(list, departments), jtext.CP932)
	lastYear, bad := b.lastYear()
	if err := errors.Join(err, lost, bad); err != nil {
		return nil, err
	}
	return map[string][]byte{"staff.xlsx": staff.Bytes(), "staff-cp932.csv": payroll.Bytes(), "last-year-sheet.xlsx": lastYear}, nil
}

func columns(titles []string) []sheet.OutColumn {
	out := make([]sheet.OutColumn, len(titles))
	for i, t := range titles {
		out[i].Title = t
	}
	return out
}

// staffList is what the personnel office sends: everybody, those who come next, and some mistakes.
func (b *builder) staffList(list []people.Person, departments, sites map[string]string) sheet.Out {
	s := b.content.papers.Staff
	out := sheet.Out{Title: s.Title, Columns: columns(s.Columns), Day: b.today}
	for i := range list {
		p := &list[i]
		kiosk := s.Uses[people.No]
		if p.Kiosk {
			kiosk = s.Uses[people.Yes]
		}
		out.Rows = append(out.Rows, []any{
			p.EmployeeNo, p.FamilyName, p.GivenName, p.FamilyKana, p.GivenKana, s.Classes[p.Class], departments[p.Department], sites[p.Site],
			p.Email, s.Uses[p.Mail], s.Uses[p.Internet], p.Joined, kiosk,
		})
	}
	for _, line := range s.Extra {
		row := make([]any, len(line))
		for i, text := range line {
			row[i] = text
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}

// payroll is the same staff as the payroll program writes it: names in one cell, days with slashes.
func (b *builder) payroll(list []people.Person, departments map[string]string) sheet.Out {
	s := b.content.papers
	out := sheet.Out{Title: s.Payroll.Title, Columns: columns(s.Payroll.Columns)}
	for i := range list {
		p := &list[i]
		year, month, day := p.Joined.Time().Date()
		out.Rows = append(out.Rows, []any{
			p.EmployeeNo, p.FamilyName + "\u3000" + p.GivenName, p.FamilyKana + "\u3000" + p.GivenKana, departments[p.Department],
			s.Staff.Classes[p.Class], fmt.Sprintf("%d/%d/%d", year, month, day),
		})
	}
	return out
}
