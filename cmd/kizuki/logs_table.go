package main

import (
	"fmt"
	"strings"

	"github.com/kizuki-security/kizuki/internal/app/lake"
)

// widest is how many columns of the terminal a cell is filled up to; longer ones push the rest to the right.
const widest = 40

// chosen writes a table of chosen fields for people: with a head, one cell below the other, and - where there is no value.
func (w *lineWriter) chosen(columns []string, rows [][]string) error {
	all := append([][]string{columns}, rows...)
	widths := make([]int, len(columns))
	for _, row := range all {
		for i, cell := range row {
			widths[i] = min(max(widths[i], terminalColumns(printable(cell)), 1), widest)
		}
	}
	for _, row := range all {
		var b strings.Builder
		for i, cell := range row {
			cell = orDash(printable(cell))
			b.WriteString(cell)
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", max(0, widths[i]-terminalColumns(cell))+2))
			}
		}
		if _, err := fmt.Fprintln(w.out, b.String()); err != nil {
			return err
		}
	}
	return nil
}

func orDash(cell string) string {
	if cell == "" {
		return "-"
	}
	return cell
}

// terminalColumns is how wide a terminal shows a text: a letter of Japanese takes two columns.
func terminalColumns(s string) int {
	n := 0
	for _, r := range s {
		if n++; r >= 0x1100 && (r < 0xff61 || r > 0xffdc) {
			n++
		}
	}
	return n
}

// tellNothing says that nothing was found, and what of the query looks like a slip.
func (e *environment) tellNothing(q lake.Query, r *lake.Result) {
	odd := lake.OddOf(q)
	for _, s := range odd.Severities {
		fmt.Fprintln(e.stderr, e.t("cli.lake.query.odd_severity", "text", printable(s)))
	}
	if r.Count > 0 || len(r.Records) > 0 || r.Table != nil && len(r.Table.Rows) > 0 || r.Partial() {
		return
	}
	if lake.Lines(q) || r.Groups != nil { // a count says so itself
		fmt.Fprintln(e.stderr, e.t("cli.lake.query.nothing"))
	}
	if len(odd.Fields) > 0 {
		fmt.Fprintln(e.stderr, e.t("cli.lake.query.odd_fields", "list", printable(strings.Join(odd.Fields, e.t("cli.lake.comma")))))
	}
}

// tellUnknown warns of a source that the lake has no lines of: it may be a slip.
func (e *environment) tellUnknown(l *lake.Reader, source string) {
	marks := l.Marks()
	if _, ok := marks[source]; ok || source == "" {
		return
	}
	fmt.Fprintln(e.stderr, e.t("cli.lake.unknown_source", "source", source, "list", e.someSources(marks)))
}
