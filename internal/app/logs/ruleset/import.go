package ruleset

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/kizuki-security/kizuki/internal/app/logs"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
	"github.com/kizuki-security/kizuki/internal/platform/archive"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Order is what to import.
type Order struct {
	Data    string // data folder; made when it is not there
	Source  string // folder, zip, or one file of rules
	Name    string // of the set; empty: that of the source
	License string // of rules that name none; empty: what a LICENSE in the source says
	Apply   bool   // false: only look
	Now     time.Time
}

// Result is what became of an import.
type Result struct {
	Name         string
	License      string
	Applied      bool
	Files        int // files of rules taken
	Ignored      int // files that hold no rules
	Deprecated   int // files left out whose rules their authors withdrew
	Rules        int
	Correlations int
	Filters      int       // they take hits away from rules, also from those of others
	Refused      []Refusal // in the order of names
	Replaced     *Manifest // the set of this name before; nil: none
}

// Refusal is a document or a file that was left out.
type Refusal struct {
	File   string // in the source
	Line   int    // 0: the whole file
	RuleID string
	Code   string // one of this package, or of the engine
	Reason string // of the engine, in English; empty for a code of this package
}

// Import takes the rules of a folder or zip in: all that can be used, or nothing. The engine reads each rule first. An
// import that fails, is stopped or killed leaves the set as it was.
func Import(ctx context.Context, o Order) (r *Result, err error) {
	if o.Name == "" {
		o.Name = nameOf(o.Source)
	}
	if !plainName.MatchString(o.Name) || reserved(o.Name) {
		return nil, problem.Invalid("name", "logs.rules.name", "name", o.Name)
	}
	im := &importer{o: o, r: &Result{Name: o.Name, License: o.License}, home: filepath.Join(Dir(o.Data), o.Name), seen: map[string]bool{}}
	unlock, err := im.place()
	if err != nil {
		return nil, err
	}
	defer func() {
		err = errors.Join(err, archive.RemoveTree(im.stage), unlock())
		_ = os.Remove(im.home) // of a first import that failed; a folder with a set in it stays
	}()
	if err := each(ctx, o.Source, im.take); err != nil {
		return nil, err
	}
	if err := im.check(ctx); err != nil {
		return nil, err
	}
	if o.Apply {
		err = im.exchange(ctx)
	}
	return im.r, err
}

type importer struct {
	o       Order
	r       *Result
	home    string // rules/NAME
	stage   string
	names   []string        // files of rules taken
	seen    map[string]bool // names in small letters
	bytes   int64
	notices int
}

// before looks at what is there under the name.
func (im *importer) before() error {
	m, err := readManifest(im.home)
	switch {
	case err == nil:
		im.r.Replaced = m
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if _, err := os.Stat(im.home); err == nil && !unfinished(im.home) {
		return problem.Conflict("logs.rules.own", "dir", im.home)
	}
	return nil
}

// place makes the folder that is filled: beside the set, on the same disk, or elsewhere when nothing is to stay.
func (im *importer) place() (unlock func() error, err error) {
	if !im.o.Apply {
		if err := im.before(); err != nil {
			return nil, err
		}
		im.stage, err = os.MkdirTemp("", "kizuki-rules-")
		return func() error { return nil }, err
	}
	cannot := func(err error) error {
		return problem.Unavailable("logs.rules.cannot_write", "dir", im.home).Because(err)
	}
	if err := os.MkdirAll(im.home, 0o700); err != nil {
		return nil, cannot(err)
	}
	lock := flock.New(filepath.Join(Dir(im.o.Data), newPrefix+"import.lock"), flock.SetPermissions(0o600))
	ok, err := lock.TryLock()
	if err != nil {
		return nil, cannot(err)
	}
	if !ok {
		return nil, problem.Conflict("logs.rules.busy")
	}
	if err := im.before(); err != nil { // under the lock: what it finds is not swept by mistake
		return nil, errors.Join(err, lock.Unlock())
	}
	current := ""
	if im.r.Replaced != nil {
		current = im.r.Replaced.Folder
	}
	im.sweep(current)
	if im.stage, err = os.MkdirTemp(im.home, newPrefix); err != nil {
		return nil, errors.Join(cannot(err), lock.Unlock())
	}
	return lock.Unlock, nil
}

// take copies one file into the stage, or says why not. The error ends the import.
func (im *importer) take(e *entry) error {
	yaml, notice := isYAML(e.name), isNotice(e.name)
	if !yaml && (!notice || im.notices >= mostNotices) {
		im.r.Ignored++
		return nil
	}
	refuse := func(code string) error {
		if yaml {
			im.r.Refused = append(im.r.Refused, Refusal{File: e.name, Code: code})
		} else {
			im.r.Ignored++
		}
		return nil
	}
	limit := int64(largestRule)
	if !yaml {
		limit = largestNotice
	}
	low := strings.ToLower(e.name)
	switch {
	case e.problem != nil:
		return refuse(CodeUnreadable)
	case !safe(e.name):
		return refuse(CodeName)
	case !e.mode.IsRegular():
		return refuse(CodeLink)
	case e.locked:
		return refuse(CodeProtected)
	case im.seen[low]:
		return refuse(CodeTwice)
	case e.size > limit:
		return refuse(CodeSize)
	}
	text, err := read(e, limit)
	if err != nil {
		return refuse(CodeUnreadable)
	}
	if int64(len(text)) > limit {
		return refuse(CodeSize)
	}
	im.seen[low] = true
	if im.bytes += int64(len(text)); im.bytes > mostBytes || len(im.names) >= mostFiles {
		return tooMuch()
	}
	if yaml {
		im.names = append(im.names, e.name)
	} else {
		im.notices++
		im.noticed(text)
	}
	return im.write(e.name, text)
}

// noticed reads what a license says about rules that name none.
func (im *importer) noticed(text []byte) {
	if im.r.License == "" && strings.Contains(string(text), "Detection Rule License") && strings.Contains(string(text), "1.1") {
		im.r.License = "DRL-1.1"
	}
}

func read(e *entry, limit int64) (text []byte, err error) {
	f, err := e.open()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return io.ReadAll(io.LimitReader(f, limit+1))
}

// write puts a file into the stage; os.Root keeps every name below it, whatever it says.
func (im *importer) write(name string, text []byte) error {
	cannot := func(err error) error {
		return problem.Unavailable("logs.rules.cannot_write", "dir", im.stage).Because(err)
	}
	root, err := os.OpenRoot(im.stage)
	if err != nil {
		return cannot(err)
	}
	defer root.Close() //nolint:errcheck // nothing is written through it
	local := filepath.FromSlash(name)
	if err := root.MkdirAll(filepath.Dir(local), 0o700); err != nil {
		return cannot(err)
	}
	f, err := root.OpenFile(local, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return cannot(err)
	}
	_, err = f.Write(text)
	if err == nil && im.o.Apply {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return cannot(err)
	}
	return nil
}

// check has the engine read the rules, and takes files away of which nothing can be used.
func (im *importer) check(ctx context.Context) error {
	rules, err := logs.LoadRules([]string{im.stage})
	if err != nil {
		return fmt.Errorf("read the rules: %w", err)
	}
	usable, withdrawn, refused := map[string]bool{}, map[string]bool{}, map[string]bool{}
	status := func(file, status string) {
		if status == "deprecated" || status == "unsupported" {
			withdrawn[file] = true
		} else {
			usable[file] = true
		}
	}
	for _, r := range rules.Set.Rules() {
		status(r.File, r.Status)
	}
	for _, c := range rules.Correlations {
		status(c.File, c.Status)
	}
	for _, p := range rules.Problems {
		refused[p.File] = true
	}
	gone := 0
	im.names = slices.DeleteFunc(im.names, func(name string) bool {
		path := filepath.Join(im.stage, filepath.FromSlash(name))
		out := !usable[path] && (withdrawn[path] || refused[path])
		if out {
			gone++
			if !refused[path] {
				im.r.Deprecated++
			}
			err = errors.Join(err, os.Remove(path))
		}
		return out
	})
	if err := errors.Join(err, ctx.Err()); err != nil {
		return err
	}
	for _, p := range rules.Problems {
		im.r.Refused = append(im.r.Refused, Refusal{im.inSource(p.File), p.Line, p.RuleID, p.Code, strings.ReplaceAll(p.Reason, im.stage+string(filepath.Separator), "")})
	}
	slices.SortStableFunc(im.r.Refused, func(a, b Refusal) int { return strings.Compare(a.File, b.File) })
	if gone > 0 { // a correlation may rest on what went
		if rules, err = logs.LoadRules([]string{im.stage}); err != nil {
			return fmt.Errorf("read the rules again: %w", err)
		}
	}
	im.r.Files, im.r.Rules, im.r.Correlations = len(im.names), len(rules.Set.Rules()), len(rules.Correlations)
	im.r.Filters = rules.Filters
	if im.r.Rules+im.r.Correlations == 0 {
		return problem.Invalid("", "logs.rules.nothing", "file", im.o.Source, "refused", len(im.r.Refused), "ignored", im.r.Ignored)
	}
	return nil
}

func (im *importer) inSource(path string) string {
	if rel, err := filepath.Rel(im.stage, path); err == nil {
		return filepath.ToSlash(rel)
	}
	return path
}

// exchange makes the stage the set. The rename of set.json is the moment in which the new set takes the place of the
// old one.
func (im *importer) exchange(ctx context.Context) error {
	cannot := func(err error) error {
		return problem.Unavailable("logs.rules.cannot_write", "dir", im.home).Because(err)
	}
	sum, err := digest(im.stage, im.names)
	if err != nil {
		return cannot(err)
	}
	name := setPrefix + im.o.Now.UTC().Format("20060102-150405") + "-" + sum[:12]
	final := filepath.Join(im.home, name)
	if err := archive.RemoveTree(final); err != nil { // the same rules, imported within one second
		return cannot(err)
	}
	if err := (disk.OS{}).Rename(im.stage, final); err != nil {
		return cannot(err)
	}
	im.stage = filepath.Join(im.home, newPrefix+"none")
	text, err := json.MarshalIndent(Manifest{
		Schema: manifestV1, Folder: name, Source: filepath.Base(filepath.Clean(im.o.Source)), SHA256: sum, ImportedAt: im.o.Now.UTC(),
		Files: im.r.Files, Rules: im.r.Rules, Correlations: im.r.Correlations, License: im.r.License,
	}, "", "  ")
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return errors.Join(err, archive.RemoveTree(final))
	}
	if err := replace(filepath.Join(im.home, manifestName), append(text, '\n')); err != nil {
		return errors.Join(cannot(err), archive.RemoveTree(final))
	}
	im.r.Applied = true
	im.sweep(name)
	return nil
}

// digest is over names and contents, in the order of names.
func digest(dir string, names []string) (string, error) {
	sum := sha256.New()
	for _, name := range slices.Sorted(slices.Values(names)) {
		text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name))) //nolint:gosec // written just now
		if err != nil {
			return "", err
		}
		one := sha256.Sum256(text)
		fmt.Fprintf(sum, "%d:%s\n%x\n", len(name), name, one)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// sweep removes the set before, and what killed imports left. What cannot be removed now goes with the next import.
func (im *importer) sweep(current string) {
	entries, err := os.ReadDir(im.home)
	if err != nil {
		return
	}
	for _, e := range entries {
		if name := e.Name(); name != current && name != manifestName && ours(name) {
			_ = archive.RemoveTree(filepath.Join(im.home, name))
		}
	}
}
