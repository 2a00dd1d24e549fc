package sheet

import "strings"

// formulaStarts are the first characters by which spreadsheet programs take a CSV value for a formula.
// Source: OWASP, CSV Injection.
const formulaStarts = "=+-@\t\r"

// guard puts ' before a text that a spreadsheet program would run. Texts that already look guarded get one more, so
// that unguard gives every text back.
func guard(s string) string {
	if dangerous(s) {
		return "'" + s
	}
	return s
}

// unguard takes one ' away that guard would have put.
func unguard(s string) string {
	if rest, ok := strings.CutPrefix(s, "'"); ok && dangerous(rest) {
		return rest
	}
	return s
}

func dangerous(s string) bool {
	rest := strings.TrimLeft(s, "'")
	return rest != "" && strings.ContainsRune(formulaStarts, rune(rest[0]))
}
