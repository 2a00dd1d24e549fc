package training_test

import (
	"bytes"
	"context"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/office/training"
	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/register/people/peopletest"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// rosterFile writes a table as offices have it: a title above the header, a sum below.
func rosterFile(t *testing.T, format sheet.Format, encoding jtext.Encoding) []byte {
	t.Helper()
	out := sheet.Out{Title: "出席者", Columns: []sheet.OutColumn{{Title: "社員番号"}, {Title: "氏 名"}, {Title: "備考"}}, Rows: [][]any{
		{"001", "佐藤　花子", ""}, {"", "鈴木 一郎", "同じ名の人が二人"}, {"", "高橋 次郎", "名簿にいない"}, {"1", "佐藤花子", "Excelが0を落とした"}, {"", "", ""}, {"", "田中 三郎", ""},
	}}
	var b bytes.Buffer
	if format == sheet.CSV && encoding != "" {
		lost, err := sheet.WriteCSV(&b, out, encoding)
		if err != nil || len(lost) > 0 {
			t.Fatal(lost, err)
		}
		return b.Bytes()
	}
	if err := sheet.Write(&b, format, out); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReadRoster(t *testing.T) {
	t.Parallel()
	files := map[string][]byte{
		"出席者.xlsx":    rosterFile(t, sheet.XLSX, ""),
		"出席者.csv":     rosterFile(t, sheet.CSV, ""),
		"出席者sjis.csv": rosterFile(t, sheet.CSV, jtext.CP932),
		"mail.csv":    []byte("email,comment\r\nhanako@example.jp,\r\nx@example.jp,鈴木\r\n"),
	}
	for name, data := range files {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := open(t)
			tanaka := o.Person(people.Person{FamilyName: "田中", GivenName: "三郎"})
			o.Person(people.Person{FamilyName: "鈴木", GivenName: "一郎", EmployeeNo: "100"})
			o.Person(people.Person{FamilyName: "鈴木", GivenName: "一郎", EmployeeNo: "101"})
			lines, err := o.svc.ReadRoster(o.ctx, name, data)
			o.Must(err)
			var got []string
			for _, l := range lines {
				who := strconv.Itoa(len(l.Match.Candidates)) + " candidates"
				if l.Match.Person != nil {
					who = l.Match.Person.Key
				}
				got = append(got, strconv.Itoa(l.Line)+" "+l.Text+" "+who)
			}
			want := []string{"2 001 佐藤 花子 " + o.person, "3 鈴木 一郎 2 candidates", "4 高橋 次郎 0 candidates", "5 1 佐藤花子 " + o.person, "7 田中 三郎 " + tanaka}
			if name == "mail.csv" {
				want = []string{"2  " + o.person, "3  0 candidates"}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
			if got := o.Current("training.completed"); got != nil {
				t.Error("reading a file noted somebody")
			}
		})
	}
}

func TestRostersThatCannotBeRead(t *testing.T) {
	t.Parallel()
	o := open(t)
	var rows strings.Builder
	rows.WriteString("氏名\n")
	for i := range 6000 {
		rows.WriteString("人" + strconv.Itoa(i) + "\n")
	}
	for name, tc := range map[string]struct {
		data string
		code problem.Code
	}{
		"empty.csv":    {"", problem.CodeInvalid},
		"nobody.csv":   {"日付,部屋\n2026-11-20,A\n", problem.CodeInvalid},
		"header.csv":   {"社員番号,氏名\n", problem.CodeInvalid},
		"program.xlsx": {"MZ\x90\x00", problem.CodeUnsupported},
		"broken.xlsx":  {"PK\x03\x04 and nothing more", problem.CodeInvalid},
		"long.csv":     {rows.String(), problem.CodeTooLarge},
	} {
		if _, err := o.svc.ReadRoster(o.ctx, name, []byte(tc.data)); problem.CodeOf(err) == problem.CodeInternal || err == nil {
			t.Errorf("%s: %v, want a problem that somebody can mend", name, err)
		} else if got := problem.CodeOf(err); got != tc.code {
			t.Errorf("%s: code %q (%v), want %q", name, got, err, tc.code)
		}
	}
}

var topicNames = map[string]framework.Text{
	"policy": {JA: "方針", EN: "policy"}, "legal": {JA: "法令", EN: "law"}, "incident": {JA: "事故", EN: "incidents"}, "classification": {JA: "区分", EN: "classes"},
	"access": {JA: "権限", EN: "access"}, "mail": {JA: "メール", EN: "mail"}, "web": {JA: "Web", EN: "web"},
}

func (o *office) browsers(who context.Context, t *testing.T) []*peopletest.Browser {
	t.Helper()
	rt, _ := o.Router(training.Messages())
	training.NewWeb(o.svc, rt.Shell(), topicNames).Routes(rt)
	return peopletest.Browsers(who, t, rt)
}

func has(t *testing.T, page string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(page, part) {
			t.Errorf("no %q on the page", part)
		}
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	o := open(t)
	works := o.Department("製造部")
	tanaka := o.Person(people.Person{FamilyName: "田中", GivenName: "<三郎>", Mail: people.Yes, Department: works})
	for _, b := range o.browsers(o.ctx, t) {
		has(t, b.Get("/training", 200), "2026", "/training/new", "/training/missing?topic=mail")
		if strings.Contains(b.Get("/training", 200), "2,026") {
			t.Error("the year has a comma")
		}
		has(t, b.Get("/training/new?topic=mail", 200), `value="mail" checked`)
		b.Post("/training/new", url.Values{"version": {"0"}}, 422)
		b.Post("/training/new", url.Values{"title": {"x"}, "on": {"2026-11-24"}, "topics": {"mail"}, "method": {"class"}}, 422)
		has(t, b.Get("/training/missing?topic=mail", 200), "&lt;三郎&gt;", "製造部")
		b.Get("/training/missing?topic=golf", 404)
		b.Get("/training/nothing", 404)
		b.Get("/training/export?format=pdf", 415)
	}
	b := o.browsers(o.ctx, t)[0]
	at := b.Post("/training/new", url.Values{"title": {"朝礼で<メール>"}, "on": {"R8.11.20"}, "topics": {"mail", "web"}, "method": {"class"}, "teacher": {"山田"}, "version": {"0"}}, 303)
	for _, b := range o.browsers(o.ctx, t) {
		has(t, b.Get(at, 200), "朝礼で&lt;メール&gt;", at+"/roster", at+"/reflect", "&lt;三郎&gt;")
		has(t, b.Get(at+"/edit", 200), `value="2026-11-20"`)
		has(t, b.Get(at+"/sheet", 200), "data-print", "製造部")
		b.Upload(at+"/roster", nil, "", "", nil, 422)
		b.Upload(at+"/roster", nil, "roster", "x.csv", []byte("日付\n1\n"), 422)
		check := b.Upload(at+"/roster", nil, "roster", "出席.csv", []byte("氏名\n佐藤 花子\n佐藤花子\n高橋 次郎\n"), 200)
		has(t, check, "高橋 次郎", `value="`+o.person+`" checked`, `name="way" value="file"`)
		b.Upload(at+"/attend", url.Values{"way": {"hand"}}, "", "", nil, 422)
		b.Upload(at+"/attend", url.Values{"way": {"rumour"}, "people": {tanaka}}, "", "", nil, 422)
		b.Upload(at+"/attend", url.Values{"way": {"hand"}, "people": {tanaka}}, "scan", "a.exe", []byte("MZ"), 415)
		b.Post(at+"/reflect", nil, 422)
		b.Post(at+"/edit", url.Values{"title": {"私の題"}, "on": {"2026-11-20"}, "topics": {"mail"}, "method": {"class"}, "version": {"9"}}, 409)
	}
	b.Post(at+"/attend", url.Values{"way": {"file"}, "people": {o.person}}, 303)
	b.Upload(at+"/attend", url.Values{"way": {"hand"}, "people": {tanaka}}, "scan", "署名.pdf", []byte(peopletest.PDF), 303)
	b.Post(at+"/reflect", url.Values{"found": {"一\n二"}, "next_time": {"実例"}}, 303)
	for _, b := range o.browsers(o.ctx, t) {
		has(t, b.Get(at, 200), "署名.pdf", "実例", at+"/unattend")
		has(t, b.Get(at+"/sheet", 200), "&lt;三郎&gt;")
		has(t, b.Get("/training?topic=mail", 200), at)
		b.Get("/training?topic=access", 200)
		b.Get("/training/missing?topic=mail", 200)
		b.Get("/training/export?format=csv&topic=mail", 200)
		b.Get("/training/export?format=xlsx", 200)
	}
	b.Post(at+"/unattend", url.Values{"person": {tanaka}}, 303)
	b.Post(at+"/unattend", url.Values{"person": {tanaka}}, 409)
	for _, b := range o.browsers(o.As("", training.PermRead), t) {
		for _, path := range []string{"/training", at, at + "/sheet", "/training/missing?topic=mail"} {
			if page := b.Get(path, 200); strings.Contains(page, "<form") || strings.Contains(page, "/training/new") {
				t.Errorf("%s offers a reader to change something", path)
			}
		}
		b.Post(at+"/unattend", nil, 403)
	}
}

// Whoever's use of mail or internet is unknown counts as concerned: nobody is left out by a blank.
func TestWhoIsConcerned(t *testing.T) {
	t.Parallel()
	o := open(t) // uses neither
	o.Person(people.Person{FamilyName: "使う", Mail: people.Yes, Internet: people.Yes})
	o.Person(people.Person{FamilyName: "不明", Mail: people.Unknown, Internet: people.Unknown})
	o.Person(people.Person{FamilyName: "やめた", Mail: people.Yes, Left: o.Day("2026-11-22")})
	b := o.browsers(o.ctx, t)[0]
	for topic, want := range map[string][]string{"mail": {"使う", "不明"}, "web": {"使う", "不明"}, "incident": {"使う", "不明", "佐藤 花子"}} {
		page := b.Get("/training/missing?topic="+topic, 200)
		has(t, page, want...)
		if strings.Contains(page, "やめた") || len(want) == 2 && strings.Contains(page, "佐藤 花子") {
			t.Errorf("%s: the page names somebody who is not concerned", topic)
		}
	}
}
