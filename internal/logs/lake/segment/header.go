package segment

import (
	"encoding/binary"

	"github.com/parquet-go/parquet-go/format"
)

// page is one page of a column as it stands in the file.
type page struct {
	kind     format.PageType
	encoding format.Encoding
	values   int
	nulls    int
	levels   int // bytes of levels in front of the values; ours have none
	size     int // of the unpacked data
	packed   bool
	data     []byte
}

// fields reads the compact form of Thrift, in which headers of pages are written. Parquet's own reader goes through
// reflection, which took longer than a small page itself. A field that is not known is passed over; bad is set where the
// bytes make no sense.
type fields struct {
	data  []byte
	at    int
	bad   bool
	lists bool // there may be lists; headers of pages have none
}

// Types of fields in the compact form.
const (
	typeStop = iota
	typeTrue
	typeFalse
	typeByte
	typeInt16
	typeInt32
	typeInt64
	typeDouble
	typeBinary
	typeList
	typeSet
	typeMap
	typeStruct
)

// mostNested is how deep structures and lists may stand in each other; those of a footer reach seven.
const mostNested = 12

func (f *fields) byte() byte {
	if f.at >= len(f.data) {
		f.bad = true
		return 0
	}
	f.at++
	return f.data[f.at-1]
}

func (f *fields) uint() uint64 {
	v, n := binary.Uvarint(f.data[min(f.at, len(f.data)):])
	if n <= 0 {
		f.bad = true
		return 0
	}
	f.at += n
	return v
}

// int reads a number of 32 bits that is not negative, as all those of headers are.
func (f *fields) int() int {
	u := f.uint()
	v := int64(u>>1) ^ -int64(u&1) // the zigzag form
	if v < 0 || v > 1<<31-1 {
		f.bad = true
		return 0
	}
	return int(v)
}

// each calls do with the number and type of every field of a structure; do reads the field or returns false.
func (f *fields) each(depth int, do func(id int, kind byte) bool) {
	for id := 0; !f.bad; {
		head := f.byte()
		kind := head & 15
		if kind == typeStop {
			return
		}
		if step := int(head >> 4); step != 0 {
			id += step
		} else {
			id = f.int()
		}
		if !do(id, kind) {
			f.skip(kind, depth)
		}
	}
}

func nothing(int, byte) bool { return false }

// skip passes over a value.
func (f *fields) skip(kind byte, depth int) {
	switch kind {
	case typeTrue, typeFalse:
	case typeByte:
		f.byte()
	case typeInt16, typeInt32, typeInt64:
		f.uint()
	case typeDouble:
		f.at += 8
	case typeBinary:
		if n := f.uint(); n <= uint64(len(f.data)) {
			f.at += int(n)
		} else {
			f.bad = true
		}
	case typeStruct:
		if depth == mostNested {
			f.bad = true
			return
		}
		f.each(depth+1, nothing)
	case typeList, typeSet:
		f.list(depth)
	default:
		f.bad = true // Parquet has no maps
	}
	f.bad = f.bad || f.at > len(f.data)
}

// list passes over a list. One that says that it has more elements than there are bytes is bad.
func (f *fields) list(depth int) {
	head := f.byte()
	n := uint64(head >> 4)
	if n == 15 {
		n = f.uint()
	}
	if f.bad = f.bad || !f.lists || depth == mostNested || n > uint64(len(f.data)-f.at); f.bad {
		return
	}
	for range n {
		if kind := head & 15; kind == typeTrue || kind == typeFalse {
			f.byte() // in a list they stand for themselves
		} else {
			f.skip(kind, depth+1)
		}
		if f.bad {
			return
		}
	}
}

// footerFits says whether a footer holds what its lists say. The library makes room for a list before it reads it: a few
// bytes could ask for more memory than there is, which ends the program.
func footerFits(footer []byte) bool {
	f := fields{data: footer, lists: true}
	f.each(0, nothing)
	return !f.bad
}

// nextPage reads the page at the front of data, and gives what stands behind it.
func nextPage(data []byte) (p page, rest []byte, err error) {
	f := fields{data: data}
	p.kind, p.packed = -1, true
	packed := 0
	f.each(0, func(id int, kind byte) bool {
		switch {
		case id == 1 && kind == typeInt32:
			p.kind = format.PageType(f.int())
		case id == 2 && kind == typeInt32:
			p.size = f.int()
		case id == 3 && kind == typeInt32:
			packed = f.int()
		case (id == 5 || id == 7) && kind == typeStruct:
			f.each(1, func(id int, kind byte) bool { return p.first(&f, id, kind) })
		case id == 8 && kind == typeStruct:
			f.each(1, func(id int, kind byte) bool { return p.second(&f, id, kind) })
		default:
			return false
		}
		return true
	})
	if f.bad || packed > len(data)-f.at || p.levels > packed {
		return p, nil, damaged("header of a page")
	}
	p.data = data[f.at : f.at+packed]
	return p, data[f.at+packed:], nil
}

// first reads what headers of dictionaries and of data of the first version say.
func (p *page) first(f *fields, id int, kind byte) bool {
	switch {
	case id == 1 && kind == typeInt32:
		p.values = f.int()
	case id == 2 && kind == typeInt32:
		p.encoding = format.Encoding(f.int())
	default:
		return false
	}
	return true
}

// second reads what headers of data of the second version say.
func (p *page) second(f *fields, id int, kind byte) bool {
	switch {
	case id == 1 && kind == typeInt32:
		p.values = f.int()
	case id == 2 && kind == typeInt32:
		p.nulls = f.int()
	case id == 4 && kind == typeInt32:
		p.encoding = format.Encoding(f.int())
	case (id == 5 || id == 6) && kind == typeInt32:
		p.levels += f.int()
	case id == 7 && kind == typeFalse:
		p.packed = false
	case id == 7 && kind == typeTrue:
	default:
		return false
	}
	return true
}
