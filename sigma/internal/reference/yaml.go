package reference

import (
	"bytes"
	"errors"
	"fmt"
	"io"
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

const mostNodes = 100_000

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
		n, err := convert(&root, &budget)
		if err != nil {
			found = append(found, readDocument{&node{}, err})
		} else if !n.null {
			found = append(found, readDocument{n, nil})
		}
	}
}

func convert(y *yaml.Node, budget *int) (*node, error) {
	if *budget--; *budget < 0 {
		return nil, errors.New("the document is too large, or refers to itself")
	}
	switch y.Kind {
	case yaml.DocumentNode:
		return convert(y.Content[0], budget)
	case yaml.AliasNode:
		return convert(y.Alias, budget)
	case yaml.SequenceNode:
		n := &node{list: []*node{}}
		for _, item := range y.Content {
			child, err := convert(item, budget)
			if err != nil {
				return nil, err
			}
			n.list = append(n.list, child)
		}
		return n, nil
	case yaml.MappingNode:
		return convertMap(y, budget)
	default:
		return convertScalar(y)
	}
}

func convertMap(y *yaml.Node, budget *int) (*node, error) {
	n := &node{members: map[string]*node{}}
	for i := 0; i+1 < len(y.Content); i += 2 {
		if y.Content[i].Kind != yaml.ScalarNode || y.Content[i].Tag == "!!merge" {
			return nil, fmt.Errorf("line %d: a key must be a text", y.Content[i].Line)
		}
		key := y.Content[i].Value
		if _, ok := n.members[key]; ok {
			return nil, fmt.Errorf("line %d: the key %q occurs twice", y.Content[i].Line, key)
		}
		child, err := convert(y.Content[i+1], budget)
		if err != nil {
			return nil, err
		}
		n.keys = append(n.keys, key)
		n.members[key] = child
	}
	return n, nil
}

func convertScalar(y *yaml.Node) (*node, error) {
	n := &node{scalar: true, text: y.Value, raw: y.Value}
	switch y.Tag {
	case "!!null":
		return &node{null: true}, nil
	case "!!bool":
		n.boolean = true
		n.text = strings.ToLower(y.Value)
	case "!!int":
		var signed int64
		var unsigned uint64
		switch {
		case y.Decode(&signed) == nil:
			n.text = strconv.FormatInt(signed, 10)
		case y.Decode(&unsigned) == nil:
			n.text = strconv.FormatUint(unsigned, 10)
		}
		n.number, _ = decimal(n.text)
	case "!!float":
		var float float64
		if err := y.Decode(&float); err != nil {
			return nil, err
		}
		n.text = strconv.FormatFloat(float, 'f', -1, 64)
		n.number, _ = decimal(n.text)
	default:
		n.quoted = true
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
		return m.raw, nil
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
		out = append(out, item.raw)
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
