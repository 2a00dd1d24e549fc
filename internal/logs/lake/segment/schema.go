// Package segment writes and reads sealed files: Parquet, zstd, one row group for each block, one page for each column
// of it, and in the footer what the lake must know to read the file alone.
//
// It owns the words sealed file, footer, meta and page sum. It imports event, query, table and disk.
//
// Every 4 KiB of the file in front of the column indexes has an XXH64 in the meta, and the meta has one of its own, so
// that no byte reaches a query that is not as it was written: Parquet's own checksums leave page headers out.
package segment

import (
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding"

	"github.com/kizuki-security/kizuki/internal/logs/lake/table"
)

// Columns besides those of table.Names.
const (
	seqColumn      = "seq"
	timeColumn     = "time"
	receivedColumn = "received"
	messageColumn  = "message"
)

// Version of the meta and of what the columns mean. Programs that know version 1 only take a page of several frames, and
// ports without a dictionary, for damage.
const Version = 2

// ColumnName is what a dictionary column is called in the files: its own name, but with "key_" in front where other
// readers, which take upper and lower case for the same, would find two of it.
func ColumnName(place int) string {
	name := table.Names[place]
	if place >= table.Promoted && slices.ContainsFunc(table.Names[:table.Promoted], func(s string) bool {
		return strings.EqualFold(s, name)
	}) {
		return "key_" + name
	}
	return name
}

var columnNames = func() []string {
	names := make([]string, table.Columns)
	for i := range names {
		names[i] = ColumnName(i)
	}
	return names
}()

// schemaOf makes the schema of a file, and the columns by their names. Columns of Binary hold bytes that are no UTF-8: they
// are written without the mark that says text, since other readers would refuse them.
func schemaOf(c *Columns) (*parquet.Schema, map[string]*handed) {
	text := func(name string) parquet.Node {
		if slices.Contains(c.Binary, name) {
			return parquet.Leaf(parquet.ByteArrayType)
		}
		return parquet.String()
	}
	group, columns := parquet.Group{}, map[string]*handed{}
	add := func(name string, node parquet.Node, encoding encoding.Encoding) {
		columns[name] = &handed{Type: node.Type()}
		group[name] = parquet.Compressed(parquet.Encoded(parquet.Leaf(columns[name]), encoding), packerOf(name))
	}
	add(seqColumn, parquet.Int(64), &parquet.DeltaBinaryPacked)
	add(timeColumn, parquet.Timestamp(parquet.Microsecond), &parquet.DeltaBinaryPacked)
	add(receivedColumn, parquet.Timestamp(parquet.Microsecond), &parquet.DeltaBinaryPacked)
	add(messageColumn, text(messageColumn), &parquet.DeltaLengthByteArray)
	for i, name := range columnNames {
		if !c.has(i) {
			continue
		}
		node := text(name)
		if numeric, most := table.Numeric(i); numeric {
			width := 16
			if most < 256 {
				width = 8
			}
			node = parquet.Uint(width)
		}
		if scattered(i) {
			add(name, node, &parquet.DeltaBinaryPacked)
		} else {
			add(name, node, &parquet.RLEDictionary)
		}
	}
	return parquet.NewSchema("kizuki", group), columns
}

// scattered says whether a column of numbers has another one in nearly every row, so that a dictionary would only add to
// them.
func scattered(place int) bool { return place < len(table.Names) && table.Names[place] == "src_port" }

// packerOf says how the pages of a column are packed.
func packerOf(name string) *packer {
	switch name {
	case seqColumn, timeColumn, "src_ip", "dst_ip", "IpAddress", "DestinationIp":
		return fastest
	}
	return better
}

// columnIndexes tells where columns stand among the names of a file's: first the dictionary columns as in table.Names, -1
// for those that it has not, then seq, time, received and message. ok is false when one is missing.
func columnIndexes(names []string, c *Columns) (at []int, ok bool) {
	places := make(map[string]int, len(names))
	for i, name := range names {
		places[name] = i
	}
	for i, name := range slices.Concat(columnNames, []string{seqColumn, timeColumn, receivedColumn, messageColumn}) {
		if i < len(columnNames) && !c.has(i) {
			at = append(at, -1)
			continue
		}
		place, found := places[name]
		if !found {
			return nil, false
		}
		at = append(at, place)
	}
	return at, true
}
