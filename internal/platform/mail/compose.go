package mail

import (
	"bytes"
	"fmt"
	netmail "net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"

	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// headerAutoSubmitted keeps out-of-office answers away. Source: RFC 3834 §5.
const headerAutoSubmitted = gomail.Header("Auto-Submitted")

// Bytes gives the mail as it travels, for who keeps a copy. Problem code invalid when an address is none.
func (s Server) Bytes(m Message) ([]byte, error) {
	msg, err := s.compose(m)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	if _, err := msg.WriteTo(&buf); err != nil {
		return nil, fmt.Errorf("write mail: %w", err)
	}
	return buf.Bytes(), nil
}

// compose builds the mail. Every value of a header is one line of known characters before it gets there.
func (s Server) compose(m Message) (*gomail.Msg, error) {
	from, err := ParseAddress(s.From)
	if err != nil {
		return nil, err
	}
	to, err := ParseAddress(m.To.Addr)
	if err != nil {
		return nil, err
	}
	encoding := gomail.EncodingQP
	if !isASCII(m.Text + m.HTML) {
		encoding = gomail.EncodingB64
	}
	msg := gomail.NewMsg(gomail.WithCharset(gomail.CharsetUTF8), gomail.WithEncoding(encoding), gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(&netmail.Address{Name: name(s.FromName), Address: from})
	msg.ToMailAddress(&netmail.Address{Name: name(m.To.Name), Address: to})
	msg.Subject(jtext.Truncate(line(m.Subject), maxSubject))
	msg.SetDateWithValue(m.Date)
	_, domain, _ := cutLast(from, "@")
	msg.SetMessageIDWithValue(idWord(m.ID) + "@" + domain)
	msg.SetGenHeader(headerAutoSubmitted, "auto-generated")
	msg.SetBodyString(gomail.TypeTextPlain, text(m.Text))
	if m.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, text(m.HTML))
	}
	size := len(m.Text) + len(m.HTML)
	for _, a := range m.Attachments {
		if size += len(a.Data) * 4 / 3; size > MaxBytes {
			return nil, problem.Unsupported("mail.too_large", "limit", MaxBytes>>20)
		}
		kind := a.Type
		if kind == "" {
			kind = "application/octet-stream"
		}
		err := msg.AttachReader(line(a.Name), bytes.NewReader(a.Data), gomail.WithFileContentType(gomail.ContentType(line(kind))), gomail.WithFileEncoding(gomail.EncodingB64))
		if err != nil {
			return nil, fmt.Errorf("attach file: %w", err)
		}
	}
	return msg, nil
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

// line makes one line without control characters of whatever it gets: nothing can end a header early.
func line(s string) string {
	s = strings.ToValidUTF8(s, "�")
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// name is a line that may stand before an address. The library leaves a backslash inside an encoded word,
// where RFC 2047 §5 (3) forbids it.
func name(s string) string { return strings.ReplaceAll(line(s), `\`, "＼") }

// text ends every line with CRLF and drops what no mail may hold.
func text(s string) string {
	s = strings.ToValidUTF8(s, "�")
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\x00", "").Replace(s)
	return strings.ReplaceAll(strings.TrimRight(s, "\n")+"\n", "\n", "\r\n")
}

// idWord keeps what may stand in a Message-ID.
func idWord(s string) string {
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '.') {
			return r
		}
		return -1
	}, s)
}
