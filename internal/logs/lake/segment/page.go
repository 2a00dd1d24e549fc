package segment

import (
	"errors"
	"io"
	"math"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
)

// slack is room behind unpacked data that lets the decoder copy in long steps.
const slack = 64

// decoders unpack pages, each in the goroutine that calls it.
var decoders = sync.Pool{New: func() any {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderLowmem(true))
	if err != nil {
		return err
	}
	return d
}}

// unpack unpacks data into dst, whose capacity bounds what comes out. whole says that it must be all of a page; otherwise
// the data may end behind any of its blocks.
func unpack(dst, data []byte, whole bool) ([]byte, error) {
	got := decoders.Get()
	d, ok := got.(*zstd.Decoder)
	if !ok {
		return nil, damaged("decoder: %v", got)
	}
	defer decoders.Put(d)
	dst, err := d.DecodeAll(data, dst[:0])
	if err != nil && (whole || !errors.Is(err, io.ErrUnexpectedEOF)) {
		return nil, damaged("page: %w", err)
	}
	return dst, nil
}

// chunk calls each for the pages of a column of a block, as they stand in the file. What it gives lies in memory that is
// used again afterwards.
func (r *Reader) chunk(block, column int, each func(p page) error) (err error) {
	defer recovered(&err)
	if r.at[column] < 0 {
		return damaged("column %d has values and no pages", column)
	}
	at := r.spots[block*r.wide+r.at[column]]
	if at.codec != format.Zstd && at.codec != format.Uncompressed {
		return damaged("codec %d", at.codec)
	}
	data, buffer, err := r.read(at.from, at.n)
	if err != nil {
		return err
	}
	defer buffers.give(buffer)
	rows, limit := 0, r.Meta.Blocks[block].Rows
	for len(data) > 0 {
		var p page
		if p, data, err = nextPage(data); err != nil {
			return err
		}
		p.packed = p.packed && at.codec == format.Zstd
		switch p.kind {
		case format.DictionaryPage:
		case format.DataPage, format.DataPageV2:
			rows += p.values
		default:
			continue
		}
		if p.nulls > 0 || p.levels > 0 || p.size > largestPage || p.values > limit || rows > limit || !p.possible() {
			return errKind
		}
		if err := each(p); err != nil {
			return err
		}
	}
	if rows != limit {
		return damaged("%d rows in a column", rows)
	}
	return nil
}

// largestPage bounds the memory for one page; records are bounded by the lake.
const largestPage = math.MaxInt32 - slack

// possible says whether the data of a page can be as large as its header says: each block of a zstd frame is at least four
// bytes long.
func (p *page) possible() bool {
	if !p.packed {
		return p.size == len(p.data)
	}
	return p.size <= zstdBlock*(len(p.data)/4)
}

// unpacked gives the data of a page, in room's memory where it is packed.
func (p *page) unpacked(room *Room) ([]byte, error) {
	if !p.packed {
		if len(p.data) != p.size {
			return nil, damaged("size of a page")
		}
		return append(room.buffer(p.size)[:0], p.data...), nil
	}
	data, err := unpack(room.buffer(p.size+slack), p.data, true)
	if err == nil && len(data) != p.size {
		err = damaged("size of a page")
	}
	return data, err
}

// front unpacks a page from its beginning until at least n bytes are there; it may give more.
func (p *page) front(room *Room, n int) ([]byte, error) {
	if !p.packed || n > p.size {
		return p.unpacked(room)
	}
	part := p.data[:frameFront(p.data, n)]
	if len(part) == len(p.data) {
		return p.unpacked(room)
	}
	data, err := unpack(room.buffer(p.size+slack), part, false)
	if err != nil || len(data) < n {
		return p.unpacked(room)
	}
	return data, nil
}

// zstdBlock is what a block of a zstd frame unpacks to at most.
const zstdBlock = 128 << 10

// frameFront says how many bytes of a zstd frame hold about the first n bytes of what is packed in it: its head and whole
// blocks, each of which unpacks to at most 128 KiB, and to as much in all but the last ones. All of it where it is no
// single plain frame.
func frameFront(data []byte, n int) int {
	var head zstd.Header
	if err := head.Decode(data); err != nil || head.Skippable {
		return len(data)
	}
	at := head.HeaderSize
	for blocks := (n + zstdBlock - 1) / zstdBlock; blocks > 0; blocks-- {
		if at+3 > len(data) {
			return len(data)
		}
		b := int(data[at]) | int(data[at+1])<<8 | int(data[at+2])<<16
		size := b >> 3
		if b>>1&3 == 1 {
			size = 1 // a byte that is repeated
		}
		at += 3 + size
		if b&1 != 0 || at >= len(data) {
			return len(data)
		}
	}
	return at
}
