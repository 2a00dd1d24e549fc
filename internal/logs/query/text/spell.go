package text

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// Spellings gives a regular expression that matches in an unfolded text exactly where needle occurs in the folded one:
// every letter in both cases and widths. It is for engines that cannot fold. False: no expression can say it, since
// voice marks beside the needle, or bytes that are no UTF-8, matter. With last the text may end there only.
func Spellings(needle string, last bool) (string, bool) {
	folded := Fold(needle)
	if !utf8.ValidString(needle) || strings.ContainsRune(needle, utf8.RuneError) {
		return "", false
	}
	var b strings.Builder
	var end rune
	for i, r := range folded {
		if i == 0 && voiced(r) {
			return "", false
		}
		spellRune(&b, r)
		end = r
	}
	if marks := joining(end); marks != "" && !last {
		b.WriteString("(?:[^" + marks + "]|$)")
	}
	return b.String(), true
}

// joining gives the marks that would make another letter of r.
func joining(r rune) string {
	marks := ""
	if voice(r, voicedMark) != 0 {
		marks = "\u3099\uFF9E"
	}
	if voice(r, semiMark) != 0 {
		marks += "\u309A\uFF9F"
	}
	return marks
}

// spellRune writes the class of the characters that fold into r.
func spellRune(b *strings.Builder, r rune) {
	one := func(r rune) string {
		set := []rune{r}
		if r >= 'a' && r <= 'z' {
			set = append(set, r-0x20)
		}
		return class(append(set, unfolded()[r]...))
	}
	for _, m := range []struct {
		mark  rune
		marks string
	}{{voicedMark, "\u3099\uFF9E"}, {semiMark, "\u309A\uFF9F"}} {
		for back := rune(1); back <= 0x4E; back++ {
			if base := r - back; kana(base) && voice(base, m.mark) == r {
				b.WriteString("(?:" + one(r) + "|" + one(base) + "[" + m.marks + "])")
				return
			}
		}
	}
	b.WriteString(one(r))
}

// class writes a set of characters as an expression.
func class(set []rune) string {
	if len(set) == 1 {
		return regexp.QuoteMeta(string(set))
	}
	var b strings.Builder
	b.WriteByte('[')
	for _, r := range set {
		if strings.ContainsRune(`\]^-[`, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	b.WriteByte(']')
	return b.String()
}

// Borders gives the expressions that stand before and after the spellings of a needle so that it is whole words where it
// begins and ends with letters; empty where there is no such border.
func Borders(needle string, starts, ends, cased bool) (before, after string) {
	f := NewFinder(needle, starts, ends, cased)
	const between = `[^\p{L}\p{Nd}\p{M}_＿]|[々〆〇\x{3041}-\x{3096}\x{309D}-\x{309F}\x{30A1}-\x{30FA}\x{30FC}-\x{30FF}\x{31F0}-\x{31FF}` +
		`\x{3400}-\x{4DBF}\x{4E00}-\x{9FFF}\x{F900}-\x{FAFF}\x{20000}-\x{3FFFD}\x{FF66}-\x{FF9D}]`
	if f.left {
		before = `(?:^|` + between
		if !cased {
			before += "|[" + voiceable(voicedMark) + "][\u3099\uFF9E]|[" + voiceable(semiMark) + "][\u309A\uFF9F]"
		}
		before += ")"
	}
	if f.right {
		after = `(?:$|` + between + ")"
	}
	return before, after
}

// voiceable lists the kana, in both widths, that a mark makes another letter of.
func voiceable(mark rune) string {
	var b strings.Builder
	for r := rune(0x3041); r <= 0x30FE; r++ {
		if voice(r, mark) == 0 {
			continue
		}
		b.WriteRune(r)
		for _, half := range unfolded()[r] {
			b.WriteRune(half)
		}
	}
	return b.String()
}
