package evtx_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/evtx"
	"github.com/kizuki-security/kizuki/evtx/evtxtest"
)

// promised adds up what the headers of the chunks promise, without the reader: last − first + 1 of each place where
// the mark of a chunk stands.
func promised(log []byte) (records uint64) {
	for at := evtxtest.FileHeader; at+512 <= len(log); at += evtxtest.ChunkSize {
		if bytes.HasPrefix(log[at:], []byte("ElfChnk\x00")) {
			records += binary.LittleEndian.Uint64(log[at+32:]) - binary.LittleEndian.Uint64(log[at+24:]) + 1
		}
	}
	return records
}

// counted are the odd files, counted by hand: what their chunk headers promise, what can be read, what is named as
// lost, what was in chunks without a header. Pages of 8 KiB were wiped in one of them, and with them most of chunk 0,
// parts of 7 and 9, and the headers of 6 and 10.
var counted = map[string]struct{ promised, read, lost, carved uint64 }{
	"sample-with-zero-data-size-event.evtx": {450, 449, 1, 0},
	"sample_with_a_bad_chunk_magic.evtx":    {467, 298, 170, 82},
}

// TestEveryRecordOrANamedLoss holds the reader to what the headers of all real logs promise.
func TestEveryRecordOrANamedLoss(t *testing.T) {
	t.Parallel()
	for _, folder := range []string{"evtx", "evtx-samples", "evtx-malformed"} {
		for _, path := range files(t, folder) {
			log, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			want := counted[filepath.Base(path)]
			if want.promised == 0 {
				want.promised = promised(log)
				want.read = want.promised
			}
			out := readAll(t, bytes.NewReader(log), evtx.Options{}, nil)
			s := out.stats
			if promised(log) != want.promised || s.Expected != want.promised || s.Read != want.read || s.Lost != want.lost ||
				s.Carved != want.carved || s.Strange != want.read+want.lost-want.promised {
				t.Errorf("%s: headers promise %d, should be %+v, counted %+v, damage %v", path, promised(log), want, s, out.damage)
			}
			for id, n := range out.ids {
				if n > 1 {
					t.Errorf("%s: record %d came %d times", path, id, n)
				}
			}
			checkLosses(t, path, out)
		}
	}
}

// checkLosses proves that the losses add up and that each has a place and a reason.
func checkLosses(t *testing.T, name string, out result) {
	t.Helper()
	if out.err != nil {
		t.Errorf("%s: %v", name, out.err)
	}
	var lost uint64
	for _, d := range out.damage {
		lost += d.Lost
		if d.Reason == "" || d.Lost > 0 && (d.Chunk < 0 || d.Offset < evtxtest.FileHeader) {
			t.Errorf("%s: %+v names no place or reason", name, *d)
		}
		for i := range d.Lost {
			if out.ids[d.Record+i] > 0 {
				t.Errorf("%s: record %d was read and is told as lost: %v", name, d.Record+i, d)
			}
		}
	}
	s := out.stats
	if lost != s.Lost || uint64(out.records) != s.Read+s.Carved || s.Expected != s.Read+s.Lost-s.Strange {
		t.Errorf("%s: %d losses told, %d records given, counted %+v", name, lost, out.records, s)
	}
}

var start = time.Date(2026, 11, 24, 1, 2, 3, 456789000, time.UTC)

func dense(t testing.TB, chunks int) ([]byte, uint64) {
	t.Helper()
	var log bytes.Buffer
	n, err := evtxtest.Dense(&log, chunks, start)
	if err != nil {
		t.Fatal(err)
	}
	return log.Bytes(), n
}

// TestTruncated cuts a log at many places: what stands before the cut is read, what a header promises behind it is
// named.
func TestTruncated(t *testing.T) {
	t.Parallel()
	log, _ := dense(t, 3)
	if folder := os.Getenv("KIZUKI_TESTDATA"); folder != "" {
		log, err := os.ReadFile(filepath.Join(folder, "evtx-samples", "smb-password-guessing-security.evtx"))
		if err != nil {
			t.Fatal(err)
		}
		cutEverywhere(t, log[:evtxtest.FileHeader+3*evtxtest.ChunkSize])
	}
	cutEverywhere(t, log)
}

func cutEverywhere(t *testing.T, log []byte) {
	t.Helper()
	for cut := 0; cut < len(log); cut += 997 {
		out := readAll(t, bytes.NewReader(log[:cut]), evtx.Options{Carve: cut%2 == 0}, nil)
		if errors.Is(out.err, evtx.ErrNotEventLog) && cut < 128 {
			continue
		}
		if want := promised(log[:cut]); out.stats.Expected != want {
			t.Errorf("cut at %d: %d expected, headers say %d", cut, out.stats.Expected, want)
		}
		checkLosses(t, "cut", out)
		whole := (cut - evtxtest.FileHeader) / evtxtest.ChunkSize
		if cut >= evtxtest.FileHeader && whole > 0 && out.stats.Read < promised(log[:evtxtest.FileHeader+whole*evtxtest.ChunkSize]) {
			t.Errorf("cut at %d: only %d of the whole chunks' records", cut, out.stats.Read)
		}
		if cut > evtxtest.FileHeader && (cut-evtxtest.FileHeader)%evtxtest.ChunkSize > 0 && len(out.damage) == 0 {
			t.Errorf("cut at %d: nobody was told", cut)
		}
	}
}

// TestShifted takes bytes out of, and puts bytes into, the space between chunks: the chunks are found again.
func TestShifted(t *testing.T) {
	t.Parallel()
	log, n := dense(t, 3)
	second := evtxtest.FileHeader + evtxtest.ChunkSize
	for name, changed := range map[string][]byte{
		"more": append(append(append([]byte(nil), log[:second]...), bytes.Repeat([]byte("x"), 777)...), log[second:]...),
		"less": append(append([]byte(nil), log[:second-100]...), log[second:]...),
		"none": log[evtxtest.FileHeader:],
	} {
		out := readAll(t, bytes.NewReader(changed), evtx.Options{}, nil)
		if out.stats.Read < n-1 || len(out.damage) == 0 {
			t.Errorf("%s: %+v of %d, damage %v", name, out.stats, n, out.damage)
		}
	}
}

// TestNotEventLogs gives files that are none.
func TestNotEventLogs(t *testing.T) {
	t.Parallel()
	for name, log := range map[string][]byte{
		"empty": nil, "text": []byte("EventID,Time\n4624,now\n"), "zeros": make([]byte, 200000), "zip": append([]byte("PK\x03\x04"), make([]byte, 99999)...),
	} {
		out := readAll(t, bytes.NewReader(log), evtx.Options{}, nil)
		if !errors.Is(out.err, evtx.ErrNotEventLog) || out.records > 0 {
			t.Errorf("%s: error %v, %d records", name, out.err, out.records)
		}
	}
	out := readAll(t, bytes.NewReader(evtxtest.File()), evtx.Options{}, nil)
	if out.err != nil || out.records > 0 || len(out.damage) > 0 {
		t.Errorf("an empty log: error %v, %d records, damage %v", out.err, out.records, out.damage)
	}
}

type failing struct {
	log []byte
	err error
}

func (f *failing) Read(p []byte) (int, error) {
	if len(f.log) == 0 {
		return 0, f.err
	}
	n := copy(p, f.log[:min(len(f.log), 1000)])
	f.log = f.log[n:]
	return n, nil
}

// TestReadError proves that an error of the disk ends the reading as an error, after what was read.
func TestReadError(t *testing.T) {
	t.Parallel()
	log, _ := dense(t, 2)
	broken := errors.New("disk")
	out := readAll(t, &failing{log[:evtxtest.FileHeader+evtxtest.ChunkSize+9000], broken}, evtx.Options{}, nil)
	if !errors.Is(out.err, broken) {
		t.Errorf("error %v", out.err)
	}
	if first := promised(log[:evtxtest.FileHeader+evtxtest.ChunkSize]); out.stats.Read < first {
		t.Errorf("read %d, the first chunk has %d", out.stats.Read, first)
	}
}

// TestStopped: who stops at any byte of a file gets whole chunks and hears of no loss.
func TestStopped(t *testing.T) {
	t.Parallel()
	log, _ := dense(t, 2)
	first := promised(log[:evtxtest.FileHeader+evtxtest.ChunkSize])
	for at, want := range map[int]uint64{0: 0, 1000: 0, evtxtest.FileHeader: 0, 30_000: 0, evtxtest.FileHeader + evtxtest.ChunkSize: first, 100_000: first} {
		out := readAll(t, &failing{log[:at], fmt.Errorf("stopped: %w", context.Canceled)}, evtx.Options{}, nil)
		if !errors.Is(out.err, context.Canceled) || out.stats.Read != want || out.stats.Lost != 0 || len(out.damage) > 0 {
			t.Errorf("stopped at %d: %+v, damage %v, %v; want %d records", at, out.stats, out.damage, out.err, want)
		}
	}
}

// TestCarve clears a log the way a ring does: newer records are written over the front of a chunk, and the older
// ones behind them are found only when asked for.
func TestCarve(t *testing.T) {
	t.Parallel()
	in := evtxtest.NewRecord(evtxtest.NewEvent(1), evtxtest.System{EventID: 1102, Record: 1, Channel: "Security"}, evtxtest.Value{})
	old, fresh := evtxtest.NewChunk(), evtxtest.NewChunk()
	id := uint64(1)
	for old.Add(id, start, in) {
		id++
	}
	for id := uint64(1001); id <= 1003; id++ {
		fresh.Add(id, start, in)
	}
	was, is := old.Bytes(), fresh.Bytes()
	used := int(binary.LittleEndian.Uint32(is[48:]))
	log := append(evtxtest.Header(1, 1004), append(is[:used:used], was[used:]...)...)
	plain := readAll(t, bytes.NewReader(log), evtx.Options{}, nil)
	if plain.records != 3 || len(plain.damage) > 0 {
		t.Errorf("%d records, damage %v", plain.records, plain.damage)
	}
	carved := readAll(t, bytes.NewReader(log), evtx.Options{Carve: true}, func(r *evtx.Record) {
		if r.Carved != (r.ID < 1000) || r.EventID != 1102 || r.Channel != "Security" {
			t.Errorf("record %d: carved %t, event %d of %q", r.ID, r.Carved, r.EventID, r.Channel)
		}
	})
	if s := carved.stats; s.Read != 3 || s.Carved < 50 || s.Lost != 0 {
		t.Errorf("%+v, damage %v", s, carved.damage)
	}
	lost := append(evtxtest.Header(1, 1), append(make([]byte, 512), was[512:]...)...)
	copy(lost[evtxtest.FileHeader+512:], "xxxx") // neither a header nor a first record
	if out := readAll(t, bytes.NewReader(lost), evtx.Options{Carve: true}, nil); out.stats.Carved < 50 || len(out.damage) != 1 {
		t.Errorf("a chunk without header: %+v, damage %v", out.stats, out.damage)
	}
}
