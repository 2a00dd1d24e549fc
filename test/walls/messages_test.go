package walls

import (
	"encoding/json"
	"go/ast"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
)

// japaneseInEnglish are the texts whose English holds Japanese letters on purpose: the name of the
// other language, and terms a reader must find again on a Japanese form.
var japaneseInEnglish = map[string]bool{}

// messageFiles lists the folders with message files.
func messageFiles(t *testing.T) []string {
	t.Helper()
	var dirs []string
	for _, file := range files(t) {
		if dir, name := path.Split(file); strings.HasPrefix(name, "messages.") && !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	if len(dirs) == 0 {
		t.Fatal("no message files found")
	}
	return dirs
}

// messages reads all message files as the program does, which refuses a key that exists twice, a key
// missing in one language, and parameters that differ.
func messages(t *testing.T) *i18n.Messages {
	t.Helper()
	var sources []fs.FS
	for _, dir := range messageFiles(t) {
		sources = append(sources, os.DirFS(filepath.Join(root, filepath.FromSlash(dir))))
	}
	m, err := i18n.New(sources...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMessagesMatch(t *testing.T) {
	t.Parallel()
	messages(t)
}

func TestMessageLanguages(t *testing.T) {
	t.Parallel()
	for _, dir := range messageFiles(t) {
		for _, locale := range i18n.Locales {
			file := dir + "messages." + locale + ".json"
			var texts map[string]string
			if err := json.Unmarshal(read(t, file), &texts); err != nil {
				t.Errorf("%s: %v", file, err)
			}
			for _, key := range slices.Sorted(maps.Keys(texts)) {
				if why := unfit(locale, texts[key]); why != "" && (locale == "ja" || !japaneseInEnglish[key]) {
					t.Errorf("%s: %s: %s: %s", file, key, texts[key], why)
				}
			}
		}
	}
}

// unfit says what is wrong with a text in its language, or "".
func unfit(locale, text string) string {
	japanese := strings.ContainsFunc(text, func(r rune) bool {
		return unicode.In(r, unicode.Hiragana, unicode.Katakana, unicode.Han)
	})
	switch {
	case strings.TrimSpace(text) == "":
		return "the text is empty"
	case strings.ContainsAny(text, "!！"):
		return "the house does not shout"
	case locale == "en" && japanese:
		return "Japanese letters in an English text"
	case strings.Contains(text, "お客様の"):
		return "お客様の… is a phrase of shops, not of this office"
	}
	return ""
}

func TestUnfit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, locale, text string
		unfit              bool
	}{
		{"plain Japanese", "ja", "保存しました", false},
		{"plain English", "en", "{n} {n?person|people} left", false},
		{"shouting", "ja", "保存しました！", true},
		{"Japanese in English", "en", "Saved 保存", true},
		{"a symbol is no letter", "en", "○ Met", false},
		{"empty", "en", " ", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if why := unfit(tt.locale, tt.text); (why != "") != tt.unfit {
				t.Errorf("unfit is %q, want %t", why, tt.unfit)
			}
		})
	}
}

// A key that a page or an error names and no message file holds would show as [key] to a person.
func TestMessageKeys(t *testing.T) {
	t.Parallel()
	m := messages(t)
	used := 0
	for _, file := range files(t) {
		if strings.HasSuffix(file, ".html") && strings.Contains(file, "/views/") {
			for _, key := range templateKeys(string(read(t, file))) {
				used++
				if !m.Has(key) {
					t.Errorf("%s names the message %q, which no file holds", file, key)
				}
			}
		}
	}
	for _, s := range sources(t) {
		if s.test() || placeOf(s.dir()).floor == "library" {
			continue
		}
		for pos, key := range goKeys(s.file) {
			used++
			if !m.Has(key) {
				t.Errorf("%s names the message %q, which no file holds", s.fset.Position(pos), key)
			}
		}
	}
	if used == 0 {
		t.Error("no message is used anywhere; the search finds nothing")
	}
}

var templateKey = regexp.MustCompile(`[{(|]-?\s*t\s+"([^"]+)"`)

// templateKeys lists the keys of {{t "key"}}, (t "key") and {{… | t "key"}} in a template.
func templateKeys(text string) []string {
	var keys []string
	for _, match := range templateKey.FindAllStringSubmatch(text, -1) {
		keys = append(keys, match[1])
	}
	return keys
}

// problemKey is the position of the message key among the arguments of each helper of package problem.
var problemKey = map[string]int{
	"Invalid": 1, "NotFound": 0, "Conflict": 0, "Forbidden": 0, "Unauthenticated": 0, "TooLarge": 0,
	"Unsupported": 0, "Unavailable": 0,
}

// keyFields are the fields of composite literals that hold message keys, by the type's name.
var keyFields = map[string][]string{
	"due.Duty":      {"Text", "Why"},
	"i18n.Msg":      {"Key"},
	"problem.Error": {"Key"},
}

// goKeys finds the message keys that a Go file writes out. Keys put together at run time are found by
// the tests that render pages.
func goKeys(file *ast.File) map[token.Pos]string {
	keys := map[token.Pos]string{}
	add := func(e ast.Expr) {
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if key, err := strconv.Unquote(lit.Value); err == nil && key != "" {
				keys[lit.Pos()] = key
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			pkg, name := qualified(n.Fun)
			if i, ok := problemKey[name]; ok && pkg == "problem" && i < len(n.Args) {
				add(n.Args[i])
			}
		case *ast.CompositeLit:
			pkg, name := qualified(n.Type)
			for _, element := range n.Elts {
				pair, ok := element.(*ast.KeyValueExpr)
				if !ok {
					continue
				}
				field, ok := pair.Key.(*ast.Ident)
				if ok && slices.Contains(keyFields[pkg+"."+name], field.Name) {
					add(pair.Value)
				}
			}
		}
		return true
	})
	return keys
}

// qualified splits pkg.Name; both are empty for anything else.
func qualified(e ast.Expr) (pkg, name string) {
	selector, ok := e.(*ast.SelectorExpr)
	if !ok {
		return "", ""
	}
	ident, ok := selector.X.(*ast.Ident)
	if !ok {
		return "", ""
	}
	return ident.Name, selector.Sel.Name
}

func TestKeysAreFound(t *testing.T) {
	t.Parallel()
	template := `{{t "a.b"}} {{- t "c.d" "n" .N}} {{.X | printf (t "e.f")}} {{template "title"}}`
	if got := templateKeys(template); !slices.Equal(got, []string{"a.b", "c.d", "e.f"}) {
		t.Errorf("keys of the template are %q", got)
	}
	s := parse(t, "p.go", []byte(`package p
var a = problem.Invalid("field", "a.b", "n", 1)
var b = problem.NotFound("c.d")
var c = due.Duty{Key: "no", Text: "e.f", Why: ""}
var d = other.NotFound("no")
`))
	if got := slices.Sorted(maps.Values(goKeys(s.file))); !slices.Equal(got, []string{"a.b", "c.d", "e.f"}) {
		t.Errorf("keys of the Go file are %q", got)
	}
}
