package sheet_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/office/assessment/assessmenttest"
	"github.com/kizuki-security/kizuki/internal/office/assessment/request"
	"github.com/kizuki-security/kizuki/internal/office/assessment/sheet"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/intake"
)

const base = "/sheet/" + assessmenttest.JAMA

func site(t testing.TB) (*house, *assessmenttest.Site) {
	t.Helper()
	return siteOf(t, answered(t))
}

func siteOf(t testing.TB, h *house) (*house, *assessmenttest.Site) {
	t.Helper()
	s := h.Site(t)
	sheet.NewWeb(h.svc, s.Router.Shell()).Routes(s.Router)
	intake.NewWeb(h.intake, s.Router.Shell()).Routes(s.Router)
	return h, s
}

// sound is what every page must be; the messages of this package too.
func sound(t testing.TB, body string) {
	t.Helper()
	assessmenttest.Sound(t, body)
	for _, bad := range []string{"[checksheet.", "[sheet.", "[intake."} {
		if i := strings.Index(body, bad); i >= 0 {
			t.Errorf("the page contains %q: …%s…", bad, body[i:min(len(body), i+80)])
		}
	}
}

func TestExportPage(t *testing.T) {
	t.Parallel()
	h, s := site(t)
	if _, err := h.asked.Save(h.ctx, request.Request{Customer: "○○自動車", Framework: assessmenttest.JAMA, Items: []string{"1"}}); err != nil {
		t.Fatal(err)
	}
	for _, locale := range []string{"ja", "en"} {
		sound(t, s.Page(t, base+"/export", locale, http.StatusOK))
		sound(t, s.Page(t, base+"/export?format=xlsx", locale, http.StatusUnprocessableEntity))
		sound(t, s.Page(t, base+"/export?items=9999", locale, http.StatusUnprocessableEntity))
	}
	body := s.Page(t, base+"/export?format=xlsx", "ja", http.StatusUnprocessableEntity)
	for _, want := range []string{"まだ分からないのは2項目です", "No.53", "空欄のままでよければ、印をつけてください。", "○○自動車"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for format, want := range map[string]string{"xlsx": "PK", "csv": "\xEF\xBB\xBF\"ラベル\",\"No.\"", "json": `"schema": "kizuki.sheet/1"`, "csv-cp932": "\"\x83\x89\x83\x78\x83\x8b\""} {
		if got := s.Page(t, base+"/export?unanswered=ok&format="+format, "ja", http.StatusOK); !strings.Contains(got[:min(len(got), 200)], want) {
			t.Errorf("%s begins with %q", format, got[:min(len(got), 60)])
		}
	}
	if err := h.Svc.SaveItemMeta(h.ctx, assessmenttest.JAMA, "28", assessment.ItemMeta{Note: "𠮷田が担当"}); err != nil {
		t.Fatal(err)
	}
	if body := s.Page(t, base+"/export?unanswered=ok&format=csv-cp932", "ja", http.StatusOK); !strings.Contains(body, "𠮷") || !strings.Contains(body, "〓に置き換えて") {
		t.Error("characters that Shift_JIS loses are not shown")
	}
	if got := s.Page(t, base+"/export?unanswered=ok&lossy=yes&format=csv-cp932", "ja", http.StatusOK); !strings.Contains(got, "\x81\xac") {
		t.Error("no 〓 in the file")
	}
	s.Page(t, base+"/export?format=pdf&unanswered=ok", "ja", http.StatusUnsupportedMediaType)
	s.Page(t, "/sheet/nothing@1/export", "ja", http.StatusNotFound)
	s.Nobody()
	s.Page(t, base+"/export", "ja", http.StatusUnauthorized)
}

// send uploads a file and returns the answer.
func send(t testing.TB, s *assessmenttest.Site, path, name string, data []byte, fields url.Values) *httptest.ResponseRecorder {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for k := range fields {
		if err := w.WriteField(k, fields.Get(k)); err != nil {
			t.Fatal(err)
		}
	}
	if data != nil {
		part, err := w.CreateFormFile("file", name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, &body)
	r.Host = "localhost"
	r.Header.Set("Content-Type", w.FormDataContentType())
	rec := httptest.NewRecorder()
	s.Router.Handler().ServeHTTP(rec, r)
	return rec
}

func TestFillPages(t *testing.T) {
	t.Parallel()
	_, s := site(t)
	for _, locale := range []string{"ja", "en"} {
		sound(t, s.Page(t, base+"/fill", locale, http.StatusOK))
	}
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":     {nil, "ブックを選んでください"},
		"a.csv":       {csv("方針,1,1,x,,2,,"), "Excelのブック"},
		"meibo.xlsx":  {xlsx(t, "名簿", []any{"氏名"}, []any{"山田"}), "「meibo.xlsx」にチェックシートが見つかりません"},
		"broken.xlsx": {[]byte("PK\x03\x04 broken"), "壊れている"},
	} {
		res := send(t, s, base+"/fill", name, test.data, nil)
		if res.Code < 400 || !strings.Contains(res.Body.String(), test.want) {
			t.Errorf("%s: status %d, %q missing", name, res.Code, test.want)
		}
		sound(t, res.Body.String())
	}
	data := xlsx(t, "表", []any{"No.", "レベル", "達成条件", "評価", "コメント", "予定日"}, []any{1, 1, "x"}, []any{28, 1, "x", "=1+1"}, []any{120, 3, "x", 0})
	res := send(t, s, base+"/fill", "○○向け.xlsx", data, url.Values{"items": {"1, 28, 53, 120"}})
	if res.Code != http.StatusSeeOther {
		t.Fatalf("upload: %d", res.Code)
	}
	to, err := url.Parse(res.Header().Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	for _, locale := range []string{"ja", "en"} {
		body := s.Page(t, to.String(), locale, http.StatusOK)
		sound(t, body)
		for _, want := range []string{"D2", "D3", "社長が承認", "2027/03/31", "No.53"} {
			if !strings.Contains(body, want) {
				t.Errorf("%s: the page lacks %q", locale, want)
			}
		}
	}
	form := url.Values{"file": {to.Query().Get("file")}, "items": {"1, 28, 53, 120"}, "comments": {"yes"}, "sent_to": {"○○自動車"}, "sent_on": {"2026-11-30"}, "unanswered": {"yes"}}
	sound(t, s.Post(t, base+"/fill-in", form, http.StatusUnprocessableEntity)) // the day lies ahead
	form.Set("sent_on", "2026-11-20")
	form.Del("unanswered")
	if body := s.Post(t, base+"/fill-in", form, http.StatusUnprocessableEntity); !strings.Contains(body, "空欄のままでよければ") {
		t.Error("it was not asked about the open items")
	}
	form.Set("unanswered", "yes")
	filled := s.Post(t, base+"/fill-in", form, http.StatusOK)
	table := open(t, "a.xlsx", []byte(filled)).Sheets[0]
	if table.At(1, 3).Text != "2" || table.At(1, 4).Text != "社長が承認" || table.At(1, 5).Text != "" || !table.At(2, 3).Formula {
		t.Errorf("filled %+v", table.Rows)
	}
	if body := s.Page(t, base+"/fill", "ja", http.StatusOK); !strings.Contains(body, "○○向け.xlsx") || !strings.Contains(body, "○○自動車") {
		t.Error("the history does not name the workbook")
	}
	if body := s.Post(t, base+"/fill-in", form, http.StatusNotFound); !strings.Contains(body, "もう一度選んでください") {
		t.Error("a filled workbook is still there")
	}
}

// TestKeptWorkbooksBelongToOnePerson keeps a workbook that another person asks for.
func TestKeptWorkbooksBelongToOnePerson(t *testing.T) {
	t.Parallel()
	h, s := site(t)
	data := xlsx(t, "表", []any{"No.", "レベル", "達成条件", "評価"}, []any{1, 1, "x"})
	key, err := h.svc.Keep(h.ctx, "a.xlsx", data, sheet.FillOptions{Framework: assessmenttest.JAMA})
	if err != nil {
		t.Fatal(err)
	}
	s.Reader()
	s.Page(t, base+"/fill?file="+key, "ja", http.StatusNotFound)
	h.Clock.Advance(25 * time.Hour)
	if _, err := h.svc.Keep(h.ctx, "b.xlsx", data, sheet.FillOptions{Framework: assessmenttest.JAMA}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.svc.PlanKept(h.ctx, key, sheet.FillOptions{Framework: assessmenttest.JAMA}); err == nil {
		t.Error("a workbook waits longer than a day")
	}
}

// TestWizardPages shows the import in both languages, with every question that it can ask.
func TestWizardPages(t *testing.T) {
	t.Parallel()
	h, s := siteOf(t, newHouse(t, shipped(t)))
	s.As = wizard(t)
	h.ReadAll(t)
	p := h.check(t, "now.csv", csv("方針,8,Lv2,私物,,2,よい,2027年3月", "教育,28,Lv2,教育,,2,,2027/1/31", "x,1,１,y,,まだ,,", "x,999,1,y,,,,"),
		sheet.OptionRound, sheet.ThisYear)
	if p.Problem != nil {
		t.Fatal(p.Problem)
	}
	for _, locale := range []string{"ja", "en"} {
		sound(t, s.Page(t, "/import/sheet/"+p.Import.Key, locale, http.StatusOK))
		sound(t, s.Page(t, "/import/sheet", locale, http.StatusOK))
	}
	if n := h.Board(t, "jama-japia@2.3").Unanswered(); n != 153 {
		t.Errorf("looking changed something: %d unanswered", n)
	}
}

// wizard is an actor who may use the wizard too.
func wizard(t testing.TB) actor.Actor {
	t.Helper()
	return actor.From(assessmenttest.As(t, "sato", nil,
		assessment.PermRead, assessment.PermAnswer, assessment.PermManage, assessment.PermRequest, intake.PermImport))
}
