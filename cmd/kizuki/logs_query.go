package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kizuki-security/kizuki/internal/app/lake"
)

type logsQuery struct {
	Query  []string `arg:"" optional:"" name:"query" help:"What to find, in the language of docs/query.md; nothing is every line. Quote it, so that the shell leaves it alone."`
	From   string   `help:"Only lines from this time on: 2026-11-26 or 2026-11-26T09:00:00+09:00. A day begins at midnight of this computer." placeholder:"TIME"`
	To     string   `help:"Only lines before this time." placeholder:"TIME"`
	Format string   `help:"table, jsonl (kizuki.log/1) or csv." default:"table" enum:"table,jsonl,csv"`
	Whole  bool     `help:"In a table: whole lines, however long."`
	Out    string   `short:"o" help:"File to write; - is standard output." default:"-" placeholder:"FILE"`
	JSON   bool     `name:"json" help:"Print one JSON document (kizuki.logs-query/1)."`
}

// costly is from how many bytes of lines to search a person is told before.
const costly = 256 << 20

// Run asks the lake. An answer that lacks damaged blocks ends with code 4.
func (c *logsQuery) Run(ctx context.Context, e *environment) error {
	text := strings.Join(c.Query, " ")
	from, to, err := e.span(c.From, c.To)
	if err != nil {
		return err
	}
	q, err := e.question(lake.Question{Text: text, From: from, To: to})
	if err != nil {
		return err
	}
	keepLake()
	var result *lake.Result
	err = e.withReader(func(l *lake.Reader) error {
		cost, err := l.Estimate(ctx, q)
		if err != nil {
			return err
		}
		if cost.Text && cost.Bytes >= costly || isTerminal(e.stderr) {
			fmt.Fprintln(e.stderr, e.t("cli.lake.query.cost", "rows", cost.Rows, "mb", cost.Bytes>>20, "blocks", cost.Read, "of", cost.Blocks))
		}
		progress := e.progress("cli.lake.query.searching")
		result, err = l.Ask(ctx, q, zoneOffset(), func(p lake.Walk) { progress.step(p.Done, p.Blocks) })
		progress.end()
		return err
	})
	if err != nil {
		return e.refusedQuery(text, err)
	}
	if err := e.mayWrite(c.Out, c.begins(q, result)); err != nil {
		return err
	}
	out, err := e.output(c.Out)
	if err != nil {
		return err
	}
	w := &lineWriter{e: e, out: out, format: c.Format, whole: c.Whole}
	if c.JSON {
		err = w.document(text, result)
	} else {
		err = w.result(q, result)
	}
	if err := errors.Join(err, out.Close()); err != nil {
		return err
	}
	e.tellNothing(q, result)
	return e.partial(result)
}

// zoneOffset is how far this computer's clock is ahead of UTC: days and hours of answers begin by it.
func zoneOffset() time.Duration {
	_, seconds := time.Now().Local().Zone() //nolint:gosmopolitan // the person's clock
	return time.Duration(seconds) * time.Second
}

// partial tells what an answer lacks.
func (e *environment) partial(r *lake.Result) error {
	if !r.Partial() {
		return nil
	}
	fmt.Fprintln(e.stderr, e.t("cli.lake.query.damaged", "n", len(r.Damaged)))
	const most = 5
	for i, d := range r.Damaged {
		if i == most {
			break
		}
		fmt.Fprintln(e.stderr, "  "+e.damagedFile(d.Err))
	}
	return exitError{exitPartly}
}

// lineWriter writes lines and counts of the lake.
type lineWriter struct {
	e      *environment
	out    *output
	format string
	whole  bool
	bare   bool // CSV without byte order mark
	headed bool
}

func (w *lineWriter) result(q lake.Query, r *lake.Result) error {
	if r.Table != nil {
		if w.format == "table" && len(r.Table.Rows) > 0 {
			return w.chosen(r.Table.Columns, r.Table.Rows)
		}
		return w.table(r.Table.Columns, r.Table.Rows)
	}
	if lake.Lines(q) {
		for i := range r.Records {
			if err := w.record(&r.Records[i]); err != nil {
				return err
			}
		}
		if w.format == "csv" && len(r.Records) == 0 {
			return w.head(lake.ExportColumns)
		}
		return nil
	}
	columns, rows := groupTable(r)
	return w.table(columns, rows)
}

// groupTable is a count, or counts by time and value, as a table.
func groupTable(r *lake.Result) (columns []string, rows [][]string) {
	if r.Groups == nil {
		return []string{"count"}, [][]string{{strconv.FormatInt(r.Count, 10)}}
	}
	timed := false
	for _, g := range r.Groups {
		timed = timed || g.Start != 0
	}
	columns = []string{"count", "value"}
	if timed {
		columns = []string{"time", "count", "value"}
	}
	for _, g := range r.Groups {
		row := []string{strconv.FormatInt(g.Count, 10), g.Value}
		if timed {
			row = append([]string{localTime(time.UnixMicro(g.Start))}, row...)
		}
		rows = append(rows, row)
	}
	return columns, rows
}

func (w *lineWriter) table(columns []string, rows [][]string) error {
	for _, row := range rows {
		var err error
		switch w.format {
		case "jsonl":
			one := map[string]string{}
			for i, c := range columns {
				one[c] = row[i]
			}
			err = w.jsonLine(one)
		case "csv":
			if err = w.head(columns); err == nil {
				err = w.cells(row)
			}
		default:
			cells := make([]string, len(row))
			for i, cell := range row {
				cells[i] = orDash(printable(cell))
			}
			_, err = fmt.Fprintln(w.out, strings.Join(cells, "  "))
		}
		if err != nil {
			return err
		}
	}
	if len(rows) == 0 && w.format == "csv" {
		return w.head(columns)
	}
	return nil
}

func (w *lineWriter) head(columns []string) error {
	if w.headed {
		return nil
	}
	w.headed = true
	if !w.bare {
		if _, err := w.out.WriteString("\ufeff"); err != nil { // Excel takes UTF-8 for CP932 without it
			return err
		}
	}
	return w.cells(append([]string(nil), columns...))
}

func (w *lineWriter) cells(cells []string) error { return (&hitWriter{out: w.out}).row(cells...) }

// record writes one line of the lake.
func (w *lineWriter) record(r *lake.Record) error {
	switch w.format {
	case "jsonl":
		return w.jsonLine(lineOf(r))
	case "csv":
		if err := w.head(lake.ExportColumns); err != nil {
			return err
		}
		return w.cells(cellsOf(r))
	}
	raw := strings.ToValidUTF8(string(r.Raw), "·")
	const most = 400
	if letters := []rune(raw); !w.whole && len(letters) > most {
		raw = string(letters[:most]) + "…"
	}
	host := r.Host
	if host == "" {
		host = "-"
	}
	_, err := fmt.Fprintf(w.out, "%-32s %s#%d  %s  %s\n", localTime(r.Time), r.Source, r.Seq, printable(host), printable(raw))
	return err
}

func (w *lineWriter) jsonLine(v any) error {
	enc := json.NewEncoder(w.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// line is kizuki.log/1.
type line struct {
	Time     time.Time `json:"time"`
	Source   string    `json:"source"`
	Seq      uint64    `json:"seq"`
	Received time.Time `json:"received"`
	Format   string    `json:"format"`
	Host     string    `json:"host,omitempty"`
	User     string    `json:"user,omitempty"`
	App      string    `json:"app,omitempty"`
	Action   string    `json:"action,omitempty"`
	Outcome  string    `json:"outcome,omitempty"`
	SrcIP    string    `json:"src_ip,omitempty"`
	DstIP    string    `json:"dst_ip,omitempty"`
	SrcPort  uint16    `json:"src_port,omitempty"`
	DstPort  uint16    `json:"dst_port,omitempty"`
	Severity uint8     `json:"severity,omitempty"`
	EventID  string    `json:"event_id,omitempty"`
	Raw      string    `json:"raw,omitempty"`
	Bytes    []byte    `json:"raw_base64,omitempty"` // instead of raw, where that is no UTF-8
}

func lineOf(r *lake.Record) line {
	l := line{
		Time: r.Time.UTC(), Source: r.Source, Seq: r.Seq, Received: r.Received.UTC(), Format: string(r.Format), Host: r.Host, User: r.User,
		App: r.App, Action: r.Action, Outcome: r.Outcome, SrcIP: r.SrcIP, DstIP: r.DstIP, SrcPort: r.SrcPort, DstPort: r.DstPort,
		Severity: r.Severity, EventID: r.EventID,
	}
	if utf8.Valid(r.Raw) {
		l.Raw = string(r.Raw)
	} else {
		l.Bytes = r.Raw
	}
	return l
}

// cellsOf is a record in the order of lake.ExportColumns.
func cellsOf(r *lake.Record) []string {
	number := func(n uint64) string {
		if n == 0 {
			return ""
		}
		return strconv.FormatUint(n, 10)
	}
	return []string{
		r.Time.UTC().Format(time.RFC3339Nano), r.Source, number(r.Seq), r.Received.UTC().Format(time.RFC3339Nano), string(r.Format),
		r.Host, r.User, r.App, r.Action, r.Outcome, r.SrcIP, r.DstIP, number(uint64(r.SrcPort)), number(uint64(r.DstPort)),
		number(uint64(r.Severity)), r.EventID, strings.ToValidUTF8(string(r.Raw), "\uFFFD"),
	}
}

// document writes the whole answer as one JSON document.
func (w *lineWriter) document(text string, r *lake.Result) error {
	doc := struct {
		Schema  string     `json:"schema"`
		Query   string     `json:"query"`
		Found   int64      `json:"found"`
		Lines   []line     `json:"lines"`
		Groups  []groupRow `json:"groups"`
		Columns []string   `json:"columns"`
		Rows    [][]string `json:"rows"`
		Read    int64      `json:"read"`
		Bytes   int64      `json:"bytes"`
		Damaged []string   `json:"damaged"`
	}{
		Schema: "kizuki.logs-query/1", Query: text, Found: r.Count, Lines: []line{}, Groups: []groupRow{}, Columns: []string{},
		Rows: [][]string{}, Read: r.Stats.Rows, Bytes: r.Stats.Bytes, Damaged: []string{},
	}
	for i := range r.Records {
		doc.Lines = append(doc.Lines, lineOf(&r.Records[i]))
	}
	for _, g := range r.Groups {
		row := groupRow{Value: g.Value, Count: g.Count}
		if g.Start != 0 {
			at := time.UnixMicro(g.Start).UTC()
			row.Time = &at
		}
		doc.Groups = append(doc.Groups, row)
	}
	if r.Table != nil {
		doc.Columns = r.Table.Columns
		doc.Rows = append(doc.Rows, r.Table.Rows...)
	}
	for _, d := range r.Damaged {
		doc.Damaged = append(doc.Damaged, d.Err.Error())
	}
	enc := json.NewEncoder(w.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(doc)
}

type groupRow struct {
	Time  *time.Time `json:"time"` // begin of the bucket; null: no buckets
	Value string     `json:"value"`
	Count int64      `json:"count"`
}
