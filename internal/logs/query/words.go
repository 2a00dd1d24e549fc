package query

import "github.com/kizuki-security/kizuki/internal/logs/query/text"

// Words calls add for each word of a text, as an index of lines must hold them; see text.Words.
func Words(line string, add func(word string)) { text.Words(line, add) }

// WordsVersion names how Words cuts. An index made under another name must not rule anything out.
const WordsVersion = text.WordsVersion

// Fold gives the form in which texts are compared unless cased: is asked for; see text.Fold.
func Fold(s string) string { return text.Fold(s) }
