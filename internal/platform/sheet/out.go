package sheet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// OutColumn is a column to be written. Width is in half-width characters, 0 measures the content. Kind Number and Date
// keep numbers and days as such; the zero Kind and Text turn everything into text.
type OutColumn struct {
	Title string
	Width int
	Kind  Kind
}

// Out is a table to be written. Rows hold nil, string, bool, integers, float64, jdate.Day, time.Time (shown in Tokyo
// time) or anything with a String method; rows may be shorter than Columns. The zero Day and the zero time are empty
// cells.
type Out struct {
	Title   string // name of the sheet and of the printed page
	Columns []OutColumn
	Rows    [][]any
	Choices map[int][]string // column counted from 0: the values that Excel offers in a list
	Day     jdate.Day        // printed at the head of each page; the zero Day prints none
	Foot    string           // printed at the foot of each page of a workbook; Excel takes about 200 characters
}

// Write writes tables as a workbook (XLSX) or JSON, or the first of them as CSV in UTF-8 with byte order mark; any
// other format is a problem of code unsupported.
func Write(w io.Writer, format Format, outs ...Out) error {
	switch format {
	case XLSX:
		return WriteXLSX(w, outs...)
	case JSON:
		return WriteJSON(w, outs...)
	case CSV:
		if len(outs) == 0 {
			return errors.New("write csv: no table")
		}
		_, err := WriteCSV(w, outs[0], "")
		return err
	default:
		return problem.Unsupported("sheet.format", "format", string(format))
	}
}

// plain reduces a value to nil, string, bool, int64, uint64, float64, jdate.Day or time.Time.
func plain(v any) any {
	switch v := v.(type) {
	case nil, string, bool, int64, uint64, float64:
		return v
	case jdate.Day:
		if v.IsZero() {
			return nil
		}
		return v
	case time.Time:
		if v.IsZero() {
			return nil
		}
		return v.In(jdate.Tokyo)
	case int:
		return int64(v)
	case int32:
		return int64(v)
	case int16:
		return int64(v)
	case int8:
		return int64(v)
	case uint:
		return uint64(v)
	case uint32:
		return uint64(v)
	case uint16:
		return uint64(v)
	case uint8:
		return uint64(v)
	case float32:
		return float64(v)
	case fmt.Stringer:
		return v.String()
	default:
		return fmt.Sprint(v)
	}
}

// textOf writes a plain value as text: days and times in ISO form, numbers without exponent.
func textOf(v any) string {
	switch v := plain(v).(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		if v {
			return "TRUE"
		}
		return "FALSE"
	case int64:
		return strconv.FormatInt(v, 10)
	case uint64:
		return strconv.FormatUint(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case jdate.Day:
		return v.String()
	case time.Time:
		return v.Format("2006-01-02 15:04")
	default:
		return fmt.Sprint(v)
	}
}

// value is what goes into column i: numbers, days and times only where the column is of that kind.
func (o Out) value(i int, v any) any {
	v = plain(v)
	kind := Text
	if i < len(o.Columns) {
		kind = o.Columns[i].Kind
	}
	switch v.(type) {
	case nil, string:
		return v
	case jdate.Day, time.Time:
		if kind == Date {
			return v
		}
	case int64, uint64, float64:
		if kind == Number {
			return v
		}
	case bool:
		if kind == Bool {
			return v
		}
	}
	return textOf(v)
}

// WriteJSON writes {"sheets":[{"title":…,"columns":[…],"rows":[[…]]}]}: numbers and booleans as such in columns of
// that kind, days as "2026-11-23", empty cells as null.
func WriteJSON(w io.Writer, outs ...Out) error {
	type table struct {
		Title   string   `json:"title"`
		Columns []string `json:"columns"`
		Rows    [][]any  `json:"rows"`
	}
	doc := struct {
		Sheets []table `json:"sheets"`
	}{Sheets: []table{}}
	for _, o := range outs {
		t := table{Title: o.Title, Columns: []string{}, Rows: [][]any{}}
		for _, c := range o.Columns {
			t.Columns = append(t.Columns, c.Title)
		}
		for _, values := range o.Rows {
			row := make([]any, max(len(o.Columns), len(values)))
			for i, v := range values {
				row[i] = jsonValue(o.value(i, v))
			}
			t.Rows = append(t.Rows, row)
		}
		doc.Sheets = append(doc.Sheets, t)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(doc); err != nil {
		return fmt.Errorf("write tables as json: %w", err)
	}
	return nil
}

func jsonValue(v any) any {
	switch v.(type) {
	case jdate.Day, time.Time:
		return textOf(v)
	}
	return v
}
