package reference

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// node is a YAML value with references followed and keys known to be unique.
type node struct {
	null    bool
	list    []*node
	keys    []string
	members map[string]*node
	scalar  bool
	text    string // canonical for numbers and truth values
	raw     string // as written
	quoted  bool   // text, not a number or a truth value
	number  *big.Rat
	boolean bool
}

// Limits of a document with its references followed.
const (
	mostNodes = 200_000
	deepest   = 64
)

// readDocument is a document, or why it cannot be used.
type readDocument struct {
	body *node
	err  error
}

// documents reads the documents of a file, empty ones left out. One that is no proper YAML ends the file, since nobody
// knows where the next begins; one that is, but has a doubled key or the like, costs itself only.
func documents(text []byte) []readDocument {
	var found []readDocument
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var root yaml.Node
		err := decoder.Decode(&root)
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			return append(found, readDocument{&node{}, err})
		}
		budget := mostNodes
		n, err := convert(root.Content[0], &budget, 0)
		if err != nil {
			found = append(found, readDocument{&node{}, err})
		} else if !n.null {
			found = append(found, readDocument{n, nil})
		}
	}
}

func convert(y *yaml.Node, budget *int, depth int) (*node, error) {
	if y.Kind == yaml.AliasNode {
		y = y.Alias
	}
	if *budget--; *budget < 0 || depth > deepest {
		return nil, errors.New("the document is too large, or refers to itself")
	}
	switch {
	case y.Kind == yaml.SequenceNode && y.Tag == "!!seq":
		n := &node{list: []*node{}}
		for _, item := range y.Content {
			child, err := convert(item, budget, depth+1)
			if err != nil {
				return nil, err
			}
			n.list = append(n.list, child)
		}
		return n, nil
	case y.Kind == yaml.MappingNode && y.Tag == "!!map":
		return convertMap(y, budget, depth)
	case y.Kind == yaml.ScalarNode:
		return convertScalar(y)
	default:
		return nil, fmt.Errorf("line %d: %s means nothing here", y.Line, y.Tag)
	}
}

func convertMap(y *yaml.Node, budget *int, depth int) (*node, error) {
	n := &node{members: map[string]*node{}}
	for i := 0; i+1 < len(y.Content); i += 2 {
		name := y.Content[i]
		if name.Kind == yaml.AliasNode {
			name = name.Alias
		}
		if name.Kind != yaml.ScalarNode || name.Tag == "!!merge" {
			return nil, fmt.Errorf("line %d: a key must be a text", name.Line)
		}
		if _, err := convert(name, budget, depth+1); err != nil {
			return nil, err
		}
		key := name.Value
		if _, ok := n.members[key]; ok {
			return nil, fmt.Errorf("line %d: the key %q occurs twice", name.Line, key)
		}
		child, err := convert(y.Content[i+1], budget, depth+1)
		if err != nil {
			return nil, err
		}
		n.keys = append(n.keys, key)
		n.members[key] = child
	}
	return n, nil
}

var (
	nullForm = regexp.MustCompile(`^(~|null|Null|NULL)?$`)
	boolForm = regexp.MustCompile(`^(?i:true|false)$`)
)

// canonical is the shortest decimal that means the number; the very large and the very small have an exponent.
func canonical(float float64) string {
	switch size := math.Abs(float); {
	case size == 0:
		return "0" // without the sign that -0.0 has
	case size >= 1e21 || size < 1e-6:
		return strconv.FormatFloat(float, 'e', -1, 64)
	}
	return strconv.FormatFloat(float, 'f', -1, 64)
}

// convertScalar reads a value. What its tag says and its text belies is refused, and so is a tag of somebody's own.
func convertScalar(y *yaml.Node) (*node, error) {
	n := &node{scalar: true, text: y.Value, raw: y.Value}
	var err error
	switch y.Tag {
	case "!!null":
		if nullForm.MatchString(y.Value) {
			return &node{null: true}, nil
		}
		err = errors.New("not null")
	case "!!bool":
		if !boolForm.MatchString(y.Value) {
			err = errors.New("neither true nor false")
		}
		n.boolean = true
		n.text = strings.ToLower(y.Value)
	case "!!int":
		var signed int64
		var unsigned uint64
		if err = y.Decode(&signed); err == nil {
			n.text = strconv.FormatInt(signed, 10)
		} else if err = y.Decode(&unsigned); err == nil {
			n.text = strconv.FormatUint(unsigned, 10)
		}
		n.number, _ = decimal(n.text)
	case "!!float":
		var float float64
		err = y.Decode(&float)
		n.text = canonical(float)
		n.number, _ = decimal(n.text)
	case "!!str", "!!timestamp", "!!merge":
		n.quoted = true
	default:
		err = errors.New("unknown tag")
	}
	if err != nil {
		return nil, fmt.Errorf("line %d: %q with the tag %s: %w", y.Line, y.Value, y.Tag, err)
	}
	return n, nil
}

func (n *node) isList() bool { return n != nil && n.list != nil }
func (n *node) isMap() bool  { return n != nil && n.members != nil }

// member gives a member of a map, or nil.
func (n *node) member(key string) *node {
	if n == nil {
		return nil
	}
	return n.members[key]
}

// word gives the text of a member that must be a scalar, or "" when it is missing.
func (n *node) word(key string) (string, error) {
	m := n.member(key)
	switch {
	case m == nil || m.null:
		return "", nil
	case !m.scalar:
		return "", fmt.Errorf("%s must be a text", key)
	default:
		return strings.TrimSpace(m.raw), nil
	}
}

// words gives a member that is a text or a list of texts.
func (n *node) words(key string) ([]string, error) {
	m := n.member(key)
	if m == nil || m.null {
		return nil, nil
	}
	items := m.list
	if m.scalar {
		items = []*node{m}
	}
	if items == nil {
		return nil, fmt.Errorf("%s must be a text or a list", key)
	}
	var out []string
	for _, item := range items {
		if !item.scalar {
			return nil, fmt.Errorf("%s must hold texts only", key)
		}
		out = append(out, strings.TrimSpace(item.raw))
	}
	return out, nil
}

var decimalForm = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?$`)

// decimal reads a decimal number exactly.
func decimal(text string) (*big.Rat, bool) {
	if !decimalForm.MatchString(text) {
		return nil, false
	}
	return new(big.Rat).SetString(text)
}
