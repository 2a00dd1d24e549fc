package jtext

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// DisplayWidth returns how many cells s takes on a terminal: full-width characters 2, marks that sit on
// another character 0, all else 1. Characters of ambiguous width (○, ①, …) count 1, as terminals show them
// today; PrintWidth counts them 2. Line breaks are not special: measure line by line.
func DisplayWidth(s string) int { return cells(s, 1) }

// PrintWidth returns how wide s is in Japanese fonts, in half-width characters: as DisplayWidth, with the
// ambiguous characters (○, △, ×, ①, …) counted 2. Use it for column widths on paper and in workbooks.
func PrintWidth(s string) int { return cells(s, 2) }

func cells(s string, ambiguous int) int {
	n := 0
	for _, r := range s {
		n += runeCells(r, ambiguous)
	}
	return n
}

func runeCells(r rune, ambiguous int) int {
	switch {
	case r < 0x20, r == 0x7F:
		return 0
	case r < 0x7F:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	case width.EastAsianAmbiguous:
		return ambiguous
	default:
		return 1
	}
}

// ellipsis stands for what was cut; it is one cell wide on a terminal.
const ellipsis = "…"

// Truncate returns s cut to at most limit cells of DisplayWidth, with "…" as the last cell when something was
// cut. Marks stay with their letter. A limit below 1 gives "".
func Truncate(s string, limit int) string {
	if DisplayWidth(s) <= limit {
		return s
	}
	if limit < 1 {
		return ""
	}
	var b strings.Builder
	used := 0
	for _, r := range s {
		w := runeCells(r, 1)
		if used+w > limit-1 {
			break
		}
		used += w
		b.WriteRune(r)
	}
	return b.String() + ellipsis
}
