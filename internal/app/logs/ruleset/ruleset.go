// Package ruleset keeps the detection rules of a data folder: sets of other people's rules that were imported, and
// folders with the company's own. Everything lies below DIR/rules:
//
//	rules/NAME/set.json      what the set is, and which folder beside it holds its rules
//	rules/NAME/set-…/        the rules, as they were in the folder or zip, without those that cannot be used
//	rules/OWN/               a folder without set.json: rules that somebody put there by hand
//
// An import writes a new folder and then exchanges set.json by one rename: whoever reads sees the old set or the new
// one, and what a killed import left is swept by the next. Nothing here needs the lock of the data folder: the office
// does not write below rules, and readers read at their start only.
package ruleset

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/app/logs"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Messages returns the texts of this package.
func Messages() fs.FS { return messages }

const (
	folder       = "rules"
	manifestName = "set.json"
	setPrefix    = "set-"
	newPrefix    = ".new-" // what bears it is unfinished: no backup holds it, the next import removes it
	manifestV1   = "kizuki.rule-set/1"
	mostManifest = 1 << 20
)

// Manifest is what set.json says.
type Manifest struct {
	Schema       string    `json:"schema"`
	Folder       string    `json:"folder"` // beside set.json
	Source       string    `json:"source"` // name of the folder or zip it came from
	SHA256       string    `json:"sha256"` // over names and contents of the rules, in the order of names
	ImportedAt   time.Time `json:"imported_at"`
	Files        int       `json:"files"`
	Rules        int       `json:"rules"`
	Correlations int       `json:"correlations"`
	License      string    `json:"license"` // of rules that name none
}

// Set is one set of rules to read.
type Set struct {
	Name     string
	Path     string    // folder of the rules
	Manifest *Manifest // nil: rules that somebody put there by hand
}

// Dir is where the sets of a data folder lie.
func Dir(data string) string { return filepath.Join(data, folder) }

// List gives the sets of a data folder in the order of names; a folder without any has none.
func List(data string) ([]Set, error) {
	entries, err := os.ReadDir(Dir(data))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the sets of rules: %w", err)
	}
	var sets []Set
	for _, e := range entries {
		path := filepath.Join(Dir(data), e.Name())
		if strings.HasPrefix(e.Name(), ".") || !e.IsDir() {
			continue
		}
		m, err := readManifest(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			if !unfinished(path) {
				sets = append(sets, Set{Name: e.Name(), Path: path})
			}
		case err != nil:
			return nil, err
		default:
			sets = append(sets, Set{Name: e.Name(), Path: filepath.Join(path, m.Folder), Manifest: m})
		}
	}
	return sets, nil
}

// unfinished says whether a folder without set.json holds nothing but what a killed first import left.
func unfinished(path string) bool {
	entries, err := os.ReadDir(path)
	return err == nil && !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return !ours(e.Name()) })
}

func ours(name string) bool {
	return name == manifestName || strings.HasPrefix(name, newPrefix) || strings.HasPrefix(name, setPrefix)
}

var folderName = regexp.MustCompile(`^set-[a-z0-9-]{1,80}$`)

func readManifest(path string) (*Manifest, error) {
	name := filepath.Join(path, manifestName)
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	broken := func(err error) error { return problem.Unavailable("logs.rules.manifest", "file", name).Because(err) }
	if info.Size() > mostManifest {
		return nil, broken(errors.New("the file is too large"))
	}
	text, err := os.ReadFile(name) //nolint:gosec // in the data folder
	if err != nil {
		return nil, broken(err)
	}
	m := &Manifest{}
	if err := json.Unmarshal(text, m); err != nil {
		return nil, broken(err)
	}
	if m.Schema != manifestV1 || !folderName.MatchString(m.Folder) {
		return nil, broken(fmt.Errorf("schema %q, folder %q", m.Schema, m.Folder))
	}
	return m, nil
}

// attempts is how often reading begins anew when an import exchanged a set meanwhile.
const attempts = 3

// Load reads the rules of all sets of a data folder with load, which gets their folders. When an import exchanges a
// set while it is read, reading begins anew.
func Load(data string, load func(paths []string) (*logs.Rules, error)) (*logs.Rules, []Set, error) {
	for attempt := 1; ; attempt++ {
		sets, err := List(data)
		if err != nil {
			return nil, nil, err
		}
		rules, loadErr := load(Paths(sets))
		after, err := List(data)
		if err != nil {
			return nil, nil, err
		}
		if slices.Equal(Paths(sets), Paths(after)) || attempt == attempts {
			return rules, sets, loadErr
		}
	}
}

// Paths lists the folders of sets.
func Paths(sets []Set) []string {
	paths := make([]string, len(sets))
	for i := range sets {
		paths[i] = sets[i].Path
	}
	return paths
}

// Of gives the set in which a file lies, nil for none.
func Of(sets []Set, file string) *Set {
	for i := range sets {
		if strings.HasPrefix(file, sets[i].Path+string(filepath.Separator)) {
			return &sets[i]
		}
	}
	return nil
}

// License is the license of a rule that names none: that of the set in which its file lies, or "".
func License(sets []Set, file string) string {
	if s := Of(sets, file); s != nil && s.Manifest != nil {
		return s.Manifest.License
	}
	return ""
}

var plainName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// nameOf makes the name of a set of that of its folder or zip.
func nameOf(source string) string {
	base := strings.ToLower(filepath.Base(filepath.Clean(source)))
	for _, ext := range []string{".zip", ".yml", ".yaml"} {
		base = strings.TrimSuffix(base, ext)
	}
	name := strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' || r == '-' || r == '.' {
			return r
		}
		return '-'
	}, base), "-._")
	if name == "" || reserved(name) {
		return "rules"
	}
	return name[:min(len(name), 64)]
}
