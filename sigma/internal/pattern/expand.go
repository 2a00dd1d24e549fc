package pattern

import (
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/sigma/internal/ast"
)

// text is a value on its way through the modifiers: as written for kinds that read no wildcards, as tokens for text.
type text struct {
	written string
	tokens  []token
}

func (t text) source() string { return t.written }

const maxExpanded = 10_000

// expand replaces placeholders and reads wildcards.
func (b *builder) expand(v *ast.Value) ([]text, error) {
	literal := b.kind == "re" || b.kind == "cidr"
	written := []string{v.Text}
	if literal {
		written[0] = v.Written // a number stands for its digits there
	}
	if slices.Contains(b.transforms, "expand") {
		var err error
		if written, err = b.placeholdersIn(written[0], literal); err != nil {
			return nil, err
		}
	}
	out := make([]text, len(written))
	for i, w := range written {
		out[i] = text{written: w, tokens: parse(w)}
	}
	return out, nil
}

// placeholdersIn gives the text with every placeholder replaced, once for each of its values. Unless literal, a value is
// a pattern of its own: its last backslash escapes nothing of what comes after it.
func (b *builder) placeholdersIn(s string, literal bool) ([]string, error) {
	out := []string{""}
	var lit strings.Builder
	for i := 0; i < len(s); {
		switch {
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == '%':
			lit.WriteByte('%')
			i += 2
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == '\\':
			lit.WriteString(`\\`) // an escaped backslash escapes nothing
			i += 2
		case s[i] == '%' && placeholderEnd(s, i) > 0:
			end := placeholderEnd(s, i)
			name := s[i+1 : end]
			values := b.placeholders[name]
			if len(values) == 0 {
				return nil, refuse("placeholder", "placeholder %%%s%% has no values: give them to run this rule", name)
			}
			if len(out)*len(values) > maxExpanded {
				return nil, refuse("placeholder", "placeholders of one value multiply to more than %d", maxExpanded)
			}
			next := make([]string, 0, len(out)*len(values))
			for _, o := range out {
				for _, v := range values {
					if !literal && strings.HasSuffix(v, `\`) && (len(v)-len(strings.TrimRight(v, `\`)))%2 == 1 {
						v += `\`
					}
					next = append(next, o+lit.String()+v)
				}
			}
			lit.Reset()
			out = next
			i = end + 1
		default:
			lit.WriteByte(s[i])
			i++
		}
	}
	for i := range out {
		out[i] += lit.String()
	}
	return out, nil
}

// placeholderEnd gives the place of the closing percent sign, or 0. A name may be of any letters but has no space.
func placeholderEnd(s string, at int) int {
	for i := at + 1; i < len(s); i++ {
		switch s[i] {
		case '%':
			if i == at+1 {
				return 0
			}
			return i
		case ' ', '\t', '\n', '\f', '\r':
			return 0
		}
	}
	return 0
}
