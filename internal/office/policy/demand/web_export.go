package demand

import (
	"net/http"

	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/web"
)

// export writes the list of laws, standards and customer demands as a file: what customers ask for first.
func (h *Web) export(w http.ResponseWriter, r *http.Request) error {
	demands, _, err := h.svc.List(r.Context())
	if err != nil {
		return err
	}
	titles, err := h.titles(r)
	if err != nil {
		return err
	}
	word := func(key string) string { return h.shell.T(r, key, nil) }
	out := sheet.Out{Title: word("demand.list.title"), Columns: []sheet.OutColumn{
		{Title: word("demand.type")}, {Title: word("demand.col.title")}, {Title: word("demand.export.issuer")}, {Title: word("demand.col.gist"), Width: 50},
		{Title: word("demand.col.document")}, {Title: word("demand.export.reflected_on"), Kind: sheet.Date}, {Title: word("demand.export.ended_on"), Kind: sheet.Date},
	}}
	for _, d := range demands {
		out.Rows = append(out.Rows, []any{word("demand.type." + string(d.Type)), d.Title, d.Issuer, d.Gist, titles[d.Document], d.ReflectedOn, d.EndedOn})
	}
	return web.Export(w, r, "demands", out)
}

// titles gives the names of the documents that reflect demands.
func (h *Web) titles(r *http.Request) (map[string]string, error) {
	docs, err := h.svc.docs.List(r.Context())
	titles := map[string]string{}
	for _, d := range docs {
		titles[d.Key] = d.Title
	}
	return titles, err
}
