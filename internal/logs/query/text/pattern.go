package text

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"
)

// Pattern is a regular expression over lines; safe for concurrent use.
type Pattern struct {
	re     *regexp.Regexp
	folded bool
	// Literal is a text without which nothing matches; folded unless the pattern is cased. Empty: none is known.
	Literal string
}

// ErrProgram says that a regular expression compiles to more than is allowed.
var ErrProgram = errors.New("the expression is too large")

// Compile compiles a regular expression in the syntax of package regexp (RE2: time linear in the text). Unless cased it
// runs with (?i) over folded text, and its characters outside ASCII are folded too; those that become ASCII stand for
// themselves. Program limits the instructions.
func Compile(s string, cased bool, program int) (*Pattern, error) {
	tree, err := syntax.Parse(s, syntax.Perl) // as it stands: folding must not mend what is wrong
	if err != nil {
		return nil, err
	}
	if !cased {
		if strings.Contains(s, `\Q`) { // in which an escape would stand for itself
			s = tree.String()
		}
		s = "(?i:" + foldPattern(s) + ")"
		if tree, err = syntax.Parse(s, syntax.Perl); err != nil {
			return nil, err
		}
	}
	tree = tree.Simplify()
	prog, err := syntax.Compile(tree)
	if err != nil {
		return nil, err
	}
	if len(prog.Inst) > program {
		return nil, ErrProgram
	}
	re, err := regexp.Compile(s)
	if err != nil {
		return nil, err
	}
	p := &Pattern{re: re, folded: !cased, Literal: literal(tree, cased)}
	if !cased {
		p.Literal = Fold(p.Literal)
	}
	return p, nil
}

// Match says whether the expression matches in s.
func (p *Pattern) Match(s string) bool {
	if p.folded {
		s = Fold(s)
	}
	return p.re.MatchString(s)
}

// MatchLine says whether the expression matches in a raw line.
func (p *Pattern) MatchLine(line []byte, s *Scratch) bool {
	if p.folded {
		s.fold = appendFold(s.fold[:0], line)
		line = s.fold
	}
	return p.re.Match(line)
}

// foldPattern folds the characters of a pattern outside ASCII; those that become ASCII become literals.
func foldPattern(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		from := i
		for i < len(s) && s[i] >= utf8.RuneSelf {
			i++
		}
		if from == i {
			b.WriteByte(s[i])
			i++
			continue
		}
		b.WriteString(regexp.QuoteMeta(Fold(s[from:i])))
	}
	return b.String()
}

// literal gives the longest text that every match holds. In cased patterns a part under (?i) is not one.
func literal(re *syntax.Regexp, cased bool) string {
	switch re.Op {
	case syntax.OpLiteral:
		if cased && re.Flags&syntax.FoldCase != 0 {
			return ""
		}
		if slices.Contains(re.Rune, utf8.RuneError) {
			return "" // it matches bytes that are no UTF-8, too
		}
		return string(re.Rune)
	case syntax.OpConcat:
		best := ""
		for _, sub := range re.Sub {
			if l := literal(sub, cased); len(l) > len(best) {
				best = l
			}
		}
		return best
	case syntax.OpCapture, syntax.OpPlus:
		return literal(re.Sub[0], cased)
	case syntax.OpRepeat:
		if re.Min > 0 {
			return literal(re.Sub[0], cased)
		}
	default:
	}
	return ""
}
