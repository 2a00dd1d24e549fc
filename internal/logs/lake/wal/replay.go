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
	p := newReplayer()
	p.read.Broken = !p.head(data)
	if len(data) < headSize {
		return p.read, nil
	}
	_, err = p.frames(data[headSize:], each)
	return p.read, err
}

// replayer reads the frames of one log.
type replayer struct {
	chain [sha256.Size]byte
	read  Read
}

func newReplayer() *replayer { return &replayer{read: Read{Promoted: len(event.Promoted)}} }

// head reads the head of a log and says whether it is whole; an empty log has none yet, and that is fine.
func (p *replayer) head(data []byte) bool {
	if len(data) < headSize {
		return len(data) == 0
	}
	head := data[:headSize]
	p.chain = sha256.Sum256(head)
	if !bytes.Equal(head[:8], magic[:]) || binary.LittleEndian.Uint32(head[24:]) != crc32.Checksum(head[:24], castagnoli) {
		return false
	}
	p.read.ID, p.read.Day = binary.LittleEndian.Uint64(head[8:]), int32(binary.LittleEndian.Uint32(head[16:]))
	p.read.Promoted = int(binary.LittleEndian.Uint32(head[20:]))
	return true
}

// frames reads what stands behind the frames that were read before, and says how many bytes the whole frames and what
// is damaged before them take. What follows is torn, or still being written.
func (p *replayer) frames(data []byte, each func(*event.Record) error) (used int, err error) {
	r := &p.read
	skipped := false // something that is no frame stands before what is read now
	for at := 0; at < len(data); {
		rest := data[at:]
		frame, size := cutFrame(rest)
		if size == 0 {
			next := bytes.Index(rest[1:], frameMagic[:])
			if next < 0 {
				break
			}
			at, skipped = at+next+1, true
			continue
		}
		records, err := unpack(frame, frame[frameHead:])
		if err != nil && at+size == len(data) {
			break
		}
		if skipped { // not before: what is torn is read again when the log has grown
			r.Damaged, r.Broken, skipped = r.Damaged+1, true, false
		}
		sum := rest[len(frame):size]
		if chain := link(p.chain, frame); err == nil && !bytes.Equal(chain[:], sum) {
			r.Broken = true
		}
		p.chain = [sha256.Size]byte(sum)
		at += size
		used = at
		if err != nil {
			r.Damaged, r.Broken = r.Damaged+1, true
			continue
		}
		for i := range records {
			if err := each(&records[i]); err != nil {
				return used, err
			}
		}
		r.Records += len(records)
	}
	r.Torn = int64(len(data) - used)
	return used, nil
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
	if n, err := s2.DecodedLen(body); err != nil || uint32(n) != size || size > largest || count > size/leastRecord {
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
