package report_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/app/logs"
	"github.com/kizuki-security/kizuki/internal/app/logs/report"
	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/sigma"
)

var now = time.Date(2026, 11, 26, 3, 0, 0, 0, time.UTC)

func begin(t testing.TB, lang string, samples int, explain func(string) (report.Explanation, bool)) *report.Report {
	t.Helper()
	texts, err := app.Texts()
	if err != nil {
		t.Fatal(err)
	}
	return report.New(report.Options{Texts: texts, Lang: lang, Zone: jdate.Tokyo, Now: now, Samples: samples, Explain: explain})
}

func written(t testing.TB, r *report.Report, s *report.Scope) string {
	t.Helper()
	if s.Total == nil {
		s.Total = &logs.Total{}
	}
	var b bytes.Buffer
	if err := r.Write(&b, s); err != nil {
		t.Fatal(err)
	}
	check(t, b.String())
	return b.String()
}

// check asserts what every report promises: nothing is fetched or run, its style is the one it allows, every
// text is there, no sign turns the direction of reading.
func check(t testing.TB, page string) {
	t.Helper()
	if m := regexp.MustCompile(`\[logs\.[a-z._]+\]|ZgotmplZ|\{[a-z]+\}`).FindString(page[strings.Index(page, "<body>"):]); m != "" {
		t.Errorf("the report holds %s", m)
	}
	style := page[strings.Index(page, "<style>")+len("<style>") : strings.Index(page, "</style>")]
	sum := sha256.Sum256([]byte(style))
	if allowed := "style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(html.UnescapeString(page), allowed) {
		t.Errorf("the policy does not allow the style, which is %s", allowed)
	}
	if strings.Contains(style, "url(") || strings.Contains(style, "@import") {
		t.Error("the style fetches something")
	}
	ids := map[string]bool{}
	var targets []string
	z := html.NewTokenizer(strings.NewReader(page))
	for {
		if z.Next() == html.ErrorToken {
			if !errors.Is(z.Err(), io.EOF) {
				t.Fatal(z.Err())
			}
			break
		}
		tok := z.Token()
		switch tok.Data {
		case "script", "img", "iframe", "link", "object", "embed", "form", "base", "image", "use":
			if tok.Type == html.StartTagToken || tok.Type == html.SelfClosingTagToken {
				t.Errorf("the report holds <%s>", tok.Data)
			}
		}
		for _, a := range tok.Attr {
			switch {
			case a.Key == "style" || strings.HasPrefix(a.Key, "on") || a.Key == "src":
				t.Errorf("<%s %s>", tok.Data, a.Key)
			case a.Key == "href" && !strings.HasPrefix(a.Val, "#"):
				t.Errorf("a link leads to %q", a.Val)
			case a.Key == "href":
				targets = append(targets, a.Val[1:])
			case a.Key == "id" && ids[a.Val]:
				t.Errorf("id %q twice", a.Val)
			case a.Key == "id":
				ids[a.Val] = true
			}
		}
	}
	for _, target := range targets {
		if !ids[target] {
			t.Errorf("a link leads to #%s, which is not there", target)
		}
	}
	for _, r := range page {
		if r < ' ' && r != '\n' && r != '\t' || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 || r == 0x200B || r == 0xFFFD {
			t.Fatalf("the report holds U+%04X", r)
		}
	}
}

func words(page string) string {
	text := regexp.MustCompile(`<[^>]*>`).ReplaceAllString(page[strings.Index(page, "<body>"):], " ")
	return strings.Join(strings.Fields(html.UnescapeString(text)), " ")
}

func hit(rule, level, host, command string, at time.Time) *logs.Hit {
	return &logs.Hit{
		Rule: sigma.Header{
			ID: rule, Title: "Title of " + rule, Level: level, Author: "Hanako Sato", License: "DRL-1.1", Description: "What it finds.",
			FalsePositives: []string{"Backups at night", "Unknown"}, Tags: []string{"attack.execution", "attack.command_and_control", "attack.t1059.001", "attack.t1059.001", "attack.g0001", "cve.2024-1"},
		},
		Time: at, File: "Security.evtx", Record: 7,
		Fields: []logs.Field{{Name: "Computer", Value: host}, {Name: "User", Value: "MIDORI\\sato"}, {Name: "IpAddress", Value: "192.0.2.7"}, {Name: "CommandLine", Value: command}},
		Why:    []sigma.Reason{{Search: "selection", Field: "CommandLine", EventName: "CommandLine", Op: "contains", Pattern: "-enc", Value: command, Offset: max(0, strings.Index(command, "-enc")), Length: 4}},
	}
}

func total(hits uint64) *logs.Total {
	return &logs.Total{Files: 2, FilesRefused: 1, Read: hits + 5, Scanned: hits + 3, Hits: hits, Unsourced: 2, Refused: map[logs.Reason]uint64{"damaged": 2}, RefusedFiles: map[logs.Reason]uint64{"damaged_archive": 1}}
}

func TestReport(t *testing.T) {
	t.Parallel()
	for _, lang := range i18n.Locales {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			r := begin(t, lang, 2, func(id string) (report.Explanation, bool) {
				return report.Explanation{Title: "ENCODED", What: "WHAT-TEXT", Why: "WHY-TEXT", First: "FIRST-TEXT"}, id == "r-high"
			})
			at := time.Date(2026, 11, 25, 23, 30, 0, 0, time.UTC) // 08:30 on the 26th in Japan
			for range 3 {
				r.Hit(hit("r-high", "high", "PC-01", "powershell -enc AAAA", at))
			}
			for i := range 4 {
				r.Hit(hit("r-high", "high", "PC-02", fmt.Sprintf("powershell -enc B%d", i), at.Add(2*time.Hour)))
			}
			r.Hit(hit("r-low", "low", "PC-03", "powershell -enc CCCC", at.Add(3*time.Hour)))
			r.File(&logs.FileReport{Name: "bad.json", Error: &logs.FileError{Reason: "damaged_archive"}})
			r.File(&logs.FileReport{Name: "good.evtx"})
			page := written(t, r, &report.Scope{Program: "kizuki test", Paths: []string{"logs"}, MinLevel: "low", From: at, Rules: 20, Correlations: 3, RulesRefused: 1, Sources: []string{"rules/windows"}, Total: total(8)})
			text := words(page)
			want := map[string][]string{
				"ja": {
					"8 件の検知", "緊急 0", "高 7", "低 1", "コンピューター 3台", "検知の期間 2026-11-26 08:30:00 ～ 2026-11-26 11:30:00", "すべて UTC+09:00 の時刻です", "読み取り 13件 ＝ 調査 11件 ＋ 除外 2件（ファイル 2個）",
					"最後まで読めなかったファイルが 1個", "使えないルールが 1件", "まず確かめること 重要度の高いものから 1件", "同じ内容の検知 3件", "このルールの検知は、ほかに 3件あります", "CommandLine に「-enc」を含む", "2026-11-26 08:00 3 0 3",
					"実行 8", "遠隔からの指令 8", "持ち出し 0", "T1059.001 8", "記録が壊れています 2", "bad.json 圧縮ファイルが壊れています", "Hanako Sato DRL-1.1", "「低」以上", "2026-11-26 08:30:00 から 指定なし まで", "誤検知の例（原文） Backups at night r-low",
				},
				"en": {
					"8 hits", "Critical 0", "High 7", "Low 1", "Computers: 3.", "Hits from 2026-11-26 08:30:00 to 2026-11-26 11:30:00", "All times are UTC+09:00", "13 read = 11 scanned + 2 refused (files: 2)", "1 file was not read to the end",
					"1 rule could not be used", "Look at this first The 1 most important rule with hits", "3 hits like this", "This rule has 3 more hits that are not shown here", "CommandLine contains “-enc”", "2026-11-26 08:00 3 0 3",
					"Execution 8", "Command and control 8", "Exfiltration 0", "T1059.001 8", "the record is damaged 2", "bad.json the archive is damaged", "Records of unknown origin 2", "Hanako Sato DRL-1.1", "Low and above", "from 2026-11-26 08:30:00 to open", "Known false alarms Backups at night r-low",
				},
			}[lang]
			for _, s := range append(want, "ENCODED", "WHAT-TEXT", "WHY-TEXT", "FIRST-TEXT", "What it finds.", "rules/windows", "Title of r-low", "Security.evtx") {
				if !strings.Contains(text, s) {
					t.Errorf("the report lacks %q", s)
				}
			}
			if !strings.Contains(page, "<code>powershell <mark>-enc</mark> AAAA</code>") {
				t.Error("what was found is not marked in the value")
			}
			if strings.Contains(text, "good.evtx") || strings.Contains(text, "Unknown") {
				t.Error("the report tells what says nothing")
			}
			if t.Failed() {
				t.Log(text)
			}
		})
	}
}

func TestReportWithoutHits(t *testing.T) {
	t.Parallel()
	text := words(written(t, begin(t, "en", 0, nil), &report.Scope{Stopped: true, Total: &logs.Total{Scanned: 1234, Read: 1234, NotTried: 3}}))
	for _, s := range []string{"0 hits", "Records scanned: 1,234.", "does not prove that there was no attack", "was interrupted", "Files not tried: 3.", "No hit tells a time."} {
		if !strings.Contains(text, s) {
			t.Errorf("the report lacks %q: %s", s, text)
		}
	}
}

func TestReportIsCalmWithoutHighLevels(t *testing.T) {
	t.Parallel()
	r := begin(t, "en", 0, nil)
	r.Hit(hit("r", "medium", "PC", "x -enc", now))
	if text := words(written(t, r, &report.Scope{})); !strings.Contains(text, "Nothing critical or high.") {
		t.Error("the report does not say that nothing is high")
	}
}

// Everything that an attacker writes into a log, a name of a file or a rule stays text.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	hostile := []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `</style><script>`, `</code></title><svg onload=alert(1)>`, `javascript:alert(1)`, "{{.Style}} {N1}",
		"invoice\u202Efdp.exe", "a\u2066b\u2069", "zero\u200Bwidth\u00AD\uFEFF\u3164\u2800", "\x00\x07\x1b[31m\r\nnext\tline", "broken \xff\xfe\xc3", "\U000E0041\u2028", "z" + strings.Repeat("\u0301", 50), "",
	}
	for _, lang := range i18n.Locales {
		r := begin(t, lang, 50, func(id string) (report.Explanation, bool) {
			return report.Explanation{Title: id, What: id}, id == hostile[0]
		})
		for i, text := range hostile {
			h := hit("r", "high", text, text, now.Add(-time.Hour))
			h.Rule = sigma.Header{ID: text, Title: text, Level: text, Author: text, License: text, Description: text, FalsePositives: []string{text}, Tags: []string{text, "attack." + text}, File: text, Line: i}
			h.File = text
			h.Fields = append(h.Fields, logs.Field{Name: text, Value: text}, logs.Field{Name: "User", Value: text}, logs.Field{Name: "src_ip", Value: text})
			h.Why = append(h.Why, sigma.Reason{Search: text, Field: text, EventName: text, Op: text, Pattern: text, Value: text, Offset: 1, Length: 1 << 30})
			r.Hit(h)
			r.File(&logs.FileReport{Name: text, Notes: []string{text}, Error: &logs.FileError{Reason: "damaged_archive"}})
		}
		page := written(t, r, &report.Scope{Program: hostile[0], Paths: hostile, Exclude: hostile, Sources: hostile, Total: total(1)})
		for _, s := range []string{`<i class="sign">U+202E</i>`, `<i class="sign">U+200B</i>`, `<i class="sign">FF</i>`, `<i class="sign">U+0000</i>`, `<i class="sign">U+E0041</i>`, `<i class="sign">U+0301</i>`, "{{.Style}} {N1}", "&lt;script&gt;alert(1)"} {
			if !strings.Contains(page, s) {
				t.Errorf("the report lacks %s", s)
			}
		}
	}
}

// A hundred thousand hits with everything different: memory and size stay small, and every hit is accounted for.
//
// It measures memory, so that it runs alone.
func TestManyHits(t *testing.T) {
	const hits = 100_000
	r := begin(t, "en", 3, nil)
	value := strings.Repeat("x", 5_000)
	before := heap()
	for i := range hits {
		h := hit(fmt.Sprintf("rule %d", i%3000), []string{"low", "medium", "high", "critical"}[i%4], fmt.Sprintf("PC-%d", i), fmt.Sprint(i, " -enc ", value[:i%5_000]), now.Add(-time.Duration(i)*time.Hour/2))
		h.Fields = append(h.Fields, logs.Field{Name: "Big", Value: strings.Clone(value)})
		switch i % 100 {
		case 0:
			h.Time = time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC)
		case 1:
			h.Time = time.Date(2106, 1, 1, 0, 0, 0, 0, time.UTC)
		case 2:
			h.Time = time.Time{}
		}
		h.Rule.Tags = []string{fmt.Sprintf("attack.t%04d", i%10_000)}
		r.Hit(h)
		r.File(&logs.FileReport{Name: fmt.Sprint("file ", i), Error: &logs.FileError{Reason: "empty"}})
	}
	if grown := heap() - before; grown > 64<<20 {
		t.Errorf("the report holds %d MB", grown>>20)
	}
	page := written(t, r, &report.Scope{Total: total(hits)})
	if len(page) > 8<<20 {
		t.Errorf("the report has %d MB", len(page)>>20)
	}
	text := words(page)
	for _, s := range []string{
		"100,000 hits", "Hits not counted by name, as there are too many names: 90,000.", "9,970 more names with 9,970 hits together.", "Not in the chart, as they tell no time: 1,000 hits.",
		"than the scan): 2,000 hits."[9:], "(and 99,900 more)", "There are 1,976 more techniques.", "2,800 more rules have", "Hits by year.", "Computers: 10,000 or more.",
	} {
		if !strings.Contains(text, s) {
			t.Errorf("the report lacks %q", s)
		}
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
