package jsonlines

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	every = 0x0101010101010101
	high  = 0x8080808080808080
)

// str reads a string from its opening quote on. Where it has no escapes it is a part of the text.
func (d *Decoder) str() ([]byte, error) {
	text := d.text
	start := d.at + 1
	i := start
	var seen uint64 // all bytes: their high bits say whether there is more than ASCII
	for i+8 <= len(text) {
		w := binary.LittleEndian.Uint64(text[i:])
		// A byte of q (of b) is zero where the byte is a quote (a backslash).
		q, b := w^every*'"', w^every*'\\'
		stop := ((q-every)&^q | (b-every)&^b) & high
		if stop != 0 {
			n := bits.TrailingZeros64(stop) / 8
			seen |= w & (1<<(8*n) - 1)
			i += n
			break
		}
		seen |= w
		i += 8
	}
	for i < len(text) && text[i] != '"' && text[i] != '\\' {
		seen |= uint64(text[i])
		i++
	}
	if i >= len(text) {
		d.at = len(text)
		return nil, d.fail("a string is not closed")
	}
	if text[i] == '\\' {
		return d.escaped(start, i)
	}
	d.at = i + 1
	if v := text[start:i]; seen&high == 0 || utf8.Valid(v) {
		return v, nil
	}
	return d.mended(text[start:i]), nil
}

// escaped goes on with a string that has its first backslash at i, copying it.
func (d *Decoder) escaped(start, i int) ([]byte, error) {
	text := d.text
	n := len(d.copied)
	out := d.copied
	out = append(out, text[start:i]...)
	for {
		switch {
		case i >= len(text):
			d.copied, d.at = out[:n], len(text)
			return nil, d.fail("a string is not closed")
		case text[i] == '"':
			d.at = i + 1
			v := out[n:len(out):len(out)]
			d.copied = out
			if !utf8.Valid(v) {
				return d.mended(v), nil
			}
			return v, nil
		case text[i] == '\\':
			var size int
			if out, size = unescape(out, text[i:]); size == 0 {
				d.copied, d.at = out[:n], i
				return nil, d.fail("an escape is not known")
			}
			i += size
			continue
		}
		run := plainRun(text[i:])
		out = append(out, text[i:i+run]...)
		i += run
	}
}

// plainRun counts the bytes before the next quote or backslash.
func plainRun(s []byte) int {
	i := 0
	for ; i+8 <= len(s); i += 8 {
		w := binary.LittleEndian.Uint64(s[i:])
		q, b := w^every*'"', w^every*'\\'
		if stop := ((q-every)&^q | (b-every)&^b) & high; stop != 0 {
			return i + bits.TrailingZeros64(stop)/8
		}
	}
	for i < len(s) && s[i] != '"' && s[i] != '\\' {
		i++
	}
	return i
}

var simple = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unescape appends what the escape at the beginning of s stands for; size 0: it stands for nothing.
func unescape(out, s []byte) (_ []byte, size int) {
	if len(s) < 2 {
		return out, 0
	}
	if c := simple[s[1]]; c != 0 {
		return append(out, c), 2
	}
	r, ok := hex4(s)
	if !ok {
		return out, 0
	}
	if utf16.IsSurrogate(r) {
		if low, ok := hex4(s[6:]); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return utf8.AppendRune(out, pair), 12
			}
		}
		r = utf8.RuneError
	}
	return utf8.AppendRune(out, r), 6
}

func hex4(s []byte) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range s[2:6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// mended copies a value with every broken byte as U+FFFD.
func (d *Decoder) mended(v []byte) []byte {
	n := len(d.copied)
	for i := 0; i < len(v); {
		r, size := utf8.DecodeRune(v[i:])
		d.copied = utf8.AppendRune(d.copied, r)
		i += size
	}
	return d.copied[n:len(d.copied):len(d.copied)]
}
