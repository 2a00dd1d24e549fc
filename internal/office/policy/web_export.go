package policy

import (
	"net/http"

	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/web"
)

// export writes the list of documents as a file.
func (h *Web) export(w http.ResponseWriter, r *http.Request) error {
	rows, err := h.rows(r)
	if err != nil {
		return err
	}
	word := func(key string) string { return h.shell.T(r, key, nil) }
	out := sheet.Out{Title: word("policy.list.title"), Columns: []sheet.OutColumn{
		{Title: word("policy.col.title")}, {Title: word("policy.export.type")}, {Title: word("policy.export.topics"), Width: 40},
		{Title: word("policy.export.edition")}, {Title: word("policy.col.state")}, {Title: word("policy.col.notified"), Kind: sheet.Number},
		{Title: word("policy.export.staff"), Kind: sheet.Number}, {Title: word("policy.col.review"), Kind: sheet.Date}, {Title: word("policy.col.owner")},
	}}
	for _, row := range rows {
		out.Rows = append(out.Rows, []any{
			row.Title, word(row.Type), row.Topics, row.Edition, word(row.State), row.Notified, row.Staff, row.ReviewDue, row.Owner,
		})
	}
	return web.Export(w, r, "policies", out)
}
