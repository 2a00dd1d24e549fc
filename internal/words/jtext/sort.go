package jtext

import (
	"bytes"
	"sync"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
)

// collators are not safe for concurrent use, so each call borrows one.
var collators = sync.Pool{New: func() any { return &collator{order: collate.New(language.Japanese)} }}

type collator struct {
	order *collate.Collator
	buf   collate.Buffer
}

// SortKey returns bytes whose plain order is the order of a Japanese office list: かとう, ガトウ, サイトウ, ささき,
// さとう … Hiragana and katakana of one reading share a key. Give it the furigana where there is one; kanji without furigana fall to the end in JIS order. Keep it
// in a BLOB column sort_key and rebuild that column when golang.org/x/text changes.
func SortKey(s string) []byte {
	c, ok := collators.Get().(*collator)
	if !ok {
		c = &collator{order: collate.New(language.Japanese)}
	}
	key := bytes.Clone(c.order.KeyFromString(&c.buf, Line(s)))
	c.buf.Reset()
	collators.Put(c)
	return key
}
