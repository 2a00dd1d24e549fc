package scan

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kizuki-security/kizuki/sigma"
	"github.com/kizuki-security/kizuki/sigma/correlate"
)

// largestRule is the size of a rule file in bytes; the largest of SigmaHQ has 30 kB.
const largestRule = 1 << 20

// Rules are rules ready to use, and what was refused of them.
type Rules struct {
	Set          *sigma.RuleSet
	Correlations []*sigma.Correlation // in use
	Problems     []*sigma.Problem     // in the order of files and documents
	Files        int                  // rule files read
	Filters      int                  // Sigma's filters in use: they take hits away from rules, also from those of others

	documents []sigma.Document
}

// LoadRules reads all .yml and .yaml files under the paths, in the order of names. What cannot be used is a problem by
// name; the error is a path that cannot be opened at all.
func LoadRules(paths []string) (*Rules, error) { return LoadRulesFS(nil, nil, paths...) }

// LoadRulesFS does the same for folders of a file system, as those that come with the program, and then for paths. A
// folder that does not exist is an error. Of two rules with one id the first is used, the other a problem.
func LoadRulesFS(files fs.FS, folders []string, paths ...string) (*Rules, error) {
	rules := &Rules{}
	var names []string
	for _, root := range folders {
		err := fs.WalkDir(files, root, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !isRule(name) {
				return err
			}
			names = append(names, name)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	rules.load(names, func(name string) (fs.File, error) { return files.Open(name) })
	for _, root := range paths {
		names, err := rules.walk(root)
		if err != nil {
			return nil, err
		}
		rules.load(names, open)
	}
	rules.finish()
	return rules, nil
}

// walk lists the rule files of a path; a folder that cannot be read is a problem by name.
func (r *Rules) walk(root string) (names []string, err error) {
	if _, err := os.Stat(root); err != nil {
		return nil, err
	}
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			r.refuse(name, "file", err.Error())
			return nil
		}
		if d.IsDir() || name != root && (!isRule(name) || !d.Type().IsRegular()) {
			return nil
		}
		names = append(names, name)
		return nil
	})
	return names, err
}

func isRule(name string) bool {
	ext := strings.ToLower(path.Ext(name))
	return ext == ".yml" || ext == ".yaml"
}

// finish compiles what was read.
func (r *Rules) finish() {
	var problems []*sigma.Problem
	r.Set, problems = sigma.Compile(r.documents, sigma.Options{})
	r.Problems = append(r.Problems, problems...)
	engine, problems := r.engine(time.Time{})
	r.Problems = append(r.Problems, problems...)
	r.Correlations = engine.Correlations()
	type place struct {
		file string
		at   int
	}
	refused := map[place]bool{}
	for _, p := range r.Problems {
		refused[place{p.File, p.Place}] = true
	}
	for _, d := range r.documents {
		if d.Filter != nil && !refused[place{d.Filter.File, d.Filter.Place}] {
			r.Filters++
		}
	}
}

func (r *Rules) refuse(file, code, reason string) {
	r.Problems = append(r.Problems, &sigma.Problem{File: file, Code: code, Reason: reason})
}

// load reads files on all cores, since half of the time goes to YAML, and takes them in in their order.
func (r *Rules) load(names []string, open func(string) (fs.File, error)) {
	type parsed struct {
		documents []sigma.Document
		read      error
		problems  error
	}
	all := make([]parsed, len(names))
	var next atomic.Int64
	var running sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(names)) {
		running.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(names); i = int(next.Add(1)) - 1 {
				text, err := readRule(names[i], open)
				if all[i].read = err; err == nil {
					all[i].documents, all[i].problems = sigma.Parse(names[i], text)
				}
			}
		})
	}
	running.Wait()
	for i, p := range all {
		if p.read != nil {
			r.refuse(names[i], "file", p.read.Error())
			continue
		}
		r.Files++
		r.documents = append(r.documents, p.documents...)
		r.Problems = append(r.Problems, sigma.Problems(p.problems)...)
	}
}

func open(name string) (fs.File, error) { return os.Open(name) } //nolint:gosec // the person names the folder

func readRule(name string, open func(string) (fs.File, error)) (text []byte, err error) {
	f, err := open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	text, err = io.ReadAll(io.LimitReader(f, largestRule+1))
	if err == nil && len(text) > largestRule {
		return nil, errors.New("the file is larger than a rule file may be")
	}
	return text, err
}

// engine makes a new engine of the correlations. A scan reads file after file, so that no order of times may be
// expected: everything waits until the end, or until correlate's bound, which is counted.
func (r *Rules) engine(latest time.Time) (*correlate.Engine, []*sigma.Problem) {
	return correlate.New(r.documents, r.Set.Rules(), correlate.Options{Lateness: allTimes, MaxPending: maxPending, Latest: latest})
}
