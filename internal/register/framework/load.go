package framework

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
)

// KindsFile is the file with kinds, populations, topics, settings and remedies.
const KindsFile = "kinds.yaml"

// Catalog is everything of catalog/, read and linked. It is read-only and safe for concurrent use.
type Catalog struct {
	Table *Table

	frameworks []*Framework // by id, then version
	crosswalks []*Crosswalk
	twins      map[*Node][]Twin

	unconnected []error // pairs of crosswalks that name nothing
}

// file is one read file: exactly one of the fields is set.
type file struct {
	name      string
	table     *Table
	framework *Framework
	crosswalk *Crosswalk
	err       error
}

// Load reads every .yaml file at the top of fsys: kinds.yaml, frameworks (top key "framework", with
// "base" an overlay) and crosswalks (crosswalk-*.yaml). A wrong field or value is an error that names
// file and line; all files are tried before it returns. It does not judge the contents: see Check.
func Load(fsys fs.FS) (*Catalog, error) {
	names, err := fs.Glob(fsys, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list catalogue: %w", err)
	}
	files := make([]file, len(names))
	var wait sync.WaitGroup
	for i, name := range names {
		wait.Go(func() { files[i] = read(fsys, name) })
	}
	wait.Wait()
	c := &Catalog{}
	var errs []error
	for _, f := range files {
		switch {
		case f.err != nil:
			errs = append(errs, f.err)
		case f.table != nil:
			c.Table = f.table
		case f.framework != nil:
			c.frameworks = append(c.frameworks, f.framework)
		case f.crosswalk != nil:
			c.crosswalks = append(c.crosswalks, f.crosswalk)
		}
	}
	if c.Table == nil && len(errs) == 0 {
		errs = append(errs, fmt.Errorf("%s is missing", KindsFile))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("load catalogue: %w", err)
	}
	if err := c.link(); err != nil {
		return nil, fmt.Errorf("link catalogue: %w", err)
	}
	return c, nil
}

func read(fsys fs.FS, name string) file {
	f := file{name: name}
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		f.err = fmt.Errorf("read %s: %w", name, err)
		return f
	}
	switch {
	case name == KindsFile:
		f.table = &Table{}
		f.err = decode(name, data, f.table)
		f.table.topicOrder = keysUnder(data, "topics")
	case hasTopKey(data, "framework"):
		f.framework, f.err = readFramework(name, data)
	case strings.HasPrefix(name, "crosswalk"):
		f.crosswalk = &Crosswalk{ID: strings.TrimSuffix(name, ".yaml")}
		f.err = decode(name, data, f.crosswalk)
	default:
		f.err = fmt.Errorf("%s: neither a framework nor a crosswalk", name)
	}
	return f
}

func hasTopKey(data []byte, key string) bool {
	return bytes.HasPrefix(data, []byte(key+":")) || bytes.Contains(data, []byte("\n"+key+":"))
}

func readFramework(name string, data []byte) (*Framework, error) {
	f := &Framework{}
	if err := decode(name, data, f); err != nil {
		return nil, err
	}
	if f.ID == "" || f.Version == "" {
		return nil, fmt.Errorf("%s: framework and version must be given", name)
	}
	return f, nil
}

// link builds overlays, sets pointers and ids, and connects crosswalks.
func (c *Catalog) link() error {
	slices.SortFunc(c.frameworks, func(a, b *Framework) int {
		if d := strings.Compare(a.ID, b.ID); d != 0 {
			return d
		}
		return compareVersions(a.Version, b.Version)
	})
	var errs []error
	for i, f := range c.frameworks {
		if i > 0 && c.frameworks[i-1].Key() == f.Key() {
			errs = append(errs, fmt.Errorf("%s: given in two files", f.Key()))
		}
	}
	for _, f := range c.frameworks {
		if f.Base == "" {
			f.relink()
		}
	}
	for i, f := range c.frameworks {
		if f.Base == "" {
			continue
		}
		built, err := c.overlay(f)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		c.frameworks[i] = built
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	c.connect()
	return nil
}

// compareVersions orders versions by their numbers ("2.10" after "2.9"), then by text.
func compareVersions(a, b string) int {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(as), len(bs)) {
		if d := len(as[i]) - len(bs[i]); d != 0 && digits(as[i]) && digits(bs[i]) {
			return d
		}
		if d := strings.Compare(as[i], bs[i]); d != 0 {
			return d
		}
	}
	return len(as) - len(bs)
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// Frameworks returns all versions of all frameworks, by id and rising version.
func (c *Catalog) Frameworks() []*Framework { return slices.Clone(c.frameworks) }

// Framework finds one version, nil when there is none.
func (c *Catalog) Framework(id, version string) *Framework {
	for _, f := range c.frameworks {
		if f.ID == id && f.Version == version {
			return f
		}
	}
	return nil
}

// Key finds a version by its Framework.Key ("jama-japia@2.3"), nil when there is none.
func (c *Catalog) Key(key string) *Framework {
	id, version, _ := strings.Cut(key, "@")
	return c.Framework(id, version)
}

// Latest returns the highest version of a framework, nil when there is none.
func (c *Catalog) Latest(id string) *Framework {
	var last *Framework
	for _, f := range c.frameworks {
		if f.ID == id {
			last = f
		}
	}
	return last
}

// Clause finds a clause of any framework by its id, nil when there is none.
func (c *Catalog) Clause(id string) *Clause {
	key, _, _ := strings.Cut(id, ":")
	if f := c.Key(key); f != nil {
		return f.Clause(id)
	}
	return nil
}

// Item finds an item by the key of its framework and its id, nil when there is none.
func (c *Catalog) Item(frameworkKey, id string) *Node {
	if f := c.Key(frameworkKey); f != nil {
		return f.Item(id)
	}
	return nil
}
