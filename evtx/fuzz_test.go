package evtx_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/kizuki-security/kizuki/evtx"
	"github.com/kizuki-security/kizuki/evtx/evtxtest"
)

// checkLog reads anything as a log and holds the reader to what it promises of all files.
func checkLog(t *testing.T, log []byte) {
	t.Helper()
	for _, o := range []evtx.Options{{}, {Carve: true, TrimSpace: true}} {
		var line []byte
		out := readAll(t, bytes.NewReader(log), o, func(r *evtx.Record) {
			for _, f := range r.Fields {
				if f.Kind == evtx.Null && len(f.Value) > 0 {
					t.Fatalf("null has the value %q", f.Value)
				}
			}
			var err error
			if line, err = r.AppendJSON(line[:0]); err == nil && !json.Valid(line) {
				t.Fatalf("no JSON: %q", line)
			}
		})
		var lost uint64
		for _, d := range out.damage {
			lost += d.Lost
		}
		s := out.stats
		if lost != s.Lost || uint64(out.records) != s.Read+s.Carved || s.Expected != s.Read+s.Lost-s.Strange {
			t.Fatalf("%d losses told, %d records given, counted %+v", lost, out.records, s)
		}
	}
}

// small is a log with a few records of each kind, without the empty rest of its chunk.
func small() []byte {
	c := evtxtest.NewChunk()
	template := evtxtest.NewEvent(1)
	s := evtxtest.System{Provider: "P", Channel: "C", Computer: "pc", EventID: 1, Time: start}
	fields := evtxtest.NewEventData(2, "A", "B")
	c.Add(1, start, evtxtest.NewRecord(template, s, evtxtest.Of(fields, evtxtest.Text("a"), evtxtest.Number(evtxtest.Hex32, 4, 9))))
	c.Add(2, start, evtxtest.NewRecord(template, s, value{Type: evtxtest.BinXML, Elements: []element{{Name: "EventData", Content: []part{
		{Element: &element{Name: "Data", Content: []part{{Text: "a"}, {Entity: "lt"}, {Char: 65}, {CDATA: "c"}, {PI: "p"}}}},
	}}}}))
	c.Add(3, start, evtxtest.NewRecord(template, s, evtxtest.Of(fields, evtxtest.Identifier(5, 18),
		value{Type: evtxtest.Str | evtxtest.Array, Data: evtxtest.UTF16("a\x00b\x00")})))
	return evtxtest.File(c)
}

func FuzzFile(f *testing.F) {
	log := small()
	f.Add(log[:evtxtest.FileHeader+8000])
	f.Add(log[:evtxtest.FileHeader+600])
	f.Add(log[evtxtest.FileHeader : evtxtest.FileHeader+3000])
	f.Add([]byte("ElfFile\x00"))
	f.Fuzz(checkLog)
}

// FuzzChunk changes a chunk and makes its checksums right again.
func FuzzChunk(f *testing.F) {
	log := small()
	chunk := log[evtxtest.FileHeader:]
	f.Add(chunk[8:56], chunk[512:3000])
	f.Add(chunk[8:56], circle()[evtxtest.FileHeader+512:evtxtest.FileHeader+1000])
	f.Add(chunk[8:56], fan(3)[evtxtest.FileHeader+512:evtxtest.FileHeader+2000])
	f.Fuzz(func(t *testing.T, header, records []byte) {
		log := append(bytes.Clone(log[:evtxtest.FileHeader]), make([]byte, evtxtest.ChunkSize)...)
		b := log[evtxtest.FileHeader:]
		copy(b, "ElfChnk\x00")
		copy(b[8:56], header)
		copy(b[512:], records)
		evtxtest.Seal(b)
		checkLog(t, log)
	})
}

// FuzzBinXML puts any bytes where the binary XML of a record should be. Before it stands a whole record, so that its
// names and templates can be referred to.
func FuzzBinXML(f *testing.F) {
	s := evtxtest.System{Provider: "P", Channel: "C", Computer: "pc", EventID: 1, Time: start}
	first := evtxtest.NewRecord(evtxtest.NewEvent(1), s, evtxtest.Of(evtxtest.NewEventData(2, "A", "B"), evtxtest.Text("a")))
	whole := func() *evtxtest.Chunk {
		c := evtxtest.NewChunk()
		c.Add(1, start, first)
		return c
	}
	c := whole()
	from := len(bytes.TrimRight(c.Bytes(), "\x00"))
	c.Add(2, start, first)
	f.Add(bytes.TrimRight(c.Bytes(), "\x00")[from+24:])
	f.Add([]byte{0x0f, 1, 1, 0, 0x01, 0, 0, 0, 0, 0, 3, 0, 0, 2, 5, 1, 1, 0, 65, 0, 4, 0})
	for _, log := range [][]byte{circle(), nestedValues(5), fan(2)} {
		f.Add(bytes.TrimRight(log[evtxtest.FileHeader+512+24:], "\x00"))
	}
	f.Fuzz(func(t *testing.T, binxml []byte) {
		c := whole()
		if c.AddRaw(2, start, binxml) {
			checkLog(t, evtxtest.File(c))
		}
	})
}
