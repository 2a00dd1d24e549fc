package text

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// Finder looks for one text in lines. It is made once and safe for concurrent use; each goroutine has its own Scratch.
type Finder struct {
	needle      string // as compared: folded unless cased
	left, right bool   // a word must begin, end there
	cased       bool
	valid       bool // UTF-8
	joins       bool // voice marks in the line may join the ends of the needle
	variants    variants
}

// Scratch is memory that a search uses again.
type Scratch struct {
	fold  []byte
	tried []uint64
}

// NewFinder makes a Finder. With starts the text must begin a word where it begins with a letter, digit or _; with
// ends it must end one.
func NewFinder(needle string, starts, ends, cased bool) *Finder {
	f := &Finder{needle: needle, cased: cased, valid: utf8.ValidString(needle)}
	if !cased {
		f.needle = Fold(needle)
	}
	if f.needle == "" {
		return f
	}
	first, _ := utf8.DecodeRuneInString(f.needle)
	last, _ := utf8.DecodeLastRuneInString(f.needle)
	f.left = starts && borderClass(first) == letter
	f.right = ends && borderClass(last) == letter
	if !cased {
		f.joins = kana(last) || voiced(first)
		f.variants = variantsOf(f.needle)
	}
	return f
}

// borderClass is the class of one character of a line, folded by itself.
func borderClass(r rune) int {
	if r < utf8.RuneSelf {
		if asciiLetter[byte(r)] {
			return letter
		}
		return separator
	}
	if r == utf8.RuneError {
		return separator
	}
	if r = foldRune(r); r < utf8.RuneSelf {
		return borderClass(r)
	}
	return classOf(r, utf8.RuneLen(r))
}

// MatchString says whether the text stands in s.
func (f *Finder) MatchString(s string) bool {
	if !f.cased {
		s = Fold(s)
	}
	if !f.left && !f.right {
		return strings.Contains(s, f.needle)
	}
	return f.in([]byte(s))
}

// Match says whether the text stands in the line.
func (f *Finder) Match(line []byte, s *Scratch) bool {
	if f.cased {
		return f.in(line)
	}
	s.fold = appendFold(s.fold[:0], line)
	return f.in(s.fold)
}

// in looks through a line that is folded unless f is cased.
func (f *Finder) in(line []byte) bool {
	needle := []byte(f.needle)
	for from := 0; ; {
		i := bytes.Index(line[from:], needle)
		if i < 0 {
			return false
		}
		from += i
		if f.borders(line, from) {
			return true
		}
		from++
	}
}

// borders says whether words begin and end around the needle at p where they must.
func (f *Finder) borders(line []byte, p int) bool {
	if f.left && p > 0 {
		if r, _ := utf8.DecodeLastRune(line[:p]); borderClass(r) == letter {
			return false
		}
	}
	if end := p + len(f.needle); f.right && end < len(line) {
		if r, _ := utf8.DecodeRune(line[end:]); borderClass(r) == letter {
			return false
		}
	}
	return true
}

// Rows sets in out the rows of in whose lines hold the text. The lines stand in text one after another, row i ends at
// ends[i]. in and out have a bit for each row; bits beyond the rows must be 0.
func (f *Finder) Rows(text []byte, ends []uint32, in, out []uint64, s *Scratch) {
	clear(out)
	search := search{Finder: f, text: text, ends: ends, out: out, scratch: s, rare: f.rarest(text)}
	EachRun(in, len(ends), func(from, to int) { search.region(from, to) })
}

// EachRun calls do for each run from:to of rows that are set.
func EachRun(in []uint64, rows int, do func(from, to int)) {
	for i := nextBit(in, 0, rows, true); i < rows; {
		end := nextBit(in, i, rows, false)
		do(i, end)
		i = nextBit(in, end, rows, true)
	}
}

// nextBit finds the first bit from i on that is set, or not set; rows where there is none.
func nextBit(in []uint64, i, rows int, set bool) int {
	for i < rows {
		w := in[i>>6]
		if !set {
			w = ^w
		}
		if w >>= i & 63; w != 0 {
			return min(i+trailing(w), rows)
		}
		i = i&^63 + 64
	}
	return rows
}

// search is one look through a block.
type search struct {
	*Finder
	text    []byte
	ends    []uint32
	out     []uint64
	scratch *Scratch
	rare    rare
}

func (s *search) set(row int) { s.out[row>>6] |= 1 << (row & 63) }

func (s *search) has(row int) bool { return s.out[row>>6]>>(row&63)&1 != 0 }

func (s *search) start(row int) int {
	if row == 0 {
		return 0
	}
	return int(s.ends[row-1])
}

// region looks through the rows from:to.
func (s *search) region(from, to int) {
	start, end := s.start(from), int(s.ends[to-1])
	if !s.valid || s.needle == "" {
		for row := from; row < to; row++ {
			if s.Match(s.text[s.start(row):s.ends[row]], s.scratch) {
				s.set(row)
			}
		}
		return
	}
	s.plain(from, start, end)
	if !s.cased && !s.variants.empty() && !isASCII(s.text[start:end]) {
		s.folded(from, start, end)
	}
}

// plain finds the needle spelt as it is, but for the case of ASCII letters.
func (s *search) plain(row, at, end int) {
	scan := s.rare
	scan.reset()
	for at < end {
		p := scan.next(s.text[:end], at)
		if p < 0 {
			return
		}
		for int(s.ends[row]) <= p {
			row++
		}
		rowEnd := int(s.ends[row])
		if p+len(s.needle) > rowEnd || !s.same(p) {
			at = p + 1
			continue
		}
		found, sure := s.judge(row, p)
		switch {
		case !sure && s.Match(s.text[s.start(row):rowEnd], s.scratch), found:
			s.set(row)
			at = rowEnd
		case !sure:
			at = rowEnd
		default:
			at = p + 1
		}
	}
}

// same compares the needle with the text at p.
func (s *search) same(p int) bool {
	text := s.text[p : p+len(s.needle)]
	if s.cased {
		return string(text) == s.needle
	}
	for i, c := range text {
		if c-'A' < 26 {
			c |= 0x20
		}
		if c != s.needle[i] {
			return false
		}
	}
	return true
}

// judge says whether the needle at p counts, and whether that is sure without folding the line.
func (s *search) judge(row, p int) (found, sure bool) {
	if s.joins {
		return false, false
	}
	if !s.left && !s.right {
		return true, true
	}
	start := s.start(row)
	if s.left && !s.cased && p > start && s.text[p-1] >= utf8.RuneSelf {
		if r, _ := utf8.DecodeLastRune(s.text[start:p]); voiced(r) {
			return false, false // whether it is a letter depends on what is before it
		}
	}
	return s.borders(s.text[start:s.ends[row]], p-start), true
}

// folded looks at the rows that hold a character which folds into one of the needle's.
func (s *search) folded(from, start, end int) {
	if n := len(s.out); len(s.scratch.tried) < n {
		s.scratch.tried = make([]uint64, n)
	}
	clear(s.scratch.tried)
	s.variants.each(s.text, start, end, func(p, row int) (int, int) {
		for int(s.ends[row]) <= p {
			row++
		}
		if tried := &s.scratch.tried[row>>6]; *tried>>(row&63)&1 == 0 && !s.has(row) {
			*tried |= 1 << (row & 63)
			if s.Match(s.text[s.start(row):s.ends[row]], s.scratch) {
				s.set(row)
			}
		}
		return int(s.ends[row]), row
	}, from)
}
