package event

import "strings"

// longestSource is the length limit of a source's name, in bytes.
const longestSource = 64

// ValidSource says whether a name may stand for a source: 1 to 64 of a–z, 0–9, dot, underscore and hyphen, a letter or
// digit first and no dot last, and before the first dot no name that Windows keeps for a device (con, nul, com1). So it
// can be part of a file's name on every system and needs no quoting in a query.
func ValidSource(name string) bool {
	if name == "" || len(name) > longestSource || name[len(name)-1] == '.' {
		return false
	}
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		case c == '.' || c == '_' || c == '-':
			if i == 0 {
				return false
			}
		default:
			return false
		}
	}
	return !device(name)
}

// device says whether Windows takes a file of this name for a device, whatever stands behind a dot.
func device(name string) bool {
	head, _, _ := strings.Cut(name, ".")
	switch head {
	case "con", "prn", "aux", "nul":
		return true
	}
	return len(head) == 4 && (head[:3] == "com" || head[:3] == "lpt") && head[3] >= '0' && head[3] <= '9'
}
