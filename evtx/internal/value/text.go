package value

import (
	"encoding/binary"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

var le = binary.LittleEndian

// trimNUL takes the closing NULs, which many writers count as part of the text, off UTF-16 text.
func trimNUL(b []byte) []byte {
	b = b[:len(b)&^1]
	for len(b) >= 2 && b[len(b)-1] == 0 && b[len(b)-2] == 0 {
		b = b[:len(b)-2]
	}
	return b
}

// AppendUTF16 appends UTF-16 text as UTF-8; half a surrogate pair becomes U+FFFD. Most text of logs is ASCII: four
// characters are looked at and written at once.
func AppendUTF16(dst, b []byte) []byte {
	b = trimNUL(b)
	n := len(dst)
	dst = slices.Grow(dst, len(b)/2*3)
	out := dst[:n+len(b)/2*3]
	for len(b) >= 2 {
		for len(b) >= 8 {
			v := le.Uint64(b)
			if v&0xff80ff80ff80ff80 != 0 {
				break
			}
			v |= v >> 8
			v &= 0x0000ffff0000ffff
			le.PutUint32(out[n:], uint32(v|v>>16))
			n += 4
			b = b[8:]
		}
		if len(b) < 2 {
			break
		}
		u := rune(le.Uint16(b))
		b = b[2:]
		switch {
		case u < 0x80:
			out[n] = byte(u)
			n++
			continue
		case utf16.IsSurrogate(u):
			r := rune(utf8.RuneError)
			if len(b) >= 2 {
				r = utf16.DecodeRune(u, rune(le.Uint16(b)))
			}
			if r != utf8.RuneError {
				b = b[2:]
			}
			u = r
		}
		n += utf8.EncodeRune(out[n:], u)
	}
	return out[:n]
}

// appendANSI appends text of an unknown code page: as it is when it is UTF-8, else each byte as the character of
// that number, from which the bytes can be found again.
func appendANSI(dst, b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	if utf8.Valid(b) {
		return append(dst, b...)
	}
	for _, c := range b {
		dst = utf8.AppendRune(dst, rune(c))
	}
	return dst
}

// Interner gives the same string for the same bytes, so that names repeat without being copied.
type Interner struct {
	m    map[string]string
	size int
}

// Hostile files can name millions of things: past this many bytes the memory of names starts anew.
const maxInterned = 4 << 20

// Get gives the bytes as a string.
func (t *Interner) Get(b []byte) string {
	if s, ok := t.m[string(b)]; ok {
		return s
	}
	if t.m == nil || t.size > maxInterned {
		t.m, t.size = make(map[string]string), 0
	}
	s := string(b)
	t.m[s] = s
	t.size += len(s) + 32
	return s
}

// AppendQuoted appends UTF-8 text as a JSON string.
func AppendQuoted(dst, s []byte) []byte {
	dst = append(dst, '"')
	from := 0
	for i, c := range s {
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', smalls[c>>4], smalls[c&15])
		}
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}
