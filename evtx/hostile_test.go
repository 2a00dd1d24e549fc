package evtx_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/evtx"
	"github.com/kizuki-security/kizuki/evtx/evtxtest"
)

// TestNothingExplodes reads logs made to loop, to nest and to unfold without end. Each must end in a named loss, in
// little memory.
func TestNothingExplodes(t *testing.T) { //nolint:paralleltest // it measures memory
	for name, tt := range map[string]struct {
		log  []byte
		want evtx.Reason
	}{
		"a template inside itself":         {circle(), evtx.TooDeep},
		"values inside values":             {nestedValues(40), evtx.TooDeep},
		"elements inside elements":         {nestedElements(200), evtx.TooDeep},
		"a value repeated again and again": {repeated(1500, 30000), evtx.TooExpensive},
		"repeated names":                   {repeatedNames(), evtx.TooExpensive},
		"values that fan out":              {fan(9), evtx.TooExpensive},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		found := false
		out := readAll(t, bytes.NewReader(tt.log), evtx.Options{}, func(r *evtx.Record) {
			_, err := r.AppendJSON(nil)
			damage, ok := errors.AsType[*evtx.DamageError](err)
			found = found || ok && damage.Reason == tt.want
		})
		for _, d := range out.damage {
			found = found || d.Reason == tt.want
		}
		runtime.ReadMemStats(&after)
		if !found {
			t.Errorf("%s: %d records, damage %v", name, out.records, out.damage)
		}
		checkLosses(t, name, out)
		if used := (after.TotalAlloc - before.TotalAlloc) >> 20; used > 400 {
			t.Errorf("%s: %d MB", name, used)
		}
	}
}

func file(in evtxtest.Instance) []byte {
	c := evtxtest.NewChunk()
	if !c.Add(1, start, in) {
		panic("the record is too large for a chunk")
	}
	return evtxtest.File(c)
}

// circle is a record whose template holds an instance of the same template, which is put there after writing.
func circle() []byte {
	inner := &evtxtest.Template{ID: 2, Root: element{Name: "A", Content: []part{{Raw: bytes.Repeat([]byte{0xdd}, 14)}}}}
	log := file(evtxtest.Instance{Template: inner})
	def := evtxtest.FileHeader + 512 + 24 + 4 + 10
	at := bytes.Index(log, bytes.Repeat([]byte{0xdd}, 14))
	raw := log[at : at+14]
	clear(raw)
	raw[0], raw[1] = 0x0c, 1
	binary.LittleEndian.PutUint32(raw[6:], uint32(def-evtxtest.FileHeader))
	evtxtest.Seal(log[evtxtest.FileHeader:])
	return log
}

func nestedValues(n int) []byte {
	t := &evtxtest.Template{ID: 2, Root: element{Name: "A", Content: []part{{Sub: 1}}}}
	v := evtxtest.Text("x")
	for range n {
		v = evtxtest.Of(t, v)
	}
	return file(evtxtest.Instance{Template: t, Values: []value{v}})
}

func nestedElements(n int) []byte {
	e := element{Name: "A"}
	for range n {
		inner := e
		e = element{Name: "A", Content: []part{{Element: &inner}}}
	}
	return file(evtxtest.Instance{Template: &evtxtest.Template{ID: 2, Root: e}})
}

func repeated(times, size int) []byte {
	e := element{Name: "EventData"}
	for range times {
		e.Content = append(e.Content, part{Element: &element{Name: "D", Content: []part{{Sub: 1}}}})
	}
	t := &evtxtest.Template{ID: 2, Root: e}
	return file(evtxtest.Instance{Template: t, Values: []value{{Type: evtxtest.Binary, Data: make([]byte, size)}}})
}

func repeatedNames() []byte {
	e := element{Name: "EventData"}
	for range 1000 {
		e.Content = append(e.Content, part{Element: &element{
			Name: "Data", Attrs: []attr{{Name: "Name", Value: []part{{Sub: 1}}}}, Content: []part{{Sub: 2}},
		}})
	}
	t := &evtxtest.Template{ID: 2, Root: e}
	return file(evtxtest.Instance{Template: t, Values: []value{{Type: evtxtest.Binary, Data: make([]byte, 15000)}}})
}

// fan is a value used eight times by the template of a value used eight times by its template, and so on.
func fan(levels int) []byte {
	root := element{Name: "A"}
	for range 8 {
		root.Content = append(root.Content, part{Sub: 1})
	}
	t := &evtxtest.Template{ID: 2, Root: root}
	v := evtxtest.Text("x")
	for range levels {
		v = evtxtest.Of(t, v)
	}
	return file(evtxtest.Instance{Template: t, Values: []value{v}})
}

// TestLyingNumbers puts impossible sizes, counts and offsets at every place of a record and of the chunk header, one
// at a time, with checksums that hold: everything else is still read, and what is not is named.
func TestLyingNumbers(t *testing.T) {
	t.Parallel()
	c := evtxtest.NewChunk()
	template := evtxtest.NewEvent(1)
	fields := evtxtest.NewEventData(2, "A", "B")
	for id := uint64(1); id <= 4; id++ {
		s := evtxtest.System{Provider: "P", Channel: "C", Computer: "pc", EventID: 1, Record: id, Time: start}
		c.Add(id, start, evtxtest.NewRecord(template, s, evtxtest.Of(fields, evtxtest.Text("a"), evtxtest.Text("b"))))
	}
	log := evtxtest.File(c)
	chunk := log[evtxtest.FileHeader:]
	used := int(binary.LittleEndian.Uint32(chunk[48:]))
	whole := bytes.Clone(chunk)
	for at := 8; at < used; at += 3 {
		if at >= 52 && at < 512 {
			continue
		}
		for _, v := range []uint32{0, 0xffffffff, 0x7fffffff, 0x0000ffff, 0x00010000, uint32(at)} {
			copy(chunk, whole)
			binary.LittleEndian.PutUint32(chunk[at:], v)
			evtxtest.Seal(chunk)
			out := readAll(t, bytes.NewReader(log), evtx.Options{Carve: at%2 == 0}, func(r *evtx.Record) {
				if line, err := r.AppendJSON(nil); err == nil {
					values(t, line)
				}
			})
			checkLosses(t, fmt.Sprintf("%#x at %d", v, at), out)
			if at > 48 && at > used-200 && out.stats.Read < 3 {
				t.Errorf("%#x at %d: only %d of the records before were read", v, at, out.stats.Read)
			}
		}
	}
}

// TestDirtyHeader reads records that were added after the header of the chunk was written last, as in a copy of a log
// in use, and none of a log that was closed.
func TestDirtyHeader(t *testing.T) {
	t.Parallel()
	in := evtxtest.NewRecord(evtxtest.NewEvent(1), evtxtest.System{EventID: 1}, value{})
	c := evtxtest.NewChunk()
	c.Add(1, start, in)
	early := c.Bytes()
	c.Add(2, start, in)
	c.Add(3, start, in)
	log := evtxtest.File(c)
	copy(log[evtxtest.FileHeader:], early[:512])
	if out := readAll(t, bytes.NewReader(log), evtx.Options{}, nil); out.records != 1 {
		t.Errorf("a closed log: %d records", out.records)
	}
	log[120] = 1
	out := readAll(t, bytes.NewReader(log), evtx.Options{}, nil)
	if out.records != 3 || out.stats.Strange != 2 || out.stats.Lost != 0 {
		t.Errorf("a log in use: %+v, damage %v", out.stats, out.damage)
	}
	checkLosses(t, "a log in use", out)
}

// TestSteadyState proves that records cost no memory once the first chunks were read.
func TestSteadyState(t *testing.T) {
	log, _ := dense(t, 12)
	reader := evtx.NewReader(bytes.NewReader(log), evtx.Options{})
	next := func() {
		if _, err := reader.Next(); err != nil {
			t.Fatal(err)
		}
	}
	for range 300 {
		next()
	}
	if per := testing.AllocsPerRun(250, next); per > 0 {
		t.Errorf("%v allocations a record", per)
	}
	var record *evtx.Record
	line := make([]byte, 0, 1<<16)
	if per := testing.AllocsPerRun(20, func() {
		record, _ = reader.Next()
		line, _ = record.AppendJSON(line[:0])
	}); per > 1 {
		t.Errorf("%v allocations a record with JSON", per)
	}
}

// endless gives the same chunk for ever, up to n bytes.
type endless struct {
	header, chunk []byte
	at, n         int64
}

func (e *endless) Read(p []byte) (int, error) {
	if e.at >= e.n {
		return 0, errEnd
	}
	from := e.header
	if e.at >= int64(len(e.header)) {
		from = e.chunk[(e.at-int64(len(e.header)))%int64(len(e.chunk)):]
	} else {
		from = from[e.at:]
	}
	n := copy(p, from)
	e.at += int64(n)
	return n, nil
}

var errEnd = errors.New("end")

// TestMemory reads a quarter of a gigabyte and looks at what is held.
func TestMemory(t *testing.T) {
	log, _ := dense(t, 1)
	src := &endless{header: log[:evtxtest.FileHeader], chunk: log[evtxtest.FileHeader:], n: 1 << 28}
	reader := evtx.NewReader(src, evtx.Options{})
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	before := m.HeapAlloc
	begin := time.Now()
	for {
		_, err := reader.Next()
		if errors.Is(err, errEnd) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&m)
	if held := int64(m.HeapAlloc) - int64(before); held > 4<<20 {
		t.Errorf("%d bytes held", held)
	}
	t.Logf("%d records in %v", reader.Stats().Read, time.Since(begin))
	runtime.KeepAlive(reader)
}
