package wal_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk/disktest"
	"github.com/kizuki-security/kizuki/internal/logs/lake/wal"
)

func someRecords() []event.Record {
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	return []event.Record{
		{Source: "fw", Seq: 1, Time: at, Received: at, Format: event.Raw, Raw: []byte("行 \x00\xff")},
		{
			Source: "dc", Seq: 7, Time: time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC), Received: at, Format: event.JSON, Raw: []byte("{}"), User: "山田", SrcPort: 443, Severity: 6,
			Fields: []event.Field{{Name: event.Promoted[0], Value: "x"}},
		},
	}
}

const logName = "/1.wal"

// someLog is a log of two frames, of these records each.
func someLog(t testing.TB, records []event.Record) []byte {
	t.Helper()
	var fsys disktest.Memory
	w, err := wal.Create(&fsys, "/", logName, 1, 20780, wal.Mark{1, 2, 3})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.Write(records); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return fsys.Files()[filepath.Clean(logName)]
}

// Places in a log and in a frame, see the package comment.
const headSize, frameHead = 44, 44

// resealed mends the sums of a log that was changed, as far as its frames have their lengths.
func resealed(log []byte) []byte {
	log = bytes.Clone(log)
	sum := func(data []byte) uint32 { return crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)) }
	if len(log) < headSize {
		return log
	}
	binary.LittleEndian.PutUint32(log[40:], sum(log[:40]))
	chain := sha256.Sum256(log[:headSize])
	for rest := log[headSize:]; len(rest) >= frameHead+sha256.Size; {
		body := int64(binary.LittleEndian.Uint32(rest[24:]))
		if body > int64(len(rest)-frameHead-sha256.Size) {
			break
		}
		frame := rest[:frameHead+body]
		copy(frame, log[24:40])
		binary.LittleEndian.PutUint64(frame[16:], uint64(len(log)-len(rest)))
		binary.LittleEndian.PutUint32(frame[36:], sum(frame[frameHead:]))
		binary.LittleEndian.PutUint32(frame[40:], sum(frame[:40]))
		chain = sha256.Sum256(append(chain[:], frame...))
		copy(rest[len(frame):], chain[:])
		rest = rest[len(frame)+sha256.Size:]
	}
	return log
}

// framed is a log of one frame that holds these bytes and says that they are so many records.
func framed(raw []byte, count uint32) []byte {
	body := s2.Encode(nil, raw)
	frame := make([]byte, frameHead)
	binary.LittleEndian.PutUint32(frame[24:], uint32(len(body)))
	binary.LittleEndian.PutUint32(frame[28:], uint32(len(raw)))
	binary.LittleEndian.PutUint32(frame[32:], count)
	head := append([]byte("KZWAL\x00\x00\x03"), make([]byte, headSize-8)...)
	return resealed(slices.Concat(head, frame, body, make([]byte, sha256.Size)))
}

// recordsIn reads a log at once.
func recordsIn(log []byte) (records []event.Record, read wal.Read, err error) {
	read, err = wal.Replay(disktest.With(map[string][]byte{logName: log}), logName, func(r *event.Record) error {
		records = append(records, *r)
		return nil
	})
	return records, read, err
}

// A log may hold anything, with sums that fit: what is read of it was written and is counted; and who follows the log
// while it grows reads the same.
func FuzzReplay(f *testing.F) {
	good := someLog(f, someRecords())
	if !bytes.Equal(resealed(good), good) {
		f.Fatal("a good log is not the same with its sums made anew")
	}
	one := wal.AppendRecord(nil, &someRecords()[1])
	for mend := range uint8(3) {
		f.Add(good, mend, uint32(1), uint16(70))
	}
	f.Add(good[:len(good)-5], uint8(0), uint32(0), uint16(40))
	f.Add(append(bytes.Clone(good[:60]), good...), uint8(0), uint32(0), uint16(100))
	f.Add(append(bytes.Clone(one), one...), uint8(2), uint32(2), uint16(29))
	f.Add([]byte{}, uint8(0), uint32(0), uint16(0))
	f.Fuzz(func(t *testing.T, log []byte, mend uint8, count uint32, cut uint16) {
		switch mend {
		case 1:
			log = resealed(log)
		case 2:
			log = framed(log, count)
		}
		records, read, err := recordsIn(log)
		if err != nil || read.Records != len(records) || read.Torn < 0 || read.Torn > int64(len(log)) {
			t.Fatalf("%+v of %d records in %d bytes: %v", read, len(records), len(log), err)
		}
		for i := range records {
			if again, rest, err := wal.ReadRecord(wal.AppendRecord(nil, &records[i])); err != nil || len(rest) > 0 || !reflect.DeepEqual(again, full(records[i])) {
				t.Errorf("%+v became %+v, %v", records[i], again, err)
			}
		}
		if len(log) >= headSize {
			follow(t, log, min(int(cut), len(log)), records, read)
		}
	})
}

// full is a record without the values that AppendRecord leaves out.
func full(r event.Record) event.Record {
	r.Fields = slices.DeleteFunc(slices.Clone(r.Fields), func(f event.Field) bool { return f.Value == "" })
	if len(r.Fields) == 0 {
		r.Fields = nil
	}
	return r
}

// follow reads a log of which the first part stands there first, and compares with what Replay read.
func follow(t *testing.T, log []byte, cut int, want []event.Record, whole wal.Read) {
	t.Helper()
	fsys := disktest.With(map[string][]byte{logName: log[:cut]})
	follower, err := wal.Follow(fsys, logName)
	if err != nil {
		t.Fatal(err)
	}
	var got []event.Record
	more := func() error {
		return follower.More(func(r *event.Record) error {
			got = append(got, *r)
			return nil
		})
	}
	err = more()
	file, e := fsys.Append(logName)
	if err = errors.Join(err, e); err != nil {
		t.Fatal(err)
	}
	_, err = file.Seek(0, io.SeekEnd)
	_, e = file.Write(log[cut:])
	if err := errors.Join(err, e, more()); err != nil {
		t.Fatal(err)
	}
	read := follower.Read()
	if len(got) != len(want) || len(got) > 0 && !reflect.DeepEqual(got, want) || read != whole {
		t.Errorf("cut at %d of %d: followed %d records, %+v; replayed %d, %+v", cut, len(log), len(got), read, len(want), whole)
	}
}

// A frame that says it has very many records is refused before there is memory for them.
func TestManyRecordsSaid(t *testing.T) { //nolint:paralleltest // it measures memory
	empty := make([]byte, 100*len(wal.AppendRecord(nil, &event.Record{Time: time.UnixMicro(0), Received: time.UnixMicro(0)})))
	if records, read, err := recordsIn(framed(empty, 100)); len(records) != 100 || read.Torn > 0 || err != nil {
		t.Errorf("%d records of as few bytes as can be, %+v, %v", len(records), read, err)
	}
	log := framed(bytes.Repeat([]byte{0xff}, 1<<20), 1<<20)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	records, read, err := recordsIn(log)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; len(records) > 0 || read.Torn == 0 || err != nil || n > 50<<20 {
		t.Errorf("%d records, %+v, %v, %d bytes of memory", len(records), read, err, n)
	}
}

// What ReadRecord takes is read the same way again.
func FuzzReadRecord(f *testing.F) {
	for _, r := range someRecords() {
		f.Add(wal.AppendRecord(nil, &r))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, rest, err := wal.ReadRecord(data)
		if err != nil {
			return
		}
		again, left, err := wal.ReadRecord(append(wal.AppendRecord(nil, &r), rest...))
		if err != nil || !bytes.Equal(left, rest) || !reflect.DeepEqual(again, full(r)) {
			t.Errorf("%+v became %+v, %v", r, again, err)
		}
	})
}
