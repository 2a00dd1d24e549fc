// Command parquetsum reads sealed files of the lake with a library that the lake does not use, and says what it found:
//
//	parquetsum FILE…
//
//	row SOURCE SEQ TIME BYTES SHA256      each row: time in microseconds since 1970 UTC, then length and hash of its message
//	file NAME ROWS BYTES SHA256           each file: rows, bytes of all messages, and the hash of all (length, message)
//
// Lengths in the hash are eight bytes, little-endian.
package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"os"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
)

func main() {
	out := bufio.NewWriter(os.Stdout)
	for _, name := range os.Args[1:] {
		if err := sum(out, name); err != nil {
			fmt.Fprintf(os.Stderr, "parquetsum: %s: %v\n", name, err)
			os.Exit(1)
		}
	}
	if err := out.Flush(); err != nil {
		fmt.Fprintln(os.Stderr, "parquetsum:", err)
		os.Exit(1)
	}
}

func sum(out *bufio.Writer, name string) error {
	r, err := file.OpenParquetFile(name, false)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	t := &totals{out: out, all: sha256.New()}
	for i := range r.NumRowGroups() {
		if err := t.group(r, r.RowGroup(i)); err != nil {
			return fmt.Errorf("row group %d: %w", i, err)
		}
	}
	if t.rows != r.NumRows() {
		return fmt.Errorf("%d rows in the groups, and %d in the footer", t.rows, r.NumRows())
	}
	fmt.Fprintf(out, "file %s %d %d %x\n", name, t.rows, t.bytes, t.all.Sum(nil))
	return nil
}

type totals struct {
	out         *bufio.Writer
	rows, bytes int64
	all         hash.Hash
}

func (t *totals) group(r *file.Reader, g *file.RowGroupReader) error {
	column := func(name string) (file.ColumnChunkReader, error) {
		i := r.MetaData().Schema.ColumnIndexByName(name)
		if i < 0 {
			return nil, fmt.Errorf("no column %q", name)
		}
		return g.Column(i)
	}
	sources := make([]string, 0, g.NumRows())
	seqs, times := make([]int64, 0, g.NumRows()), make([]int64, 0, g.NumRows())
	c, err := column("source")
	if err == nil {
		err = texts(c, func(b []byte) { sources = append(sources, string(b)) })
	}
	if err != nil {
		return err
	}
	for name, to := range map[string]*[]int64{"seq": &seqs, "time": &times} {
		c, err := column(name)
		if err == nil {
			err = numbers(c, to)
		}
		if err != nil {
			return err
		}
	}
	row := 0
	if c, err = column("message"); err != nil {
		return err
	}
	err = texts(c, func(b []byte) {
		if row < len(sources) && row < len(seqs) && row < len(times) {
			fmt.Fprintf(t.out, "row %s %d %d %d %x\n", sources[row], seqs[row], times[row], len(b), sha256.Sum256(b))
		}
		row++
		t.bytes += int64(len(b))
		t.all.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(b))))
		t.all.Write(b)
	})
	if err == nil && (row != len(sources) || row != len(seqs) || row != len(times)) {
		err = fmt.Errorf("%d messages, %d sources, %d numbers, %d times", row, len(sources), len(seqs), len(times))
	}
	t.rows += int64(row)
	return err
}

const batch = 1024

func texts(c file.ColumnChunkReader, each func([]byte)) error {
	r, ok := c.(*file.ByteArrayColumnChunkReader)
	if !ok {
		return fmt.Errorf("a column of bytes is a %T", c)
	}
	values := make([]parquet.ByteArray, batch)
	for r.HasNext() {
		_, n, err := r.ReadBatch(batch, values, nil, nil)
		if err != nil {
			return err
		}
		for _, v := range values[:n] {
			each(v)
		}
	}
	return r.Err()
}

func numbers(c file.ColumnChunkReader, to *[]int64) error {
	r, ok := c.(*file.Int64ColumnChunkReader)
	if !ok {
		return fmt.Errorf("a column of numbers is a %T", c)
	}
	values := make([]int64, batch)
	for r.HasNext() {
		_, n, err := r.ReadBatch(batch, values, nil, nil)
		if err != nil {
			return err
		}
		*to = append(*to, values[:n]...)
	}
	return r.Err()
}
