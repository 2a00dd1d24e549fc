package wal

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"path/filepath"

	"github.com/klauspost/compress/s2"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
)

// Read is what a log told.
type Read struct {
	ID  uint64
	Day int32
	// Promoted is how many of event.Promoted had columns when the log was written; all, where its head is damaged.
	Promoted int
	Records  int
	Torn     int64 // bytes behind the last whole frame: a write that a stop cut short, never acknowledged
	Damaged  int   // frames or stretches that were not as written, with whole frames behind them: acknowledged records
	Broken   bool  // the chain does not hold, or the head is damaged
}

// largestFile is the size of a log that is read; one segment is far smaller.
const largestFile = 4 << 30

// Replay reads a log and calls each for every record of every whole frame, in order. A damaged frame is passed over
// and counted; each may return an error to stop. The records share memory that is not used again.
func Replay(fsys disk.FS, name string, each func(*event.Record) error) (Read, error) {
	data, err := disk.ReadFile(fsys, name, largestFile)
	if err != nil {
		return Read{}, err
	}
	r := Read{Promoted: len(event.Promoted)}
	chain, rest, ok := r.head(data)
	r.Broken = !ok
	skipped := false // something that is no frame stands before what is read now
	for len(rest) > 0 {
		frame, size := cutFrame(rest)
		if size == 0 {
			next := bytes.Index(rest[1:], frameMagic[:])
			if next < 0 {
				r.Torn += int64(len(rest))
				break
			}
			r.Torn += int64(next + 1)
			rest, skipped = rest[next+1:], true
			continue
		}
		if r.Torn > 0 || skipped {
			r.Damaged, r.Torn, skipped, r.Broken = r.Damaged+1, 0, false, true
		}
		body, sum := frame[frameHead:], rest[len(frame):size]
		rest = rest[size:]
		last := len(rest) == 0
		records, err := unpack(frame, body)
		chain = link(chain, frame)
		if err == nil && !bytes.Equal(chain[:], sum) {
			r.Broken = true
		}
		chain = [sha256.Size]byte(sum)
		if err != nil {
			if last {
				r.Torn += int64(size)
				break
			}
			r.Damaged, r.Broken = r.Damaged+1, true
			continue
		}
		for i := range records {
			if err := each(&records[i]); err != nil {
				return r, err
			}
		}
		r.Records += len(records)
	}
	return r, nil
}

func (r *Read) head(data []byte) (chain [sha256.Size]byte, rest []byte, ok bool) {
	if len(data) < headSize {
		return chain, nil, len(data) == 0
	}
	head := data[:headSize]
	ok = bytes.Equal(head[:8], magic[:]) && binary.LittleEndian.Uint32(head[24:]) == crc32.Checksum(head[:24], castagnoli)
	if ok {
		r.ID, r.Day = binary.LittleEndian.Uint64(head[8:]), int32(binary.LittleEndian.Uint32(head[16:]))
		r.Promoted = int(binary.LittleEndian.Uint32(head[20:]))
	}
	return sha256.Sum256(head), data[headSize:], ok
}

// cutFrame returns the head and body at the start of data, and the size of the frame with its hash; 0: no frame.
func cutFrame(data []byte) (frame []byte, size int) {
	if len(data) < frameHead+sha256.Size || !bytes.Equal(data[:4], frameMagic[:]) ||
		binary.LittleEndian.Uint32(data[20:]) != crc32.Checksum(data[:20], castagnoli) {
		return nil, 0
	}
	body := int64(binary.LittleEndian.Uint32(data[4:]))
	whole := frameHead + body + sha256.Size
	if body > largest || whole > int64(len(data)) {
		return nil, 0
	}
	return data[:frameHead+body], int(whole)
}

// unpack gives the records of a frame.
func unpack(head, body []byte) ([]event.Record, error) {
	if binary.LittleEndian.Uint32(head[16:]) != crc32.Checksum(body, castagnoli) {
		return nil, errRecord
	}
	size, count := binary.LittleEndian.Uint32(head[8:]), binary.LittleEndian.Uint32(head[12:])
	if n, err := s2.DecodedLen(body); err != nil || uint32(n) != size || size > largest || count > size {
		return nil, errRecord
	}
	raw, err := s2.Decode(nil, body)
	if err != nil {
		return nil, errRecord
	}
	records := make([]event.Record, 0, count)
	for len(raw) > 0 {
		var rec event.Record
		if rec, raw, err = ReadRecord(raw); err != nil {
			return nil, err
		}
		records = append(records, rec)
	}
	if len(records) != int(count) {
		return nil, errRecord
	}
	return records, nil
}

// Damaged is the ending of a log that was not as written; it is kept aside when its records are sealed.
const Damaged = ".damaged"

// SetAside renames a damaged log so that no start reads it again and somebody can look at it.
func SetAside(fsys disk.FS, name string) error {
	if err := fsys.Rename(name, name+Damaged); err != nil {
		return err
	}
	return fsys.SyncDir(filepath.Dir(name))
}
