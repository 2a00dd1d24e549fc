package segment

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/parquet-go/parquet-go/format"

	"github.com/kizuki-security/kizuki/internal/logs/lake/table"
)

// resealed mends the sums of a file that was changed in its pages or in the text of its meta, so that it is read as far as
// somebody gets who knows the sums; nil when that is not possible.
func resealed(data []byte) []byte {
	var m Meta
	from := bytes.Index(data, []byte(`{"version":`))
	if from < 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(data[from:]))
	if d.Decode(&m) != nil || m.Data < 0 || m.Data > int64(from) || len(m.Sums) != int(m.Data+pageBytes-1)/pageBytes*8 {
		return nil
	}
	text := data[from : from+int(d.InputOffset())]
	for i := range len(m.Sums) / 8 {
		page := data[i*pageBytes : min((i+1)*pageBytes, int(m.Data))]
		binary.LittleEndian.PutUint64(m.Sums[8*i:], xxhash.Sum64(page))
	}
	old, err := json.Marshal(&m)
	if err != nil || len(old) != len(text) {
		return nil
	}
	out := append(append(bytes.Clone(data[:from]), old...), data[from+len(text):]...)
	at := bytes.Index(out[from+len(text):], []byte(sumKey))
	sum := []byte(strconv.FormatUint(xxhash.Sum64(old), 16))
	if at < 0 {
		return nil
	}
	behind := out[from+len(text)+at+len(sumKey):]
	if len(behind) < 2+len(sum) || int(behind[1]) != len(sum) { // thrift: field, length, text
		return nil
	}
	copy(behind[2:], sum)
	return out
}

// allocated is how many bytes of memory act asks for.
func allocated(act func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	act()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Sealed files that somebody made on purpose, in two places of a good one: each is refused or read, without a panic and
// without memory that its size does not explain. Whatever way it is read, the answer is the same; and where the sums were
// not mended, it is what was written.
func FuzzHostileFile(f *testing.F) {
	good, file := written(f, 60)
	f.Add(uint16(100), uint8(1), []byte{0xff}, uint16(0), []byte(""), true)
	f.Add(uint16(4), uint8(4), []byte("PAR1"), uint16(0), []byte(""), true)
	f.Add(uint16(len(file)-9), uint8(1), []byte{1}, uint16(0), []byte("PAR1"), false)
	for at := 0; at < len(file); at += len(file) / 40 {
		f.Add(uint16(at), uint8(2), []byte{0x80, 0x7f}, uint16(at+9), []byte{0xff, 0xff, 0x7f}, true)
	}
	if again := resealed(file); !bytes.Equal(again, file) || len(file) > 1<<16 {
		f.Fatal("a good file is not the same with its sums made anew, or too large")
	}
	want, err := good.Block(0)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, at uint16, cut uint8, patch []byte, at2 uint16, patch2 []byte, mend bool) {
		from := min(int(at), len(file))
		data := slices.Concat(file[:from], patch, file[min(from+int(cut), len(file)):])
		copy(data[min(int(at2), len(data)):], patch2)
		if mend {
			if data = resealed(data); data == nil {
				return
			}
		}
		n := allocated(func() {
			r, err := Open(bytes.NewReader(data), int64(len(data)), nil)
			if err != nil {
				if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrVersion) {
					t.Errorf("an error of another kind: %v", err)
				}
				return
			}
			for i := range r.Meta.Blocks {
				b := readAllWays(t, r, i)
				if b != nil && !mend && (i > 0 || !reflect.DeepEqual(b, want)) {
					t.Errorf("block %d is not what was written", i)
				}
			}
		})
		if n > 64<<20 {
			t.Errorf("%d bytes of memory for %d of a file", n, len(data))
		}
	})
}

// readAllWays reads a block and compares the ways to read it; nil: it cannot be read.
func readAllWays(t *testing.T, r *Reader, i int) *table.Block {
	t.Helper()
	var rows []int
	for row := 0; row < r.Meta.Blocks[i].Rows; row += 7 {
		rows = append(rows, row)
	}
	var room Room
	defer room.Free()
	look := r.Look(i, &room)
	for place := range table.Columns {
		c, err := r.Column(i, place)
		if err != nil {
			continue
		}
		values, err := look.Values(place, rows)
		if err != nil || (values == nil) != (c == nil) {
			t.Errorf("column %d of block %d is read in one way only: %v", place, i, err)
			continue
		}
		for j := range values {
			if values[j] != c.Values[c.Codes[rows[j]]] {
				t.Errorf("%q and %q", values[j], c.Values[c.Codes[rows[j]]])
			}
		}
	}
	text, ends, err := r.Messages(i)
	if err == nil {
		err = look.Pick(rows, func(row int, message []byte) {
			from := uint32(0)
			if row > 0 {
				from = ends[row-1]
			}
			if !bytes.Equal(message, text[from:ends[row]]) {
				t.Errorf("message %d of block %d is read in two ways", row, i)
			}
		})
		if err != nil {
			t.Errorf("messages of block %d are read in one way only: %v", i, err)
		}
	}
	b, err := r.Block(i)
	if err != nil {
		return nil
	}
	if b.Rows() != r.Meta.Blocks[i].Rows || len(b.Ends) != b.Rows() {
		t.Errorf("block %d: %d rows of %+v", i, b.Rows(), r.Meta.Blocks[i])
	}
	return b
}

// A few bytes that ask for very much memory are refused before there is any.
func TestSmallCauseLargeMemory(t *testing.T) { //nolint:paralleltest // it measures memory
	const many = 1 << 26
	number := func(n uint64) string { return string(binary.AppendUvarint(nil, n)) }
	delta := []byte(number(128) + number(4) + number(many) + number(0))
	packed, err := better.Encode(nil, []byte("short"))
	if err != nil {
		t.Fatal(err)
	}
	footer := "\x29\xfc" + number(many/16) // field 2, a list of structures
	file := "PAR1" + strings.Repeat("\x00", 20) + footer + string(binary.LittleEndian.AppendUint32(nil, uint32(len(footer)))) + "PAR1"
	for name, read := range map[string]func() error{
		"a run of codes": func() error {
			_, err := readCodes(&Room{}, []byte("\x08"+number(many<<1)+"\x00"), 5, 5)
			return err
		},
		"packed codes": func() error {
			_, err := readCodes(&Room{}, []byte("\x08"+number(many/8<<1|1)+"\x00"), 5, 5)
			return err
		},
		"lengths": func() error {
			_, err := lengths(delta, nil, 5)
			return err
		},
		"a page": func() error {
			_, err := (&page{packed: true, size: many, data: packed}).unpacked(&Room{})
			return err
		},
		"parts of a page": func() error {
			_, err := (&page{packed: true, size: many, data: packed}).parts(&Room{})
			return err
		},
		"parts of a page that lies twice": func() error {
			lie := []byte("\x28\xb5\x2f\xfd\xa0\x00\x00\x00\x40\x01\x00\x00") // says that it has 1 GiB, and has nothing
			_, err := (&page{packed: true, size: 1 << 30, data: lie}).parts(&Room{})
			return err
		},
		"a footer": func() error {
			_, err := Open(strings.NewReader(file), int64(len(file)), nil)
			return err
		},
	} {
		var err error
		if n := allocated(func() { err = read() }); n > 1<<20 || !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %d bytes of memory, %v", name, n, err)
		}
	}
	if holds(format.DeltaBinaryPacked, delta, many-1) || !holds(format.DeltaBinaryPacked, delta, many) || holds(format.DeltaByteArray, nil, 9) {
		t.Error("values of a page")
	}
}
