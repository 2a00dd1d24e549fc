package logsql

import (
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/kizuki-security/kizuki/internal/logs/query"
	"github.com/kizuki-security/kizuki/internal/logs/query/text"
)

// pattern writes a regular expression. Cased ones stay as they are. Others run over folded text with us, so that each of
// their parts is written for unfolded text; parts for which that is not exact are refused.
func pattern(t query.Term, s string, cased bool) (string, error) {
	if !utf8.ValidString(s) || strings.ContainsRune(s, utf8.RuneError) {
		return "", refuse(Bytes, t)
	}
	if cased {
		return "(?:" + s + ")", nil
	}
	if strings.Contains(strings.ReplaceAll(s, "(?:", ""), "(?") {
		return "", refuse(Regex, t) // flags and names
	}
	tree, err := syntax.Parse(s, syntax.Perl)
	if err != nil {
		return "", refuse(Regex, t)
	}
	var b strings.Builder
	if !rewrite(&b, tree) {
		return "", refuse(Regex, t)
	}
	return b.String(), nil
}

func rewrite(b *strings.Builder, re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpEmptyMatch:
		return true
	case syntax.OpLiteral:
		return literal(b, re.Rune)
	case syntax.OpCharClass:
		return class(b, re.Rune)
	case syntax.OpBeginText:
		b.WriteString(`\A`)
		return true
	case syntax.OpEndText:
		b.WriteString(`\z`)
		return true
	case syntax.OpConcat:
		return all(b, re.Sub, "")
	case syntax.OpAlternate:
		return all(b, re.Sub, "|")
	case syntax.OpCapture:
		return all(b, re.Sub, "")
	case syntax.OpQuest:
		return repeat(b, re.Sub[0], "?")
	case syntax.OpStar:
		return repeat(b, re.Sub[0], "*")
	case syntax.OpPlus:
		return repeat(b, re.Sub[0], "+")
	case syntax.OpRepeat:
		times := strconv.Itoa(re.Min) + ","
		if re.Max >= 0 {
			times += strconv.Itoa(re.Max)
		}
		return repeat(b, re.Sub[0], "{"+times+"}")
	default: // word borders are those of ASCII, line borders and single dots see voice marks
		return false
	}
}

func all(b *strings.Builder, subs []*syntax.Regexp, between string) bool {
	b.WriteString("(?:")
	for i, sub := range subs {
		if i > 0 {
			b.WriteString(between)
		}
		if !rewrite(b, sub) {
			return false
		}
	}
	b.WriteString(")")
	return true
}

// repeat writes a repetition. Any number of any characters is the same whether a voice mark counts as one or not.
func repeat(b *strings.Builder, re *syntax.Regexp, times string) bool {
	if (times == "*" || times == "+") && (re.Op == syntax.OpAnyCharNotNL || re.Op == syntax.OpAnyChar) {
		dot := "."
		if re.Op == syntax.OpAnyChar {
			dot = "(?s:.)"
		}
		b.WriteString(dot + times)
		return true
	}
	b.WriteString("(?:")
	ok := rewrite(b, re)
	b.WriteString(")" + times)
	return ok
}

// literal writes a text; kana at its edges could join voice marks beside them, and the next part may see them.
func literal(b *strings.Builder, runes []rune) bool {
	s := string(runes)
	re, ok := text.Spellings(s, false)
	if !ok || strings.HasSuffix(re, "|$)") {
		return false
	}
	b.WriteString("(?:" + re + ")")
	return true
}

// class writes a set of ASCII characters; those of other characters are refused.
func class(b *strings.Builder, ranges []rune) bool {
	b.WriteString("(?:")
	some := false
	for i := 0; i < len(ranges); i += 2 {
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			if r >= utf8.RuneSelf {
				return false
			}
			re, _ := text.Spellings(string(r), false)
			if some {
				b.WriteByte('|')
			}
			b.WriteString(re)
			some = true
		}
	}
	b.WriteByte(')')
	return some
}
