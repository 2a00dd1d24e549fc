package segment

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"runtime"
	"strconv"
	"testing"

	"github.com/cespare/xxhash/v2"

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

// Sealed files that somebody made on purpose: each is refused or read, without a panic and without memory that its size
// does not explain.
func FuzzHostileFile(f *testing.F) {
	_, data := written(f, 300)
	f.Add(data, uint32(100), []byte{0xff}, true)
	f.Add(data, uint32(4), []byte("PAR1"), true)
	f.Add(data, uint32(len(data)-9), []byte{1}, false)
	for at := 0; at < len(data); at += len(data) / 40 {
		f.Add(data, uint32(at), []byte{0x80, 0x7f}, true)
	}
	if again := resealed(data); !bytes.Equal(again, data) {
		f.Fatal("a good file is not the same with its sums made anew")
	}
	f.Fuzz(func(t *testing.T, data []byte, at uint32, patch []byte, mend bool) {
		data = bytes.Clone(data)
		copy(data[min(int(at), len(data)):], patch)
		if mend {
			if data = resealed(data); data == nil {
				return
			}
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r, err := Open(bytes.NewReader(data), int64(len(data)), nil)
		if err != nil {
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrVersion) {
				t.Errorf("an error of another kind: %v", err)
			}
			return
		}
		for i := range r.Meta.Blocks {
			if b, err := r.Block(i); err == nil && (b.Rows() != r.Meta.Blocks[i].Rows || len(b.Ends) != b.Rows()) {
				t.Errorf("block %d: %d rows of %+v", i, b.Rows(), r.Meta.Blocks[i])
			}
			for place := range table.Columns {
				if c, err := r.Column(i, place); err == nil && c != nil {
					for _, code := range c.Codes {
						_ = c.Values[code]
					}
				}
			}
		}
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 256<<20 {
			t.Errorf("%d bytes of memory for %d of a file", n, len(data))
		}
	})
}
