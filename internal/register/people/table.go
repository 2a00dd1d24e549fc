package people

import (
	"context"

	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// Table writes people as a sheet that the import reads back. word translates message keys.
func (s *Service) Table(ctx context.Context, tx *sqlite.Tx, list []Person, word func(key string) string) (sheet.Out, error) {
	out := sheet.Out{Title: word("people.list.title"), Choices: map[int][]string{}, Day: jdate.Of(tx.Now)}
	words := func(prefix string, values []string) []string {
		texts := make([]string, len(values))
		for i, v := range values {
			texts[i] = word(prefix + v)
		}
		return texts
	}
	for i, name := range []string{
		"employee_no", "family_name", "given_name", "family_kana", "given_kana", "display_name", "class", "department", "site",
		"email", "mail", "internet", "joined", "left", "kiosk",
	} {
		column := sheet.OutColumn{Title: word("people.field." + name)}
		switch name {
		case "joined", "left":
			column.Kind = sheet.Date
		case "class":
			out.Choices[i] = words("people.class.", Classes())
		case "mail", "internet":
			out.Choices[i] = words("people.use.", Uses())
		}
		out.Columns = append(out.Columns, column)
	}
	departments, err := s.org.DepartmentNames(ctx, tx)
	if err != nil {
		return out, err
	}
	sites, err := s.org.SiteNames(ctx, tx)
	for _, p := range list {
		if !p.Erased.IsZero() {
			continue // the import would read a new person
		}
		kiosk := "people.no"
		if p.Kiosk {
			kiosk = "people.yes"
		}
		out.Rows = append(out.Rows, []any{
			p.EmployeeNo, p.FamilyName, p.GivenName, p.FamilyKana, p.GivenKana, p.DisplayName, word("people.class." + p.Class),
			departments[p.Department], sites[p.Site], p.Email, word("people.use." + p.Mail), word("people.use." + p.Internet), p.Joined, p.Left, word(kiosk),
		})
	}
	return out, err
}
