package walls

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// listed is what the go command says of one package.
type listed struct {
	ImportPath                         string
	Doc                                string
	Imports, TestImports, XTestImports []string
}

// list asks the go command for every package of the module. What does not build is still listed: that
// it does not build, other tests say.
func list(t *testing.T) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Doc,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []listed
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
	if len(packages) < 2 {
		t.Fatalf("go list names %d packages; the walls guard nothing", len(packages))
	}
	return packages
}

// ours cuts the module off an import path; ok is false for others' packages.
func ours(path string) (rel string, ok bool) {
	return strings.CutPrefix(path, module+"/")
}

func TestImports(t *testing.T) {
	t.Parallel()
	packages := list(t)
	drawn := map[string]map[string][]string{} // room → its arrows
	for _, p := range packages {
		if rel, ok := ours(p.ImportPath); ok {
			if at := placeOf(rel); at.inside == "" {
				drawn[at.floor+"/"+at.room] = drawnArrows(docOf(t, rel))
			}
		}
	}
	for _, p := range packages {
		from, ok := ours(p.ImportPath)
		if !ok {
			t.Errorf("%s stands at the root of the module, where no package belongs", p.ImportPath)
			continue
		}
		at := placeOf(from)
		// The go command lists the files of this operating system; those of the others count too.
		paths := slices.Concat(p.Imports, importsOf(t, from))
		slices.Sort(paths)
		for _, path := range slices.Compact(paths) {
			to, ok := ours(path)
			if !ok {
				continue
			}
			if why := refusal(from, to); why != "" {
				t.Errorf("%s imports %s: %s", from, to, why)
			}
			if why := refusalInside(from, to, drawn[at.floor+"/"+at.room]); why != "" {
				t.Errorf("%s imports %s: %s", from, to, why)
			}
		}
		if at.floor == "cmd" && slices.Contains(lonelyCommands, at.room) {
			for _, path := range paths {
				if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") {
					t.Errorf("%s imports %s: this command takes the standard library only", from, path)
				}
			}
		}
		for _, path := range slices.Concat(p.TestImports, p.XTestImports) {
			if to, ok := ours(path); ok {
				if why := refusalTest(from, to); why != "" {
					t.Errorf("the tests of %s import %s: %s", from, to, why)
				}
			}
		}
	}
}

// importsOf lists what the Go files of a package import, whatever system they are for.
func importsOf(t *testing.T, dir string) []string {
	t.Helper()
	var paths []string
	for _, s := range sources(t) {
		if s.dir() == dir && !s.test() {
			paths = append(paths, s.imports()...)
		}
	}
	return paths
}

// docOf is the package comment of a folder, as written.
func docOf(t *testing.T, dir string) string {
	t.Helper()
	for _, s := range sources(t) {
		if s.dir() == dir && !s.test() && s.file.Doc != nil {
			return s.file.Doc.Text()
		}
	}
	return ""
}

// The rules judge made-up arrows too: a wall nobody ran into may not be there.
func TestRefusal(t *testing.T) {
	t.Parallel()
	const allowed = ""
	tests := []struct{ from, to, want string }{
		{"cmd/kizuki", "internal/app", allowed},
		{"cmd/kizuki", "internal/words/problem", allowed},
		{"cmd/kizuki", "internal/office/training", "cmd parses the command line"},
		{"cmd/kizuki", "internal/logs/parse", "cmd parses the command line"},
		{"cmd/kizuki-logproof", "internal/logs/lake/proof", "shares no code"},
		{"cmd/kizuki-logproof", "internal/words/problem", "shares no code"},
		{"internal/app", "internal/office/training", allowed},
		{"internal/app", "internal/logs/lake", allowed},
		{"internal/app/control", "internal/office/training", allowed},
		{"internal/app", "cmd/kizuki", "nothing imports cmd"},
		{"internal/office/training", "internal/register/people", allowed},
		{"internal/office/training", "internal/words/jdate", allowed},
		{"internal/office/training", "lessons", allowed},
		{"internal/office/training/quiz", "internal/office/training", allowed},
		{"internal/office/training", "internal/office/drill", "features never import features"},
		{"internal/office/home", "internal/office/assessment", "features never import features"},
		{"internal/office/training", "internal/app", "down the floors"},
		{"internal/office/training", "internal/logs/detect", "only app, detection and logbook"},
		{"internal/office/training", "sigma", "only app, detection and logbook"},
		{"internal/office/training", "internal/platform/sqlite/sqlitetest", "test support"},
		{"internal/office/detection", "internal/logs/detect", allowed},
		{"internal/office/logbook", "internal/logs/lake", allowed},
		{"internal/office/gadgets", "internal/words/jdate", "draws no folder"},
		{"internal/register/people", "internal/register/org", allowed},
		{"internal/register/org", "internal/register/people", "imports earlier ones only"},
		{"internal/register/fact", "internal/register/audit", allowed},
		{"internal/register/audit", "internal/register/fact", "imports earlier ones only"},
		{"internal/register/verdict", "internal/register/fact", allowed},
		{"internal/register/actor", "internal/register/audit", "imports earlier ones only"},
		{"internal/register/intake", "internal/register/stocktake", "imports earlier ones only"},
		{"internal/register/people", "internal/office/training", "down the floors"},
		{"internal/register/people", "internal/logs/event", "only app, detection and logbook"},
		{"internal/platform/web", "internal/platform/i18n", allowed},
		{"internal/platform/web", "internal/platform/web/request", allowed},
		{"internal/platform/i18n", "internal/platform/web", "only the arrows drawn"},
		{"internal/platform/web", "internal/register/actor", "down the floors"},
		{"internal/words/jdate", "internal/words/problem", allowed},
		{"internal/words/problem", "internal/words/jdate", "imports earlier ones only"},
		{"internal/words/jdate", "internal/platform/i18n", "down the floors"},
		{"internal/logs/parse", "internal/logs/event", allowed},
		{"internal/logs/parse", "parsers", allowed},
		{"internal/logs/detect", "sigma", allowed},
		{"internal/logs/parse", "internal/words/jtext", allowed},
		{"internal/logs/lake", "internal/platform/sqlite", "stands apart"},
		{"internal/logs/detect", "rules", "stands apart"},
		{"internal/logs/detect", "internal/office/detection", "stands apart"},
		{"sigma", "internal/words/problem", "import nothing of ours"},
		{"evtx", "sigma", "import nothing of ours"},
		{"evtx/bxml", "evtx", allowed},
		{"catalog", "internal/register/framework", "import nothing of ours"},
		{"rules", "sigma", "import nothing of ours"},
		{"lessons", "catalog", "import nothing of ours"},
		{"test/browser", "internal/app", allowed},
		{"test/browser", "test/company", allowed},
		{"internal/app", "test/company", "nothing imports cmd, scripts or test"},
		{"scripts/testsum", "internal/words/problem", "must build when the house does not"},
		{"pkg/util", "internal/words/problem", "draws no folder"},
	}
	for _, tt := range tests {
		t.Run(tt.from+" to "+tt.to, func(t *testing.T) {
			t.Parallel()
			compare(t, refusal(tt.from, tt.to), tt.want)
		})
	}
}

func TestRefusalTest(t *testing.T) {
	t.Parallel()
	tests := []struct{ from, to, want string }{
		{"internal/office/training", "internal/platform/sqlite/sqlitetest", ""},
		{"internal/office/training", "internal/office/training/quiz", ""},
		{"internal/office/training", "internal/office/drill", "no other feature"},
		{"internal/office/training", "internal/app", "upper floors"},
		{"internal/register/people", "internal/office/home", "upper floors"},
		{"internal/app", "internal/office/home", ""},
		{"cmd/kizuki", "internal/app", ""},
		{"rules", "sigma", ""},
		{"test/scripts", "internal/app", ""},
	}
	for _, tt := range tests {
		t.Run(tt.from+" to "+tt.to, func(t *testing.T) {
			t.Parallel()
			compare(t, refusalTest(tt.from, tt.to), tt.want)
		})
	}
}

func TestRefusalInside(t *testing.T) {
	t.Parallel()
	drawn := drawnArrows("Package assessment holds rounds.\n\n  sheet → round, score\n\tassessment/plan\t→ assessment/round\n  a sentence → not an arrow\n")
	tests := []struct{ from, to, want string }{
		{"internal/office/assessment/sheet", "internal/office/assessment/round", ""},
		{"internal/office/assessment/sheet/xlsx", "internal/office/assessment/score", ""},
		{"internal/office/assessment/plan", "internal/office/assessment/round", ""},
		{"internal/office/assessment/round", "internal/office/assessment/sheet", "only as drawn"},
		{"internal/office/assessment", "internal/office/assessment/sheet", ""},
		{"internal/office/assessment/round", "internal/office/assessment", ""},
		{"internal/app/control", "internal/app/sample", "only as drawn"},
	}
	for _, tt := range tests {
		t.Run(tt.from+" to "+tt.to, func(t *testing.T) {
			t.Parallel()
			compare(t, refusalInside(tt.from, tt.to, drawn), tt.want)
		})
	}
}

// compare wants got to hold want, and to be empty when want is.
func compare(t *testing.T, got, want string) {
	t.Helper()
	if want == "" && got != "" || !strings.Contains(got, want) {
		t.Errorf("refusal is %q, want %q", got, want)
	}
}
