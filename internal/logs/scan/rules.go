package scan

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

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

	documents []sigma.Document
}

// LoadRules reads all .yml and .yaml files under the paths, in the order of names. What cannot be used is a problem by
// name; the error is a path that cannot be opened at all.
func LoadRules(paths []string) (*Rules, error) {
	rules := &Rules{}
	for _, root := range paths {
		if _, err := os.Stat(root); err != nil {
			return nil, err
		}
		err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				rules.refuse(name, "file", err.Error())
				return nil
			}
			ext := strings.ToLower(filepath.Ext(name))
			if d.IsDir() || name != root && ext != ".yml" && ext != ".yaml" || !d.Type().IsRegular() && name != root {
				return nil
			}
			rules.load(name)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	var problems []*sigma.Problem
	rules.Set, problems = sigma.Compile(rules.documents, sigma.Options{})
	rules.Problems = append(rules.Problems, problems...)
	engine, problems := rules.engine()
	rules.Problems = append(rules.Problems, problems...)
	rules.Correlations = engine.Correlations()
	return rules, nil
}

func (r *Rules) refuse(file, code, reason string) {
	r.Problems = append(r.Problems, &sigma.Problem{File: file, Code: code, Reason: reason})
}

func (r *Rules) load(name string) {
	text, err := readRule(name)
	if err != nil {
		r.refuse(name, "file", err.Error())
		return
	}
	r.Files++
	documents, err := sigma.Parse(name, text)
	r.documents = append(r.documents, documents...)
	r.Problems = append(r.Problems, sigma.Problems(err)...)
}

func readRule(name string) (text []byte, err error) {
	f, err := os.Open(name) //nolint:gosec // the person names the folder
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
func (r *Rules) engine() (*correlate.Engine, []*sigma.Problem) {
	return correlate.New(r.documents, r.Set.Rules(), correlate.Options{Lateness: allTimes, MaxPending: maxPending})
}
