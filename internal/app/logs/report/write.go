package report

import (
	"crypto/sha256"
	"embed"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"time"

	"github.com/kizuki-security/kizuki/internal/app/logs"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed views/report.html
var views embed.FS

//go:embed views/report.css
var sheet string

// Scope is what a scan was asked for and what it read.
type Scope struct {
	Program        string // name and version of what made the report
	Paths, Exclude []string
	From, To       time.Time // zero: open
	MinLevel       string
	Rules          int // in use
	Correlations   int // in use
	RulesRefused   int
	Filters        int      // in use: they take hits away
	Sources        []string // where the rules come from
	Total          *logs.Total
	Stopped        bool // the scan was interrupted
}

// Write writes the report. It may be called once all hits and files are in.
func (r *Report) Write(w io.Writer, s *Scope) error {
	style := web.Tokens() + sheet
	sum := sha256.Sum256([]byte(style))
	page, err := r.page(s)
	if err != nil {
		return err
	}
	page.Style = template.CSS(style) //nolint:gosec // both files are ours
	page.Policy = "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
	t, err := template.New("report.html").Funcs(template.FuncMap{"t": r.message, "v": visible, "prose": prose}).ParseFS(views, "views/report.html")
	if err != nil {
		return fmt.Errorf("read the form of the report: %w", err)
	}
	if err := t.Execute(w, page); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// message is the text of a key; templates and code use it alike. Counts may be uint64.
func (r *Report) message(key string, pairs ...any) string {
	args := problem.Args{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if n, ok := pairs[i+1].(uint64); ok {
			pairs[i+1] = int64(min(n, 1<<62))
		}
		args[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return r.o.Texts.T(r.o.Lang, key, args)
}

// count writes a number as people of the language read it.
func (r *Report) count(n uint64) string { return r.o.Texts.Format(r.o.Lang, int64(min(n, 1<<62))) }

const seconds = "2006-01-02 15:04:05"

func (r *Report) moment(at time.Time) string { return at.In(r.o.Zone).Format(seconds) }
