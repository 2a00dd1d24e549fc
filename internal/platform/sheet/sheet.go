// Package sheet reads and writes the tables that offices send each other: Excel workbooks (.xlsx, .xlsm), CSV in
// UTF-8 or CP932, tab-separated text and "Unicode text" of Excel.
//
// Three acts: Open reads a file into plain cells, hostile files included, with limits first and formulas never
// evaluated; WriteXLSX, WriteCSV and WriteJSON make new files; Fill puts answers into a workbook that belongs to
// somebody else and leaves every other byte of it as it was. FindHeader finds the header row by its words.
//
// Reading uses a small streaming reader of our own, because the limits must hold while a part is inflated and
// because furigana, stored formula values and 1904 dates need exact rules; writing uses excelize. The package
// knows no office word and no database. Every error a person can act on is a problem.Error with a key in this
// package's message files.
package sheet

import (
	"embed"
	"io/fs"
	"path"
	"strings"

	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Messages holds the message files of this package, for i18n.New.
func Messages() fs.FS { return messages }

// Limits says how large a file may be. A zero field takes the value of DefaultLimits.
type Limits struct {
	FileBytes     int64 // size of the file as it arrives
	UnzippedBytes int64 // sum of all parts of a workbook, inflated
	Entries       int   // parts of a workbook
	Rows          int   // rows of one sheet, counted to the last row that holds a value
	Cols          int   // columns of one sheet, counted to the last that holds a value
	CellBytes     int   // text of one cell in UTF-8
	Cells         int   // cells of the whole file, the empty ones before the last of each row included

	// Cut leaves the rows beyond Rows out and notes the first of them in Table.Beyond, instead of refusing the file:
	// for who counts rows from the header on.
	Cut bool
}

// DefaultLimits fit every register of one plant many times over and stay below 1 GB of memory.
// 32,767 characters is Excel's own limit of a cell; it is 131,068 bytes at most.
var DefaultLimits = Limits{
	FileBytes:     20 << 20,
	UnzippedBytes: 200 << 20,
	Entries:       5_000,
	Rows:          100_000,
	Cols:          1_000,
	CellBytes:     131_068,
	Cells:         5_000_000,
}

func (l Limits) orDefault() Limits {
	d := DefaultLimits
	set(&d.FileBytes, l.FileBytes)
	set(&d.UnzippedBytes, l.UnzippedBytes)
	set(&d.Entries, l.Entries)
	set(&d.Rows, l.Rows)
	set(&d.Cols, l.Cols)
	set(&d.CellBytes, l.CellBytes)
	set(&d.Cells, l.Cells)
	d.Cut = l.Cut
	return d
}

func set[N int | int64](field *N, value N) {
	if value > 0 {
		*field = value
	}
}

// Format is the kind of a file.
type Format string

// The formats that Open reads; WriteCSV writes CSV, WriteXLSX writes XLSX, WriteJSON writes JSON.
const (
	XLSX Format = "xlsx"
	XLSM Format = "xlsm"
	CSV  Format = "csv"
	TSV  Format = "tsv"
	JSON Format = "json"
)

// Kind says what a cell holds.
type Kind uint8

// The kinds of cells. Every cell of a text file is Text or Empty.
const (
	Empty Kind = iota
	Text
	Number // Text is the shortest decimal form, never with an exponent
	Date   // Text is 2026-11-23, 2026-11-23 17:30, 2026-11-23 17:30:05, or 17:30 for a time alone
	Bool   // Text is TRUE or FALSE
	Error  // Text is the error as shown, #REF! and the like
)

// Cell is the value of one cell as text. Text is as typed, full-width digits and line breaks included: callers
// normalise with package jtext.
type Cell struct {
	Text    string
	Kind    Kind
	Formula bool // a formula stands here; Text is the value that Excel stored last, "" when it stored none
	Merged  bool // the value comes from the top left cell of a merged block
}

// Table is one sheet. Rows[0] is row 1 of the sheet; rows are as long as their last value, and rows without
// values at the end are dropped.
type Table struct {
	Name   string
	Hidden bool
	Rows   [][]Cell
	Beyond int // the number, as Line gives it, of the first row that Limits.Cut left out; 0: none

	lines []int // for text files: the line on which each row starts
}

// At returns the cell of row and column, both counted from 0; outside the table it is the empty cell.
func (t Table) At(row, col int) Cell {
	if row < 0 || row >= len(t.Rows) || col < 0 || col >= len(t.Rows[row]) {
		return Cell{}
	}
	return t.Rows[row][col]
}

// Line returns the number that the person sees for a row counted from 0: the row number of a workbook, the line of
// a text file.
func (t Table) Line(row int) int {
	if row >= 0 && row < len(t.lines) {
		return t.lines[row]
	}
	return row + 1
}

// Book is a file that was read. Encoding is "" for workbooks.
type Book struct {
	Format   Format
	Encoding jtext.Encoding
	Sheets   []Table
}

// Open reads the file data that arrived under name. The content decides what it is; the name only helps to tell
// comma from tab. Problem codes: too_large for limits and zip bombs; unsupported for old .xls, password-protected
// files and files that are no table; invalid for broken text, broken CSV and broken workbooks.
func Open(name string, data []byte, limits Limits) (*Book, error) {
	return OpenAs(name, data, limits, "")
}

// OpenAs is Open with the encoding that the person chose for a text file; "" detects it.
func OpenAs(name string, data []byte, limits Limits, encoding jtext.Encoding) (*Book, error) {
	limits = limits.orDefault()
	if int64(len(data)) > limits.FileBytes {
		return nil, tooLarge("file", limits.FileBytes>>20)
	}
	ext := strings.ToLower(strings.TrimPrefix(path.Ext(strings.TrimSpace(name)), "."))
	found := sniff(data, encoding)
	switch found {
	case kindZip:
		return openWorkbook(data, limits)
	case kindText:
		return openText(data, ext, limits, encoding)
	default:
		return nil, refuse(found)
	}
}

// tooLarge reports a limit by name; each limit has a message of its own, because what helps differs.
func tooLarge(what string, limit any) *problem.Error {
	return problem.TooLarge("sheet.too_large."+what, "limit", limit)
}

// tooManyRows names the first row that is too much, as the person counts.
func tooManyRows(limit, line int) *problem.Error {
	return problem.TooLarge("sheet.too_large.rows", "limit", limit, "row", line)
}
