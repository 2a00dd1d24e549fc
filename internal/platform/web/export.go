package web

import (
	"bytes"
	"io"
	"net/http"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Export answers with a list as a file, in the format that ?format= names: xlsx, csv (UTF-8), cp932 (CSV for
// old programs) or json. name is the ASCII name without ending. A list that CP932 cannot write is refused
// with code unsupported and the characters that are in the way. Draw the links with {{template "exports"}}.
func Export(w http.ResponseWriter, r *http.Request, name string, outs ...sheet.Out) error {
	format := r.URL.Query().Get("format")
	var buf bytes.Buffer
	if format != "cp932" {
		if err := sheet.Write(&buf, sheet.Format(format), outs...); err != nil {
			return err
		}
		return Download(w, name+"."+format, buf.Bytes())
	}
	if len(outs) == 0 {
		return problem.NotFound("web.not_found")
	}
	if err := WriteCP932(&buf, outs[0]); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=shift_jis")
	h.Set("Content-Disposition", `attachment; filename="`+name+`.csv"`)
	_, _ = w.Write(buf.Bytes())
	return nil
}

// WriteCP932 writes a list as CSV for old programs. A list that CP932 cannot write is refused with code unsupported
// and the characters that are in the way; nothing is written then.
func WriteCP932(w io.Writer, out sheet.Out) error {
	if lost := sheet.CheckCP932(out); len(lost) > 0 {
		return problem.Unsupported("web.export_lossy", "n", len(lost), "text", lostTexts(lost))
	}
	_, err := sheet.WriteCSV(w, out, jtext.CP932)
	return err
}

// lostTexts lists the first few characters that cannot be written, each once.
func lostTexts(lost []sheet.Lost) string {
	const shown = 10
	var out []string
	seen := map[string]bool{}
	for _, l := range lost {
		if !seen[l.Text] && len(out) < shown {
			seen[l.Text] = true
			out = append(out, l.Text)
		}
	}
	return strings.Join(out, " ")
}
