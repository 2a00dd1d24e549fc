package walls

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
	"strings"
	"testing"
)

const (
	largestFile     = 400  // lines of a Go file without tests
	largestFunction = 60   // lines of a function's body, comments not counted
	largestPackage  = 2000 // lines of a vertical slice, tests not counted
)

// wider are packages that may be larger for now, each with the reason and the noun that leaves next.
var wider = map[string]int{
	// One state machine over one set of tables: verdicts, answers, rounds and boards share their cache. Actions and
	// the official wording are the nouns to move out next.
	"internal/office/assessment": 4000,
	// Reading, previewing, filling and writing one kind of workbook share its columns and spellings. Parsing is
	// the noun to move out next.
	"internal/office/assessment/sheet": 3300,
}

// misplaced says why a file of office or register must not import the path, or "". The name of a file
// is a promise: SQL stands in store*.go, HTTP and pages in web*.go.
func misplaced(file, imported string) string {
	if !strings.HasPrefix(file, "internal/office/") && !strings.HasPrefix(file, "internal/register/") ||
		strings.HasSuffix(file, "_test.go") {
		return ""
	}
	name := path.Base(file)
	switch imported {
	case "database/sql":
		if !strings.HasPrefix(name, "store") {
			return "SQL stands in store*.go"
		}
	case "net/http", "html/template":
		if !strings.HasPrefix(name, "web") {
			return "handlers and pages stand in web*.go; types, rules and SQL know no HTTP"
		}
	}
	return ""
}

func TestFileNames(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		for _, imported := range s.imports() {
			if why := misplaced(s.path, imported); why != "" {
				t.Errorf("%s imports %s: %s", s.path, imported, why)
			}
		}
	}
}

func TestMisplaced(t *testing.T) {
	t.Parallel()
	tests := []struct {
		file, imported string
		refused        bool
	}{
		{"internal/office/training/store.go", "database/sql", false},
		{"internal/office/training/store_quiz.go", "database/sql", false},
		{"internal/office/training/service.go", "database/sql", true},
		{"internal/office/training/web.go", "database/sql", true},
		{"internal/register/people/web_view.go", "net/http", false},
		{"internal/register/people/people.go", "net/http", true},
		{"internal/register/people/store.go", "html/template", true},
		{"internal/register/people/people_test.go", "net/http", false},
		{"internal/platform/web/router.go", "net/http", false},
	}
	for _, tt := range tests {
		t.Run(tt.file+" "+tt.imported, func(t *testing.T) {
			t.Parallel()
			if why := misplaced(tt.file, tt.imported); (why != "") != tt.refused {
				t.Errorf("misplaced is %q, refused should be %t", why, tt.refused)
			}
		})
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	packages := map[string]int{}
	for _, s := range sources(t) {
		if s.test() {
			continue
		}
		packages[s.dir()] += s.lines
		if s.lines > largestFile {
			t.Errorf("%s has %d lines, and %d is the limit: split it by noun, not by layer", s.path, s.lines, largestFile)
		}
		for _, why := range longFunctions(s) {
			t.Error(why)
		}
	}
	for dir, lines := range packages {
		limit := max(largestPackage, wider[dir])
		if lines > limit && isSlice(placeOf(dir)) {
			t.Errorf("%s has %d lines, and %d is the limit: give a noun its own subfolder", dir, lines, limit)
		}
	}
}

// isSlice says whether a package is a vertical slice: a feature, or a register with pages of its own.
func isSlice(at place) bool {
	return at.floor == "office" || at.floor == "register" && slices.Contains([]string{"org", "people", "account"}, at.room)
}

// longFunctions names the functions of a file that are too long.
func longFunctions(s source) []string {
	var found []string
	for _, decl := range s.file.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		if lines := bodyLines(s, fn); lines > largestFunction {
			found = append(found, fmt.Sprintf("%s: %s has %d lines, and %d is the limit",
				s.fset.Position(fn.Pos()), fn.Name.Name, lines, largestFunction))
		}
	}
	return found
}

// bodyLines counts the lines between a function's braces, without those that hold a comment alone.
func bodyLines(s source, fn *ast.FuncDecl) int {
	line := func(n ast.Node, end bool) int {
		if end {
			return s.fset.Position(n.End()).Line
		}
		return s.fset.Position(n.Pos()).Line
	}
	lines := line(fn.Body, true) - line(fn.Body, false) - 1
	code := map[int]bool{}
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		if n != nil {
			code[line(n, false)], code[line(n, true)] = true, true
		}
		return true
	})
	for _, group := range s.file.Comments {
		if group.Pos() < fn.Body.Lbrace || group.End() > fn.Body.Rbrace {
			continue
		}
		for l := line(group, false); l <= line(group, true); l++ {
			if !code[l] {
				lines--
			}
		}
	}
	return lines
}

func TestLongFunctions(t *testing.T) {
	t.Parallel()
	body := func(statement string, n int) []byte {
		return []byte("package p\n\nfunc f() {\n" + strings.Repeat("\t"+statement+"\n", n) + "}\n")
	}
	tests := []struct {
		name string
		data []byte
		long int
	}{
		{"sixty lines are fine", body("g()", largestFunction), 0},
		{"one more is not", body("g()", largestFunction+1), 1},
		{"comments are free", body("// why", 3*largestFunction), 0},
		{"a comment behind code does not free its line", body("g() // why", largestFunction+1), 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := longFunctions(parse(t, "p.go", tt.data)); len(got) != tt.long {
				t.Errorf("found %v, want %d", got, tt.long)
			}
		})
	}
}

func TestPackageComments(t *testing.T) {
	t.Parallel()
	commented := map[string]bool{}
	onlyTests := map[string]bool{}
	for _, s := range sources(t) {
		dir := s.dir()
		if _, seen := onlyTests[dir]; !seen || !s.test() {
			onlyTests[dir] = s.test()
		}
		if !s.test() || onlyTests[dir] {
			commented[dir] = commented[dir] || s.file.Doc != nil
		}
	}
	for dir, ok := range commented {
		if !ok {
			t.Errorf("%s has no package comment: purpose, the words it owns, what it may import, what it does not do", dir)
		}
	}
}

// foreign are texts that never belong in the repository, each with the reason. They are put together
// from halves, so that this file does not hold them.
var foreign = []struct {
	text   string
	except []string // folders that may hold it: log lines and rules name such paths
	why    string
}{
	{"/wo" + "rk/", nil, "a path of a build machine"},
	{"/ro" + "ot/", []string{"rules/", "parsers/", "playbooks/", "sigma/", "evtx/", "testdata/", "internal/logs/"}, "a path of a build machine"},
	{"registry.npm" + "js.org", nil, "a registry's host: npm knows its own"},
	{"proxy.gol" + "ang.org", nil, "a registry's host: the go command knows its own"},
	{"TO" + "DO", []string{"testdata/"}, "unfinished work belongs into an issue"},
	{"FIX" + "ME", []string{"testdata/"}, "unfinished work belongs into an issue"},
}

func TestForeignText(t *testing.T) {
	t.Parallel()
	for _, file := range files(t) {
		data := string(read(t, file))
		if strings.Contains(data, "\x00") {
			continue // no text
		}
		for _, f := range foreign {
			if slices.ContainsFunc(f.except, func(dir string) bool { return strings.Contains("/"+file, "/"+dir) }) {
				continue
			}
			if i := strings.Index(data, f.text); i >= 0 {
				t.Errorf("%s:%d holds %q: %s", file, 1+strings.Count(data[:i], "\n"), f.text, f.why)
			}
		}
	}
}
