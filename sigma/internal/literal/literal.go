// Package literal finds text that a regular expression cannot match without, so that most values need not be
// tried. It imports nothing of ours but fold. Inside: literal → fold.
package literal

import (
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/kizuki-security/kizuki/sigma/internal/fold"
)

const maxSet = 64

// Required gives folded texts of which at least one occurs in the folded form of whatever the expression matches.
// It is nil when nothing useful can be said. re must be simplified.
func Required(re *syntax.Regexp) []string {
	set := required(re)
	if shortest(set) < 2 {
		return nil
	}
	for _, s := range set {
		if strings.ContainsRune(s, utf8.RuneError) { // matches broken bytes too, which look otherwise
			return nil
		}
	}
	return set
}

func required(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		return []string{fold.String(string(re.Rune))}
	case syntax.OpCapture, syntax.OpPlus:
		return required(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return required(re.Sub[0])
		}
	case syntax.OpConcat:
		return concat(re.Sub)
	case syntax.OpAlternate:
		return alternate(re.Sub)
	case syntax.OpCharClass:
		return class(re)
	default:
	}
	return nil
}

func shortest(set []string) int {
	if len(set) == 0 {
		return 0
	}
	n := len(set[0])
	for _, s := range set[1:] {
		n = min(n, len(s))
	}
	return n
}

// class writes a small class as its characters: [eE], [-/].
func class(re *syntax.Regexp) []string {
	var set []string
	for i := 0; i+1 < len(re.Rune); i += 2 {
		if re.Rune[i+1]-re.Rune[i] > 8 || len(set) > 8 {
			return nil
		}
		for r := re.Rune[i]; r <= re.Rune[i+1]; r++ {
			s := string(fold.Rune(r))
			if !contains(set, s) {
				set = append(set, s)
			}
		}
	}
	return set
}

func contains(set []string, s string) bool {
	return slices.Contains(set, s)
}

func alternate(subs []*syntax.Regexp) []string {
	var set []string
	for _, sub := range subs {
		one := required(sub)
		if len(one) == 0 || len(set)+len(one) > maxSet {
			return nil
		}
		set = append(set, one...)
	}
	return set
}

// concat joins what stands side by side and takes the part with the longest shortest text.
func concat(subs []*syntax.Regexp) []string {
	var best, run []string
	keep := func() {
		if shortest(run) > shortest(best) {
			best = run
		}
		run = nil
	}
	for _, sub := range subs {
		if empty(sub) {
			continue
		}
		exact := exactly(sub)
		switch {
		case exact == nil:
			keep()
			if one := required(sub); shortest(one) > shortest(best) {
				best = one
			}
		case run == nil:
			run = exact
		case len(run)*len(exact) > maxSet:
			keep()
			run = exact
		default:
			run = product(run, exact)
		}
	}
	keep()
	return best
}

func empty(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return true
	default:
	}
	return false
}

// exactly gives the folded texts that are all the expression can match, or nil.
func exactly(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		return []string{fold.String(string(re.Rune))}
	case syntax.OpCapture:
		return exactly(re.Sub[0])
	case syntax.OpCharClass:
		return class(re)
	case syntax.OpConcat:
		run := []string{""}
		for _, sub := range re.Sub {
			if empty(sub) {
				continue
			}
			one := exactly(sub)
			if one == nil || len(run)*len(one) > maxSet {
				return nil
			}
			run = product(run, one)
		}
		return run
	case syntax.OpAlternate:
		var set []string
		for _, sub := range re.Sub {
			one := exactly(sub)
			if one == nil || len(set)+len(one) > maxSet {
				return nil
			}
			set = append(set, one...)
		}
		return set
	default:
	}
	return nil
}

func product(a, b []string) []string {
	out := make([]string, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			out = append(out, x+y)
		}
	}
	return out
}

// Parse reads an expression the way Required wants it.
func Parse(expr string) (*syntax.Regexp, error) {
	re, err := syntax.Parse(strings.ToValidUTF8(expr, "\uFFFD"), syntax.Perl)
	if err != nil {
		return nil, err
	}
	return re.Simplify(), nil
}
