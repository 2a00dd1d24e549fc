package attach_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite/sqlitetest"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

const png = "\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"

func texts(t *testing.T) *i18n.Messages {
	t.Helper()
	m, err := i18n.New(web.Messages(), attach.Messages())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

type office struct {
	db    *sqlite.DB
	store *attach.Store
	dir   string
	ctx   context.Context
}

func open(t *testing.T) office {
	t.Helper()
	db := sqlitetest.Open(t, sqlitetest.NewClock("2026-11-23"), audit.Migrations(), attach.Migrations())
	dir := filepath.Join(t.TempDir(), "attachments")
	who := actor.New(actor.Actor{Account: "sato", Via: "session"}, []actor.Permission{attach.PermRead})
	return office{db: db, store: attach.New(dir), dir: dir, ctx: actor.With(t.Context(), who)}
}

func (o office) add(t *testing.T, u attach.Upload) (attach.Attachment, error) {
	t.Helper()
	var a attach.Attachment
	err := o.db.Write(o.ctx, func(tx *sqlite.Tx) (err error) {
		a, err = o.store.Add(o.ctx, tx, u)
		return err
	})
	return a, err
}

func (o office) read(t *testing.T, fn func(tx *sqlite.Tx) error) {
	t.Helper()
	if err := o.db.Read(o.ctx, fn); err != nil {
		t.Fatal(err)
	}
}

func (o office) blobs(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(o.dir, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// officeFile is a zip with the content types of an Office file.
func officeFile(t *testing.T, contentType string, more ...string) string {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	put := func(name, body string) {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(body))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if contentType != "" {
		put("[Content_Types].xml", `<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">`+
			`<Default Extension="xml" ContentType="application/xml"/><Override PartName="/main.xml" ContentType="`+contentType+`"/></Types>`)
	}
	for _, name := range more {
		put(name, "x")
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

// compound is the smallest compound file with a root entry and one stream.
func compound(class, stream string) string {
	data := make([]byte, 1024)
	copy(data, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
	binary.LittleEndian.PutUint16(data[30:], 9)
	copy(data[512+80:], class)
	for i, c := range stream {
		data[512+128+2*i] = byte(c)
	}
	return string(data)
}

func TestWhatMayBeAttached(t *testing.T) {
	t.Parallel()
	const (
		sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
		word  = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
		slide = "application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml"
		macro = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"
		mail  = "From: a@example.co.jp\r\nDate: Mon, 23 Nov 2026 09:00:00 +0900\r\nSubject: x\r\n\r\n<p>body</p>\r\n"
		class = "\x0b\x0d\x02\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00\x46"
	)
	tests := []struct {
		label, name, data string
		want              attach.Type // "" when refused
		key               string
	}{
		{"pdf", "方針.PDF", "%PDF-1.7\n…", attach.PDF, ""},
		{"png", "a.png", png, attach.PNG, ""},
		{"jpeg by its long name", "a.jpeg", "\xff\xd8\xff\xe0\x00\x10JFIF", attach.JPEG, ""},
		{"gif", "a.gif", "GIF89a\x01\x00", attach.GIF, ""},
		{"webp", "a.webp", "RIFF\x10\x00\x00\x00WEBPVP8 ", attach.WebP, ""},
		{"photo of a phone", "IMG_0001.HEIC", "\x00\x00\x00\x18ftypheic\x00\x00", attach.HEIC, ""},
		{"workbook", "台帳.xlsx", officeFile(t, sheet), attach.XLSX, ""},
		{"document", "規程.docx", officeFile(t, word), attach.DOCX, ""},
		{"slides", "教育.pptx", officeFile(t, slide), attach.PPTX, ""},
		{"csv in utf-8", "名簿.csv", "氏名,部署\r\n佐藤,総務\r\n", attach.CSV, ""},
		{"csv in cp932", "名簿.csv", "\x8e\x81\x96\xbc,\x95\x94\x8f\x90\r\n", attach.CSV, ""},
		{"text", "memo.txt", "確認しました\n", attach.TXT, ""},
		{"text that names a tag", "waf.txt", "blocked: <script>alert(1)</script>\n", attach.TXT, ""},
		{"text that begins like a program", "memo.txt", "MZ社との打合せ\n", attach.TXT, ""},
		{"mail", "返信.eml", mail, attach.EML, ""},
		{"mail in ISO-2022-JP", "a.eml", strings.Replace(mail, "body", "\x1b$B$\"\x1b(B", 1), attach.EML, ""},
		{"mail that mixes encodings", "a.eml", mail + "あ\x82\xa0\xff", attach.EML, ""},
		{"Outlook mail by class", "a.msg", compound(class, "x"), attach.MSG, ""},
		{"Outlook mail by stream", "a.msg", compound("", "__properties_version1.0"), attach.MSG, ""},

		{"page named as picture", "seal.png", "<!DOCTYPE html><script>1</script>", "", "attach.refused_other"},
		{"page by its own name", "a.html", "<html></html>", "", "attach.refused_other"},
		{"page behind a byte order mark", "a.txt", "\xEF\xBB\xBF \n<html>", "", "attach.refused_other"},
		{"svg", "logo.svg", `<svg xmlns="http://www.w3.org/2000/svg">`, "", "attach.refused_other"},
		{"program", "setup.exe", "MZ\x90\x00\x03\x00", "", "attach.refused_other"},
		{"program named as pdf", "請求書.pdf", "MZ\x90\x00\x03\x00", "", "attach.refused_other"},
		{"script", "a.txt", "#!/bin/sh\n", "", "attach.refused_other"},
		{"film", "a.heic", "\x00\x00\x00\x18ftypisom\x00\x00", "", "attach.refused_other"},
		{"binary named as text", "a.txt", "a\x00b", "", "attach.refused_other"},
		{"macros by type", "a.xlsm", officeFile(t, macro), "", "attach.refused_macro"},
		{"macros hidden in xlsx", "a.xlsx", officeFile(t, sheet, "xl/vbaProject.bin"), "", "attach.refused_macro"},
		{"old workbook", "a.xls", compound("", "Workbook"), "", "attach.refused_old_office"},
		{"old workbook named as mail", "a.msg", compound("", "Workbook"), "", "attach.refused_old_office"},
		{"archive", "a.zip", officeFile(t, "", "a.txt"), "", "attach.refused_zip"},
		{"archive named as workbook", "a.xlsx", officeFile(t, "", "a.txt"), "", "attach.refused_zip"},
		{"document named as workbook", "a.xlsx", officeFile(t, word), "", "attach.lying_name"},
		{"png named as jpeg", "a.jpg", png, "", "attach.lying_name"},
		{"text named as mail", "a.eml", "hello\n", "", "attach.lying_name"},
		{"no extension", "scan", png, "", "attach.unknown_name"},
		{"empty", "a.pdf", "", "", "attach.empty"},
		{"too large", "a.pdf", "%PDF-" + strings.Repeat(" ", attach.MaxBytes), "", "attach.too_large"},
	}
	m := texts(t)
	for _, tt := range tests {
		t.Run(tt.label, func(t *testing.T) {
			t.Parallel()
			o := open(t)
			a, err := o.add(t, attach.Upload{Record: "policy/P", Name: tt.name, Data: []byte(tt.data)})
			if tt.want != "" {
				if err != nil {
					t.Fatal(err)
				}
				if a.Type != tt.want {
					t.Errorf("type is %q, want %q", a.Type, tt.want)
				}
				return
			}
			all := problem.All(err)
			if len(all) != 1 || all[0].Key != tt.key {
				t.Fatalf("error is %v, want %s", err, tt.key)
			}
			for _, locale := range i18n.Locales {
				said := m.Problem(locale, err)
				if strings.ContainsAny(said, "[{") || !strings.Contains(said, tt.name) {
					t.Errorf("in %s it says %q", locale, said)
				}
			}
			if left := o.blobs(t); len(left) != 0 {
				t.Errorf("a refused file left %v", left)
			}
		})
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	tests := []struct{ label, in, want string }{
		{"folders of Windows are dropped", `C:\Users\sato\方針.pdf`, "方針.pdf"},
		{"folders are dropped", "../../etc/x.pdf", "x.pdf"},
		{"signs that file systems refuse", `a:b?"c".pdf`, "a_b__c_.pdf"},
		{"line ends cannot reach a header", "a\r\nSet-Cookie: x.pdf", "a Set-Cookie_ x.pdf"},
		{"a long name keeps its end", strings.Repeat("あ", 300) + ".pdf", strings.Repeat("あ", 146) + ".pdf"},
	}
	for _, tt := range tests {
		t.Run(tt.label, func(t *testing.T) {
			t.Parallel()
			o := open(t)
			a, err := o.add(t, attach.Upload{Record: "policy/P", Name: tt.in, Data: []byte("%PDF-1.7")})
			if err != nil {
				t.Fatal(err)
			}
			if a.Name != tt.want {
				t.Errorf("name is %q, want %q", a.Name, tt.want)
			}
		})
	}
}

func TestAddAndRemove(t *testing.T) {
	t.Parallel()
	o := open(t)
	from, to := jdate.On(2026, 4, 1), jdate.On(2027, 3, 31)
	first, err := o.add(t, attach.Upload{Record: "policy/A", Name: "a.pdf", Data: []byte("%PDF-1.7 one"), From: from, To: to, Expires: to, Note: "押印済み"})
	if err != nil {
		t.Fatal(err)
	}
	second, err := o.add(t, attach.Upload{Record: "policy/B", Name: "b.pdf", Data: []byte("%PDF-1.7 one")})
	if err != nil {
		t.Fatal(err)
	}
	if got := o.blobs(t); len(got) != 1 || filepath.Base(got[0]) != first.SHA256 || filepath.Base(filepath.Dir(got[0])) != first.SHA256[:2] {
		t.Errorf("contents are %v, want one named by its hash", got)
	}
	o.read(t, func(tx *sqlite.Tx) error {
		of, err := o.store.Of(o.ctx, tx, "policy/A")
		if diff := cmp.Diff([]attach.Attachment{first}, of); diff != "" {
			t.Errorf("attachments of A (-want +got):\n%s", diff)
		}
		return err
	})
	if first.AddedBy != "account/sato" || !first.Expired(to.Add(1)) || first.Expired(to) {
		t.Errorf("by %q, expires %v", first.AddedBy, first.Expires)
	}
	if _, err := o.add(t, attach.Upload{Record: "policy/A", Name: "a.pdf", Data: []byte("%PDF-"), From: to, To: from}); problem.CodeOf(err) != problem.CodeInvalid {
		t.Errorf("a period that ends before it begins gives %v", err)
	}

	// Removing one leaves the shared content; Sweep takes it only when nobody names it.
	remove := func(key string) {
		t.Helper()
		if err := o.db.Write(o.ctx, func(tx *sqlite.Tx) error { return o.store.Remove(o.ctx, tx, key) }); err != nil {
			t.Fatal(err)
		}
	}
	sweep := func(want int) {
		t.Helper()
		err := o.db.Write(o.ctx, func(tx *sqlite.Tx) error {
			n, err := o.store.Sweep(o.ctx, tx)
			if n != want {
				t.Errorf("swept %d, want %d", n, want)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	remove(first.Key)
	sweep(0)
	remove(second.Key)
	sweep(1)
	o.read(t, func(tx *sqlite.Tx) error {
		if _, err := o.store.ByKey(o.ctx, tx, first.Key); problem.CodeOf(err) != problem.CodeNotFound {
			t.Errorf("removed attachment gives %v", err)
		}
		n, err := audit.Verify(o.ctx, tx)
		if n != 4 {
			t.Errorf("%d audit rows, want 4", n)
		}
		return err
	})
}

func TestVerifyNamesWhatChanged(t *testing.T) {
	t.Parallel()
	tests := []struct {
		label, key string
		harm       func(path string) error
	}{
		{"changed", "attach.changed", func(path string) error { return os.WriteFile(path, []byte("%PDF-1.7 forged"), 0o600) }},
		{"missing", "attach.missing", os.Remove},
	}
	for _, tt := range tests {
		t.Run(tt.label, func(t *testing.T) {
			t.Parallel()
			o := open(t)
			for _, name := range []string{"good.pdf", "bad.pdf"} {
				if _, err := o.add(t, attach.Upload{Record: "policy/A", Name: name, Data: []byte("%PDF-" + name)}); err != nil {
					t.Fatal(err)
				}
			}
			var bad attach.Attachment
			o.read(t, func(tx *sqlite.Tx) error {
				if n, err := o.store.Verify(o.ctx, tx); n != 2 || err != nil {
					t.Errorf("before: %d checked, %v", n, err)
				}
				all, err := o.store.Of(o.ctx, tx, "policy/A")
				bad = all[1]
				return err
			})
			if err := tt.harm(filepath.Join(o.dir, bad.SHA256[:2], bad.SHA256)); err != nil {
				t.Fatal(err)
			}
			o.read(t, func(tx *sqlite.Tx) error {
				n, err := o.store.Verify(o.ctx, tx)
				all := problem.All(err)
				if n != 1 || len(all) != 1 || all[0].Key != tt.key || all[0].Args["name"] != "bad.pdf" {
					t.Errorf("after: %d checked, %v %v", n, err, all)
				}
				return nil
			})
			// Attaching the same content again heals it.
			if _, err := o.add(t, attach.Upload{Record: "policy/B", Name: "bad.pdf", Data: []byte("%PDF-bad.pdf")}); err != nil {
				t.Fatal(err)
			}
			if _, err := o.store.Read(bad); err != nil {
				t.Errorf("after healing: %v", err)
			}
		})
	}
}

func TestFailedActLeavesNothingNamed(t *testing.T) {
	t.Parallel()
	o := open(t)
	err := o.db.Write(o.ctx, func(tx *sqlite.Tx) error {
		if _, err := o.store.Add(o.ctx, tx, attach.Upload{Record: "policy/A", Name: "a.png", Data: []byte(png)}); err != nil {
			return err
		}
		return problem.Conflict("attach.not_found")
	})
	if problem.CodeOf(err) != problem.CodeConflict {
		t.Fatal(err)
	}
	o.read(t, func(tx *sqlite.Tx) error {
		of, err := o.store.Of(o.ctx, tx, "policy/A")
		if len(of) != 0 {
			t.Errorf("the failed act left %v", of)
		}
		return err
	})
}
