package sheet

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"

	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

const (
	// outFont is on every Windows with Japanese Excel; other programs substitute it.
	outFont = "游ゴシック"
	// measuredRows is how many rows are looked at for the width of a column.
	measuredRows = 1000
	narrowest    = 6  // half-width characters
	widest       = 60 // half-width characters; longer texts wrap
	// choiceRows is how many empty rows below the table still offer the list of choices.
	choiceRows = 200
	// maxList is the length of an inline list of choices in UTF-16 units. Source: Excel specifications and limits.
	maxList = 255
	// maxText is the length of a cell's text in UTF-16 units. Source: Excel specifications and limits.
	maxText = 32_767
	// maxSheetName is the length of a sheet's name in UTF-16 units. Source: Excel specifications and limits.
	maxSheetName = 31
	listSheet    = "_list"
	paperA4      = 9
)

// firstExcelDay is the first day that both calendars of workbooks count alike; earlier days are written as text.
var firstExcelDay = jdate.On(1900, time.March, 1)

// WriteXLSX writes each table as one sheet: texts as text cells ("0012" and "=1+1" stay what they are), days as real
// dates, the header frozen, repeated on paper and with a filter, columns as wide as their content, A4 landscape on one
// page's width, title and day at the head and the page number at the foot of each page. A text over 32,767 characters
// is a problem of code too_large.
func WriteXLSX(w io.Writer, outs ...Out) (err error) {
	if len(outs) == 0 {
		return errors.New("write workbook: no table")
	}
	f := excelize.NewFile()
	defer func() { _ = f.Close() }() // nothing on disk that matters
	if err := f.SetDefaultFont(outFont); err != nil {
		return fmt.Errorf("set font: %w", err)
	}
	if err := f.SetDocProps(&excelize.DocProperties{Creator: "Kizuki", Title: outs[0].Title}); err != nil {
		return fmt.Errorf("set properties: %w", err)
	}
	x := &xlsxWriter{file: f}
	if err := x.styles(); err != nil {
		return err
	}
	names := sheetNames(outs)
	for i, name := range names {
		if i == 0 {
			err = f.SetSheetName("Sheet1", name)
		} else {
			_, err = f.NewSheet(name)
		}
		if err != nil {
			return fmt.Errorf("name sheet %q: %w", name, err)
		}
	}
	for i, o := range outs {
		if err := x.sheet(names[i], o); err != nil {
			return fmt.Errorf("write sheet %q: %w", names[i], err)
		}
	}
	if err := f.Write(w); err != nil {
		return fmt.Errorf("write workbook: %w", err)
	}
	return nil
}

type xlsxWriter struct {
	file                          *excelize.File
	header, text, number, day, at int // styles
	lists                         int // columns used on the sheet of choices
}

func (x *xlsxWriter) styles() error {
	line := []excelize.Border{{Type: "bottom", Style: 1, Color: "#8D9098"}}
	top := &excelize.Alignment{Vertical: "top", WrapText: true}
	dayFormat, timeFormat := "yyyy/mm/dd", "yyyy/mm/dd hh:mm"
	for _, s := range []struct {
		id    *int
		style excelize.Style
	}{
		{&x.header, excelize.Style{
			Font: &excelize.Font{Bold: true, Family: outFont, Size: 11}, Border: line, Alignment: top,
			Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"#EEF0FF"}},
		}},
		{&x.text, excelize.Style{Alignment: top}},
		{&x.number, excelize.Style{Alignment: &excelize.Alignment{Vertical: "top"}}},
		{&x.day, excelize.Style{Alignment: &excelize.Alignment{Vertical: "top", Horizontal: "left"}, CustomNumFmt: &dayFormat}},
		{&x.at, excelize.Style{Alignment: &excelize.Alignment{Vertical: "top", Horizontal: "left"}, CustomNumFmt: &timeFormat}},
	} {
		id, err := x.file.NewStyle(&s.style)
		if err != nil {
			return fmt.Errorf("define style: %w", err)
		}
		*s.id = id
	}
	return nil
}

func (x *xlsxWriter) sheet(name string, o Out) error {
	if err := x.page(name, o); err != nil {
		return err
	}
	sw, err := x.file.NewStreamWriter(name)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if err := sw.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return fmt.Errorf("freeze header: %w", err)
	}
	titles := make([]any, len(o.Columns))
	for i, c := range o.Columns {
		if err := sw.SetColWidth(i+1, i+1, float64(o.width(i))); err != nil {
			return fmt.Errorf("set width of column %d: %w", i, err)
		}
		titles[i] = excelize.Cell{StyleID: x.header, Value: printable(c.Title)}
	}
	if err := sw.SetRow("A1", titles); err != nil {
		return fmt.Errorf("write header: %w", err)
	}
	for n, values := range o.Rows {
		row, err := x.row(o, n, values)
		if err != nil {
			return err
		}
		if err := sw.SetRow(CellName(n+1, 0), row); err != nil {
			return fmt.Errorf("write row %d: %w", n+1, err)
		}
	}
	if len(o.Columns) > 0 {
		end := CellName(len(o.Rows), len(o.Columns)-1)
		if err := x.file.AutoFilter(name, "A1:"+end, nil); err != nil {
			return fmt.Errorf("add filter: %w", err)
		}
	}
	if err := x.choices(name, o); err != nil {
		return err
	}
	if err := sw.Flush(); err != nil {
		return fmt.Errorf("finish: %w", err)
	}
	return nil
}

// maxFoot is the longest foot, in characters: Excel takes 255 with its own signs.
const maxFoot = 200

// page sets paper, head and foot; it must come before the rows.
func (x *xlsxWriter) page(name string, o Out) error {
	yes, zero, one, a4, landscape := true, 0, 1, paperA4, "landscape"
	if err := x.file.SetSheetProps(name, &excelize.SheetPropsOptions{FitToPage: &yes}); err != nil {
		return fmt.Errorf("fit to page: %w", err)
	}
	err := x.file.SetPageLayout(name, &excelize.PageLayoutOptions{
		Size: &a4, Orientation: &landscape, FitToWidth: &one, FitToHeight: &zero,
	})
	if err != nil {
		return fmt.Errorf("set paper: %w", err)
	}
	head := "&L" + strings.ReplaceAll(jtext.Truncate(jtext.Line(o.Title), 100), "&", "&&")
	if !o.Day.IsZero() {
		head += "&R" + o.Day.String()
	}
	foot := "&C&P / &N"
	if o.Foot != "" {
		foot = "&L" + strings.ReplaceAll(jtext.Truncate(jtext.Line(o.Foot), maxFoot), "&", "&&") + "&R&P / &N"
	}
	if err := x.file.SetHeaderFooter(name, &excelize.HeaderFooterOptions{OddHeader: head, OddFooter: foot}); err != nil {
		return fmt.Errorf("set page head: %w", err)
	}
	err = x.file.SetDefinedName(&excelize.DefinedName{
		Name: "_xlnm.Print_Titles", RefersTo: quoteSheet(name) + "!$1:$1", Scope: name,
	})
	if err != nil {
		return fmt.Errorf("repeat header: %w", err)
	}
	return nil
}

func quoteSheet(name string) string { return "'" + strings.ReplaceAll(name, "'", "''") + "'" }

func (x *xlsxWriter) row(o Out, n int, values []any) ([]any, error) {
	row := make([]any, len(values))
	for i, v := range values {
		switch v := o.value(i, v).(type) {
		case nil:
		case string:
			if len(utf16.Encode([]rune(v))) > maxText {
				title := ColumnName(i)
				if i < len(o.Columns) {
					title = o.Columns[i].Title
				}
				return nil, problem.TooLarge("sheet.write.too_long", "row", n+2, "column", title, "limit", maxText)
			}
			row[i] = excelize.Cell{StyleID: x.text, Value: printable(v)}
		case jdate.Day:
			if v.Before(firstExcelDay) {
				row[i] = excelize.Cell{StyleID: x.text, Value: v.String()}
			} else {
				row[i] = excelize.Cell{StyleID: x.day, Value: v.Time()}
			}
		case time.Time: // as the clock in Tokyo shows it: cells have no zone
			local := time.Date(v.Year(), v.Month(), v.Day(), v.Hour(), v.Minute(), v.Second(), 0, time.UTC)
			row[i] = excelize.Cell{StyleID: x.at, Value: local}
		default:
			row[i] = excelize.Cell{StyleID: x.number, Value: v}
		}
	}
	return row, nil
}

// lineEnds is how line ends are written in cells.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// printable turns control characters, which excelize cannot write, into spaces and line breaks. It escapes the rest.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if forbidden(r) {
			return ' '
		}
		return r
	}, lineEnds.Replace(s))
}

// width is the column's own width, or what its title and first rows need.
func (o Out) width(i int) int {
	if o.Columns[i].Width > 0 {
		return min(o.Columns[i].Width, 255)
	}
	need := jtext.PrintWidth(o.Columns[i].Title) + 3 // the filter's button
	for _, row := range o.Rows[:min(len(o.Rows), measuredRows)] {
		if i >= len(row) {
			continue
		}
		for line := range strings.SplitSeq(textOf(row[i]), "\n") {
			need = max(need, jtext.PrintWidth(line)+2)
		}
	}
	return min(max(need, narrowest), widest)
}

// choices offers the values of a column as lists; long lists stand on a hidden sheet of their own.
func (x *xlsxWriter) choices(name string, o Out) error {
	for i := range o.Columns {
		list := o.Choices[i]
		if len(list) == 0 {
			continue
		}
		dv := excelize.NewDataValidation(true)
		dv.Sqref = CellName(1, i) + ":" + CellName(min(len(o.Rows)+choiceRows, maxRow-1), i)
		joined := strings.Join(list, ",")
		inline := len(utf16.Encode([]rune(joined))) <= maxList && strings.Count(joined, ",") == len(list)-1 &&
			!strings.ContainsAny(joined, "\"\n") && !strings.HasPrefix(joined, "=")
		var err error
		if inline {
			err = dv.SetDropList(list)
		} else {
			var ref string
			if ref, err = x.listRange(list); err == nil {
				dv.SetSqrefDropList(ref)
			}
		}
		if err != nil {
			return fmt.Errorf("set choices of column %d: %w", i, err)
		}
		if err := x.file.AddDataValidation(name, dv); err != nil {
			return fmt.Errorf("add choices of column %d: %w", i, err)
		}
	}
	return nil
}

func (x *xlsxWriter) listRange(list []string) (string, error) {
	if x.lists == 0 {
		if _, err := x.file.NewSheet(listSheet); err != nil {
			return "", fmt.Errorf("add sheet of choices: %w", err)
		}
		if err := x.file.SetSheetVisible(listSheet, false); err != nil {
			return "", fmt.Errorf("hide sheet of choices: %w", err)
		}
	}
	for row, s := range list {
		if err := x.file.SetCellStr(listSheet, CellName(row, x.lists), s); err != nil {
			return "", fmt.Errorf("write choice %d: %w", row, err)
		}
	}
	letters := ColumnName(x.lists)
	x.lists++
	return fmt.Sprintf("%s!$%s$1:$%s$%d", quoteSheet(listSheet), letters, letters, len(list)), nil
}

// sheetNames gives each table a name that Excel takes and that no other has.
func sheetNames(outs []Out) []string {
	used := map[string]bool{listSheet: true}
	names := make([]string, len(outs))
	for i, o := range outs {
		base := TabName(o.Title)
		name := base
		for n := 2; used[strings.ToLower(name)]; n++ {
			tail := fmt.Sprintf(" (%d)", n)
			name = cutUTF16(base, maxSheetName-len(tail)) + tail
		}
		used[strings.ToLower(name)] = true
		names[i] = name
	}
	return names
}

// TabName cleans a title so that Excel takes it as the name of a sheet: at most 31 characters, none of []:*?/\, no
// apostrophe at either end; "Sheet1" when nothing is left.
func TabName(title string) string {
	s := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`[]:*?/\`, r) {
			return ' '
		}
		return r
	}, jtext.Line(title))
	s = strings.Trim(cutUTF16(jtext.Line(s), maxSheetName), "' ")
	if s == "" || strings.EqualFold(s, "history") { // a name that Excel keeps for itself
		return "Sheet1"
	}
	return s
}

// cutUTF16 cuts s to at most n UTF-16 units, at a whole character.
func cutUTF16(s string, n int) string {
	for i, r := range s {
		if n -= utf16.RuneLen(r); n < 0 {
			return s[:i]
		}
	}
	return s
}
