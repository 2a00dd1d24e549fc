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

// largestFile is the size of a log that is read; writers begin another one long before.
const largestFile = 2 * FullBytes

// Replay reads a log and calls each for every record of every whole frame, in order. A damaged frame is passed over
// and counted; each may return an error to stop. The records share memory that is not used again. A file that is larger
// than any log is damaged as a whole.
func Replay(fsys disk.FS, name string, each func(*event.Record) error) (Read, error) {
	p := newReplayer()
	if info, err := fsys.Stat(name); err == nil && info.Size() > largestFile {
		p.damage()
		return p.read, nil
	}
	data, err := disk.ReadFile(fsys, name, largestFile)
	if err != nil {
		return Read{}, err
	}
	n := p.head(data)
	if n == 0 {
		return p.read, nil
	}
	_, err = p.frames(data[n:], int64(n), each)
	return p.read, err
}

// replayer reads the frames of one log.
type replayer struct {
	form  form
	chain [sha256.Size]byte
	read  Read
	lost  bool // nothing tells frames from lines any more
}

func newReplayer() *replayer { return &replayer{read: Read{Promoted: len(event.Promoted)}} }

// damage counts something that is not as it was written.
func (p *replayer) damage() { p.read.Damaged, p.read.Broken = p.read.Damaged+1, true }

// head reads the head of a log and gives its length; 0: there is not enough of it, which is fine where there is nothing.
func (p *replayer) head(data []byte) int {
	p.read.Broken = len(data) > 0
	if f, ok := formOf(data); ok {
		p.form, p.chain, p.read.Broken = f, sha256.Sum256(data[:f.head]), false
		p.read.ID, p.read.Day = binary.LittleEndian.Uint64(data[8:]), int32(binary.LittleEndian.Uint32(data[16:]))
		p.read.Promoted = int(binary.LittleEndian.Uint32(data[20:]))
		return f.head
	}
	if len(data) < headSize+frameHead { // not enough to guess by the first frame
		return 0
	}
	p.form = guess(data)
	return p.form.head
}

// frames reads what stands behind the frames that were read before, from a place in the file, and says how many bytes the
// whole frames and what is damaged before them take. What follows is torn, or still being written.
func (p *replayer) frames(data []byte, place int64, each func(*event.Record) error) (used int, err error) {
	if p.lost { // what comes behind it belongs to the same damage
		return len(data), nil
	}
	skipped := false // something that is no frame stands before what is read now
	for at := 0; at < len(data); {
		rest := data[at:]
		frame, size, kind := p.form.cut(rest, place+int64(at))
		if kind == noFrame {
			next, lost := p.form.next(rest)
			if lost {
				p.damage()
				p.lost, used = true, len(data)
			}
			if next == 0 {
				break
			}
			at, skipped = at+next, true
			continue
		}
		if skipped {
			p.damage()
			used, skipped = at, false
		}
		if kind == tornFrame {
			break
		}
		records, err := unpack(frame, p.form.frame)
		if err != nil && at+size == len(data) {
			break
		}
		sum := rest[len(frame):size]
		if chain := link(p.chain, frame); err == nil && !bytes.Equal(chain[:], sum) {
			p.read.Broken = true
		}
		p.chain = [sha256.Size]byte(sum)
		at += size
		used = at
		if err != nil {
			p.damage()
			continue
		}
		for i := range records {
			if err := each(&records[i]); err != nil {
				return used, err
			}
		}
		p.read.Records += len(records)
	}
	p.read.Torn = int64(len(data) - used)
	return used, nil
}

// unpack gives the records of a frame, whose head is so long.
func unpack(frame []byte, long int) ([]event.Record, error) {
	numbers, body := frame[long-20:long], frame[long:]
	if binary.LittleEndian.Uint32(numbers[12:]) != crc32.Checksum(body, castagnoli) {
		return nil, errRecord
	}
	size, count := binary.LittleEndian.Uint32(numbers[4:]), binary.LittleEndian.Uint32(numbers[8:])
	// All but the last record are shorter than FrameBytes together: so a small frame cannot ask for much memory.
	if n, err := s2.DecodedLen(body); err != nil || uint32(n) != size || size > largest || count > FrameBytes/shortest+1 {
		return nil, errRecord
	}
	raw, err := s2.Decode(nil, body)
	if err != nil {
		return nil, errRecord
	}
	records := make([]event.Record, 0, count)
	for len(raw) > 0 {
		var rec event.Record
		if rec, raw, err = ReadRecord(raw); err != nil || len(records) == int(count) {
			return nil, errRecord
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
