package pattern

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf16"
)

// dashes makes the five dashes of windash one. It works on folded text too: none of them has a case.
var dashes = strings.NewReplacer("/", "-", "–", "-", "—", "-", "―", "-")

var fiveDashes = []string{"-", "/", "–", "—", "―"}

// AppendDash appends src with all five dashes as "-".
func AppendDash(dst, src []byte) []byte {
	for i := 0; i < len(src); i++ {
		c := src[i]
		switch {
		case c == '/':
			dst = append(dst, '-')
		case c == 0xE2 && i+2 < len(src) && src[i+1] == 0x80 && src[i+2] >= 0x93 && src[i+2] <= 0x95:
			dst = append(dst, '-')
			i += 2
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

const maxVariants = 5 * 5 * 5 * 5

// dashVariants writes a text with every dash as every other.
func dashVariants(s string) ([]string, error) {
	parts := strings.Split(dashes.Replace(s), "-")
	out := []string{parts[0]}
	for _, part := range parts[1:] {
		if len(out)*len(fiveDashes) > maxVariants {
			return nil, fmt.Errorf("windash before an encoding: more than 4 dashes in %q", s)
		}
		next := make([]string, 0, len(out)*len(fiveDashes))
		for _, o := range out {
			for _, d := range fiveDashes {
				next = append(next, o+d+part)
			}
		}
		out = next
	}
	return out, nil
}

// encode gives what one encoding modifier makes of a text.
func encode(modifier, s string) []string {
	switch modifier {
	case "base64":
		return []string{base64.StdEncoding.EncodeToString([]byte(s))}
	case "base64offset":
		return base64Offsets(s)
	case "utf16le", "wide":
		return []string{utf16Text(s, false)}
	case "utf16be":
		return []string{utf16Text(s, true)}
	case "utf16":
		return []string{"\xff\xfe" + utf16Text(s, false)}
	}
	return nil
}

// base64Offsets gives the characters of base64 text that depend on s alone, wherever s begins in a group of three.
// It gives nothing when at one of the places nothing depends on s alone, which is so for a single byte.
func base64Offsets(s string) []string {
	skip := [3]int{0, 2, 3} // characters at the beginning that the bytes before s have a part in
	drop := [3]int{0, 3, 2} // characters at the end (padding included) that the bytes after s have a part in
	out := make([]string, 0, 3)
	for i := range 3 {
		text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(" ", i) + s))
		end := len(text) - drop[(len(s)+i)%3]
		if skip[i] >= end {
			return nil
		}
		out = append(out, text[skip[i]:end])
	}
	return out
}

func utf16Text(s string, bigEndian bool) string {
	units := utf16.Encode([]rune(s))
	b := make([]byte, 0, 2*len(units))
	for _, u := range units {
		if bigEndian {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return string(b)
}

// DashOffset turns a place in what AppendDash made of src into the place in src.
func DashOffset(src []byte, at int) int {
	i := 0
	for ; i < len(src) && at > 0; at-- {
		if src[i] == 0xE2 && i+2 < len(src) && src[i+1] == 0x80 && src[i+2] >= 0x93 && src[i+2] <= 0x95 {
			i += 2
		}
		i++
	}
	return i
}
