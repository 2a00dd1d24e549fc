// Package sheet takes check sheets in and gives them out (チェックシートの取込みと書出し).
//
// Three acts. Importer reads a workbook in the form of the official one, or of the SCS criteria sheet, through the
// wizard of register/intake: answers become a round of their own (last year's) or answers of the present round, the
// official wording is laid over ours in this database only. Fill writes our answers into a workbook that belongs
// to somebody else, into the answer cells and nowhere else. Export writes our own sheet as xlsx, CSV and JSON.
// What is still 分からない is listed and asked about before anything leaves the house.
//
// Parse is pure: a table in, rows and findings out, every finding with its row. No official sentence and no cell
// position of an official workbook is built in: header rows are found by their words.
//
// It imports its parent, registers and what lies below them; of its siblings none.
package sheet

import (
	"embed"
	"io/fs"
)

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Messages returns the texts of this package.
func Messages() fs.FS { return messages }
