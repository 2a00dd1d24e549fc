package rulefile

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kizuki-security/kizuki/sigma/internal/ast"
)

// Check refuses what a YAML reader lets pass anywhere in a document and nobody can rely on: a doubled key, a key that is
// no text, and a tag that its value belies. It follows no alias: Flatten comes first.
func (d *Reader) Check(n *yaml.Node) bool {
	if !fits(n) {
		d.Refuse(n, "value", "%q is no value of the kind %s", n.Value, n.ShortTag())
		return false
	}
	if n.Kind == yaml.MappingNode {
		if _, ok := d.Mapping(n, "document"); !ok {
			return false
		}
	}
	for _, c := range n.Content {
		if !d.Check(c) {
			return false
		}
	}
	return true
}

// fits says whether a value is what its tag says. Tags outside YAML's own mean nothing here.
func fits(n *yaml.Node) bool {
	tag := n.ShortTag()
	switch n.Kind {
	case yaml.MappingNode:
		return tag == "!!map"
	case yaml.SequenceNode:
		return tag == "!!seq"
	case yaml.ScalarNode:
	default:
		return false
	}
	switch tag {
	case "!!str", "!!timestamp", "!!merge":
		return true
	case "!!null":
		return slices.Contains([]string{"", "~", "null", "Null", "NULL"}, n.Value)
	case "!!bool":
		return strings.EqualFold(n.Value, "true") || strings.EqualFold(n.Value, "false")
	case "!!int", "!!float":
		return Scalar(n).Kind == ast.Number
	}
	return false
}

// isNull says whether there is nothing behind a key: that is the same as no key.
func isNull(n *yaml.Node) bool {
	return n == nil || n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

// Word reads a text without the white space around it. Nothing is "" and not refused.
func (d *Reader) Word(n *yaml.Node, what string) (string, bool) {
	switch {
	case isNull(n):
		return "", true
	case n.Kind != yaml.ScalarNode:
		d.Refuse(n, "shape", "%s is no plain text", what)
		return "", false
	}
	return strings.TrimSpace(n.Value), true
}

// Number reads a number that is written as one; ok is false for anything else, infinity included.
func Number(n *yaml.Node) (f float64, ok bool) {
	if n == nil || n.Kind != yaml.ScalarNode {
		return 0, false
	}
	v := Scalar(n)
	if v.Kind != ast.Number {
		return 0, false
	}
	f, err := strconv.ParseFloat(v.Text, 64)
	return f, err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
}

// Scalar gives a value in its canonical text.
func Scalar(n *yaml.Node) ast.Value {
	v := ast.Value{Text: n.Value, Written: n.Value}
	switch n.ShortTag() {
	case "!!null":
		return ast.Value{Kind: ast.Null}
	case "!!bool":
		v.Kind, v.Text = ast.Bool, strings.ToLower(n.Value)
	case "!!int":
		var i int64
		var u uint64
		switch {
		case n.Decode(&i) == nil:
			v.Kind, v.Text = ast.Number, strconv.FormatInt(i, 10)
		case n.Decode(&u) == nil:
			v.Kind, v.Text = ast.Number, strconv.FormatUint(u, 10)
		}
	case "!!float":
		var f float64
		if n.Decode(&f) == nil {
			v.Kind, v.Text = ast.Number, string(ast.AppendFloat(nil, f))
		}
	}
	return v
}
