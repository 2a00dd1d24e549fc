// Package rulefile reads the parts of a rule file that need nothing but YAML: it follows aliases within limits, tells
// maps from lists, and makes a detection of its lines. Inside: rulefile → ast.
package rulefile

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kizuki-security/kizuki/sigma/internal/ast"
)

// Limits of a document. They stand far above the largest rules there are.
const (
	maxNodes   = 200_000 // of one document, with every alias followed
	maxNesting = 64
)

// Reader reads one document. Refuse is told what is wrong, and where.
type Reader struct {
	Refuse func(at *yaml.Node, code, format string, args ...any)

	nodes int
}

// Mapping is a YAML map with its keys in order.
type Mapping struct {
	Node   *yaml.Node
	Keys   []*yaml.Node
	Values map[string]*yaml.Node
}

// Decode turns a panic of the YAML reader into an error: rules come from strangers.
func Decode(from *yaml.Decoder, n *yaml.Node) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("reader of YAML gave up: %v", r)
		}
	}()
	return from.Decode(n)
}

// IsEmpty is true for what stands behind "---" at the end of a file.
func IsEmpty(root *yaml.Node) bool {
	return root.Kind != yaml.DocumentNode || len(root.Content) != 1 ||
		root.Content[0].Kind == yaml.ScalarNode && root.Content[0].ShortTag() == "!!null"
}

// Flatten puts what an alias stands for in its place and counts nodes, so that an alias bomb or a circle ends here.
func (d *Reader) Flatten(n **yaml.Node, depth int) bool {
	node := *n
	if node.Kind == yaml.AliasNode {
		node = node.Alias
		*n = node
	}
	if d.nodes++; d.nodes > maxNodes {
		d.Refuse(node, "alias", "document has more than %d parts when its aliases are followed", maxNodes)
		return false
	}
	if depth > maxNesting {
		d.Refuse(node, "size", "document is nested deeper than %d", maxNesting)
		return false
	}
	for i := range node.Content {
		if !d.Flatten(&node.Content[i], depth+1) {
			return false
		}
	}
	return true
}

// Mapping reads a map. what names it when it is none.
func (d *Reader) Mapping(n *yaml.Node, what string) (Mapping, bool) {
	if n.Kind != yaml.MappingNode {
		d.Refuse(n, "shape", "%s is no mapping", what)
		return Mapping{}, false
	}
	m := Mapping{Node: n, Values: make(map[string]*yaml.Node, len(n.Content)/2)}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind != yaml.ScalarNode || k.ShortTag() == "!!merge" {
			d.Refuse(k, "shape", "%s: a key is no plain text", what)
			return Mapping{}, false
		}
		if _, twice := m.Values[k.Value]; twice {
			d.Refuse(k, "shape", "%s: key %q stands twice", what, k.Value)
			return Mapping{}, false
		}
		m.Keys = append(m.Keys, k)
		m.Values[k.Value] = n.Content[i+1]
	}
	return m, true
}

// Texts reads a text or a list of texts that the rule needs; anything else is refused, but nothing at all is not.
func (d *Reader) Texts(n *yaml.Node, what string) ([]string, bool) {
	if n == nil || n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		return nil, true
	}
	found := Texts(n)
	if n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode && len(found) != len(n.Content) {
		d.Refuse(n, "shape", "%s holds something that is no text", what)
		return nil, false
	}
	return found, true
}

// Texts reads a text or a list of texts; anything else in it is left out.
func Texts(n *yaml.Node) []string {
	if n == nil {
		return nil
	}
	if n.Kind == yaml.ScalarNode && n.ShortTag() != "!!null" {
		return []string{n.Value}
	}
	if n.Kind != yaml.SequenceNode {
		return nil
	}
	var out []string
	for _, c := range n.Content {
		if c.Kind == yaml.ScalarNode && c.ShortTag() != "!!null" {
			out = append(out, c.Value)
		}
	}
	return out
}

// Scalar gives a value in its canonical text.
func Scalar(n *yaml.Node) ast.Value {
	switch n.ShortTag() {
	case "!!null":
		return ast.Value{Kind: ast.Null}
	case "!!bool":
		return ast.Value{Kind: ast.Bool, Text: strings.ToLower(n.Value)}
	case "!!int":
		var i int64
		if n.Decode(&i) == nil {
			return ast.Value{Kind: ast.Number, Text: strconv.FormatInt(i, 10)}
		}
		var u uint64
		if n.Decode(&u) == nil {
			return ast.Value{Kind: ast.Number, Text: strconv.FormatUint(u, 10)}
		}
	case "!!float":
		var f float64
		if n.Decode(&f) == nil {
			return ast.Value{Kind: ast.Number, Text: string(ast.AppendFloat(nil, f))}
		}
	}
	return ast.Value{Text: n.Value}
}
