package outbox_test

import (
	"encoding/base64"
	"io"
	"mime"
	"mime/quotedprintable"
	netmail "net/mail"
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
