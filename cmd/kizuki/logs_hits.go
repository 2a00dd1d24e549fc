package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/kizuki-security/kizuki/internal/app/logs"
	"github.com/kizuki-security/kizuki/internal/app/logs/ruleset"
)

// hitWriter writes hits as they come.
type hitWriter struct {
	e      *environment
	format string
	out    *output
	text   []byte
	rules  *ruleBook
	report *scanReport // of html; nil: each hit is a line
}

// head writes the first line.
func (w *hitWriter) head() error {
	if w.format != "csv" {
		return nil
	}
	if _, err := w.out.WriteString("\ufeff"); err != nil { // Excel takes UTF-8 for CP932 without it
		return err
	}
	return w.row("rule_id", "title", "level", "time", "file", "record", "fields", "why", "author", "license")
}

// file tells what became of a file.
func (w *hitWriter) file(f *logs.FileReport) error {
	if w.report != nil {
		w.report.File(f)
	}
	return w.e.tellFile(f)
}

// end writes what is known only when all is read.
func (w *hitWriter) end(total *logs.Total, stopped bool) error {
	if w.report == nil {
		return nil
	}
	return w.report.conclude(w.out, total, stopped)
}

func (w *hitWriter) hit(h *logs.Hit) error {
	if h.Rule.License == "" {
		h.Rule.License = ruleset.License(w.rules.sets, h.Rule.File)
	}
	if w.report != nil {
		w.report.Hit(h)
		return nil
	}
	at, record := "", ""
	if !h.Time.IsZero() {
		at = h.Time.UTC().Format(time.RFC3339Nano)
	}
	if !h.Together {
		record = strconv.FormatUint(h.Record, 10)
	}
	switch w.format {
	case "jsonl":
		w.text = h.AppendJSON(w.text[:0])
		_, err := w.out.Write(append(w.text, '\n'))
		return err
	case "csv":
		w.text = h.AppendJSON(w.text[:0])
		var parts struct{ Fields, Why json.RawMessage }
		if err := json.Unmarshal(w.text, &parts); err != nil {
			return err
		}
		return w.row(h.Rule.ID, h.Rule.Title, h.Rule.Level, at, h.File, record, string(parts.Fields), string(parts.Why), h.Rule.Author, h.Rule.License)
	}
	place := h.File + " #" + record
	if h.Together {
		parts := []string{w.e.t("cli.logs.together", "n", strconv.FormatFloat(h.Count, 'f', -1, 64))}
		for _, f := range h.Fields {
			parts = append(parts, f.Name+"="+f.Value)
		}
		place = strings.Join(parts, " ")
	}
	at = "-"
	if !h.Time.IsZero() {
		at = h.Time.Local().Format(time.RFC3339) //nolint:gosmopolitan // the person's clock, as in the report and for --from
	}
	_, err := fmt.Fprintf(w.out, "%-25s %-13s %s  %s\n", at, printable(h.Rule.Level), printable(w.e.ruleTitle(h.Rule.ID, h.Rule.Title)), printable(place))
	return err
}

// row writes a line of CSV. An attacker writes what stands in logs: nothing of it may become a formula.
func (w *hitWriter) row(cells ...string) error {
	for i, cell := range cells {
		if strings.ContainsAny(cell[:min(1, len(cell))], "=+-@\t\r") {
			cells[i] = "'" + cell
		}
	}
	var row bytes.Buffer // with UseCRLF the writer would leave out each CR inside of a cell
	out := csv.NewWriter(&row)
	if err := out.Write(cells); err != nil {
		return err
	}
	out.Flush()
	_, err := fmt.Fprintf(w.out, "%s\r\n", bytes.TrimSuffix(row.Bytes(), []byte("\n")))
	return errors.Join(out.Error(), err)
}

// printable keeps what comes from logs and names of files from steering the terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return '·'
		}
		return r
	}, text)
}
