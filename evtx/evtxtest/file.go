package evtxtest

import (
	"hash/crc32"
	"io"
	"maps"
	"time"
)

// Sizes of the parts of a file, in bytes.
const (
	ChunkSize  = 1 << 16
	FileHeader = 4096
)

// Chunk is one chunk being written.
type Chunk struct {
	w           writer
	first, last uint64
	lastOffset  uint32
}

// NewChunk starts a chunk.
func NewChunk() *Chunk {
	return &Chunk{w: writer{
		buf:       make([]byte, 512, ChunkSize),
		names:     make(map[string]uint32),
		templates: make(map[*Template]uint32),
	}}
}

// Add writes a record. It gives false, and writes nothing, when the chunk has no room left.
func (c *Chunk) Add(id uint64, at time.Time, in Instance) bool {
	return c.add(id, at, func() { c.w.instance(in) })
}

// AddRaw writes a record with any bytes where its binary XML should be.
func (c *Chunk) AddRaw(id uint64, at time.Time, binxml []byte) bool {
	return c.add(id, at, func() { c.w.buf = append(c.w.buf, binxml...) })
}

func (c *Chunk) add(id uint64, at time.Time, write func()) bool {
	w := &c.w
	from := len(w.buf)
	names, templates := maps.Clone(w.names), maps.Clone(w.templates)
	w.buf = append(w.buf, '*', '*', 0, 0, 0, 0, 0, 0)
	w.buf = le.AppendUint64(w.buf, id)
	w.buf = le.AppendUint64(w.buf, Ticks(at))
	write()
	for len(w.buf)%4 != 0 {
		w.buf = append(w.buf, 0)
	}
	size := uint32(len(w.buf) - from + 4)
	w.u32(size)
	if len(w.buf) > ChunkSize {
		w.buf, w.names, w.templates = w.buf[:from], names, templates
		return false
	}
	le.PutUint32(w.buf[from+4:], size)
	if c.first == 0 {
		c.first = id
	}
	c.last = id
	c.lastOffset = uint32(from)
	return true
}

// Bytes gives the whole chunk with its header and checksums.
func (c *Chunk) Bytes() []byte {
	b := make([]byte, ChunkSize)
	copy(b, c.w.buf)
	copy(b, "ElfChnk\x00")
	first, last := c.first, c.last
	if first == 0 {
		first, last = 0xffffffffffffffff, 0xffffffffffffffff
	}
	for i, v := range [4]uint64{first, last, first, last} {
		le.PutUint64(b[8+8*i:], v)
	}
	le.PutUint32(b[40:], 128)
	le.PutUint32(b[44:], c.lastOffset)
	le.PutUint32(b[48:], uint32(len(c.w.buf)))
	Seal(b)
	return b
}

// Seal makes the checksums of a chunk right again after a test changed it.
func Seal(b []byte) {
	free := min(max(int(le.Uint32(b[48:])), 512), ChunkSize)
	le.PutUint32(b[52:], crc32.ChecksumIEEE(b[512:free]))
	le.PutUint32(b[124:], crc32.Update(crc32.ChecksumIEEE(b[:120]), crc32.IEEETable, b[128:512]))
}

// Header gives a file header.
func Header(chunks int, nextRecord uint64) []byte {
	b := make([]byte, FileHeader)
	copy(b, "ElfFile\x00")
	le.PutUint64(b[16:], uint64(max(chunks-1, 0)))
	le.PutUint64(b[24:], nextRecord)
	le.PutUint32(b[32:], 128)
	le.PutUint16(b[36:], 1)
	le.PutUint16(b[38:], 3)
	le.PutUint16(b[40:], FileHeader)
	le.PutUint16(b[42:], uint16(chunks))
	le.PutUint32(b[124:], crc32.ChecksumIEEE(b[:120]))
	return b
}

// File gives a file of chunks.
func File(chunks ...*Chunk) []byte {
	next := uint64(1)
	for _, c := range chunks {
		next = max(next, c.last+1)
	}
	b := Header(len(chunks), next)
	for _, c := range chunks {
		b = append(b, c.Bytes()...)
	}
	return b
}

// Dense writes a file of full chunks, as a busy server makes them: process starts as Sysmon tells them (about 1.1 kB
// each) and logons as the Security log does. The same arguments write the same bytes.
func Dense(w io.Writer, chunks int, start time.Time) (records uint64, err error) {
	// How many records fit is known after writing, but the header comes first: chunks are written twice.
	next := uint64(1)
	for range chunks {
		_, next = denseChunk(next, start)
	}
	if _, err = w.Write(Header(chunks, next)); err != nil {
		return 0, err
	}
	next = 1
	for range chunks {
		var c *Chunk
		c, next = denseChunk(next, start)
		if _, err = w.Write(c.Bytes()); err != nil {
			return 0, err
		}
	}
	return next - 1, nil
}

func denseChunk(next uint64, start time.Time) (*Chunk, uint64) {
	c := NewChunk()
	for {
		at := start.Add(time.Duration(next) * 1234567 * time.Microsecond)
		in := processStart(next, at)
		if next%3 == 0 {
			in = logon(next, at)
		}
		if !c.Add(next, at, in) {
			return c, next
		}
		next++
	}
}
