package evtx

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"slices"
)

const (
	chunkSize    = 1 << 16
	chunkHeader  = 512
	recordHeader = 24                 // mark, size (4), identifier (8), time (8)
	smallest     = recordHeader + 4   // and the size again
	mostRecords  = chunkSize / 32     // more a chunk cannot hold
	noRecord     = 0xffffffffffffffff // first and last of a chunk without records
)

var le = binary.LittleEndian

var (
	chunkMagic  = []byte("ElfChnk\x00")
	recordMagic = []byte("**\x00\x00")
)

// chunk walks the records of one chunk.
type chunk struct {
	buf    []byte // what is there of it
	number int
	offset int64 // in the file

	first, last uint64 // identifiers by the header; first > last: none
	free        int    // where the header says that records end
	pos         int    // of the next record
	next        uint64 // identifier that the next record should have
	seen        []uint64
	doubt       bool // identifiers did not come one after the other: each is looked for among those seen
	carving     bool // what comes now is not promised by a header
	headless    bool // there is no header at all
	dirty       bool // the file was open when it was copied: headers may be older than records
}

// open reads the header and gives what is wrong with it.
func (c *chunk) open(checksums bool) (wrong []Reason) {
	c.pos, c.free, c.next, c.seen, c.carving, c.headless = chunkHeader, len(c.buf), 0, c.seen[:0], false, false
	c.doubt = false
	c.first, c.last = 1, 0
	if len(c.buf) < chunkHeader {
		c.pos = len(c.buf)
		return []Reason{Truncated}
	}
	if !bytes.HasPrefix(c.buf, chunkMagic) {
		wrong = append(wrong, BadChunkMagic)
	}
	if checksums {
		sum := crc32.Update(crc32.ChecksumIEEE(c.buf[:120]), crc32.IEEETable, c.buf[128:chunkHeader])
		if sum != le.Uint32(c.buf[124:]) {
			wrong = append(wrong, BadChunkHeader)
		}
	}
	if len(c.buf) < chunkSize {
		wrong = append(wrong, Truncated)
	}
	c.first, c.last = le.Uint64(c.buf[24:]), le.Uint64(c.buf[32:])
	free := int64(le.Uint32(c.buf[48:]))
	lies := free < chunkHeader || free > chunkSize
	switch {
	case c.first == noRecord && c.last == noRecord, c.first == c.last+1:
		c.first, c.last = 1, 0
	case c.first > c.last || c.last-c.first >= mostRecords:
		c.first, c.last = 1, 0
		lies = true
	}
	if lies {
		return append(wrong, LyingChunkHeader)
	}
	c.free = min(int(free), len(c.buf))
	c.next = c.first
	if checksums && len(c.buf) == chunkSize && crc32.ChecksumIEEE(c.buf[chunkHeader:c.free]) != le.Uint32(c.buf[52:]) {
		wrong = append(wrong, BadChunkData)
	}
	return wrong
}

// record is the frame of one record in a chunk.
type frame struct {
	id   uint64
	time uint64
	pos  int
	size int
	// lost is why it cannot be read, note what is odd although it can.
	lost, note Reason
}

// frameAt reads the header of a record; ok is false when none starts at pos. A record whose size is not repeated at
// its end is only believed when another record, or the end of all records, follows it.
func (c *chunk) frameAt(pos int) (f frame, ok bool) {
	b := c.buf[pos:]
	if len(b) < smallest || !bytes.HasPrefix(b, recordMagic) {
		return f, false
	}
	f = frame{id: le.Uint64(b[8:]), time: le.Uint64(b[16:]), pos: pos}
	size := int64(le.Uint32(b[4:]))
	if size < smallest || size > int64(len(b)) {
		f.lost, f.size = BadRecordHeader, smallest
		return f, true
	}
	f.size = int(size)
	if le.Uint32(b[size-4:]) != uint32(size) {
		f.note = BadRecordSize
		if after := pos + f.size; after != c.free && !bytes.HasPrefix(c.buf[after:], recordMagic) {
			f.lost, f.size = BadRecordSize, smallest
		}
	}
	return f, true
}

// more gives the next record, reading on behind damage; false at the end of the chunk.
func (c *chunk) more(carve bool) (f frame, ok bool) {
	for !c.carving && c.pos < c.free {
		if f, ok = c.frameAt(c.pos); ok && f.lost == "" {
			return f, true
		}
		// Damaged: the next whole record is looked for; a mark inside text is no record.
		from := c.pos
		c.pos = c.find(c.pos+4, c.free)
		if ok && c.expects(f.id) {
			f.size = 0
			return f, true
		}
		f = frame{pos: from}
	}
	if c.dirty && !c.carving {
		if f, ok = c.frameAt(min(c.pos, len(c.buf))); ok && f.lost == "" && f.note == "" && f.id == c.next && c.next != 0 {
			c.free = f.pos + f.size
			return f, true
		}
	}
	if !carve {
		return f, false
	}
	c.carving = true
	for c.pos < len(c.buf) {
		if f, ok = c.frameAt(c.pos); ok && c.carvable(f) {
			if f.lost != "" {
				c.pos = c.find(c.pos+1, len(c.buf))
			}
			return f, true
		}
		c.pos = c.find(c.pos+1, len(c.buf))
	}
	return f, false
}

// carvable tells whether a mark met by searching is a record: marks stand in texts as well. Where there is no header
// to name what is missing, a record of which the end is gone counts too, as lost.
func (c *chunk) carvable(f frame) bool {
	return f.lost == "" && f.note == "" || c.headless && f.lost == BadRecordSize
}

// find gives the next place before end where a record starts, or end.
func (c *chunk) find(pos, end int) int {
	for pos < end {
		i := bytes.Index(c.buf[pos:end], recordMagic)
		if i < 0 {
			return end
		}
		if f, ok := c.frameAt(pos + i); ok && c.carvable(f) {
			return pos + i
		}
		pos += i + 1
	}
	return end
}

// expects tells whether the header promises this record and it was not met yet.
func (c *chunk) expects(id uint64) bool {
	return id >= c.first && id <= c.last && !slices.Contains(c.seen, id)
}

// missing gives the identifiers that the header promises and that were not met, as ranges.
func (c *chunk) missing(yield func(first, count uint64)) {
	if c.first > c.last {
		return
	}
	slices.Sort(c.seen)
	next := c.first
	for _, id := range c.seen {
		if id > c.last {
			break
		}
		if id > next {
			yield(next, id-next)
		}
		if id >= next {
			next = id + 1
		}
	}
	if next <= c.last {
		yield(next, c.last-next+1)
	}
}
