package framework

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Change is what an overlay says about one node. Fields that are not given stay as in the base.
type Change struct {
	Node            string    `yaml:"node"`   // id of a node of the base
	Remove          bool      `yaml:"remove"` // the node is not part of this version
	Unset           []string  `yaml:"unset"`  // "level": unknown in this version
	Level           string    `yaml:"level"`
	LevelNote       Text      `yaml:"level_note"`
	LevelCandidates []string  `yaml:"level_candidates"`
	NeedsImport     *bool     `yaml:"needs_import"`
	Title           Text      `yaml:"title"`
	Text            Text      `yaml:"text"`
	Theme           Text      `yaml:"theme"`
	UsualOwner      Text      `yaml:"usual_owner"`
	Confidence      string    `yaml:"confidence"`
	Source          string    `yaml:"source"`
	ISO             []string  `yaml:"iso"`
	CSF             string    `yaml:"csf"`
	Examples        []Text    `yaml:"examples"`
	Clauses         []*Clause `yaml:"clauses"` // all clauses of the node, in place of those of the base
}

// overlay builds the framework of an overlay file: the nodes of its base, copied, with its changes.
func (c *Catalog) overlay(over *Framework) (*Framework, error) {
	id, version, both := strings.Cut(over.Base, "@")
	if !both {
		id, version = over.ID, over.Base
	}
	base := c.Framework(id, version)
	if base == nil || base.Base != "" {
		return nil, fmt.Errorf("%s: base %s is no framework with nodes of its own", over.Key(), over.Base)
	}
	if len(over.Nodes) > 0 {
		return nil, fmt.Errorf("%s: an overlay has changes, not nodes", over.Key())
	}
	f := base.copied()
	f.ID, f.Version, f.Base, f.Changes = over.ID, over.Version, base.Key(), over.Changes
	if !over.Published.IsZero() {
		f.Published = over.Published
	}
	set(&f.Title, over.Title)
	set(&f.Short, over.Short)
	set(&f.Words.Item, over.Words.Item)
	set(&f.Words.Criterion, over.Words.Criterion)
	maps.Copy(f.Sources, over.Sources)
	if over.Scoring != (Scoring{}) {
		f.Scoring = over.Scoring
	}
	if len(over.Levels) > 0 {
		f.Levels = over.Levels
	}
	f.relink()
	return f, f.change(over.Changes)
}

// Changed returns a copy of f with changes: how the wording of an official workbook, which lives in the
// company's own database only, is laid over the catalogue. The copy has nodes of its own.
func (f *Framework) Changed(changes []Change) (*Framework, error) {
	out := f.copied()
	out.relink()
	return out, out.change(changes)
}

func (f *Framework) change(changes []Change) error {
	var errs []error
	for _, ch := range changes {
		n := f.byID[ch.Node]
		if n == nil {
			errs = append(errs, fmt.Errorf("%s: change of unknown node %q", f.Key(), ch.Node))
			continue
		}
		if ch.Remove {
			f.remove(n)
			continue
		}
		n.apply(ch)
	}
	f.relink()
	return errors.Join(errs...)
}

func (f *Framework) remove(n *Node) {
	gone := func(o *Node) bool { return o == n }
	if n.Parent == nil {
		f.Nodes = slices.DeleteFunc(f.Nodes, gone)
		return
	}
	n.Parent.Nodes = slices.DeleteFunc(n.Parent.Nodes, gone)
}

func set(to *Text, from Text) {
	if from.JA != "" {
		to.JA = from.JA
	}
	if from.EN != "" {
		to.EN = from.EN
	}
}

func (n *Node) apply(ch Change) {
	if slices.Contains(ch.Unset, "level") {
		n.Level = ""
	}
	for _, one := range []struct {
		to   *string
		from string
	}{{&n.Level, ch.Level}, {&n.Confidence, ch.Confidence}, {&n.Source, ch.Source}, {&n.CSF, ch.CSF}} {
		if one.from != "" {
			*one.to = one.from
		}
	}
	set(&n.LevelNote, ch.LevelNote)
	set(&n.Title, ch.Title)
	set(&n.Text, ch.Text)
	set(&n.Theme, ch.Theme)
	set(&n.UsualOwner, ch.UsualOwner)
	if ch.LevelCandidates != nil {
		n.LevelCandidates = slices.Clone(ch.LevelCandidates)
	}
	if ch.NeedsImport != nil {
		n.NeedsImport = *ch.NeedsImport
	}
	if ch.ISO != nil {
		n.ISO = slices.Clone(ch.ISO)
	}
	if ch.Examples != nil {
		n.Examples = slices.Clone(ch.Examples)
	}
	if ch.Clauses != nil {
		n.Clauses = copyClauses(ch.Clauses)
	}
}

// copied returns a deep copy of f without pointers into f. Rules are shared: nothing changes them.
func (f *Framework) copied() *Framework {
	out := *f
	out.Sources = map[string]Source{}
	maps.Copy(out.Sources, f.Sources)
	out.Levels = slices.Clone(f.Levels)
	out.Nodes = copyNodes(f.Nodes)
	return &out
}

func copyNodes(nodes []*Node) []*Node {
	out := make([]*Node, len(nodes))
	for i, n := range nodes {
		c := *n
		c.LevelCandidates = slices.Clone(n.LevelCandidates)
		c.ISO = slices.Clone(n.ISO)
		c.Examples = slices.Clone(n.Examples)
		c.Clauses = copyClauses(n.Clauses)
		c.Nodes = copyNodes(n.Nodes)
		out[i] = &c
	}
	return out
}

func copyClauses(clauses []*Clause) []*Clause {
	out := make([]*Clause, len(clauses))
	for i, cl := range clauses {
		c := *cl
		out[i] = &c
	}
	return out
}

// relink sets parents, items and clause ids anew. Of two nodes or clauses with one id the first is
// found; Check reports the second.
func (f *Framework) relink() {
	f.items, f.byID, f.clause = nil, map[string]*Node{}, map[string]*Clause{}
	var walk func(nodes []*Node, parent *Node)
	walk = func(nodes []*Node, parent *Node) {
		for _, n := range nodes {
			n.Parent, n.Framework = parent, f
			if _, twice := f.byID[n.ID]; !twice {
				f.byID[n.ID] = n
			}
			if n.Assessable {
				f.items = append(f.items, n)
			}
			f.relinkClauses(n)
			walk(n.Nodes, n)
		}
	}
	walk(f.Nodes, nil)
}

func (f *Framework) relinkClauses(n *Node) {
	ordinal := map[string]int{}
	for _, c := range n.Clauses {
		ordinal[c.Kind]++
		c.Item = n
		c.ID = ClauseID(n, c.Kind, ordinal[c.Kind], c.Text.JA)
		if _, twice := f.clause[c.ID]; !twice {
			f.clause[c.ID] = c
		}
	}
}

// ClauseID gives the id of a clause: framework@version:item:kind:ordinal:hash. The ordinal counts the clauses
// of that kind in the item from 1; the hash is the first 8 hex digits of the SHA-256 of the Japanese text.
func ClauseID(item *Node, kind string, ordinal int, textJA string) string {
	sum := sha256.Sum256([]byte(textJA))
	return item.Framework.Key() + ":" + item.ID + ":" + kind + ":" + strconv.Itoa(ordinal) + ":" + hex.EncodeToString(sum[:4])
}

// Node finds any node by its id, nil when there is none.
func (f *Framework) Node(id string) *Node { return f.byID[id] }

// Clauses returns all clauses in the order of the framework.
func (f *Framework) Clauses() []*Clause {
	var out []*Clause
	for _, n := range f.items {
		out = append(out, n.Clauses...)
	}
	return out
}
