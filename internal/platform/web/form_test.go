package web_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

func read(t *testing.T, values url.Values) *web.Form {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/x?title=from-the-address", strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	f, err := web.ReadForm(r)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// keys lists "field key" of what the readers found.
func keys(f *web.Form) (out []string) {
	for _, e := range problem.All(f.Err()) {
		out = append(out, e.Field+" "+e.Key)
	}
	return out
}

func TestTextReaders(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("あ", 401)
	tests := []struct {
		name, raw  string
		line, many string
		problems   []string // of both readers
	}{
		{"plain", "方針", "方針", "方針", nil},
		{"half-width letters and digits", "Ｎｏ．１２３", "No.123", "No.123", nil},
		{"half-width katakana", "ｶﾞｲﾄﾞ", "ガイド", "ガイド", nil},
		{"NFC", "か\u3099", "が", "が", nil},
		{"white space at both ends", "　\t方針 \n", "方針", "方針", nil},
		{"line breaks", "一\r\n二", "一 二", "一\n二", nil},
		{"control characters", "a\x00b\x1b[31m", "a b [31m", "a b [31m", nil},
		{"invisible direction marks", "a\u202eb\u200b", "ab", "ab", nil},
		{"names keep their characters", "髙﨑①", "髙﨑①", "髙﨑①", nil},
		{"just within a line", long[:len("あ")*400], long[:len("あ")*400], long[:len("あ")*400], nil},
		{"too long for a line", long, "", long, []string{"v web.too_long"}},
		{"not UTF-8", "a\xff", "", "", []string{"v web.not_text", "v web.not_text"}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := read(t, url.Values{"v": {tc.raw}})
			if got := f.Text("v"); got != tc.line {
				t.Errorf("Text = %q, want %q", got, tc.line)
			}
			if got := f.Long("v"); got != tc.many {
				t.Errorf("Long = %q, want %q", got, tc.many)
			}
			if diff := cmp.Diff(tc.problems, keys(f)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
	f := read(t, url.Values{"v": {strings.Repeat("a", 20_001)}})
	if got := f.Long("v"); got != "" || len(keys(f)) != 1 {
		t.Errorf("a text above the limit: %d bytes, %v", len(got), keys(f))
	}
}

func TestFormReadsTheBodyOnly(t *testing.T) {
	t.Parallel()
	if got := read(t, url.Values{}).Text("title"); got != "" {
		t.Errorf("a value of the address counts as entered: %q", got)
	}
}

func TestSecretIsKeptAsTyped(t *testing.T) {
	t.Parallel()
	f := read(t, url.Values{"v": {" Ａ\u3000pass "}, "long": {strings.Repeat("x", 401)}})
	if got := f.Secret("v"); got != " Ａ\u3000pass " {
		t.Errorf("secret %q", got)
	}
	if got := f.Secret("long"); got != "" {
		t.Errorf("a secret of 401 characters was taken")
	}
	if diff := cmp.Diff([]string{"long web.too_long"}, keys(f)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestDays(t *testing.T) {
	t.Parallel()
	day := jdate.On(2026, time.November, 23)
	tests := []struct {
		raw  string
		want jdate.Day
		bad  bool
	}{
		{"2026-11-23", day, false},
		{"２０２６／１１／２３", day, false},
		{"令和8年11月23日", day, false},
		{" 2026.11.23 ", day, false},
		{"", 0, false},
		{"2026-02-30", 0, true},
		{"tomorrow", 0, true},
		{"99999999999999999999", 0, true},
		{"<script>", 0, true},
	}
	for _, tc := range tests {
		t.Run(tc.raw, func(t *testing.T) {
			t.Parallel()
			f := read(t, url.Values{"v": {tc.raw}})
			if got := f.Day("v"); got != tc.want || (len(keys(f)) > 0) != tc.bad {
				t.Errorf("Day = %v, problems %v; want %v", got, keys(f), tc.want)
			}
		})
	}
	f := read(t, url.Values{"bad": {"x"}})
	f.NeedDay("bad", "x.need")
	f.NeedDay("none", "x.need")
	if diff := cmp.Diff([]string{"bad web.not_a_day", "none x.need"}, keys(f)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		raw  string
		want int
		bad  bool
	}{
		{"5", 5, false},
		{"１２", 12, false},
		{"", 0, false},
		{"0", 0, true},
		{"13", 0, true},
		{"-1", 0, true},
		{"1.5", 0, true},
		{"0x5", 0, true},
		{"99999999999999999999", 0, true},
		{"five", 0, true},
	}
	for _, tc := range tests {
		f := read(t, url.Values{"v": {tc.raw}})
		if got := f.Int("v", 1, 12); got != tc.want || (len(keys(f)) > 0) != tc.bad {
			t.Errorf("Int of %q = %d, problems %v; want %d", tc.raw, got, keys(f), tc.want)
		}
	}
}

func TestChoicesAndLists(t *testing.T) {
	t.Parallel()
	f := read(t, url.Values{"way": {"paper"}, "odd": {"Paper"}, "tick": {"yes"}, "many": {"a", "b"}})
	if got := f.Choice("way", "paper", "screen"); got != "paper" {
		t.Errorf("Choice = %q", got)
	}
	if got := f.Choice("odd", "paper", "screen"); got != "" {
		t.Errorf("Choice of what is not offered = %q", got)
	}
	f.Choice("none", "paper")
	if got := f.Choice("empty", "", "paper"); got != "" {
		t.Errorf("Choice of nothing = %q", got)
	}
	if !f.Bool("tick") || f.Bool("other") {
		t.Error("Bool is wrong")
	}
	if diff := cmp.Diff([]string{"a", "b"}, f.List("many")); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
	f.Need("blank", "x.need")
	if diff := cmp.Diff([]string{"odd web.choose", "none web.choose", "blank x.need"}, keys(f)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	long := read(t, url.Values{"v": {strings.Repeat("a", 401)}})
	long.Need("v", "x.need")
	if diff := cmp.Diff([]string{"v web.too_long"}, keys(long)); diff != "" {
		t.Errorf("one mistake is told once (-want +got):\n%s", diff)
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for _, name := range []string{`C:\Users\x\名簿.xlsx`, "../../etc/passwd", "", "ﾒｲﾎﾞ\n.csv"} {
		h := textproto.MIMEHeader{}
		h.Set("Content-Disposition", `form-data; name="file"; filename="`+strings.NewReplacer(`\`, `\\`, "\n", "%0A").Replace(name)+`"`)
		h.Set("Content-Type", "application/octet-stream")
		part, err := m.CreatePart(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte("data")); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/x", &b)
	r.Header.Set("Content-Type", m.FormDataContentType())
	f, err := web.ReadForm(r)
	if err != nil {
		t.Fatal(err)
	}
	files, err := f.Files("file")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		names = append(names, file.Name)
		if string(file.Data) != "data" {
			t.Errorf("%s holds %q", file.Name, file.Data)
		}
	}
	if diff := cmp.Diff([]string{"名簿.xlsx", "passwd", "メイボ%0A.csv"}, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if none, err := f.File("other"); none != nil || err != nil {
		t.Errorf("no file gave %v, %v", none, err)
	}
	if none, err := web.NewForm().File("file"); none != nil || err != nil {
		t.Errorf("a form that is only shown gave %v, %v", none, err)
	}
}

// TestFieldsAreLabelled draws every type of field, empty and with a mistake, and looks for what assistive
// technology needs.
func TestFieldsAreLabelled(t *testing.T) {
	t.Parallel()
	o := open(t)
	var page strings.Builder
	page.WriteString(`{{define "title"}}x{{end}}{{define "main"}}{{template "problems" .}}`)
	types := []string{"text", "long", "day", "number", "password", "file", "check", "select", "radio"}
	for _, kind := range types {
		page.WriteString(`{{template "field" (field . "` + kind + `" "x.field" "` + kind + `" "required" "help=x.need" (opts))}}`)
	}
	text := strings.ReplaceAll(page.String(), "(opts)", "") + `{{end}}`
	views := o.rt.Shell().MustViews(fstest.MapFS{"views/f.html": {Data: []byte(text)}})
	o.rt.Handle("GET /fields", web.Public, func(w http.ResponseWriter, r *http.Request) error {
		form := web.NewForm("text", `"><script>`)
		if r.URL.Query().Get("wrong") == "" {
			return views.Render(w, r, "f", form)
		}
		var list problem.List
		for _, kind := range types {
			list.Add(problem.Invalid(kind, "x.need"))
		}
		list.Add(problem.Conflict("x.need"))
		return views.RenderForm(w, r, list, form, "f", form)
	})
	body := o.do("GET", "/fields", nil).Body.String()
	if strings.Contains(body, "<script>") || strings.Contains(body, "aria-invalid") {
		t.Errorf("body %.3000s", body)
	}
	for _, kind := range types {
		if kind != "radio" && !strings.Contains(body, `for="f-`+kind+`"`) {
			t.Errorf("field %s has no label", kind)
		}
	}
	rec := o.do("GET", "/fields?wrong=yes", nil)
	wrong := rec.Body.String()
	if rec.Code != 422 || !strings.Contains(wrong, `class="problems" role="alert"`) {
		t.Errorf("status %d", rec.Code)
	}
	for _, kind := range types {
		if !strings.Contains(wrong, `aria-describedby="f-`+kind+`-e"`) || !strings.Contains(wrong, `id="f-`+kind+`-e"`) {
			t.Errorf("field %s does not point at its mistake", kind)
		}
	}
	o.rt.Handle("GET /gone", web.Public, func(w http.ResponseWriter, r *http.Request) error {
		return views.RenderForm(w, r, problem.Forbidden("web.forbidden"), web.NewForm(), "f", web.NewForm())
	})
	if rec := o.do("GET", "/gone", nil); rec.Code != 403 || strings.Contains(rec.Body.String(), "f-text") {
		t.Errorf("a form that may not be sent is shown again: status %d", rec.Code)
	}
}
