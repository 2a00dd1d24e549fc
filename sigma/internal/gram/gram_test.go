package gram

import (
	"slices"
	"strings"
	"testing"
)

func literals(texts []string) []Literal {
	var all []Literal
	for i, s := range texts {
		all = append(all, Literal{Kind: Kind(i % 4), Text: s, Payload: int32(i)})
	}
	return all
}

func naive(all []Literal, v string) []int32 {
	var out []int32
	for _, l := range all {
		ok := false
		switch l.Kind {
		case Contains:
			ok = strings.Contains(v, l.Text)
		case Prefix:
			ok = strings.HasPrefix(v, l.Text)
		case Suffix:
			ok = strings.HasSuffix(v, l.Text)
		case Exact:
			ok = v == l.Text
		}
		if ok {
			out = append(out, l.Payload)
		}
	}
	return out
}

func check(t *testing.T, all []Literal, v string) {
	t.Helper()
	x := Build(all, func(g uint32) int { return int(g % 7) })
	got := x.Find(nil, []byte(v))
	slices.Sort(got)
	got = slices.Compact(got)
	if want := naive(all, v); !slices.Equal(got, want) {
		t.Errorf("%q: found %v, want %v among %+v", v, got, want, all)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	texts := []string{
		"a", "c:\\", "\\cmd.exe", "cmd", "exe", "c:\\windows\\", "powershell.exe", "c:\\windows\\system32\\cmd.exe", "system32",
		"c:\\windows\\system32\\", "d.exe", "12345678", "windows\\system32\\cmd", "c", "\\system32\\cmd.exe", "", "ndow", "c:\\w", ".exe", "x",
	}
	for _, v := range []string{"", "a", "c", "exe", "c:\\windows\\system32\\cmd.exe", "12345678", "c:\\windows\\system32\\powershell.exe", "x"} {
		for shift := range 4 {
			check(t, literals(append(slices.Clone(texts[shift:]), texts[:shift]...)), v)
		}
	}
}

func FuzzFind(f *testing.F) {
	f.Add("abc\ncmd.exe\n\\system32\\\nwhoami", "c:\\windows\\system32\\whoami.exe /all")
	f.Add("a\nab\nabc\nabcd\nabcde", "abcdeabcd")
	f.Fuzz(func(t *testing.T, texts, v string) {
		check(t, literals(strings.Split(texts, "\n")), v)
	})
}
