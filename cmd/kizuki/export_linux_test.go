package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/kizuki-security/kizuki/internal/app/lake"
	"github.com/kizuki-security/kizuki/internal/logs/event"
	store "github.com/kizuki-security/kizuki/internal/logs/lake"
)

// oddLines are what an export may trip over, with a value in every column.
func oddLines() []event.Record {
	at := time.Date(2026, 11, 26, 1, 2, 3, 456789000, time.UTC)
	raws := []string{
		"", "\x00", "nul \x00 in it", "\xff\xfe broken \xe3\x81", "half \xed\xa0\x80 a pair", "普通の行 🙂\u2028", "a \"quoted\", cell", "=1+1", " ", "a\rb",
		strings.Repeat("長い行 \x00\xff", 1<<20/12), strings.Repeat("x", 1<<20),
	}
	recs := make([]event.Record, len(raws))
	for i, raw := range raws {
		recs[i] = event.Record{
			Source: "odd", Time: at.Add(time.Duration(i) * time.Second), Received: at.Add(time.Hour), Format: event.Raw, Raw: []byte(raw),
			Host: "pc-" + strconv.Itoa(i), User: "山田", App: "sshd", Action: "login", Outcome: "failure", SrcIP: "10.0.0.1", DstIP: "2001:db8::1",
			SrcPort: 65535, DstPort: 22, Severity: uint8(i%6 + 1), EventID: "4625", Fields: []event.Field{{Name: "Image", Value: `C:\` + strconv.Itoa(i)}},
		}
	}
	return recs
}

// columnsOf are the values of an exported line, in the order of lake.ExportColumns, without the raw line.
func columnsOf(r *event.Record) []string {
	when := func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
	return []string{
		when(r.Time), r.Source, strconv.FormatUint(r.Seq, 10), when(r.Received), string(r.Format), r.Host, r.User, r.App, r.Action, r.Outcome, r.SrcIP, r.DstIP,
		strconv.Itoa(int(r.SrcPort)), strconv.Itoa(int(r.DstPort)), strconv.Itoa(int(r.Severity)), r.EventID,
	}
}

// TestExportEveryByte: JSON lines and Parquet files have every byte of every line and what stands in the columns; CSV has
// U+FFFD for what is no UTF-8, and every other letter.
func TestExportEveryByte(t *testing.T) {
	t.Parallel()
	work := t.TempDir()
	dir := filepath.Join(work, "office")
	bring(t, dir, "first.log", "makes the lake and its key\n")
	l, err := store.Open(filepath.Join(dir, lake.Folder), store.Config{Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	recs := oddLines()
	if _, err := l.Append(t.Context(), recs); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	export := func(args ...string) string {
		t.Helper()
		code, out, errs := command(t, append([]string{"logs", "export", "--data", dir}, args...)...)
		if code != exitDone {
			t.Fatalf("%s: exit code %d, %s", args, code, errs)
		}
		return out
	}
	bySeq := func(lines []line) []line {
		slices.SortFunc(lines, func(a, b line) int { return int(a.Seq) - int(b.Seq) })
		return lines
	}
	for _, what := range []string{"not sealed", "sealed"} {
		var lines []line
		for text := range strings.Lines(export("source=odd")) {
			var one line
			if err := json.Unmarshal([]byte(text), &one); err != nil {
				t.Fatal(err)
			}
			lines = append(lines, one)
		}
		if len(lines) != len(recs) {
			t.Fatalf("%s: %d JSON lines of %d", what, len(lines), len(recs))
		}
		for i, one := range bySeq(lines) {
			back := event.Record{
				Time: one.Time, Source: one.Source, Seq: one.Seq, Received: one.Received, Format: event.Format(one.Format), Host: one.Host, User: one.User, App: one.App,
				Action: one.Action, Outcome: one.Outcome, SrcIP: one.SrcIP, DstIP: one.DstIP, SrcPort: one.SrcPort, DstPort: one.DstPort, Severity: one.Severity, EventID: one.EventID,
			}
			if raw := one.Raw + string(one.Bytes); raw != string(recs[i].Raw) || !reflect.DeepEqual(columnsOf(&back), columnsOf(&recs[i])) {
				t.Errorf("%s: JSON line %d: %.60q, %q", what, i, raw, columnsOf(&back))
			}
		}
		rows, err := csv.NewReader(strings.NewReader(export("source=odd", "--format", "csv", "--no-bom"))).ReadAll()
		if err != nil || len(rows) != len(recs)+1 || !slices.Equal(rows[0], lake.ExportColumns) {
			t.Fatalf("%s: %d rows, %v", what, len(rows), err)
		}
		rows = rows[1:]
		slices.SortFunc(rows, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
		for i, row := range rows {
			want := strings.ToValidUTF8(string(recs[i].Raw), "\uFFFD")
			if strings.HasPrefix(want, "=") {
				want = "'" + want // Excel would count it
			}
			if last := len(row) - 1; row[last] != want || !slices.Equal(row[:last], columnsOf(&recs[i])) {
				t.Errorf("%s: CSV row %d: %.200q, want %.60q", what, i, row, want)
			}
		}
		if what == "not sealed" {
			bring(t, dir, "last.log", "is sealed with what came before\n")
			inParquet(t, export, filepath.Join(work, "files"), recs)
		}
	}
}

// inParquet exports the sealed files and reads them with the Parquet library.
func inParquet(t *testing.T, export func(...string) string, target string, recs []event.Record) {
	t.Helper()
	export("--format", "parquet", "--source", "odd", "--out", target)
	names, err := filepath.Glob(filepath.Join(target, "*", "*.parquet"))
	if more, e := filepath.Glob(filepath.Join(target, "*.parquet")); err != nil || e != nil || len(names)+len(more) != 1 {
		t.Fatal(names, more, err, e)
	} else {
		names = append(names, more...)
	}
	rows := slices.DeleteFunc(parquetRows(t, names[0]), func(row map[string]string) bool { return row["source"] != "odd" })
	slices.SortFunc(rows, func(a, b map[string]string) int { return strings.Compare(a["host"], b["host"]) })
	byHost := slices.Clone(recs)
	slices.SortFunc(byHost, func(a, b event.Record) int { return strings.Compare(a.Host, b.Host) })
	if len(rows) != len(recs) {
		t.Fatalf("%d rows of %d", len(rows), len(recs))
	}
	for i, row := range rows {
		r := &byHost[i]
		if row["message"] != string(r.Raw) {
			t.Errorf("message %s: %.60q, want %.60q", r.Host, row["message"], r.Raw)
		}
		all := columnsOf(r)
		want := slices.Concat(all[1:3], all[4:], []string{r.Fields[0].Value})
		var got []string
		for _, name := range append(append([]string{"source", "seq", "format"}, lake.ExportColumns[5:len(lake.ExportColumns)-1]...), "Image") {
			got = append(got, row[name])
		}
		if !slices.Equal(got, want) {
			t.Errorf("row %s: %q, want %q", r.Host, got, want)
		}
		if row["time"] != strconv.FormatInt(r.Time.UnixMicro(), 10) || row["received"] != strconv.FormatInt(r.Received.UnixMicro(), 10) {
			t.Errorf("row %s is at %s, came at %s", r.Host, row["time"], row["received"])
		}
	}
}

// parquetRows reads a file by the names of its columns.
func parquetRows(t *testing.T, name string) (out []map[string]string) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	file, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	columns := file.Schema().Columns()
	for _, group := range file.RowGroups() {
		rows := group.Rows()
		buffer := make([]parquet.Row, 1)
		for {
			n, err := rows.ReadRows(buffer)
			if n == 1 {
				one := map[string]string{}
				for _, v := range buffer[0] {
					one[columns[v.Column()][0]] = v.String()
				}
				out = append(out, one)
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}
