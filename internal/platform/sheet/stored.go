package sheet

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// lookEscaped finds what would be read as an escape, also when its last underscore comes from a control character.
var lookEscaped = regexp.MustCompile(`_x[0-9A-Fa-f]{4}`)

// storedText writes a text as workbooks store it: characters that XML cannot hold become _x0007_, and a text that
// looks like that is written so that it is read back as it was. Source: ECMA-376 part 1 §22.9.2.19.
func storedText(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, string(utf8.RuneError)), "\r\n", "\n")
	s = lookEscaped.ReplaceAllStringFunc(s, func(m string) string { return "_x005F" + m })
	return strings.Map(func(r rune) rune {
		if r == '\uFFFE' || r == '\uFFFF' {
			return utf8.RuneError
		}
		return r
	}, controls(s))
}

func controls(s string) string {
	if !strings.ContainsFunc(s, forbidden) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if forbidden(r) {
			fmt.Fprintf(&b, "_x%04X_", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// forbidden says whether r cannot stand in an XML text, or would be read as something else (CR).
func forbidden(r rune) bool { return r < ' ' && r != '\t' && r != '\n' }
