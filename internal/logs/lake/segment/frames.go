package segment

import "github.com/klauspost/compress/zstd"

// parts is a page that is unpacked where it is needed. A large page is packed in several frames, so that one message is
// found without unpacking all that stands before it.
type parts struct {
	data   []byte // of the page; what nobody needed may be anything
	frames []frame
}

// frame is a zstd frame of a page.
type frame struct {
	packed   []byte
	from, to int // in the page
	have     int // bytes that are unpacked
}

// parts begins to unpack a page in room's memory.
func (p *page) parts(room *Room) (u parts, err error) {
	if !p.packed {
		if len(p.data) != p.size {
			return u, damaged("size of a page")
		}
		u.data = room.buffer(p.size)
		copy(u.data, p.data)
		return u, nil
	}
	if int64(p.size) > int64(len(p.data))*mostUnpacked {
		return u, damaged("size of a page")
	}
	frames, sized, err := p.frames()
	if err != nil {
		return u, err
	}
	u.data = room.buffer(p.size + slack)[:p.size]
	if u.frames = frames; sized {
		return u, nil
	}
	data, err := unpack(u.data[:0:p.size+slack], p.data, true)
	if err == nil && len(data) != p.size {
		err = damaged("size of a page")
	}
	return u, err
}

// need unpacks what stands from:to of the page. What is needed of a frame is best asked for from its end: more of it is
// unpacked from its beginning.
func (u *parts) need(from, to int) error {
	for i := range u.frames {
		f := &u.frames[i]
		end := min(to, f.to) - f.from
		if from >= f.to || end <= f.have {
			continue
		}
		limit := f.to
		if i+1 == len(u.frames) || u.frames[i+1].have == 0 && u.frames[i+1].to-f.to >= slack {
			limit += slack
		}
		for _, part := range [][]byte{f.packed[:frameFront(f.packed, end)], f.packed} {
			whole := len(part) == len(f.packed)
			data, err := unpack(u.data[f.from:f.from:limit], part, whole)
			if err == nil && whole && len(data) != f.to-f.from {
				err = damaged("size of a frame")
			}
			if err != nil && whole {
				return err
			}
			if f.have = len(data); err == nil && f.have >= end {
				break
			}
		}
	}
	return nil
}

// frames takes a packed page apart. Not sized: its frames do not tell their sizes, as those of other writers may not.
func (p *page) frames() (frames []frame, sized bool, err error) {
	size := 0
	frames = make([]frame, 0, 1)
	for data := p.data; len(data) > 0; {
		var head zstd.Header
		if err := head.Decode(data); err != nil {
			return nil, false, damaged("page: %w", err)
		}
		if head.Skippable || !head.HasFCS {
			return nil, false, nil
		}
		end, last := blocksEnd(data, head.HeaderSize, len(data))
		if head.HasCheckSum {
			end += 4
		}
		if !last || end > len(data) || head.FrameContentSize > uint64(p.size-size) {
			return nil, false, damaged("frame of a page")
		}
		if n := int(head.FrameContentSize); n > 0 {
			frames = append(frames, frame{packed: data[:end], from: size, to: size + n})
			size += n
		}
		data = data[end:]
	}
	if size != p.size {
		return nil, false, damaged("size of a page")
	}
	return frames, true, nil
}

// frameFront says how many bytes of a zstd frame hold about the first n bytes of what is packed in it: its head and whole
// blocks, each of which unpacks to at most 128 KiB, and to as much in all but the last ones. All of it where it is no
// plain frame.
func frameFront(data []byte, n int) int {
	const blockBytes = 128 << 10
	var head zstd.Header
	if err := head.Decode(data); err != nil || head.Skippable {
		return len(data)
	}
	end, last := blocksEnd(data, head.HeaderSize, (n+blockBytes-1)/blockBytes)
	if last || end > len(data) {
		return len(data)
	}
	return end
}

// blocksEnd is where up to n blocks of a frame end, the first of which begins at a place, and whether the last block of
// the frame is one of them.
func blocksEnd(data []byte, at, n int) (end int, last bool) {
	for ; n > 0 && !last && at+3 <= len(data); n-- {
		head := int(data[at]) | int(data[at+1])<<8 | int(data[at+2])<<16
		size := head >> 3
		if head>>1&3 == 1 {
			size = 1 // a byte that is repeated
		}
		at, last = at+3+size, head&1 != 0
	}
	return at, last
}
