package segment

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"unsafe"

	"github.com/cespare/xxhash/v2"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake/table"
)

// tail is the length of a footer's length and Parquet's magic at the end of a file.
const tail = 8

// largestFooter is the size of a footer that is read.
const largestFooter = 256 << 20

// Known is what is known of a file from elsewhere, a catalogue or a sidecar.
type Known struct {
	Size   int64
	Footer uint64
}

// Reader reads a sealed file. Many goroutines may use it.
type Reader struct {
	Meta   *Meta
	Footer uint64 // XXH64 of everything behind Meta.Data
	Size   int64
	Heap   int64 // about what the reader holds in memory, bytes

	r     io.ReaderAt
	at    []int
	spots []spot // of all columns of the first block, then of the next
	wide  int    // columns of a block
}

// spot is where the pages of a column of a block stand. The footer is 50 times larger in the memory of the library, and
// many files are open at once.
type spot struct {
	from, n int64
	codec   format.CompressionCodec
}

// Open reads the footer of a file and nothing else. known may be nil; otherwise the file must be the one that is known.
// Errors are ErrDamaged and ErrVersion, and those of reading.
func Open(r io.ReaderAt, size int64, known *Known) (reader *Reader, err error) {
	defer recovered(&err)
	if known != nil && known.Size != size {
		return nil, damaged("%d bytes instead of %d", size, known.Size)
	}
	if size < 2*tail {
		return nil, damaged("%d bytes", size)
	}
	var end [tail]byte
	if _, err := r.ReadAt(end[:], size-tail); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	length := int64(binary.LittleEndian.Uint32(end[:]))
	if string(end[4:]) != "PAR1" || length > size-2*tail || length > largestFooter {
		return nil, damaged("no footer")
	}
	var f format.FileMetaData
	footer := make([]byte, length)
	if _, err := r.ReadAt(footer, size-tail-length); err != nil {
		return nil, err
	}
	if !footerFits(footer) {
		return nil, damaged("lists of the footer")
	}
	if err := thrift.Unmarshal(&thrift.CompactProtocol{}, footer, &f); err != nil {
		return nil, damaged("footer: %w", err)
	}
	var text, sum string
	for _, kv := range f.KeyValueMetadata {
		switch kv.Key {
		case metaKey:
			text = kv.Value
		case sumKey:
			sum = kv.Value
		}
	}
	meta, err := unpackMeta(text, sum)
	if err != nil {
		return nil, err
	}
	rd := &Reader{Meta: meta, Size: size, r: r}
	if rd.Footer, err = rd.sumFooter(); err != nil {
		return nil, err
	}
	if known != nil && known.Footer != rd.Footer {
		return nil, damaged("footer")
	}
	if err := rd.place(&f); err != nil {
		return nil, err
	}
	rd.Heap = int64(len(text)) + int64(len(rd.spots))*int64(unsafe.Sizeof(spot{}))
	return rd, nil
}

// place takes from the footer of Parquet what it tells beside the meta, and compares the two.
func (r *Reader) place(f *format.FileMetaData) error {
	var names []string
	for i := range f.Schema {
		if i > 0 { // the first is the root
			names = append(names, f.Schema[i].Name)
		}
	}
	at, ok := columnIndexes(names, &r.Meta.Columns)
	if !ok || len(f.RowGroups) != len(r.Meta.Blocks) {
		return damaged("schema")
	}
	r.at, r.wide = at, len(names)
	r.spots = make([]spot, 0, len(f.RowGroups)*r.wide)
	for i := range f.RowGroups {
		g, b := &f.RowGroups[i], &r.Meta.Blocks[i]
		if g.NumRows != int64(b.Rows) || g.NumRows > table.BlockRows || g.NumRows < 1 || len(g.Columns) != r.wide || b.Bytes < 0 {
			return damaged("block %d has %d rows and %d columns", i, g.NumRows, len(g.Columns))
		}
		for j := range g.Columns {
			m := &g.Columns[j].MetaData
			from := m.DataPageOffset
			if m.DictionaryPageOffset != 0 {
				from = m.DictionaryPageOffset
			}
			r.spots = append(r.spots, spot{from, m.TotalCompressedSize, m.Codec})
		}
	}
	return nil
}

// sumFooter hashes what stands behind the pages.
func (r *Reader) sumFooter() (uint64, error) {
	n := r.Size - r.Meta.Data
	if n < tail || n > largestFooter {
		return 0, damaged("end of the pages")
	}
	h := xxhash.New()
	if _, err := io.Copy(h, io.NewSectionReader(r.r, r.Meta.Data, n)); err != nil {
		return 0, err
	}
	return h.Sum64(), nil
}

// read gives the bytes from:from+n of the pages, checked, and the buffer to give back.
func (r *Reader) read(from, n int64) ([]byte, *[]byte, error) {
	if from < 0 || n < 0 || from+n < from || from+n > r.Meta.Data {
		return nil, nil, damaged("place of a column")
	}
	first := from / pageBytes * pageBytes
	last := min((from+n+pageBytes-1)/pageBytes*pageBytes, r.Meta.Data)
	buffer := buffers.take(int(last - first))
	data := *buffer
	if _, err := r.r.ReadAt(data, first); err != nil {
		buffers.give(buffer)
		if errors.Is(err, io.EOF) {
			return nil, nil, damaged("file is cut: %w", err)
		}
		return nil, nil, err
	}
	for at := int64(0); at < int64(len(data)); at += pageBytes {
		page := data[at:min(at+pageBytes, int64(len(data)))]
		if i := (first + at) / pageBytes; binary.LittleEndian.Uint64(r.Meta.Sums[8*i:]) != xxhash.Sum64(page) {
			buffers.give(buffer)
			return nil, nil, damaged("page at byte %d", first+at)
		}
	}
	return data[from-first : from-first+n], buffer, nil
}

// recovered turns a panic of the Parquet library on a damaged file into an error.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = damaged("%v", p)
	}
}

// errKind says that a page is of another kind than its column.
var errKind = fmt.Errorf("%w: kind of a page", ErrDamaged)

// Promoted says how many of event.Promoted have columns in the file.
func (r *Reader) Promoted() int { return min(r.Meta.Promoted, len(event.Promoted)) }
