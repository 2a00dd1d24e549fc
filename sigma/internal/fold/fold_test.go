package fold

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestAppend(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{"", ""},
		{"C:\\Windows\\System32\\CMD.EXE", "c:\\windows\\system32\\cmd.exe"},
		{"@AZ[`az{", "@az[`az{"},
		{"気づき ABC", "気づき abc"},
		{"ÀÉ", "ÀÉ"},
		{"àé", "ÀÉ"},
		{"K", "k"}, // Kelvin
		{"ſ", "s"}, // long s
		{"a\xffB\xc3", "a\xffb\xc3"},
	} {
		if got := String(tt.in); got != tt.want {
			t.Errorf("%q folds to %q, want %q", tt.in, got, tt.want)
		}
	}
}

func FuzzAppend(f *testing.F) {
	f.Add("CMD.exe /c DIR", "cmd.EXE /C dir")
	f.Add("ÀÉſK", "àéSk")
	f.Add("12345678ABCDEFGH気", "12345678abcdefgh気")
	f.Fuzz(func(t *testing.T, a, b string) {
		if !utf8.ValidString(a) || !utf8.ValidString(b) {
			return
		}
		if same := String(a) == String(b); same != strings.EqualFold(a, b) {
			t.Errorf("%q and %q: folded forms equal is %t", a, b, same)
		}
		folded, ascii := Append([]byte("x"), []byte(a))
		if string(folded) != "x"+String(a) {
			t.Errorf("%q appended gives %q", a, folded)
		}
		if ascii && len(folded) != len(a)+1 {
			t.Errorf("%q changed its length", a)
		}
		if utf8.RuneCountInString(String(a)) != utf8.RuneCountInString(a) {
			t.Errorf("%q changed its number of characters", a)
		}
		for i := range a {
			if at := Offset([]byte(a), len(String(a[:i]))); at != i {
				t.Errorf("%q: place %d comes back as %d", a, i, at)
			}
		}
	})
}
