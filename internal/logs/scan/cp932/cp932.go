// Package cp932 reads lines in the Shift_JIS of Windows (code page 932) so that nothing of them is lost: a line becomes
// UTF-8 only where Windows would write exactly the same bytes back. It owns the words line, look and conversion, knows
// no file, and keeps no state.
//
// The traps: NEC's and IBM's extensions hold 398 characters twice, and of each pair Windows writes one; a backslash may
// be the second byte of a letter (表, ソ); 5C and 7E stay \ and ~, as on Windows, whatever a font shows for them.
// Characters of the user (F040 to F9FC) become U+E000 and on, as on Windows.
package cp932

import (
	"sync"
	"unicode/utf8"

	"golang.org/x/text/encoding/japanese"
)

// Look is what kinds of letters a line has besides ASCII, in letters. Texts in other encodings (EUC-JP, GBK, Latin-1) may
// by chance be valid here, too: they show as rare letters, and as half-width kana.
type Look struct {
	Sure int // kana, signs, everyday kanji, with a lead byte that EUC-JP does not have
	Kana int // half-width kana in runs of two and more
	Odd  int // runs of half-width kana of three and more, odd in length: not EUC-JP
	Rare int // rare kanji, extensions, kanji whose lead byte may be one of EUC-JP, half-width kana alone
}

// Likely says whether the line alone shows that it is CP932.
func (l Look) Likely() bool { return l.Sure >= 2 && l.Sure >= l.Rare }

// Possible says whether the line may be CP932, in a file where others are.
func (l Look) Possible() bool { return l.Sure+l.Kana >= l.Rare || l.Rare <= 2 }

const (
	leads  = 0xfc - 0x81 + 1
	trails = 0xfc - 0x40 + 1
)

// letters has the character of each pair of bytes that Windows writes back as it was; 0: none.
var letters = sync.OnceValue(func() *[leads * trails]uint16 {
	var table [leads * trails]uint16
	decode, encode := japanese.ShiftJIS.NewDecoder(), japanese.ShiftJIS.NewEncoder()
	for lead := 0x81; lead <= 0xfc; lead++ {
		if lead >= 0xa0 && lead < 0xe0 { // half-width kana: one byte
			continue
		}
		for trail := 0x40; trail <= 0xfc; trail++ {
			if trail == 0x7f {
				continue
			}
			at := (lead-0x81)*trails + trail - 0x40
			if lead >= 0xf0 && lead <= 0xf9 {
				table[at] = own(lead, trail)
				continue
			}
			text, err := decode.Bytes([]byte{byte(lead), byte(trail)})
			r, size := utf8.DecodeRune(text)
			if err != nil || r == utf8.RuneError || size != len(text) || r > 0xffff {
				continue
			}
			back, err := encode.Bytes(text)
			if err != nil || len(back) != 2 {
				continue
			}
			// The library writes NEC's selection of IBM's letters where Windows writes IBM's.
			nec := back[0] == 0xed || back[0] == 0xee
			if nec && lead >= 0xfa || !nec && int(back[0]) == lead && int(back[1]) == trail {
				table[at] = uint16(r)
			}
		}
	}
	return &table
})

// own is the character of the private use area that Windows has for one of the user.
func own(lead, trail int) uint16 {
	n := trail - 0x40
	if trail > 0x7f {
		n--
	}
	return uint16(0xe000 + (lead-0xf0)*188 + n)
}

// Append appends a line as UTF-8 and says what it has. ok is false where it is not valid, or would not come back as the
// same bytes; dst then has no more than before.
func Append(dst, line []byte) (out []byte, look Look, ok bool) {
	table := letters()
	out = dst
	run := 0
	for i := 0; i < len(line); i++ {
		c := line[i]
		if c >= 0xa1 && c <= 0xdf {
			run++
			out = utf8.AppendRune(out, 0xff61+rune(c-0xa1))
			continue
		}
		look.kana(run)
		run = 0
		if c < utf8.RuneSelf {
			out = append(out, c)
			continue
		}
		trail := byte(0)
		if i++; i < len(line) {
			trail = line[i]
		}
		if c == 0x80 || c == 0xa0 || c > 0xfc || trail < 0x40 || trail > 0xfc {
			return dst, look, false
		}
		r := table[int(c-0x81)*trails+int(trail-0x40)]
		if r == 0 {
			return dst, look, false
		}
		out = utf8.AppendRune(out, rune(r))
		if c != 0x8e && c != 0x8f && (c <= 0x84 || c >= 0x88 && c <= 0x97) {
			look.Sure++
		} else if c != 0x8e && c != 0x8f {
			look.Rare++
		}
	}
	look.kana(run)
	return out, look, true
}

func (l *Look) kana(run int) {
	if run == 1 {
		l.Rare++
		return
	}
	l.Kana += run
	if run >= 3 && run%2 == 1 {
		l.Odd++
	}
}
