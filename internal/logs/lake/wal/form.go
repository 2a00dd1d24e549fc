package wal

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
)

// form is how a log is written.
type form struct {
	head  int    // length of the head of the log
	frame int    // length of the head of a frame
	mark  []byte // what a frame begins with; empty: nobody knows
	own   bool   // the mark is the log's own, and the place of a frame stands behind it
}

// The present form, but for the mark, and that of version 2.
var (
	present     = form{head: headSize, frame: frameHead, own: true}
	beforeMagic = [8]byte{'K', 'Z', 'W', 'A', 'L', 0, 0, 2}
	before      = form{head: 28, frame: 24, mark: []byte("KZFR")}
)

// formOf reads the form in the head of a log; false: it is damaged.
func formOf(data []byte) (form, bool) {
	f := before
	if bytes.HasPrefix(data, magic[:]) {
		f = present
	} else if !bytes.HasPrefix(data, beforeMagic[:]) {
		return f, false
	}
	if len(data) < f.head || !sound(data[:f.head]) {
		return f, false
	}
	if f.own {
		f.mark = bytes.Clone(data[24 : 24+len(Mark{})])
	}
	return f, true
}

// guess is the form of a log whose head is damaged, by its first frame: that stands where no line does.
func guess(data []byte) form {
	if _, _, kind := before.cut(data[before.head:], 0); kind != noFrame {
		return before
	}
	f := present
	if rest := data[f.head:]; len(rest) >= f.frame {
		f.mark = bytes.Clone(rest[:len(Mark{})])
		if _, _, kind := f.cut(rest, int64(f.head)); kind == noFrame {
			f.mark = nil
		}
	}
	return f
}

// Kinds of what stands at a place.
const (
	noFrame    = iota
	tornFrame  // its head is whole, and it goes on beyond the end
	wholeFrame // from its head to its hash; the body may be damaged
)

// cut looks at what stands at the start of data, at a place in the file, and gives head and body of a whole frame, and
// its size with its hash.
func (f *form) cut(data []byte, place int64) (frame []byte, size, kind int) {
	if len(data) < f.frame || len(f.mark) == 0 || !bytes.HasPrefix(data, f.mark) || !sound(data[:f.frame]) {
		return nil, 0, noFrame
	}
	if f.own && binary.LittleEndian.Uint64(data[len(f.mark):]) != uint64(place) {
		return nil, 0, noFrame
	}
	end := int64(f.frame) + int64(binary.LittleEndian.Uint32(data[f.frame-20:]))
	if end+sha256.Size > int64(len(data)) {
		return nil, 0, tornFrame
	}
	return data[:end], int(end) + sha256.Size, wholeFrame
}

// next finds the next mark behind something that is no frame; 0: there is none. lost: there may be frames that nothing
// tells from lines.
func (f *form) next(data []byte) (at int, lost bool) {
	if len(f.mark) == 0 {
		return 0, len(data) > 0
	}
	i := bytes.Index(data[1:], f.mark)
	if i < 0 {
		return 0, false
	}
	if !f.own {
		return 0, true
	}
	return i + 1, false
}
