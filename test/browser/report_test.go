package browser

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/app/logs"
	"github.com/kizuki-security/kizuki/internal/app/logs/report"
	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/sigma"
)

// TestLogReport opens the report of a scan as a file: in both languages, on a desk and on a phone, light and dark.
// Nobody is kept out, nothing is fetched, nothing runs.
func TestLogReport(t *testing.T) {
	t.Parallel()
	script := axe(t)
	for _, locale := range i18n.Locales {
		t.Run(locale, func(t *testing.T) {
			t.Parallel()
			file := logReport(t, locale)
			for _, width := range []int64{wide, phone} {
				for _, scheme := range []string{"light", "dark"} {
					w := &walk{tab: newTab(t, "", width), locale: locale, axe: script}
					_, err := chromedp.Call(w.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
						Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
					})
					w.must("choose "+scheme, err)
					w.do("open the report", chromedp.Navigate((&url.URL{Scheme: "file", Path: file}).String()))
					at := fmt.Sprintf("report %s %d", scheme, width)
					w.tab.reads("h2", map[string]string{"ja": "まず確かめること", "en": "Look at this first"}[locale])
					if n := eval[int](w.tab, `performance.getEntriesByType("resource").length`); n != 0 {
						t.Errorf("%s fetched %d things", at, n)
					}
					if over := eval[int](w.tab, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
						t.Errorf("%s is %d px wider than the window", at, over)
					}
					w.picture(strings.ReplaceAll(locale+" "+at, " ", "-"))
					eval[int](w.tab, `[...document.querySelectorAll("details")].map((d) => d.open = true).length`)
					if (width == wide) == (scheme == "light") { // each width and each scheme once: it takes long
						w.barriers(at)
					}
					for _, noise := range w.complaints() {
						t.Errorf("%s: %s", at, noise)
					}
				}
			}
		})
	}
}

// logReport writes a report with every part filled, also by somebody who wishes the reader ill.
func logReport(t *testing.T, locale string) string {
	t.Helper()
	texts, err := app.Texts()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 26, 3, 0, 0, 0, time.UTC)
	r := report.New(report.Options{Texts: texts, Lang: locale, Zone: jdate.Tokyo, Now: now, Samples: 2, Explain: func(id string) (report.Explanation, bool) {
		return report.Explanation{Title: "Explained " + id, What: "What.", Why: "Why.", First: "First."}, id == "rule-1"
	}})
	for i := range 100 {
		command := fmt.Sprintf("powershell.exe -enc %s \u202E<script>document.title='run'</script> %d", strings.Repeat("QUFB", 4*i), i)
		r.Hit(&logs.Hit{
			Rule: sigma.Header{
				ID: fmt.Sprintf("rule-%d", i%7), Title: fmt.Sprintf("Encoded command of a rule with a rather long title, number %d", i%7), Level: []string{"critical", "high", "medium", "low", "informational"}[i%5],
				Description: "Finds commands.", FalsePositives: []string{"Backups"}, Author: "Hanako Sato", License: "DRL-1.1", Tags: []string{"attack.execution", "attack.impact", "attack.t1059.001"},
			},
			Time: now.Add(-time.Duration(i) * 28 * time.Minute), File: `C:\Windows\System32\winevt\Logs\Security.evtx`, Record: uint64(i),
			Fields: []logs.Field{
				{Name: "Computer", Value: fmt.Sprintf("PC-%02d.midori.example.jp", i%40)}, {Name: "User", Value: `MIDORI\sato`}, {Name: "IpAddress", Value: "2001:db8:0:1234:5678:9abc:def0:1"}, {Name: "CommandLine", Value: command},
			},
			Why: []sigma.Reason{{Search: "selection", Field: "CommandLine", EventName: "CommandLine", Op: "contains", Pattern: "-enc", Value: command, Offset: 15, Length: 4}},
		})
	}
	r.File(&logs.FileReport{Name: "broken.zip", Error: &logs.FileError{Reason: "damaged_archive"}})
	file := filepath.Join(t.TempDir(), "report.html")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	err = r.Write(f, &report.Scope{
		Program: "kizuki", Paths: []string{`C:\Windows\System32\winevt\Logs`}, Exclude: []string{"Archive-*"}, MinLevel: "low", Rules: 20, Correlations: 3, RulesRefused: 1, Stopped: true,
		Total: &logs.Total{Files: 3, FilesRefused: 1, Read: 5000, Scanned: 4990, Hits: 100, Refused: map[logs.Reason]uint64{"damaged": 10}, Untimed: 3, NotTried: 2},
	})
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return file
}
