package scan

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"os"
	"strings"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Limits bound what a hostile file can cost. Zero stands for the default.
type Limits struct {
	Depth  int   // archives in archives; 3
	Ratio  int64 // how many times its size a file may unpack to; 400
	Free   int64 // bytes that may be unpacked whatever the ratio; 64 MiB
	Spool  int64 // bytes of a zip inside another archive, which goes to a temporary file; 1 GiB
	Object int   // bytes of one JSON object; 16 MiB
}

func (l Limits) orDefault() Limits {
	or := func(v *int64, standard int64) {
		if *v <= 0 {
			*v = standard
		}
	}
	or(&l.Ratio, 400)
	or(&l.Free, 64<<20)
	or(&l.Spool, 1<<30)
	if l.Depth <= 0 {
		l.Depth = 3
	}
	if l.Object <= 0 {
		l.Object = 16 << 20
	}
	return l
}

// shape is what the content of a file is.
type shape uint8

const (
	eventLog shape = iota
	jsonText
	plainText // only where lines of any kind are wanted, see opener.plain
)

// content is one file, or one member of an archive, unpacked.
type content struct {
	name  string // archive.zip/member.evtx
	shape shape
	r     *bufio.Reader
	wide  bool // it was UTF-16 and comes as UTF-8
	bare  bool // its bytes are those of the file on disk
}

// opener reads one file through all its archives.
type opener struct {
	ctx     context.Context //nolint:containedctx // lives as long as one call of open
	limits  Limits
	input   *atomic.Int64                     // bytes read of files, for progress
	visit   func(content) error               // an error ends the whole scan
	refused func(name string, err *FileError) // goes on behind it
	in, out int64                             // bytes read of this file, and unpacked from it
	told    bool                              // visit or refused was called
	plain   bool                              // text of any kind is content, too
}

// stop marks an error of visit on its way up through the readers.
type stop struct{ err error }

func (s *stop) Error() string { return s.err.Error() }
func (s *stop) Unwrap() error { return s.err }

// isStop says whether reading was stopped, and not the text broken.
func isStop(err error) bool {
	_, ok := errors.AsType[*stop](err)
	return ok
}

const (
	readAhead = 64 << 10
	zstdFrame = "\x28\xb5\x2f\xfd"
	evtxFile  = "ElfFile\x00"
	evtxChunk = "ElfChnk\x00"
)

// open reads a file. What cannot be read goes to refused; the error is that of visit or of the context.
func (o *opener) open(path string) error {
	f, err := os.Open(path) //nolint:gosec // the person names the file
	if err != nil {
		o.refused(path, &FileError{Unreadable, err})
		return nil
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil {
		o.refused(path, &FileError{Unreadable, err})
		return nil
	}
	// What is appended while it is read belongs to the next scan: a log in use must not keep this one busy for ever.
	whole := io.NewSectionReader(f, 0, info.Size())
	head := make([]byte, 4)
	if n, _ := whole.ReadAt(head, 0); isZip(head[:n]) {
		err = o.zip(path, &counted{o: o, at: whole}, info.Size(), 0)
	} else {
		err = o.stream(path, &counted{o: o, r: whole}, 0)
	}
	if stopped, ok := errors.AsType[*stop](err); ok {
		return stopped.err
	}
	if err != nil {
		o.refused(path, fileError(Unreadable, err))
	}
	return nil
}

func isZip(head []byte) bool {
	return bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte("PK\x05\x06"))
}

// stream looks at what r holds and goes into it.
func (o *opener) stream(name string, source io.Reader, depth int) error {
	r := bufio.NewReaderSize(source, readAhead)
	head, err := r.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) && len(head) == 0 {
		return err // with something before it, the error comes again behind what can be read
	}
	packed := bytes.HasPrefix(head, []byte("\x1f\x8b")) || bytes.HasPrefix(head, []byte(zstdFrame)) || isZip(head)
	if packed && depth >= o.limits.Depth {
		return &FileError{Reason: TooDeep}
	}
	switch {
	case len(head) == 0:
		return &FileError{Reason: Empty}
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		z, err := gzip.NewReader(r)
		if err != nil {
			return damaged(err)
		}
		return o.stream(name, &unpacked{o, z}, depth+1)
	case bytes.HasPrefix(head, []byte(zstdFrame)):
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(32<<20), zstd.WithDecoderLowmem(true))
		if err != nil {
			return damaged(err)
		}
		defer z.Close()
		return o.stream(name, &unpacked{o, z}, depth+1)
	case isZip(head):
		return o.spool(name, r, depth)
	}
	wide := bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) // PowerShell writes so
	if wide {
		var decoder transform.Transformer = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder()
		if o.plain {
			decoder = &exact{}
		}
		r = bufio.NewReaderSize(transform.NewReader(r, decoder), readAhead)
		if head, err = r.Peek(512); err != nil && !errors.Is(err, io.EOF) && len(head) == 0 {
			return err
		}
	}
	kind, err := shapeOf(name, head)
	if o.plain && (err != nil || kind != eventLog) {
		kind, err = lineShape(kind, head, err)
	}
	if err != nil {
		return err
	}
	o.told = true
	if err := o.visit(content{name, kind, r, wide, depth == 0 && !wide}); err != nil {
		return &stop{err}
	}
	return nil
}

// shapeOf tells event logs from JSON, by content first: an event log with a damaged head is known by its name.
func shapeOf(name string, head []byte) (shape, error) {
	if bytes.HasPrefix(head, []byte(evtxFile)) || bytes.HasPrefix(head, []byte(evtxChunk)) {
		return eventLog, nil
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n\x1e")
	if len(text) > 0 && (text[0] == '{' || text[0] == '[') {
		return jsonText, nil
	}
	lower := strings.ToLower(name)
	for _, packed := range []string{".gz", ".zst"} {
		lower = strings.TrimSuffix(lower, packed)
	}
	switch {
	case strings.HasSuffix(lower, ".evtx"):
		return eventLog, nil
	case strings.HasSuffix(lower, ".json"), strings.HasSuffix(lower, ".jsonl"), strings.HasSuffix(lower, ".ndjson"):
		return jsonText, nil // its first line may be broken, or white space longer than the head
	}
	return 0, &FileError{Reason: Unknown}
}

// spool copies a zip that stands inside another archive to a temporary file: its list of members is at its end.
func (o *opener) spool(name string, r io.Reader, depth int) (err error) {
	f, err := os.CreateTemp("", "kizuki-scan-*")
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, f.Close(), os.Remove(f.Name()))
	}()
	n, err := io.Copy(f, io.LimitReader(r, o.limits.Spool+1))
	if err != nil {
		return err
	}
	if n > o.limits.Spool {
		return &FileError{Reason: TooWide}
	}
	return o.zip(name, f, n, depth)
}

// zip goes through the members of an archive; a member that cannot be read does not hinder the next.
func (o *opener) zip(name string, at io.ReaderAt, size int64, depth int) error {
	directory := &bounded{at, largestDirectory}
	z, err := zip.NewReader(directory, size)
	if err != nil {
		return damaged(err)
	}
	directory.left = math.MaxInt64 // members are bounded as they unpack
	for i, member := range z.File {
		if member.FileInfo().IsDir() {
			continue
		}
		inside := name + "/" + member.Name
		err := o.member(inside, member, depth)
		if _, stopped := errors.AsType[*stop](err); stopped {
			return err
		}
		if err != nil {
			o.refused(inside, fileError(Damaged, err))
		}
		if o.tooWide() && i < len(z.File)-1 { // the next members would only be refused for the same reason: the archive stands for them
			return &FileError{Reason: TooWide}
		}
	}
	return nil
}

func (o *opener) member(name string, member *zip.File, depth int) error {
	if member.Flags&1 != 0 {
		return &FileError{Reason: Protected}
	}
	r, err := member.Open()
	if err != nil {
		return damaged(err)
	}
	defer r.Close() //nolint:errcheck // only read
	return o.stream(name, &unpacked{o, r}, depth+1)
}

// largestDirectory bounds the list of members of a zip, which is held in memory; some hundred thousand fit.
const largestDirectory = 32 << 20

// bounded ends with an error when more is read than allowed.
type bounded struct {
	io.ReaderAt

	left int64
}

// ReadAt reads while something is left.
func (b *bounded) ReadAt(p []byte, off int64) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, &FileError{Reason: TooWide}
	}
	return b.ReaderAt.ReadAt(p, off)
}

// counted counts what is read of the file on disk.
type counted struct {
	o  *opener
	r  io.Reader
	at io.ReaderAt
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	return n, c.count(n, err)
}

func (c *counted) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.at.ReadAt(p, off)
	return n, c.count(n, err)
}

func (c *counted) count(n int, err error) error {
	c.o.in += int64(n)
	c.o.input.Add(int64(n))
	if gone := c.o.ctx.Err(); gone != nil {
		return &stop{gone}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return &FileError{Unreadable, err}
	}
	return err
}

// tooWide says whether the file has unpacked to far more than was read of it.
func (o *opener) tooWide() bool {
	return o.out > o.limits.Free && o.out/o.limits.Ratio > o.in
}

// unpacked counts what comes out of an archive, and ends it when that is beyond measure.
type unpacked struct {
	o *opener
	r io.Reader
}

func (u *unpacked) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	u.o.out += int64(n)
	if u.o.tooWide() {
		return n, &FileError{Reason: TooWide}
	}
	if gone := u.o.ctx.Err(); gone != nil {
		return n, &stop{gone}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return n, damaged(err)
	}
	return n, err
}

// damaged is an error met while unpacking: of the archive, unless what is below it has one of its own.
func damaged(err error) error {
	if stopped, ok := errors.AsType[*stop](err); ok {
		return stopped
	}
	return fileError(Damaged, err)
}
