package evtx

import (
	"bytes"
	gocontext "context" // here, context is that of a template
	"errors"
	"hash/crc32"
	"io"
	"iter"

	"github.com/kizuki-security/kizuki/evtx/internal/value"
)

const fileHeader = 4096

var fileMagic = []byte("ElfFile\x00")

// ErrNotEventLog is the error of a file in which there is no chunk and no header of an event log.
var ErrNotEventLog = errors.New("evtx: not a Windows event log file")

// Options of a Reader. The zero value reads what the log held when it was written.
type Options struct {
	// Carve looks in the unused space of chunks as well, for records that were cleared or overwritten in part. They
	// have Record.Carved, are in no order, may repeat others, and are not counted as expected or lost.
	Carve bool
	// TrimSpace cuts white space off the end of text values, as some tools do. Windows writes it, for example behind
	// the command line of a program started without arguments, and some rules look for it: the default keeps it.
	TrimSpace bool
}

// Header is what the file header says. It is often older than the chunks, above all when Dirty.
type Header struct {
	FirstChunk, LastChunk uint64
	NextRecord            uint64
	Major, Minor          uint16
	Chunks                uint16
	Dirty                 bool // the log was open when the file was copied
	Full                  bool
	NoChecksums           bool
}

// Stats counts what was met so far. Expected = Read + Lost − Strange, where no header of a chunk lies.
type Stats struct {
	Chunks   int    // with a header or records
	Expected uint64 // records by the headers of the chunks
	Read     uint64 // without those carved
	Lost     uint64
	Strange  uint64 // read or lost, but not promised by the header of their chunk
	Carved   uint64
}

// Reader reads one event log from front to end. It is for one goroutine; several readers may run at once. It holds
// one chunk (64 KiB) and what was compiled from it, never the file.
type Reader struct {
	src     io.Reader
	options Options
	header  Header
	stats   Stats

	started, inside bool
	known           bool // a header of a file or chunk was met
	err             error
	buf             []byte // one chunk
	have            int    // bytes of the next chunk already in buf
	keep            int    // from here to have are bytes of the chunk after this one
	read            int64  // bytes taken from src
	number          int    // of the next chunk
	chunk           chunk
	decoder         decoder
	record          Record
	damage          []*DamageError // to be told, oldest first
}

// NewReader reads an event log from r, for a file best the [*os.File] itself: it is read in pieces of 64 KiB. For an
// [io.ReaderAt] use [io.NewSectionReader]. Nothing is read before the first call of Next.
func NewReader(r io.Reader, o Options) *Reader {
	reader := &Reader{src: r, options: o, buf: make([]byte, chunkSize)}
	reader.decoder.trim = o.TrimSpace
	return reader
}

// Header gives the file header; it is known after the first call of Next.
func (r *Reader) Header() Header { return r.header }

// Stats gives the counts so far; after the last record those of the file.
func (r *Reader) Stats() Stats { return r.stats }

// Records gives all records and damages; see Next. It ends after the last record or the first error that is no
// *DamageError.
func (r *Reader) Records() iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		for {
			record, err := r.Next()
			if errors.Is(err, io.EOF) || !yield(record, err) {
				return
			}
			if _, damage := err.(*DamageError); err != nil && !damage { //nolint:errorlint // Next gives it as it is
				return
			}
		}
	}
}

// Next gives the next record, or an error:
//   - a *DamageError, not wrapped: something is broken there, the next call goes on behind it;
//   - io.EOF after the last record;
//   - ErrNotEventLog at the end of a file that is none;
//   - the error of the underlying reader, again with each further call. What of a chunk came before it is read, unless
//     it is that of a context: who stopped has lost nothing, and finds all records of that chunk when reading again.
func (r *Reader) Next() (*Record, error) {
	if !r.started {
		r.started = true
		r.start()
	}
	for {
		if len(r.damage) > 0 {
			d := r.damage[0]
			r.damage = r.damage[1:]
			return nil, d
		}
		if r.inside {
			if r.nextRecord() {
				return &r.record, nil
			}
			continue
		}
		if r.err != nil && r.have == 0 && r.keep == 0 {
			if errors.Is(r.err, io.EOF) && !r.known {
				r.err = ErrNotEventLog
			}
			return nil, r.err
		}
		r.nextChunk()
	}
}

func (r *Reader) tell(d DamageError) {
	r.stats.Lost += d.Lost
	r.damage = append(r.damage, &d)
}

// fill makes buf hold n bytes if there are as many.
func (r *Reader) fill(n int) {
	if r.have >= n || r.err != nil {
		return
	}
	m, err := io.ReadFull(r.src, r.buf[r.have:n])
	r.have += m
	r.read += int64(m)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		r.err = io.EOF
	case errors.Is(err, gocontext.Canceled), errors.Is(err, gocontext.DeadlineExceeded):
		r.err, r.have = err, 0
	case err != nil:
		r.err = err
	}
}

// start reads the file header. A file that starts with a chunk has none.
func (r *Reader) start() {
	r.fill(fileHeader)
	b := r.buf[:r.have]
	if len(b) == 0 && r.err != nil && !errors.Is(r.err, io.EOF) {
		return
	}
	if bytes.HasPrefix(b, chunkMagic) {
		r.tell(DamageError{Chunk: -1, Reason: NotAnEventLog})
		return
	}
	r.have = 0
	if len(b) < 128 || !bytes.HasPrefix(b, fileMagic) {
		r.tell(DamageError{Chunk: -1, Reason: NotAnEventLog})
		return
	}
	r.known = true
	flags := le.Uint32(b[120:])
	r.header = Header{
		FirstChunk: le.Uint64(b[8:]), LastChunk: le.Uint64(b[16:]), NextRecord: le.Uint64(b[24:]),
		Minor: le.Uint16(b[36:]), Major: le.Uint16(b[38:]), Chunks: le.Uint16(b[42:]),
		Dirty: flags&1 != 0, Full: flags&2 != 0, NoChecksums: flags&4 != 0,
	}
	if !r.header.NoChecksums && crc32.ChecksumIEEE(b[:120]) != le.Uint32(b[124:]) {
		r.tell(DamageError{Chunk: -1, Reason: BadFileHeader})
	}
	if len(b) < fileHeader {
		r.tell(DamageError{Chunk: -1, Offset: int64(len(b)), Reason: Truncated})
	}
}

// nextChunk reads the next 64 KiB and opens what is in there. When a chunk stands elsewhere than it should, because
// bytes are missing or too many, it is found by its mark.
func (r *Reader) nextChunk() {
	if r.keep > 0 {
		r.have = copy(r.buf, r.buf[r.keep:r.have])
		r.keep = 0
	}
	r.fill(chunkSize)
	b := r.buf[:r.have]
	if len(b) == 0 {
		return
	}
	offset := r.read - int64(r.have)
	if bytes.HasPrefix(b, chunkMagic) || looksLikeChunk(b) {
		r.known = true
		r.open(b, offset)
		return
	}
	if next := bytes.Index(b, chunkMagic); next > 0 {
		r.keep = next
		b = b[:next]
	} else {
		r.have = 0
	}
	if len(bytes.TrimLeft(b, "\x00")) > 0 { // chunks made ready and not used yet are all zeros
		r.tell(DamageError{Chunk: r.number, Offset: offset, Reason: NotAChunk})
		r.chunk = chunk{
			buf: b, number: r.number, offset: offset, first: 1, seen: r.chunk.seen[:0], carving: true, headless: true,
		}
		r.decoder.reset(b)
		r.inside = true
	}
	r.number++
}

// looksLikeChunk tells a chunk by the first record, when the mark of the chunk itself is damaged.
func looksLikeChunk(b []byte) bool {
	return len(b) > chunkHeader && bytes.HasPrefix(b[chunkHeader:], recordMagic)
}

func (r *Reader) open(b []byte, offset int64) {
	c := &r.chunk
	c.buf, c.number, c.offset, c.dirty = b, r.number, offset, r.header.Dirty
	wrong := c.open(!r.header.NoChecksums)
	r.have = 0
	// Bytes are missing in this chunk when the next one starts inside it.
	from := c.free
	if len(wrong) > 0 {
		from = min(chunkHeader, len(b))
	}
	if i := bytes.Index(b[from:], chunkMagic); i >= 0 {
		r.have, r.keep = len(b), from+i
		c.buf = b[:r.keep]
		c.free = min(c.free, r.keep)
		wrong = append(wrong, Truncated)
	}
	for _, reason := range wrong {
		r.tell(DamageError{Chunk: r.number, Offset: offset, Reason: reason})
	}
	r.number++
	r.stats.Chunks++
	r.stats.Expected += c.last - c.first + 1
	r.inside = true
	r.decoder.reset(c.buf)
}

// nextRecord decodes the next record of the chunk; false when it is damaged, or when there was none.
func (r *Reader) nextRecord() bool {
	c := &r.chunk
	f, ok := c.more(r.options.Carve || c.carving)
	if !ok {
		r.closeChunk()
		return false
	}
	offset := c.offset + int64(f.pos)
	lost := DamageError{Chunk: c.number, Record: f.id, Lost: 1, Offset: offset, Reason: f.lost}
	if f.lost != "" {
		c.seen, c.doubt = append(c.seen, f.id), true
		if c.headless {
			r.stats.Strange++
		}
		r.tell(lost)
		return false
	}
	c.pos = f.pos + f.size
	rec := &r.record
	rec.ID, rec.Written, rec.Chunk, rec.Offset, rec.Carved = f.id, value.Time(f.time), c.number, offset, c.carving
	rec.start, rec.end = f.pos+recordHeader, f.pos+f.size-4
	err := r.decoder.fill(rec)
	if !c.carving {
		return r.account(f, offset, err)
	}
	if err == nil {
		r.stats.Carved++
		return true
	}
	c.pos = f.pos + 4 // it may hide another
	if c.headless {
		r.stats.Strange++
		lost.Reason = reasonOf(err)
		r.tell(lost)
	}
	return false
}

// account compares a record with what the header of its chunk promised.
func (r *Reader) account(f frame, offset int64, err error) bool {
	c := &r.chunk
	told := DamageError{Chunk: c.number, Record: f.id, Offset: offset}
	c.doubt = c.doubt || f.id != c.next
	if (c.doubt || f.id < c.first || f.id > c.last) && !c.expects(f.id) {
		r.stats.Strange++
		told.Reason = StrangeRecordID
		r.tell(told)
	}
	c.next = f.id + 1
	c.seen = append(c.seen, f.id)
	if f.note != "" {
		told.Reason = f.note
		r.tell(told)
	}
	if err != nil {
		told.Lost = 1
		told.Reason = reasonOf(err)
		r.tell(told)
		return false
	}
	r.stats.Read++
	return true
}

func (r *Reader) closeChunk() {
	c := &r.chunk
	r.inside = false
	reason := MissingRecords
	if len(c.buf) < chunkSize {
		reason = Truncated
	}
	c.missing(func(first, count uint64) {
		r.tell(DamageError{Chunk: c.number, Record: first, Lost: count, Offset: c.offset, Reason: reason})
	})
}
