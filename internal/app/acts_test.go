package app_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/audit"
)

var actForm = regexp.MustCompile(`^[a-z_]+\.[a-z_]+$`)

// TestEveryActHasASentence reads the code: every act that audit.Record is called with has a sentence in both
// languages. An act is a literal, or a variable called act whose literals stand in the same package.
func TestEveryActHasASentence(t *testing.T) {
	t.Parallel()
	texts, err := app.Texts()
	if err != nil {
		t.Fatal(err)
	}
	acts := map[string]string{}
	for dir, files := range packages(t) {
		free := false // a call takes a variable
		for _, f := range files {
			ast.Inspect(f, func(n ast.Node) bool {
				arg := recorded(n)
				switch arg := arg.(type) {
				case *ast.BasicLit:
					acts[literal(arg)] = dir
				case *ast.Ident:
					if arg.Name != "act" {
						t.Errorf("%s: the act given to audit.Record is called %s; call it act", dir, arg.Name)
					}
					free = true
				case nil:
				default:
					t.Errorf("%s: the act given to audit.Record is neither a literal nor a variable called act", dir)
				}
				return true
			})
		}
		if free {
			variableActs(files, func(act string) { acts[act] = dir })
		}
	}
	if len(acts) < 40 {
		t.Fatalf("only %d acts found", len(acts))
	}
	for _, act := range slices.Sorted(maps.Keys(acts)) {
		if !texts.Has("audit.act." + act) {
			t.Errorf("%s records %s, for which there is no message audit.act.%s", acts[act], act, act)
		}
	}
}

// packages parses everything but tests, by folder.
func packages(t *testing.T) map[string][]*ast.File {
	t.Helper()
	out := map[string][]*ast.File{}
	set := token.NewFileSet()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(set, path, text, 0)
		out[filepath.ToSlash(filepath.Dir(path))] = append(out[filepath.ToSlash(filepath.Dir(path))], f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// recorded is the act of a call of audit.Record, nil for other nodes.
func recorded(n ast.Node) ast.Expr {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) != 5 {
		return nil
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != "Record" {
		return nil
	}
	if pkg, ok := sel.X.(*ast.Ident); !ok || pkg.Name != "audit" {
		return nil
	}
	return call.Args[2]
}

func literal(e ast.Expr) string {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return ""
	}
	text, err := strconv.Unquote(lit.Value)
	if err != nil {
		return ""
	}
	return text
}

// variableActs finds the literals that become a variable or parameter called act.
func variableActs(files []*ast.File, yield func(string)) {
	at := map[string]int{} // function → which parameter is act
	for _, f := range files {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			i := 0
			for _, field := range fn.Type.Params.List {
				for _, name := range field.Names {
					if name.Name == "act" {
						at[fn.Name.Name] = i
					}
					i++
				}
			}
		}
	}
	all := func(e ast.Expr) {
		ast.Inspect(e, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && actForm.MatchString(literal(lit)) {
				yield(literal(lit))
			}
			return true
		})
	}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				name := ""
				switch fn := n.Fun.(type) {
				case *ast.Ident:
					name = fn.Name
				case *ast.SelectorExpr:
					name = fn.Sel.Name
				}
				if i, ok := at[name]; ok && i < len(n.Args) {
					all(n.Args[i])
				}
			case *ast.AssignStmt:
				for i, left := range n.Lhs {
					if id, ok := left.(*ast.Ident); ok && id.Name == "act" && i < len(n.Rhs) {
						all(n.Rhs[i])
					}
				}
				if len(n.Lhs) > 1 && len(n.Rhs) == len(n.Lhs) || len(n.Rhs) == 1 {
					if slices.ContainsFunc(n.Lhs, func(e ast.Expr) bool { id, ok := e.(*ast.Ident); return ok && id.Name == "act" }) {
						all(n.Rhs[0])
					}
				}
			case *ast.ValueSpec:
				for i, name := range n.Names {
					if name.Name == "act" && i < len(n.Values) {
						all(n.Values[i])
					}
				}
			}
			return true
		})
	}
}

// TestActsOfTheSampleHaveASentence asks the log itself, beside the code.
func TestActsOfTheSampleHaveASentence(t *testing.T) {
	t.Parallel()
	a := openDemo(t)
	err := a.DB.Read(t.Context(), func(tx *sqlite.Tx) error {
		_, acts, err := audit.Distinct(t.Context(), tx)
		for _, act := range acts {
			if !a.Texts.Has("audit.act." + act) {
				t.Errorf("no sentence for %s", act)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
