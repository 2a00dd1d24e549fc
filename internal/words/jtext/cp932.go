package jtext

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/unicode/norm"
)

// Spot is one place in a text that could not be read or written. Line and Column count from 1, Column in
// characters. Text is the character that cannot be written; for broken bytes it is U+FFFD.
type Spot struct {
	Line, Column int
	Text         string
}

// MaxSpots is the number of places that one call reports at most; a file in a wrong encoding has millions.
const MaxSpots = 100

// Encoding names what a file of text is written in.
type Encoding string

// The encodings that DetectAndDecode tells apart. UTF8BOM is UTF-8 that starts with a byte order mark.
const (
	UTF8    Encoding = "UTF-8"
	UTF8BOM Encoding = "UTF-8 BOM"
	UTF16LE Encoding = "UTF-16LE"
	UTF16BE Encoding = "UTF-16BE"
	CP932   Encoding = "CP932"
)

// geta is what Japanese typesetters print for a character they do not have.
const geta = '〓'

// DecodeCP932 reads the Shift_JIS of Windows, NEC and IBM extensions (①, 髙, 﨑) included. Bytes that are no
// character become U+FFFD, and the first MaxSpots of them are reported; none reported means all was read.
func DecodeCP932(b []byte) (string, []Spot) {
	out, err := japanese.ShiftJIS.NewDecoder().Bytes(b)
	if err != nil { // the decoder substitutes and has no error of its own today
		return "", []Spot{{Line: 1, Column: 1, Text: string(utf8.RuneError)}}
	}
	s := string(out)
	return s, spots(s, func(r rune) bool { return r == utf8.RuneError })
}

// spots finds the characters of s that are bad.
func spots(s string, bad func(rune) bool) []Spot {
	var found []Spot
	line, column := 1, 0
	for _, r := range s {
		column++
		if bad(r) {
			if found = append(found, Spot{Line: line, Column: column, Text: string(r)}); len(found) == MaxSpots {
				return found
			}
		}
		if r == '\n' {
			line, column = line+1, 0
		}
	}
	return found
}

// lookalikes are characters that CP932 knows under another code point of Unicode (golang/go issue 69934), or
// whose Windows twin prints the same.
var lookalikes = strings.NewReplacer(
	"〜", "～", "−", "－", "‖", "∥", "—", "―", "¥", `\`, "¢", "￠", "£", "￡", "¬", "￢",
	"\u00A0", " ", "\u2010", "-", "\u2011", "-", "\u2013", "-",
)

// EncodeCP932 writes s in the Shift_JIS of Windows. Look-alikes are mapped first (〜−‖—¥ to ～－∥―\). What is
// left and cannot be written is printed as 〓 and reported with its place in s, at most MaxSpots of them; none
// reported means nothing was lost. Do not compare the bytes with those of Windows: 髙 has two codes.
func EncodeCP932(s string) ([]byte, []Spot) {
	s = norm.NFC.String(lookalikes.Replace(strings.ToValidUTF8(s, string(utf8.RuneError))))
	encoder := japanese.ShiftJIS.NewEncoder()
	if out, err := encoder.Bytes([]byte(s)); err == nil {
		return out, nil
	}
	known := map[rune]bool{}
	writable := func(r rune) bool {
		ok, seen := known[r]
		if !seen {
			ok = encodable(encoder, r)
			known[r] = ok
		}
		return ok
	}
	lost := spots(s, func(r rune) bool { return r >= utf8.RuneSelf && !writable(r) })
	out, err := encoder.Bytes([]byte(strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf || writable(r) {
			return r
		}
		return geta
	}, s)))
	if err != nil { // every character was tried alone: cannot happen
		return nil, lost
	}
	return out, lost
}

func encodable(encoder *encoding.Encoder, r rune) bool {
	encoder.Reset()
	_, err := encoder.String(string(r))
	encoder.Reset()
	return err == nil
}

// Decoded is a text, what it was written in, and the places that could not be read (at most MaxSpots).
type Decoded struct {
	Text     string
	Encoding Encoding
	Broken   []Spot
}

// DetectAndDecode reads a file of text: a byte order mark decides; else valid UTF-8 is UTF-8; else it is CP932,
// unless that breaks in more places than UTF-8 does. Show the first lines to the person and offer DecodeAs: a
// short CP932 file can look like UTF-8.
func DetectAndDecode(b []byte) Decoded {
	switch {
	case bytes.HasPrefix(b, []byte("\xEF\xBB\xBF")):
		return DecodeAs(b, UTF8BOM)
	case bytes.HasPrefix(b, []byte("\xFF\xFE")):
		return DecodeAs(b, UTF16LE)
	case bytes.HasPrefix(b, []byte("\xFE\xFF")):
		return DecodeAs(b, UTF16BE)
	case utf8.Valid(b):
		return DecodeAs(b, UTF8)
	}
	office, modern := DecodeAs(b, CP932), DecodeAs(b, UTF8)
	if len(modern.Broken) < len(office.Broken) {
		return modern
	}
	return office
}

// DecodeAs reads b in the encoding that the person chose; a byte order mark is skipped. An unknown encoding is
// read as UTF-8.
func DecodeAs(b []byte, as Encoding) Decoded {
	switch as {
	case CP932:
		text, broken := DecodeCP932(b)
		return Decoded{Text: text, Encoding: CP932, Broken: broken}
	case UTF16LE:
		return decodeUTF16(bytes.TrimPrefix(b, []byte("\xFF\xFE")), binary.LittleEndian, UTF16LE)
	case UTF16BE:
		return decodeUTF16(bytes.TrimPrefix(b, []byte("\xFE\xFF")), binary.BigEndian, UTF16BE)
	default:
		return decodeUTF8(b, as)
	}
}

func decodeUTF8(b []byte, as Encoding) Decoded {
	if as != UTF8BOM {
		as = UTF8
	}
	b = bytes.TrimPrefix(b, []byte("\xEF\xBB\xBF"))
	if utf8.Valid(b) { // a U+FFFD that stands in the file is the writer's, not ours
		return Decoded{Text: string(b), Encoding: as}
	}
	text := strings.ToValidUTF8(string(b), string(utf8.RuneError))
	return Decoded{Text: text, Encoding: as, Broken: spots(text, func(r rune) bool { return r == utf8.RuneError })}
}

func decodeUTF16(b []byte, order binary.ByteOrder, as Encoding) Decoded {
	units := make([]uint16, 0, len(b)/2+1)
	for ; len(b) >= 2; b = b[2:] {
		units = append(units, order.Uint16(b))
	}
	if len(b) == 1 { // half a character at the end: the file was cut
		units = append(units, uint16(utf8.RuneError))
	}
	text := string(utf16.Decode(units))
	return Decoded{Text: text, Encoding: as, Broken: spots(text, func(r rune) bool { return r == utf8.RuneError })}
}
