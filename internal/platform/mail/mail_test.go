package mail_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	netmail "net/mail"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/platform/mail"
	"github.com/kizuki-security/kizuki/internal/platform/mail/mailtest"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

func message() mail.Message {
	return mail.Message{
		ID: "01kb0000000000000000000000", Date: time.Date(2026, 11, 24, 8, 0, 0, 0, jdate.Tokyo),
		To:      mail.Address{Name: "佐藤 花子", Addr: "sato@kojo.example"},
		Subject: "今日やることが3件あります（期限切れ1件）— 情報セキュリティ自己評価の提出期限が近づいています",
		Text:    "佐藤 花子 様\n\n.点で始まる行もそのまま届きます。\n・規程を見直す（期限 2026-11-30）\n  http://localhost:8600/policy/x\n",
	}
}

// TestReceived: what a real server gets reads as it was meant, over every kind of protection.
func TestReceived(t *testing.T) {
	t.Parallel()
	for _, security := range mail.Securities() {
		t.Run(string(security), func(t *testing.T) {
			t.Parallel()
			s := mailtest.Start(t, security)
			m := message()
			m.HTML = "<p>佐藤 花子 様</p>"
			m.Attachments = []mail.Attachment{{Name: "操作記録の控え.txt", Type: "text/plain", Data: []byte("kizuki\n42\n")}}
			if err := s.Settings.Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			all := s.Received()
			if len(all) != 1 || all[0].From != "kizuki@kojo.example" || all[0].To != "sato@kojo.example" || all[0].User != s.Settings.User {
				t.Fatalf("received %+v", all)
			}
			got := all[0].Parsed(t)
			checkHeaders(t, all[0].Raw, got)
			want := map[string]string{
				"text/plain 0": strings.ReplaceAll(m.Text, "\n", "\r\n"), "text/html 0": "<p>佐藤 花子 様</p>\r\n", "text/plain 操作記録の控え.txt": "kizuki\n42\n",
			}
			parts := map[string]string{}
			collect(t, got.Header.Get("Content-Type"), got.Header.Get("Content-Transfer-Encoding"), "0", got.Body, parts)
			if diff := cmp.Diff(want, parts); diff != "" {
				t.Errorf("parts (-want +got):\n%s", diff)
			}
		})
	}
}

func checkHeaders(t *testing.T, raw []byte, got *netmail.Message) {
	t.Helper()
	dec := new(mime.WordDecoder)
	subject, err := dec.DecodeHeader(got.Header.Get("Subject"))
	if err != nil || subject != message().Subject {
		t.Errorf("subject %q, %v", subject, err)
	}
	from, err := netmail.ParseAddress(got.Header.Get("From"))
	if err != nil || from.Name != "Kizuki 見本製作所" {
		t.Errorf("from %v, %v", from, err)
	}
	if when, err := got.Header.Date(); err != nil || !when.Equal(message().Date) {
		t.Errorf("date %v, %v", when, err)
	}
	for name, want := range map[string]string{"Message-Id": "<01kb0000000000000000000000@kojo.example>", "Auto-Submitted": "auto-generated", "Mime-Version": "1.0", "X-Mailer": "", "User-Agent": ""} {
		if v := got.Header.Get(name); v != want {
			t.Errorf("%s is %q, want %q", name, v, want)
		}
	}
	for l := range bytes.Lines(raw) {
		long := 80
		if bytes.Contains(l, []byte("name=")) {
			long = 998 // the library folds no file names; RFC 5322 §2.1.1 allows it
		}
		if len(l) > long || bytes.ContainsFunc(l, func(r rune) bool { return r >= utf8.RuneSelf }) {
			t.Errorf("line of %d octets, or not ASCII: %q", len(l), l)
		}
	}
}

// collect reads all parts of a mail, decoded, by media type and file name.
func collect(t *testing.T, kind, encoding, name string, body io.Reader, parts map[string]string) {
	t.Helper()
	media, params, err := mime.ParseMediaType(kind)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(media, "multipart/") {
		data, err := io.ReadAll(decoded(encoding, body))
		if err != nil {
			t.Fatal(err)
		}
		parts[media+" "+name] = string(data)
		return
	}
	for r := multipart.NewReader(body, params["boundary"]); ; {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		file := "0"
		if p.FileName() != "" {
			if file, err = new(mime.WordDecoder).DecodeHeader(p.FileName()); err != nil {
				t.Fatal(err)
			}
		}
		collect(t, p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), file, p, parts)
	}
}

// TestRefusals: each way in which it can go wrong has its sentence, and says whether a later attempt may help.
func TestRefusals(t *testing.T) {
	t.Parallel()
	said := func(code int, text string) func(string, string) error {
		return func(string, string) error { return &smtp.SMTPError{Code: code, Message: text} }
	}
	at := func(where string, fn func(string, string) error) func(*mailtest.Server) {
		return func(s *mailtest.Server) {
			s.Refuse = func(command, address string) error {
				if command == where {
					return fn(command, address)
				}
				return nil
			}
		}
	}
	for name, tc := range map[string]struct {
		security mail.Security
		change   func(*mailtest.Server)
		code     problem.Code
		key      string
	}{
		"sender refused":         {mail.StartTLS, at("MAIL", said(550, "not you")), problem.CodeUnsupported, "mail.refused"},
		"no such mailbox":        {mail.StartTLS, at("RCPT", said(550, "no such user")), problem.CodeUnsupported, "mail.refused"},
		"mailbox busy":           {mail.StartTLS, at("RCPT", said(450, "busy")), problem.CodeUnavailable, "mail.refused_later"},
		"content refused":        {mail.TLS, at("DATA", said(554, "looks bad")), problem.CodeUnsupported, "mail.refused"},
		"no room now":            {mail.None, at("DATA", said(452, "disk full")), problem.CodeUnavailable, "mail.refused_later"},
		"wrong password":         {mail.StartTLS, func(s *mailtest.Server) { s.Settings.Password = "other" }, problem.CodeUnavailable, "mail.auth"},
		"unknown certificate":    {mail.StartTLS, func(s *mailtest.Server) { s.Settings.CA = "" }, problem.CodeUnavailable, "mail.certificate"},
		"unknown certificate 2":  {mail.TLS, func(s *mailtest.Server) { s.Settings.CA = "" }, problem.CodeUnavailable, "mail.certificate"},
		"other certificate":      {mail.StartTLS, func(s *mailtest.Server) { s.Settings.Fingerprint = strings.Repeat("ab", 32) }, problem.CodeUnavailable, "mail.certificate_changed"},
		"no STARTTLS":            {mail.None, func(s *mailtest.Server) { s.Settings.Security = mail.StartTLS }, problem.CodeUnavailable, "mail.no_starttls"},
		"TLS on a plain port":    {mail.None, func(s *mailtest.Server) { s.Settings.Security = mail.TLS }, problem.CodeUnavailable, "mail.no_tls"},
		"nobody listens":         {mail.None, func(s *mailtest.Server) { s.Settings.Port = 1 }, problem.CodeUnavailable, "mail.unreachable"},
		"trusted by fingerprint": {mail.StartTLS, func(s *mailtest.Server) { s.Settings.CA, s.Settings.Fingerprint = "", mail.Fingerprint(s.Cert.Leaf) }, "", ""},
		"implicit, fingerprint":  {mail.TLS, func(s *mailtest.Server) { s.Settings.CA, s.Settings.Fingerprint = "", mail.Fingerprint(s.Cert.Leaf) }, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := mailtest.Start(t, tc.security)
			tc.change(s)
			err := s.Settings.Send(t.Context(), message())
			if problem.CodeOf(err) != tc.code {
				t.Fatalf("got %v, want code %q", err, tc.code)
			}
			if err != nil && problem.All(err)[0].Key != tc.key {
				t.Errorf("got %v, want %s", err, tc.key)
			}
			if n := len(s.Received()); (n == 1) != (err == nil) {
				t.Errorf("%d mails arrived, error %v", n, err)
			}
		})
	}
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	s := mailtest.Start(t, mail.None, func(s *smtp.Server) { s.MaxMessageBytes = 10_000 })
	m := message()
	m.Attachments = []mail.Attachment{{Name: "a", Data: make([]byte, 20_000)}}
	if err := s.Settings.Send(t.Context(), m); problem.CodeOf(err) != problem.CodeUnsupported || len(s.Received()) != 0 {
		t.Errorf("got %v", err)
	}
	m.Attachments[0].Data = make([]byte, mail.MaxBytes)
	if err := s.Settings.Send(t.Context(), m); problem.CodeOf(err) != problem.CodeUnsupported {
		t.Errorf("got %v", err)
	}
}

// TestStop: the end of the context ends a session with a server that says nothing.
func TestStop(t *testing.T) {
	t.Parallel()
	s := mailtest.Start(t, mail.None)
	ctx, stop := context.WithCancel(t.Context())
	s.Refuse = func(string, string) error { stop(); <-t.Context().Done(); return nil }
	if err := s.Settings.Send(ctx, message()); problem.CodeOf(err) != problem.CodeUnavailable {
		t.Errorf("got %v", err)
	}
}

// TestInjection: nothing in a value becomes a header, a second recipient or a second mail.
func TestInjection(t *testing.T) {
	t.Parallel()
	s := mailtest.Start(t, mail.None)
	for _, evil := range []string{"a\r\nBcc: b@evil.example\r\n\r\nx", "a\nX-Evil: 1", "a\rX-Evil: 1", "a\u2028X-Evil: 1", "a\x00b", "\r\n.\r\nMAIL FROM:<x@evil.example>\r\n", "=?utf-8?b?\r\nX-Evil: 1?="} {
		m := message()
		m.ID, m.Subject, m.To.Name, m.Text = evil, evil, evil, evil
		m.Attachments = []mail.Attachment{{Name: evil, Type: evil, Data: []byte(evil)}}
		server := s.Settings
		server.FromName = evil
		before := len(s.Received())
		if err := server.Send(t.Context(), m); err != nil {
			t.Errorf("%q: %v", evil, err)
			continue
		}
		all := s.Received()
		if len(all) != before+1 || all[before].To != "sato@kojo.example" {
			t.Fatalf("%q: %d mails", evil, len(all)-before)
		}
		for name := range all[before].Parsed(t).Header {
			if strings.Contains(name, "Evil") || name == "Bcc" {
				t.Errorf("%q made the header %s", evil, name)
			}
		}
		m.To.Addr = evil + "@kojo.example"
		if err := server.Send(t.Context(), m); problem.CodeOf(err) != problem.CodeInvalid {
			t.Errorf("address %q: %v", m.To.Addr, err)
		}
	}
}

func TestParseAddress(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"sato@kojo.example": "sato@kojo.example", " Sato@KOJO.example ": "Sato@kojo.example", "ｓａｔｏ＠ｋｏｊｏ．ｅｘａｍｐｌｅ": "sato@kojo.example",
		"a.b+c@x.co.jp": "a.b+c@x.co.jp", "a@工場.example": "a@xn--rls55k.example", "root@localhost": "root@localhost",
		"": "", "a": "", "@b.example": "", "a@": "", "a b@c.example": "", "a@b": "", "<a@b.example>": "", "A <a@b.example>": "", "a@b.example,c@d.example": "",
		"a@b.example\r\nBcc: x": "", "a..b@c.example": "", ".a@c.example": "", `"a b"@c.example`: "", "佐藤@kojo.example": "", "a@-b.example": "", "a@b@c.example": "",
		strings.Repeat("a", 65) + "@b.example": "", "a@" + strings.Repeat("b", 64) + ".example": "", "a@[127.0.0.1]": "",
	} {
		got, err := mail.ParseAddress(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	good := mail.Server{Host: "Mail.Example.COM", Security: mail.StartTLS, User: "u", From: "a@example.com", Fingerprint: strings.Repeat("AB:", 31) + "ab"}
	got, err := good.Check()
	if err != nil || got.Host != "mail.example.com" || got.Port != 587 || got.Fingerprint != strings.Repeat("ab", 32) {
		t.Errorf("%+v, %v", got, err)
	}
	for field, change := range map[string]func(*mail.Server){
		"host": func(s *mail.Server) { s.Host = "mail server" }, "security": func(s *mail.Server) { s.Security = "no" }, "port": func(s *mail.Server) { s.Port = 70000 },
		"from": func(s *mail.Server) { s.From = "me" }, "user": func(s *mail.Server) { s.Security = mail.None }, "ca": func(s *mail.Server) { s.CA = "none" },
		"fingerprint": func(s *mail.Server) { s.Fingerprint = "abcd" },
	} {
		bad := good
		change(&bad)
		_, err := bad.Check()
		if all := problem.All(err); len(all) != 1 || all[0].Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// FuzzParseAddress: whatever is taken as an address is one mailbox that fits into a header and a command as it is.
func FuzzParseAddress(f *testing.F) {
	for _, seed := range []string{"sato@kojo.example", "ｓ＠ｋ．ｊｐ", "a@工場.example", "a\r\n@b.example", "<a@b.c>", "a@b.c>,<d@e.f", "\"a\"@b.c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := mail.ParseAddress(text)
		if err != nil {
			return
		}
		parsed, err := netmail.ParseAddress(got)
		if err != nil || parsed.Address != got || len(got) > 254 || strings.ContainsAny(got, "\r\n <>,;:\"()") {
			t.Fatalf("%q became %q (%v)", text, got, err)
		}
		if again, err := mail.ParseAddress(got); err != nil || again != got {
			t.Fatalf("%q is not stable: %q, %v", got, again, err)
		}
	})
}

// FuzzBytes: no text makes a mail with other headers than ours, or one that is not ASCII.
func FuzzBytes(f *testing.F) {
	f.Add("件名", "本文", "名前")
	f.Add("a\r\nBcc: b", ".\r\n", "\"")
	f.Fuzz(func(t *testing.T, subject, text, name string) {
		m := message()
		m.Subject, m.Text, m.To.Name = subject, text, name
		raw, err := mail.Server{From: "a@b.example", FromName: name}.Bytes(m)
		if err != nil {
			t.Fatal(err)
		}
		got, err := netmail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			t.Fatalf("%v\n%s", err, raw)
		}
		for key := range got.Header {
			switch key {
			case "From", "To", "Subject", "Date", "Message-Id", "Mime-Version", "Content-Type", "Content-Transfer-Encoding", "Auto-Submitted":
			default:
				t.Fatalf("header %s\n%s", key, raw)
			}
		}
		if to, err := got.Header.AddressList("To"); err != nil || len(to) != 1 {
			t.Fatalf("%v, %v\n%s", to, err, raw)
		}
	})
}
