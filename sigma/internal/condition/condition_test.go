package condition

import (
	"strings"
	"testing"
)

// show writes a tree with all its brackets.
func show(n *Node) string {
	var kids []string
	for _, k := range n.Kids {
		kids = append(kids, show(k))
	}
	switch n.Op {
	case Name:
		return n.Name
	case Not:
		return "!" + kids[0]
	case And:
		return "(" + strings.Join(kids, "&") + ")"
	case Or:
		return "(" + strings.Join(kids, "|") + ")"
	case OneOf:
		return "1:" + n.Name
	case AllOf:
		return "all:" + n.Name
	}
	return "?"
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{"selection", "selection"},
		{"a or b and c", "(a|(b&c))"},
		{"a and b or c", "((a&b)|c)"},
		{"not a and b", "(!a&b)"},
		{"not (a or b)", "!(a|b)"},
		{"not not a", "!!a"},
		{"NOT a AND b OR c", "((!a&b)|c)"},
		{
			"1 of selection_* and not 1 of filter_main_* and not 1 of filter_optional_*",
			"(1:selection_*&!1:filter_main_*&!1:filter_optional_*)",
		},
		{"all of them", "all:them"},
		{"any of sel*", "1:sel*"},
		{"(((a)))and(b)", "(a&b)"},
		{"a and\n  b", "(a&b)"},
	} {
		n, err := Parse(tt.in)
		if err != nil {
			t.Errorf("%q: %v", tt.in, err)
		} else if got := show(n); got != tt.want {
			t.Errorf("%q is %s, want %s", tt.in, got, tt.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		"", "   ", "a and", "or a", "a b", "(a", "a)", "()", "not", "a | count() by b > 5", "2 of them", "1 of", "all of (a)",
		"sel*", "of", "1 of and", strings.Repeat("(", 300) + "a" + strings.Repeat(")", 300), strings.Repeat("not ", 300) + "a",
		strings.Repeat("a or ", 20000) + "a",
	} {
		if n, err := Parse(in); err == nil {
			t.Errorf("%.40q is accepted as %.40s", in, show(n))
		}
	}
}

func TestAgrees(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern, name string
		want          bool
	}{
		{"them", "selection", true},
		{"them", "_hidden", false},
		{"selection_*", "selection_img", true},
		{"selection_*", "selection", false},
		{"*", "_hidden", true},
		{"*_main_*", "filter_main_x", true},
		{"a*a", "a", false},
		{"a*a", "aa", true},
		{"selection", "selection", true},
		{"Selection*", "selection1", false},
	} {
		if got := Agrees(tt.pattern, tt.name); got != tt.want {
			t.Errorf("%q and %q: %t", tt.pattern, tt.name, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("a or b and not 1 of c* or (all of them)")
	f.Add("((((not a)))) and 1 of")
	f.Fuzz(func(t *testing.T, text string) {
		n, err := Parse(text)
		if err != nil {
			return
		}
		shown := show(n)
		if strings.Contains(shown, "?") && !strings.Contains(text, "?") {
			t.Errorf("%q has an unknown node: %s", text, shown)
		}
	})
}
