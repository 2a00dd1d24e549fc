package text

import "unicode/utf8"

// Need gives the words that every line has in which needle occurs, so that an index can rule lines out; it gives fewer
// rather than one too many. With starts the needle begins a word in the line where it begins with a letter, with ends
// it ends one; elsewhere its first and last words may go on in the line. Cased needles stand in the unfolded line.
func Need(needle string, starts, ends, cased bool) []string {
	if !utf8.ValidString(needle) {
		return nil // its bytes may be parts of characters
	}
	folded := Fold(needle)
	var words []string
	cut(folded, func(w string, from, to int) {
		if (from > 0 || certain(w, folded[0], starts, cased)) &&
			(to < len(folded) || certain(w, folded[len(folded)-1], ends, cased)) {
			words = append(words, w)
		}
	})
	return words
}

// certain says whether the word at an edge of the needle is a word of the line as it stands. The byte is the one at
// the edge.
func certain(w string, edge byte, border, cased bool) bool {
	if cased && edge >= utf8.RuneSelf {
		return false // voice marks beside it may join it
	}
	class, n := classAt(w)
	if class == ideograph {
		return n < len(w) // two stand together wherever they are; one alone may have neighbours in the line
	}
	return border
}
