// Package walls tests the house itself: which package may import which, what a file's name promises,
// how large files and functions grow, and that every text has both languages. The rules are those of
// the design (floors, feature slices); each failure names the reason and, where it can, the remedy.
package walls

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

const (
	module = "github.com/kizuki-security/kizuki"
	root   = "../.."
)

// source is one Go file of the repository.
type source struct {
	path  string // from the root, with slashes
	file  *ast.File
	fset  *token.FileSet
	lines int
}

// test says whether the file is a test.
func (s source) test() bool { return strings.HasSuffix(s.path, "_test.go") }

// dir is the folder of the file, from the root.
func (s source) dir() string { return pathDir(s.path) }

func pathDir(path string) string {
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		return path[:i]
	}
	return "."
}

// files lists every file of the repository, from the root, without what git or an editor keeps.
func files(t *testing.T) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if rel != "." && strings.HasPrefix(name, ".") && name != ".ci" || rel == "dist" || rel == "data" {
				return fs.SkipDir
			}
			return nil
		}
		if entry.Type().IsRegular() && name != ".git" { // a file in a second work tree
			found = append(found, filepath.ToSlash(rel))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

var parsed struct {
	sync.Mutex
	sources []source
}

// sources parses every Go file of the module, for all operating systems, once.
func sources(t *testing.T) []source {
	t.Helper()
	parsed.Lock()
	defer parsed.Unlock()
	if parsed.sources != nil {
		return parsed.sources
	}
	for _, path := range files(t) {
		if !strings.HasSuffix(path, ".go") || slices.Contains(strings.Split(path, "/"), "testdata") {
			continue
		}
		parsed.sources = append(parsed.sources, parse(t, path, read(t, path)))
	}
	return parsed.sources
}

func parse(t *testing.T, path string, data []byte) source {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, data, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return source{path: path, file: file, fset: fset, lines: strings.Count(string(data), "\n")}
}

// imports lists the import paths of a file.
func (s source) imports() []string {
	var paths []string
	for _, spec := range s.file.Imports {
		paths = append(paths, strings.Trim(spec.Path.Value, `"`))
	}
	return paths
}
