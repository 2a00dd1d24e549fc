package sheet

import (
	"encoding/csv"
	"errors"
	"io"
	"strings"

	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// openText reads CSV and tab-separated text as a book of one sheet without name.
func openText(data []byte, ext string, limits Limits, encoding jtext.Encoding) (*Book, error) {
	var d jtext.Decoded
	if encoding == "" {
		d = jtext.DetectAndDecode(data)
	} else {
		d = jtext.DecodeAs(data, encoding)
	}
	if len(d.Broken) > 0 {
		first := d.Broken[0]
		return nil, problem.Invalid("", "sheet.text_broken", "encoding", string(d.Encoding),
			"line", first.Line, "column", first.Column, "n", len(d.Broken))
	}
	text, comma := separator(d.Text, ext)
	table, err := readCSV(text, comma, limits)
	if err != nil {
		return nil, err
	}
	if len(text) != len(d.Text) { // a line sep=; was skipped
		for i := range table.lines {
			table.lines[i]++
		}
		if table.Beyond > 0 {
			table.Beyond++
		}
	}
	book := &Book{Format: CSV, Encoding: d.Encoding, Sheets: []Table{table}}
	if comma == '\t' {
		book.Format = TSV
	}
	return book, nil
}

// separator finds what stands between the values: Excel's own first line "sep=;", else the sign that occurs most in
// the first lines outside quotes, where the name of the file breaks a tie.
func separator(text, ext string) (rest string, comma rune) {
	if tail, ok := strings.CutPrefix(text, "sep="); ok && len(tail) > 0 {
		line, after, _ := strings.Cut(tail, "\n")
		if line = strings.TrimSuffix(line, "\r"); line == "," || line == ";" || line == "\t" {
			return after, rune(line[0])
		}
	}
	counts := map[rune]int{}
	quoted, lines := false, 0
	for _, r := range text[:min(len(text), 64<<10)] {
		switch r {
		case '"':
			quoted = !quoted
		case ',', ';', '\t':
			if !quoted {
				counts[r]++
			}
		case '\n':
			lines++
		}
		if lines >= 20 {
			break
		}
	}
	comma = ','
	if ext == "tsv" || ext == "txt" || ext == "tab" {
		comma = '\t'
	}
	for _, r := range []rune{',', '\t', ';'} {
		if counts[r] > counts[comma] {
			comma = r
		}
	}
	return text, comma
}

// readCSV reads RFC 4180 as Excel writes it. Rows keep the line on which they start; lines without values give empty
// rows, those at the end none.
func readCSV(text string, comma rune, limits Limits) (Table, error) {
	r := csv.NewReader(strings.NewReader(text))
	r.Comma = comma
	r.FieldsPerRecord = -1
	r.ReuseRecord = true
	var t Table
	cells, last := limits.Cells, 0
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return Table{}, csvBroken(err)
		}
		row, err := textRow(record, limits)
		if err != nil {
			return Table{}, err
		}
		if row == nil {
			continue
		}
		line, _ := r.FieldPos(0)
		if len(t.Rows) == 0 {
			last = line - 1
		}
		if len(t.Rows)+line-last > limits.Rows {
			if limits.Cut {
				t.Beyond = line
				return t, nil
			}
			return Table{}, tooManyRows(limits.Rows, line)
		}
		for blank := last + 1; blank < line; blank++ { // lines without values between
			t.Rows, t.lines = append(t.Rows, nil), append(t.lines, blank)
		}
		t.Rows, t.lines = append(t.Rows, row), append(t.lines, line)
		if cells -= len(row); cells < 0 {
			return Table{}, tooLarge("cells", limits.Cells)
		}
		end, _ := r.FieldPos(len(record) - 1)
		last = end + strings.Count(record[len(record)-1], "\n")
	}
}

// textRow turns a record into cells, nil when it holds no value.
func textRow(record []string, limits Limits) ([]Cell, error) {
	n := 0
	for i, s := range record {
		if s != "" {
			n = i + 1
		}
		if len(s) > limits.CellBytes {
			return nil, tooLarge("cell", limits.CellBytes)
		}
	}
	switch {
	case n == 0:
		return nil, nil
	case n > limits.Cols:
		return nil, tooLarge("cols", limits.Cols)
	}
	row := make([]Cell, n)
	for i, s := range record[:n] {
		row[i] = textCell(unguard(strings.Clone(s)))
	}
	return row, nil
}

func csvBroken(err error) error {
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		return problem.Invalid("", "sheet.csv_broken", "line", parse.Line, "column", parse.Column).Because(err)
	}
	return problem.Invalid("", "sheet.csv_broken", "line", 0, "column", 0).Because(err)
}
