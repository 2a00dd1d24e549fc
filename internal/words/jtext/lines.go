package jtext

import "strings"

// StoreLines is Store for texts of several lines: each line is normalised by itself, line breaks become \n,
// and empty lines at the end go.
func StoreLines(s string) string {
	lines := strings.Split(strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n"), "\n")
	for i, l := range lines {
		lines[i] = Store(l)
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}
