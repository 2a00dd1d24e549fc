// Package rules holds the detection rules that come with the program, as data: Sigma documents with an explanation for
// people, in Japanese and English, in each. Sample events stand beside them and are not embedded. README.md says how to
// add one. It imports nothing of ours: who runs the rules hands FS to the engine.
package rules

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"sync"

	"go.yaml.in/yaml/v3"
)

// The folders of FS.
const (
	Windows     = "windows"     // rules for single events
	Correlation = "correlation" // rules for events together, and the events that they count
	Live        = "live"        // what only makes sense while events arrive: in saved files, silence is the end of a file
)

// FS holds every rule file.
//
//go:embed windows/*.yml correlation/*.yml live/*.yml
var FS embed.FS

// Explanation is what a rule tells a person who is no expert, in one language. A rule that reports itself has all four.
type Explanation struct {
	Title string `yaml:"title"`
	What  string `yaml:"what"`  // 何が起きたか
	Why   string `yaml:"why"`   // なぜ危ないか
	First string `yaml:"first"` // まず何をするか
}

// Rule is what a document says beside its detection.
type Rule struct {
	File     string // in FS
	ID       string
	Name     string
	Overlaps []string               // names of other rules that its sample events hit too
	Explain  map[string]Explanation // by language, ja and en; empty for a rule that only feeds a correlation
}

type document struct {
	Title    string                 `yaml:"title"`
	ID       string                 `yaml:"id"`
	Name     string                 `yaml:"name"`
	Overlaps []string               `yaml:"overlaps"`
	Explain  map[string]Explanation `yaml:"explain"`
}

// All gives every rule and correlation of FS in the order of files and documents. The title of the English
// explanation is that of the document. The slice must not be changed. An error is a fault of the program itself.
var All = sync.OnceValues(func() ([]Rule, error) { return Read(FS) })

// Read does the same for other folders of that shape.
func Read(files fs.FS) ([]Rule, error) {
	var all []Rule
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".yml" {
			return err
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		found, err := read(name, text)
		all = append(all, found...)
		return err
	})
	return all, err
}

func read(name string, text []byte) ([]Rule, error) {
	var found []Rule
	for in := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var d document
		err := in.Decode(&d)
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if en, ok := d.Explain["en"]; ok && en.Title == "" {
			en.Title = d.Title
			d.Explain["en"] = en
		}
		found = append(found, Rule{File: name, ID: d.ID, Name: d.Name, Overlaps: d.Overlaps, Explain: d.Explain})
	}
}

var explanations = sync.OnceValue(func() map[string]map[string]Explanation {
	all, _ := All() // a broken file explains nothing; the tests refuse it
	out := make(map[string]map[string]Explanation, len(all))
	for _, r := range all {
		out[r.ID] = r.Explain
	}
	return out
})

// Explain gives the explanation of a rule by its id in a language, ja or en; ok is false for rules of others.
func Explain(id, lang string) (e Explanation, ok bool) {
	e, ok = explanations()[id][lang]
	return e, ok
}
