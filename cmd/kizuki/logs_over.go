package main

import (
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/internal/app/lake"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// How files begin that commands on the lake write. They are written over only where they begin so: another file may be a
// log, in any text, and the only one there is.
var (
	ownLine        = regexp.MustCompile(`^\{"time":"[^"]*","source":"[a-z0-9._-]+","seq":[0-9]+,"received":"`)
	ownTable       = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}T\S+ +[a-z0-9._-]+#[0-9]+  `)
	ownCount       = regexp.MustCompile(`^[0-9]+\n$`)
	ownGroups      = regexp.MustCompile(`^([0-9]{4}-[0-9]{2}-[0-9]{2}T\S+  )?[0-9]+  [^\n]*\n`)
	ownDocument    = regexp.MustCompile(`^\{\n  "schema": "kizuki\.logs-query/1",\n`)
	ownCheckpoints = regexp.MustCompile(`^kizuki-lake/`)
	ownProof       = regexp.MustCompile(`^\{\s*"format":\s*"kizuki-log-proof/1"`)
)

// ownCSV is a CSV file with these columns.
func ownCSV(columns []string) *regexp.Regexp {
	return regexp.MustCompile("^(\ufeff)?" + regexp.QuoteMeta(strings.Join(columns, ",")) + `\r\n`)
}

// ownFields is a table with such a head.
func ownFields(columns []string) *regexp.Regexp {
	quoted := make([]string, len(columns))
	for i, c := range columns {
		quoted[i] = regexp.QuoteMeta(c)
	}
	return regexp.MustCompile("^" + strings.Join(quoted, " +") + ` *\n`)
}

// ownObject is JSON lines with exactly these keys.
func ownObject(columns []string) *regexp.Regexp {
	keys := slices.Sorted(slices.Values(columns))
	for i, k := range keys {
		keys[i] = `"` + regexp.QuoteMeta(k) + `":"([^"\\]|\\.)*"`
	}
	return regexp.MustCompile(`^\{` + strings.Join(keys, ",") + `\}\n`)
}

// mayWrite says whether the file that is named for a result may be written: it is new, empty, no plain file, or begins as one
// of these.
func (e *environment) mayWrite(name string, begins ...*regexp.Regexp) error {
	if name == "-" {
		return nil
	}
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return nil //nolint:nilerr // nothing is there that could be lost
	}
	head := make([]byte, 64<<10)
	f, err := os.Open(name) //nolint:gosec // the person names the file
	if err == nil {
		var n int
		n, _ = io.ReadFull(f, head)
		head, err = head[:n], f.Close()
	}
	if err == nil && !isLog(name, "{") {
		for _, b := range begins {
			if b.Match(head) {
				return nil
			}
		}
	}
	if isLog(name, "") {
		return e.usage(problem.Invalid("", "cli.logs.over", "file", name))
	}
	return e.usage(problem.Invalid("", "cli.lake.over", "file", name))
}

// begins is how the file begins that a query's result makes, in any run.
func (c *logsQuery) begins(q lake.Query, r *lake.Result) *regexp.Regexp {
	columns := lake.ExportColumns
	switch {
	case c.JSON:
		return ownDocument
	case r.Table != nil:
		columns = r.Table.Columns
	case !lake.Lines(q):
		columns, _ = groupTable(r)
	}
	switch {
	case c.Format == "csv":
		return ownCSV(columns)
	case c.Format == "jsonl" && lake.Lines(q) && r.Table == nil:
		return ownLine
	case c.Format == "jsonl":
		return ownObject(columns)
	case r.Table != nil:
		return ownFields(columns)
	case lake.Lines(q):
		return ownTable
	case r.Groups == nil:
		return ownCount
	}
	return ownGroups
}
