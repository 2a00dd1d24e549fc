package mail_test

import (
	"encoding/base64"
	"io"
	"mime/quotedprintable"
	"strings"
)

// decoded undoes the transfer encoding of a part.
func decoded(encoding string, body io.Reader) io.Reader {
	switch strings.ToLower(encoding) {
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		return quotedprintable.NewReader(body)
	default:
		return body
	}
}
