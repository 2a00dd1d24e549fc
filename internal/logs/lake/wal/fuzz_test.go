package wal_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
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

// someLog is a log of two frames.
func someLog(f *testing.F) []byte {
	f.Helper()
	dir := f.TempDir()
	name := filepath.Join(dir, "1.wal")
	w, err := wal.Create(disk.OS{}, dir, name, 1, 20780, wal.Mark{1, 2, 3})
	if err != nil {
		f.Fatal(err)
	}
	for range 2 {
		if err := w.Write(someRecords()); err != nil {
			f.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		f.Fatal(err)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		f.Fatal(err)
	}
	return data
}

// memory is a file system of one file.
type memory struct {
	disk.OS
	data []byte
}

type memoryFile struct {
	disk.File
	*bytes.Reader
}

func (m memory) Open(string) (disk.File, error) { return memoryFile{nil, bytes.NewReader(m.data)}, nil }

func (f memoryFile) Read(p []byte) (int, error)                { return f.Reader.Read(p) }
func (f memoryFile) ReadAt(p []byte, off int64) (int, error)   { return f.Reader.ReadAt(p, off) }
func (f memoryFile) Seek(off int64, whence int) (int64, error) { return f.Reader.Seek(off, whence) }
func (memoryFile) Close() error                                { return nil }

// A log may hold anything: what is read of it was written, is counted, and nothing is read twice.
func FuzzReplay(f *testing.F) {
	good := someLog(f)
	f.Add(good)
	f.Add(good[:len(good)-5])
	f.Add(append(bytes.Clone(good[:60]), good...))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		records := 0
		read, err := wal.Replay(memory{data: data}, "1.wal", func(r *event.Record) error {
			records++
			if again, rest, err := wal.ReadRecord(wal.AppendRecord(nil, r)); err != nil || len(rest) > 0 || !reflect.DeepEqual(&again, r) {
				t.Errorf("%+v became %+v, %v", r, again, err)
			}
			return nil
		})
		if err != nil || read.Records != records || read.Torn < 0 || read.Torn > int64(len(data)) {
			t.Errorf("%+v of %d records in %d bytes: %v", read, records, len(data), err)
		}
	})
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
		for _, field := range r.Fields {
			if field.Value == "" {
				return // AppendRecord leaves it out
			}
		}
		again, left, err := wal.ReadRecord(append(wal.AppendRecord(nil, &r), rest...))
		if err != nil || !bytes.Equal(left, rest) || !reflect.DeepEqual(again, r) {
			t.Errorf("%+v became %+v, %v", r, again, err)
		}
	})
}
