// Package skip keeps sidecars: beside a sealed file, what words and whole values each of its blocks may hold, so that a
// query reads only the blocks that can answer. A sidecar is derived from its file and may be lost: then every block may
// hold everything.
//
// It owns the words sidecar, filter and probe. It imports event, query, table and disk.
//
// A file is a head, the filters, and nothing else; numbers are little-endian:
//
//	8 bytes   "KZSKIP\x00\x05"
//	8 bytes   XXH64 of query.WordsVersion
//	8 bytes   size of the sealed file        8 bytes   its footer sum
//	4 bytes   blocks                         4 bytes   for each block: pages of its filter
//	8 bytes   XXH64 of all before
//	pages     508 bytes of bits, 4 bytes of the XXH64 of the bits and of the page's number
//
// A word has eight bits in one page of its block, so that a probe reads and checks 512 bytes.
package skip

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"unsafe"

	"github.com/cespare/xxhash/v2"

	"github.com/kizuki-security/kizuki/internal/logs/lake/table"
	"github.com/kizuki-security/kizuki/internal/logs/query"
	"github.com/kizuki-security/kizuki/internal/logs/query/text"
)

const (
	pageBytes   = 512
	pageBits    = (pageBytes - 4) * 8
	bitsPerWord = 12 // with 8 probes a word that is not there is taken for one that is in 3 or 4 of 1,000 blocks
	probes      = 8
	fixedHead   = 36
	mostBlocks  = 1 << 20
	longest     = 64 << 10 // bytes of a line that is cut as a whole; a longer one would take ten times its length of memory
)

var magic = [8]byte{'K', 'Z', 'S', 'K', 'I', 'P', 0, 5}

// ErrUnfit says that a sidecar is damaged, of another version, or of another file: it is made anew.
var ErrUnfit = errors.New("skip sidecar does not fit")

func unfit(why string) error { return fmt.Errorf("%w: %s", ErrUnfit, why) }

// Builder gathers the words of the blocks of one file. The zero value is ready.
type Builder struct {
	set    set
	pages  []uint32 // of each block
	body   []byte
	cut    text.Cutter
	hash   hasher
	hashes []uint32
}

// Add takes the words of the next block.
func (b *Builder) Add(block *table.Block) {
	b.set.reset()
	for row := range block.Rows() {
		b.line(block.Raw(row))
	}
	for _, name := range query.Whole {
		c := block.Cols[table.Place(name)]
		if c == nil {
			continue
		}
		for _, value := range c.Values {
			query.IndexValue(name, value, b.word)
		}
	}
	b.filter()
}

// line takes the words of a line.
func (b *Builder) line(line []byte) {
	if len(line) <= longest {
		if lower, spans, ok := b.cut.Cut(line); ok {
			lower = lower[:len(lower)+text.Padding]
			b.hashes = b.hashes[:0]
			for _, s := range spans {
				b.hashes = append(b.hashes, hashAt(lower, s))
			}
			b.set.addAll(b.hashes)
			return
		}
	}
	query.Words(unsafe.String(unsafe.SliceData(line), len(line)), b.word) //nolint:gosec // nothing of it is kept
}

func (b *Builder) word(word string) { b.set.add(b.hash.of(word)) }

// filter writes the words of the set as the filter of a block.
func (b *Builder) filter() {
	pages := uint32(math.Ceil(float64(b.set.n) * bitsPerWord / pageBits))
	first := len(b.body) / pageBytes
	b.pages = append(b.pages, pages)
	from := len(b.body)
	b.body = append(b.body, make([]byte, int(pages)*pageBytes)...)
	body := b.body[from:]
	b.set.each(func(h uint32) {
		page := pageOf(h, pages)
		data := body[int(page)*pageBytes:]
		for i := range probes {
			bit := bitOf(h, i)
			data[bit/8] |= 1 << (bit % 8)
		}
	})
	for i := range int(pages) {
		page := body[i*pageBytes : (i+1)*pageBytes]
		binary.LittleEndian.PutUint32(page[pageBytes-4:], check(page, first+i))
	}
}

// pageOf is the page that holds the bits of a word.
func pageOf(h uint32, pages uint32) uint32 {
	return uint32(uint64(h) * uint64(pages) >> 32)
}

// bitOf is the i-th bit of a word in its page.
func bitOf(h uint32, i int) uint32 {
	w := uint64(h) * 0x9E3779B97F4A7C15
	return uint32(uint64(uint32(w>>16)+uint32(i)*(uint32(w>>32)|1)) * pageBits >> 32)
}

func check(page []byte, number int) uint32 {
	return uint32(xxhash.Sum64(page[:pageBytes-4]) + uint64(number)*0x9E3779B97F4A7C15)
}

// Bytes is the sidecar of a sealed file with this size and footer sum.
func (b *Builder) Bytes(size int64, footer uint64) []byte {
	out := make([]byte, 0, fixedHead+4*len(b.pages)+8+len(b.body))
	out = append(out, magic[:]...)
	out = binary.LittleEndian.AppendUint64(out, xxhash.Sum64String(query.WordsVersion))
	out = binary.LittleEndian.AppendUint64(out, uint64(size))
	out = binary.LittleEndian.AppendUint64(out, footer)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(b.pages)))
	for _, n := range b.pages {
		out = binary.LittleEndian.AppendUint32(out, n)
	}
	out = binary.LittleEndian.AppendUint64(out, xxhash.Sum64(out))
	return append(out, b.body...)
}

// Index answers from a sidecar. Many goroutines may use it.
type Index struct {
	r     io.ReaderAt
	first []uint32 // page where the filter of each block begins; one more than blocks
	body  int64
}

// Open reads the head of a sidecar of the sealed file with this size, footer sum and number of blocks.
func Open(r io.ReaderAt, size int64, footer uint64, blocks int) (*Index, error) {
	if blocks > mostBlocks {
		return nil, unfit("blocks")
	}
	head := make([]byte, fixedHead+4*blocks+8)
	if _, err := r.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	end := len(head) - 8
	switch {
	case [8]byte(head) != magic:
		return nil, unfit("version")
	case binary.LittleEndian.Uint64(head[8:]) != xxhash.Sum64String(query.WordsVersion):
		return nil, unfit("version of the words")
	case binary.LittleEndian.Uint64(head[16:]) != uint64(size), binary.LittleEndian.Uint64(head[24:]) != footer,
		binary.LittleEndian.Uint32(head[32:]) != uint32(blocks):
		return nil, unfit("file")
	case binary.LittleEndian.Uint64(head[end:]) != xxhash.Sum64(head[:end]):
		return nil, unfit("head")
	}
	x := &Index{r: r, first: make([]uint32, blocks+1), body: int64(len(head))}
	for i := range blocks {
		x.first[i+1] = x.first[i] + binary.LittleEndian.Uint32(head[fixedHead+4*i:])
	}
	return x, nil
}

// Whole says whether a sidecar is one that queries believe: of this version and file, with sums that fit.
func Whole(data []byte, size int64, footer uint64, blocks int) error {
	x, err := Open(bytes.NewReader(data), size, footer, blocks)
	if err != nil {
		return err
	}
	for number := range int(x.first[blocks]) {
		from := x.body + int64(number)*pageBytes
		if from+pageBytes > int64(len(data)) {
			return unfit("cut")
		}
		if page := data[from : from+pageBytes]; binary.LittleEndian.Uint32(page[pageBytes-4:]) != check(page, number) {
			return unfit("page")
		}
	}
	return nil
}

// MayHave says whether a block may hold all the words. False is certain. An error says that the sidecar cannot tell.
func (x *Index) MayHave(block int, words []string) (bool, error) {
	var page [pageBytes]byte
	var hash hasher
	for _, word := range words {
		pages := x.first[block+1] - x.first[block]
		if pages == 0 {
			return false, nil
		}
		h := hash.of(word)
		number := int(x.first[block] + pageOf(h, pages))
		if _, err := x.r.ReadAt(page[:], x.body+int64(number)*pageBytes); err != nil {
			return true, unfit(err.Error())
		}
		if binary.LittleEndian.Uint32(page[pageBytes-4:]) != check(page[:], number) {
			return true, unfit("page")
		}
		for i := range probes {
			if bit := bitOf(h, i); page[bit/8]&(1<<(bit%8)) == 0 {
				return false, nil
			}
		}
	}
	return true, nil
}

// Heap is about what an index holds in memory, bytes.
func (x *Index) Heap() int64 { return int64(4*len(x.first) + 64) }
