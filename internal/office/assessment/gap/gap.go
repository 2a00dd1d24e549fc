// Package gap is the first page of who is in charge: できていないところ, with the next five steps, and 回答と記録の食い違い.
//
// It imports assessment and has no table of its own. The deadline in the headline comes by a function from app.
package gap

import (
	"context"
	"embed"
	"io/fs"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// Deadline is the next day on which a customer wants a check sheet.
type Deadline struct {
	Customer string
	On       jdate.Day
	Path     string // page of the request
}

// NextDeadline finds the next deadline; nil means that nobody waits for one.
type NextDeadline func(ctx context.Context, tx *sqlite.Tx) (*Deadline, error)

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Messages returns the texts of this package.
func Messages() fs.FS { return messages }

// Table writes a report as a sheet, one row for each open clause. names resolves owners; title translates keys.
func Table(r *assessment.GapsReport, names map[string]string, t func(key string) string) sheet.Out {
	out := sheet.Out{Title: t("gap.title"), Day: r.AsOf, Foot: r.OneHand}
	for _, key := range []string{"framework", "item", "level", "label", "title", "kind", "clause", "state", "verdict", "answer", "why", "missing", "owner", "due"} {
		col := sheet.OutColumn{Title: t("gap.export." + key)}
		switch key {
		case "missing":
			col.Kind = sheet.Number
		case "due":
			col.Kind = sheet.Date
		case "clause", "why":
			col.Width = 50
		}
		out.Columns = append(out.Columns, col)
	}
	for _, g := range r.Gaps {
		answer, why := "", ""
		if g.Answer != "" {
			answer = t("web.verdict." + g.Answer)
		}
		if len(g.Why) > 0 {
			why = g.Why[0]
		}
		out.Rows = append(out.Rows, []any{
			g.Framework, g.Item, g.Level, g.Label, g.Title, t("assessment.kind." + g.Kind), g.Text, t("web.verdict." + g.State),
			t("web.verdict." + g.Verdict), answer, why, g.Missing, names[g.Owner], g.Due,
		})
	}
	return out
}
