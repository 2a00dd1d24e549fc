package pattern

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/kizuki-security/kizuki/sigma/internal/ast"
	"github.com/kizuki-security/kizuki/sigma/internal/fold"
)

func TestParseEscapes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{`a\b`, `'a\b'`},
		{`a\\b`, `'a\b'`},
		{`a*b?c`, `'a' * 'b' ? 'c'`},
		{`a\*b\?c`, `'a*b?c'`},
		{`a\\*`, `'a\' *`},
		{`a\\\*`, `'a\*'`},
		{`\\\\server`, `'\\server'`},
		{`\\\server`, `'\\server'`},
		{`end\`, `'end\'`},
		{``, ``},
		{`**a***`, `* 'a' *`},
	} {
		var parts []string
		for _, k := range tidy(parse(tt.in)) {
			if k.wild != 0 {
				parts = append(parts, string(k.wild))
			} else {
				parts = append(parts, "'"+k.lit+"'")
			}
		}
		if got := strings.Join(parts, " "); got != tt.want {
			t.Errorf("%q is %s, want %s", tt.in, got, tt.want)
		}
	}
}

// expression writes a pattern as a regular expression: another way to the same answer.
func expression(tokens []token) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	for _, k := range tokens {
		switch k.wild {
		case '*':
			b.WriteString(".*")
		case '?':
			b.WriteString(".")
		default:
			b.WriteString(regexp.QuoteMeta(k.lit))
		}
	}
	return regexp.MustCompile(b.String() + `\z`)
}

func FuzzText(f *testing.F) {
	f.Add("*\\cmd.exe", "C:\\Windows\\cmd.exe")
	f.Add("a?c*", "a気c")
	f.Add("?*?", "x")
	f.Add("*a*ab*b?", "aababbc")
	f.Add("a*", "b")
	f.Fuzz(func(t *testing.T, pattern, value string) {
		if !utf8.ValidString(pattern) || !utf8.ValidString(value) || len(pattern) > 100 {
			return
		}
		tokens := parse(fold.String(pattern))
		x := newText(tokens)
		v := []byte(fold.String(value))
		want := expression(tokens).Match(v)
		if got := x.Match(v); got != want {
			t.Fatalf("%q on %q: %t, want %t", pattern, value, got, want)
		}
		start, end, ok := x.Find(v)
		if ok != want || ok && (start < 0 || start > end || end > len(v)) {
			t.Errorf("%q on %q: place %d to %d, %t", pattern, value, start, end, ok)
		}
		if shape, lit := x.Longest(); want && shape != AnyText && !strings.Contains(string(v), lit) {
			t.Errorf("%q on %q: matches without its literal %q", pattern, value, lit)
		}
	})
}

// written is a value as YAML reads it: what looks like a number is one.
func written(text string) ast.Value {
	v := ast.Value{Text: text, Written: text}
	if _, ok := ParseNumber([]byte(text)); ok {
		v.Kind = ast.Number
	}
	return v
}

// match compiles one item and runs it on one value.
func match(t *testing.T, key string, value ast.Value, on string) bool {
	t.Helper()
	parts := strings.Split(key, "|")
	e, err := Compile(&ast.Item{Field: parts[0], Modifiers: parts[1:], Values: []ast.Value{value}}, "s", Placeholders{"who": {"alice", "b*"}})
	if err != nil {
		t.Fatalf("%s: %s: %v", key, value.Text, err)
	}
	return run(e, []byte(on))
}

func run(e *Expr, v []byte) bool {
	switch e.Logic {
	case Test:
		folded, _ := fold.Append(nil, v)
		form := v
		switch e.Atom.Form() {
		case Folded:
			form = folded
		case DashFolded:
			form = AppendDash(nil, folded)
		case DashRaw:
			form = AppendDash(nil, v)
		case Raw:
		}
		return e.Atom.Holds(form, folded)
	case Not:
		return !run(e.Kids[0], v)
	case All:
		for _, k := range e.Kids {
			if !run(k, v) {
				return false
			}
		}
		return true
	case Any:
	}
	for _, k := range e.Kids {
		if run(k, v) {
			return true
		}
	}
	return false
}

func TestModifiers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		key, value string
		yes, no    []string
	}{
		{"F", "Cmd.exe", []string{"cmd.exe", "CMD.EXE"}, []string{"cmd.exe ", "xcmd.exe", ""}},
		{"F|cased", "Cmd", []string{"Cmd"}, []string{"cmd", "CMD"}},
		{"F|contains", "b?d", []string{"abcde", "xbあdx"}, []string{"bd", "abd"}},
		{"F|endswith", `\p?.exe`, []string{`C:\ps.exe`}, []string{`C:\p.exe`, `C:\ps.exe.bak`}},
		{"F|windash", "-a /b", []string{"-a -b", "/a /b", "–a —b", "―A /B"}, []string{"a b", "_a -b"}},
		{"F|contains|windash", " -enc", []string{"powershell -enc x", "powershell /ENC x", "powershell –enc x"}, []string{"powershell enc"}},
		{"F|contains|windash|cased", "-E", []string{"x /E"}, []string{"x /e"}},
		{"F|re", "^a.c$", []string{"abc"}, []string{"ABC", "xabc"}},
		{"F|re|i", "^a.c$", []string{"ABC"}, []string{"abcd"}},
		{"F|re|m", "^b$", []string{"a\nb\nc"}, []string{"ab"}},
		{"F|re|s", "a.b", []string{"a\nb"}, []string{"ab"}},
		{"F|cidr", "10.0.0.0/8", []string{"10.1.2.3", "::ffff:10.0.0.1"}, []string{"11.0.0.1", "10.0.0", "x", "10.0.0.01"}},
		{"F|cidr", "2001:db8::/32", []string{"2001:db8::1", "2001:db8::1%eth0"}, []string{"2001:db9::1", "10.0.0.1"}},
		{"F|gt", "5", []string{"6", "5.1", "1e3"}, []string{"5", "-6", "six", "0x10", ""}},
		{"F|lte", "-1.5", []string{"-1.5", "-2"}, []string{"-1", "0"}},
		{"F|hour|gte", "22", []string{"2026-04-17T22:00:00Z", "2026-04-17 23:59:59.123"}, []string{"2026-04-17T21:59:59Z", "22"}},
		{"F|week", "1", []string{"2025-12-29T00:00:00Z", "2026-01-04"}, []string{"2026-01-05", "2025-12-28"}},
		{"F|base64", "foobar", []string{"Zm9vYmFy"}, []string{"xZm9vYmFy"}},
		{"F|base64offset|contains", "foobar", []string{"..Zm9vYmFy..", "xZvb2Jhcy", "aGZvb2Jhcg=="}, []string{"foobar"}},
		{"F|wide|base64offset|contains", "ping", []string{"cABpAG4AZw"}, []string{"ping"}},
		{"F|utf16be", "a", []string{"\x00a"}, []string{"a\x00", "a"}},
		{"F|utf16", "a", []string{"\xff\xfea\x00"}, []string{"a\x00"}},
		{"F|expand", "%who%-x", []string{"alice-x", "bob-x"}, []string{"%who%-x", "carol-x"}},
		{"F|expand", `100\%`, []string{"100%"}, []string{`100\%`}},
		{"F", "%who%", []string{"%who%"}, []string{"alice"}},
		{"F|neq", "a", []string{"b", ""}, []string{"a", "A"}},
		{"F", "*", []string{"", "x"}, nil},
		{"F", "", []string{""}, []string{" "}},
	} {
		for _, v := range tt.yes {
			if !match(t, tt.key, written(tt.value), v) {
				t.Errorf("%s: %s does not match %q", tt.key, tt.value, v)
			}
		}
		for _, v := range tt.no {
			if match(t, tt.key, written(tt.value), v) {
				t.Errorf("%s: %s matches %q", tt.key, tt.value, v)
			}
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ key, value, says string }{
		{"F|contain", "x", `"contain"`},
		{"F|contains|endswith", "x", "exclude"},
		{"F|re|cidr", "x", "exclude"},
		{"F|i", "x", "after re"},
		{"F|re", "(?=x)", "regular expression"},
		{"F|cidr", "10.0.0.0/33", "no network"},
		{"F|gt", "many", "number"},
		{"F|expand", "%nobody%", "%nobody%"},
		{"F|base64", "a*", "wildcards"},
		{"F|base64offset", "a", "base64offset"},
		{"F|exists", "maybe", "true or false"},
		{"|cidr", "10.0.0.0/8", "needs a field"},
		{"F|windash|base64", "-a -b -c -d -e", "windash"},
	} {
		parts := strings.Split(tt.key, "|")
		_, err := Compile(&ast.Item{Field: parts[0], Modifiers: parts[1:], Values: []ast.Value{written(tt.value)}}, "s", nil)
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %s: %v, want a word of %s", tt.key, tt.value, err, tt.says)
		}
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "-", ".", "1-2", "0x10", "1e", "1 ", "NaN", "inf", "1_000", "--1"} {
		if _, ok := ParseNumber([]byte(bad)); ok {
			t.Errorf("%q is read as a number", bad)
		}
	}
	a, _ := ParseNumber([]byte("9007199254740993"))
	b, _ := ParseNumber([]byte("9007199254740992"))
	if !GT.Holds(a, b) || EQ.Holds(a, b) {
		t.Error("large whole numbers are not exact")
	}
}
