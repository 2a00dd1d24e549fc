package sheet

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/kizuki-security/kizuki/internal/words/jtext"
)

// Lost is a character that CP932 cannot write: in the value of Row (0 is the header, 1 the first row of data) and
// Column (counted from 0).
type Lost struct {
	Row, Column int
	Text        string
}

// WriteCSV writes a table as CSV with CRLF, every value in quotes, in UTF-8 with byte order mark or, where encoding is
// jtext.CP932, in the Shift_JIS of Windows. Texts that a spreadsheet program would run as a formula get a leading '
// that Open takes away again. In CP932 characters that cannot be written stand as 〓 and are reported, at most
// jtext.MaxSpots of them; use CheckCP932 first to offer UTF-8 instead.
func WriteCSV(w io.Writer, o Out, encoding jtext.Encoding) ([]Lost, error) {
	var b bytes.Buffer
	if encoding != jtext.CP932 {
		b.WriteString("\xEF\xBB\xBF")
	}
	lost := eachCSVLine(o, encoding == jtext.CP932, func(line []byte) { b.Write(line) })
	if _, err := w.Write(b.Bytes()); err != nil {
		return lost, fmt.Errorf("write csv: %w", err)
	}
	return lost, nil
}

// CheckCP932 returns what WriteCSV would lose in CP932, at most jtext.MaxSpots characters.
func CheckCP932(o Out) []Lost { return eachCSVLine(o, true, func([]byte) {}) }

// eachCSVLine hands over line by line, the header first, and returns what could not be encoded.
func eachCSVLine(o Out, office bool, write func([]byte)) []Lost {
	var lost []Lost
	line := func(row int, values []string) {
		var b bytes.Buffer
		for i, s := range values {
			if i > 0 {
				b.WriteByte(',')
			}
			field := []byte(`"` + strings.ReplaceAll(s, `"`, `""`) + `"`)
			if office {
				var spots []jtext.Spot
				field, spots = jtext.EncodeCP932(string(field))
				for _, spot := range spots {
					if len(lost) < jtext.MaxSpots {
						lost = append(lost, Lost{Row: row, Column: i, Text: spot.Text})
					}
				}
			}
			b.Write(field)
		}
		b.WriteString("\r\n")
		write(b.Bytes())
	}
	titles := make([]string, len(o.Columns))
	for i, c := range o.Columns {
		titles[i] = guard(c.Title)
	}
	line(0, titles)
	for n, values := range o.Rows {
		row := make([]string, max(len(o.Columns), len(values)))
		for i, v := range values {
			v = o.value(i, v)
			row[i] = textOf(v)
			if _, ok := v.(string); ok { // a number below zero is no formula
				row[i] = guard(row[i])
			}
		}
		line(n+1, row)
	}
	return lost
}
