package outbox_test

import (
	"encoding/base64"
	"io"
	"mime"
	"mime/quotedprintable"
	netmail "net/mail"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

func testTexts() fstest.MapFS {
	return fstest.MapFS{
		"messages.ja.json": {Data: []byte(`{"test.notice.subject": "{n}件 {who}", "test.notice.body": "{on} までに {what}", "test.inner": "{n}円", "test.duty": "「{title}」を見直す"}`)},
		"messages.en.json": {Data: []byte(`{"test.notice.subject": "{n} of {who}", "test.notice.body": "By {on}: {what}", "test.inner": "{n} yen", "test.duty": "Review “{title}”"}`)},
	}
}

func subject(t *testing.T, m *netmail.Message) string {
	t.Helper()
	s, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func decoded(m *netmail.Message) io.Reader {
	if m.Header.Get("Content-Transfer-Encoding") == "base64" {
		return base64.NewDecoder(base64.StdEncoding, m.Body)
	}
	return quotedprintable.NewReader(m.Body)
}

// version reads the hidden field of a form.
func version(t *testing.T, page string) string {
	t.Helper()
	_, after, found := strings.Cut(page, `name="version" value="`)
	if !found {
		t.Fatal("no version")
	}
	v, _, _ := strings.Cut(after, `"`)
	return v
}

func itoa(n int) string { return strconv.Itoa(n) }
