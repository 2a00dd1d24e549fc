package gap

import (
	"net/http"

	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/web"
)

// exportConflicts writes 回答と記録の食い違い as a file.
func (h *Web) exportConflicts(w http.ResponseWriter, r *http.Request) error {
	view, err := h.conflictsView(r, web.NewForm())
	if err != nil {
		return err
	}
	locale := web.Locale(r.Context())
	word := func(key string) string { return h.shell.T(r, key, nil) }
	out := sheet.Out{Title: word("gap.conflicts_title"), Columns: []sheet.OutColumn{
		{Title: word("gap.export.framework")}, {Title: word("gap.export.item")}, {Title: word("gap.export.title")}, {Title: word("gap.export.clause"), Width: 50},
		{Title: word("gap.col.answer")}, {Title: word("gap.reason"), Width: 40}, {Title: word("gap.export.until"), Kind: sheet.Date},
		{Title: word("gap.col.verdict")}, {Title: word("gap.export.why"), Width: 50},
	}}
	for _, row := range view.Rows {
		out.Rows = append(out.Rows, []any{
			row.Framework, row.Number, row.Title.In(locale), row.Text.In(locale), word("web.verdict." + string(row.Answer)), row.Reason, row.Expires,
			word("web.verdict." + string(row.Verdict)), row.Why,
		})
	}
	return web.Export(w, r, "conflicts", out)
}
