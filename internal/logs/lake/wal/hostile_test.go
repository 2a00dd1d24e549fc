package wal_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk/disktest"
	"github.com/kizuki-security/kizuki/internal/logs/lake/wal"
)

var (
	testMark   = wal.Mark{7, 1, 9, 0xee, 4}
	beforeMark = []byte("KZFR")
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// logOf is a log with a frame for each record, and the places where the frames end.
func logOf(t *testing.T, mark wal.Mark, records ...event.Record) (data []byte, ends []int) {
	t.Helper()
	dir := t.TempDir()
	name := filepath.Join(dir, "1.wal")
	w, err := wal.Create(disk.OS{}, dir, name, 1, 20780, mark)
	if err != nil {
		t.Fatal(err)
	}
	ends = append(ends, int(w.Size()))
	for i := range records {
		if err := w.Write(records[i : i+1]); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, int(w.Size()))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if data, err = os.ReadFile(name); err != nil {
		t.Fatal(err)
	}
	return data, ends
}

// sum puts the CRC of what stands before behind a head.
func sum(head []byte) []byte {
	return binary.LittleEndian.AppendUint32(head, crc32.Checksum(head, castagnoli))
}

// frameOf is a frame as anybody can make it; of version 2 where before is set. size and count are what it says of itself.
func frameOf(before bool, mark wal.Mark, place uint64, body []byte, size, count uint32) []byte {
	head := binary.LittleEndian.AppendUint64(bytes.Clone(mark[:]), place)
	if before {
		head = bytes.Clone(beforeMark)
	}
	for _, n := range []uint32{uint32(len(body)), size, count, crc32.Checksum(body, castagnoli)} {
		head = binary.LittleEndian.AppendUint32(head, n)
	}
	frame := append(sum(head), body...)
	hash := sha256.Sum256(append(make([]byte, 32), frame...))
	return append(frame, hash[:]...)
}

func beforeHead() []byte {
	head := binary.LittleEndian.AppendUint64([]byte("KZWAL\x00\x00\x02"), 1)
	return sum(binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(head, 20780), 40))
}

func recordOf(seq uint64, raw string) event.Record {
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	return event.Record{Source: "fw", Seq: seq, Time: at, Received: at, Format: event.Raw, Raw: []byte(raw)}
}

func replayed(t *testing.T, data []byte) (seqs []uint64, read wal.Read) {
	t.Helper()
	read, err := wal.Replay(disktest.With(map[string][]byte{logName: data}), logName, func(r *event.Record) error {
		if r.Source != "fw" {
			t.Fatalf("a line was read as a record of %q with number %d", r.Source, r.Seq)
		}
		seqs = append(seqs, r.Seq)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return seqs, read
}

// hostileLine holds frames of all kinds that somebody can send, between bytes that cannot be packed.
func hostileLine(t *testing.T, frames ...[]byte) string {
	t.Helper()
	r := rand.New(rand.NewPCG(5, 8))
	noise := func() string {
		b := make([]byte, 3000)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return string(b)
	}
	var line strings.Builder
	for _, f := range frames {
		line.WriteString(noise())
		line.Write(f)
	}
	return line.String() + noise()
}

func forged() []event.Record {
	r := recordOf(math.MaxUint64-1, "nothing happened")
	r.Source = "windows.security"
	return []event.Record{r}
}

// What stands in a line is never read as records: not where the log is cut in the line, not while it is written, not where
// the head of the frame around it is damaged, and not where the line is a copy of its own log.
func TestLineIsNoFrame(t *testing.T) {
	t.Parallel()
	first, last := recordOf(1, "one"), recordOf(3, "three")
	raw := wal.AppendRecord(nil, &forged()[0])
	body := s2.Encode(nil, raw)
	copied, _ := logOf(t, testMark, forged()...) // of this very log, but for the place of the frames
	line := hostileLine(t,
		frameOf(true, wal.Mark{}, 0, body, uint32(len(raw)), 1),
		frameOf(false, wal.Mark{8}, 44, body, uint32(len(raw)), 1),
		copied, copied[44:])
	data, ends := logOf(t, testMark, first, recordOf(2, line), last)
	for _, f := range [][]byte{copied[44:], frameOf(true, wal.Mark{}, 0, body, uint32(len(raw)), 1)} {
		if !bytes.Contains(data[ends[1]:ends[2]], f) {
			t.Fatal("the line does not stand in the log as it is: nothing is tested")
		}
	}
	for cut := ends[1]; cut < ends[2]; cut += 1 + (cut-ends[1])/40 {
		seqs, read := replayed(t, data[:cut])
		if len(seqs) != 1 || read.Damaged != 0 || read.Torn != int64(cut-ends[1]) {
			t.Fatalf("cut at %d: %v %+v", cut, seqs, read)
		}
	}
	for at := ends[1]; at < ends[2]; at += 1 + (at-ends[1])/100 {
		damaged := bytes.Clone(data)
		damaged[at] ^= 0x40
		seqs, read := replayed(t, damaged)
		want := 2
		if at >= ends[2]-sha256.Size { // only the chain is broken
			want = 3
		}
		if len(seqs) != want || seqs[want-1] != 3 || !read.Broken || want == 2 && read.Damaged != 1 {
			t.Fatalf("byte %d: %v %+v", at, seqs, read)
		}
		if seqs, _ := replayed(t, damaged[:ends[2]-1]); len(seqs) != 1 {
			t.Fatalf("byte %d and cut: %v", at, seqs)
		}
	}
}

// A follower looks at every state of a log that grows, and sees each record once.
func TestFollowNoFrameInLine(t *testing.T) {
	t.Parallel()
	raw := wal.AppendRecord(nil, &forged()[0])
	line := hostileLine(t, frameOf(true, wal.Mark{}, 0, s2.Encode(nil, raw), uint32(len(raw)), 1))
	data, _ := logOf(t, testMark, recordOf(1, "one"), recordOf(2, line), recordOf(3, "three"))
	name := filepath.Join(t.TempDir(), "1.wal")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	log, err := wal.Follow(disk.OS{}, name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	var seqs []uint64
	for at := 0; at < len(data); {
		n := min(23, len(data)-at)
		if _, err := f.Write(data[at : at+n]); err != nil {
			t.Fatal(err)
		}
		at += n
		err := log.More(func(r *event.Record) error {
			if r.Source != "fw" {
				t.Fatalf("at byte %d a line was read as a record of %q", at, r.Source)
			}
			seqs = append(seqs, r.Seq)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if read := log.Read(); len(seqs) != 3 || seqs[2] != 3 || read.Damaged != 0 || read.Broken || read.Torn != 0 {
		t.Errorf("%v %+v", seqs, read)
	}
}

// A log of version 2 is read; in it nothing tells a frame from a line, so that behind a damaged head nothing is looked for.
func TestBefore(t *testing.T) {
	t.Parallel()
	frame := func(r event.Record) []byte {
		raw := wal.AppendRecord(nil, &r)
		return frameOf(true, wal.Mark{}, 0, s2.Encode(nil, raw), uint32(len(raw)), 1)
	}
	line := frame(recordOf(2, hostileLine(t, frame(forged()[0]))))
	one := append(beforeHead(), frame(recordOf(1, "one"))...)
	data := append(append(bytes.Clone(one), line...), frame(recordOf(3, "three"))...)
	seqs, read := replayed(t, data)
	if len(seqs) != 3 || read.ID != 1 || read.Day != 20780 || read.Promoted != 40 || read.Damaged != 0 || read.Torn != 0 {
		t.Errorf("%v %+v", seqs, read)
	}
	for cut := len(one); cut < len(one)+len(line); cut += 97 {
		if seqs, read := replayed(t, data[:cut]); len(seqs) != 1 || read.Torn != int64(cut-len(one)) {
			t.Fatalf("cut at %d: %v %+v", cut, seqs, read)
		}
	}
	damaged := bytes.Clone(data)
	damaged[len(one)+6] ^= 1
	if seqs, read := replayed(t, damaged); len(seqs) != 1 || read.Damaged != 1 || !read.Broken {
		t.Errorf("behind a damaged head: %v %+v", seqs, read)
	}
	damaged = bytes.Clone(data)
	damaged[3] ^= 1
	if seqs, read := replayed(t, damaged); len(seqs) != 3 || !read.Broken {
		t.Errorf("without a head: %v %+v", seqs, read)
	}
}

// A log whose own head is damaged is known by its first frame; without that nothing of it is read, and it is named.
func TestHeadDamaged(t *testing.T) {
	t.Parallel()
	data, ends := logOf(t, testMark, recordOf(1, "one"), recordOf(2, "two"))
	for at := range ends[0] {
		damaged := bytes.Clone(data)
		damaged[at] ^= 4
		if seqs, read := replayed(t, damaged); len(seqs) != 2 || !read.Broken || read.Promoted != len(event.Promoted) {
			t.Fatalf("byte %d: %v %+v", at, seqs, read)
		}
	}
	damaged := bytes.Clone(data)
	clear(damaged[:ends[1]-40])
	if seqs, read := replayed(t, damaged); len(seqs) != 0 || read.Damaged != 1 || !read.Broken {
		t.Errorf("%v %+v", seqs, read)
	}
	if _, read := replayed(t, make([]byte, ends[0])); read.Damaged != 0 { // a stop while it was made
		t.Errorf("%+v", read)
	}
}

// Frames that somebody made to take memory take none, and a file that is too large for a log is damaged.
func TestFrameTakesNoMemory(t *testing.T) { //nolint:paralleltest // it measures memory
	head, _ := logOf(t, testMark)
	bodies := map[string][]byte{
		"many records": frameOf(false, testMark, uint64(len(head)), s2.Encode(nil, make([]byte, 100)), 100, 1<<30),
		"many bytes": frameOf(false, testMark, uint64(len(head)),
			binary.AppendUvarint(nil, 1<<30), 1<<30, 1),
		"many small records": frameOf(false, testMark, uint64(len(head)), s2.Encode(nil, make([]byte, 30<<20)), 30<<20, 14_000),
	}
	for name, frame := range bodies {
		var begin, end runtime.MemStats
		runtime.ReadMemStats(&begin)
		seqs, read := replayed(t, append(append(bytes.Clone(head), frame...), frame...))
		runtime.ReadMemStats(&end)
		if n := end.TotalAlloc - begin.TotalAlloc; n > 96<<20 || len(seqs) != 0 || read.Damaged == 0 {
			t.Errorf("%s: %d bytes of memory, %v %+v", name, n, seqs, read)
		}
	}
	name := filepath.Join(t.TempDir(), "1.wal")
	if err := os.WriteFile(name, head, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, 3*wal.FullBytes); err != nil { // takes no room
		t.Fatal(err)
	}
	if read, err := wal.Replay(disk.OS{}, name, nil); err != nil || read.Damaged != 1 || !read.Broken {
		t.Errorf("%+v %v", read, err)
	}
	log, err := wal.Follow(disk.OS{}, name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	if err := log.More(nil); err != nil || log.Read().Damaged != 1 {
		t.Errorf("%+v %v", log.Read(), err)
	}
}
