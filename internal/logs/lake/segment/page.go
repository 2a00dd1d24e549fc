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
	rows := 0
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
		most := r.Meta.Blocks[block].Rows // also of different values in a dictionary
		if p.nulls > 0 || p.levels > 0 || p.size > largestPage || p.values > most || rows > most {
			return errKind
		}
		if err := each(p); err != nil {
			return err
		}
	}
	if rows != r.Meta.Blocks[block].Rows {
		return damaged("%d rows in a column", rows)
	}
	return nil
}

// largestPage bounds the memory for one page; records are bounded by the lake.
const largestPage = math.MaxInt32 - slack

// unpacked gives the data of a page, in room's memory. Nearly all pages are one frame.
func (p *page) unpacked(room *Room) ([]byte, error) {
	var head zstd.Header
	one := p.packed && int64(p.size) <= int64(len(p.data))*mostUnpacked && head.Decode(p.data) == nil &&
		head.HasFCS && head.FrameContentSize == uint64(p.size)
	if !one {
		u, err := p.parts(room)
		if err == nil {
			err = u.need(0, p.size)
		}
		return u.data, err
	}
	data, err := unpack(room.buffer(p.size+slack), p.data, true)
	if err == nil && len(data) != p.size {
		err = damaged("size of a page")
	}
	return data, err
}
