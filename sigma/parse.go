package sigma

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kizuki-security/kizuki/sigma/internal/ast"
)

// Limits of a rule file. They stand far above the largest rules there are.
const (
	maxFile      = 8 << 20 // bytes
	maxDocuments = 10_000
	maxNodes     = 200_000 // of one document, with every alias followed
	maxNesting   = 64
)

// Parse reads all documents of a rule file. name stands in problems and in Header.File; it is not opened.
// The error joins one *Problem for each refusal (see Problems); documents that are not refused come back beside it.
func Parse(name string, text []byte) ([]Document, error) {
	p := &parser{file: name}
	if len(text) > maxFile {
		p.refuse(nil, "size", "file is larger than %d bytes", maxFile)
		return nil, p.err()
	}
	var documents []Document
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for n := 0; ; n++ {
		if n == maxDocuments {
			p.refuse(nil, "size", "file has more than %d documents", maxDocuments)
			break
		}
		var root yaml.Node
		err := decodeNode(decoder, &root)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			// The reader does not find its way to the next document after this.
			p.broken(err)
			break
		}
		if d, ok := p.document(&root); ok {
			documents = append(documents, d)
		}
		if !isEmpty(&root) {
			p.place++
		}
	}
	return documents, p.err()
}

// decodeNode turns a panic of the YAML reader into an error: rules come from strangers.
func decodeNode(d *yaml.Decoder, n *yaml.Node) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("reader of YAML gave up: %v", r)
		}
	}()
	return d.Decode(n)
}

type parser struct {
	file     string
	id       string // of the document being read
	place    int    // of the document in the file
	nodes    int
	problems []error
}

func (p *parser) err() error { return errors.Join(p.problems...) }

func (p *parser) refuse(at *yaml.Node, code, format string, args ...any) {
	line := 0
	if at != nil {
		line = at.Line
	}
	p.problems = append(p.problems, &Problem{
		File: p.file, Line: line, Place: p.place, RuleID: p.id, Code: code, Reason: fmt.Sprintf(format, args...),
	})
}

// broken names the line that the YAML reader names in its text.
func (p *parser) broken(err error) {
	p.id = ""
	reason := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 0
	if rest, ok := strings.CutPrefix(reason, "line "); ok {
		if number, what, ok := strings.Cut(rest, ": "); ok {
			if n, err := strconv.Atoi(number); err == nil {
				line, reason = n, what
			}
		}
	}
	p.problems = append(p.problems, &Problem{File: p.file, Line: line, Place: p.place, Code: "yaml", Reason: "YAML cannot be read: " + reason})
}

// mapping is a YAML map with its keys in order.
type mapping struct {
	node   *yaml.Node
	keys   []*yaml.Node
	values map[string]*yaml.Node
}

// document reads one document; ok is false when it is empty or refused.
func (p *parser) document(root *yaml.Node) (Document, bool) {
	p.id, p.nodes = "", 0
	if isEmpty(root) {
		return Document{}, false
	}
	top := root.Content[0]
	before := len(p.problems)
	if !p.flatten(&top, 0) {
		return Document{}, false
	}
	m, ok := p.mapping(top, "document")
	if !ok {
		return Document{}, false
	}
	h := p.header(m)
	var d Document
	switch {
	case m.values["action"] != nil:
		p.refuse(m.values["action"], "shape", "\"action\" was taken out of Sigma: write whole documents")
	case m.values["correlation"] != nil:
		d.Correlation = p.correlation(h, m)
	case m.values["kizuki"] != nil:
		d.Correlation = p.extension(h, m)
	case m.values["filter"] != nil:
		d.Filter = p.filter(h, m)
	case m.values["detection"] != nil:
		d.Rule = p.rule(h, m)
	default:
		p.refuse(top, "shape", "document has none of detection, correlation, filter, kizuki")
	}
	return d, len(p.problems) == before
}

// isEmpty is true for what stands behind "---" at the end of a file.
func isEmpty(root *yaml.Node) bool {
	return root.Kind != yaml.DocumentNode || len(root.Content) != 1 ||
		root.Content[0].Kind == yaml.ScalarNode && root.Content[0].ShortTag() == "!!null"
}

// flatten puts what an alias stands for in its place and counts nodes, so that an alias bomb or a circle ends here.
func (p *parser) flatten(n **yaml.Node, depth int) bool {
	node := *n
	if node.Kind == yaml.AliasNode {
		node = node.Alias
		*n = node
	}
	if p.nodes++; p.nodes > maxNodes {
		p.refuse(node, "alias", "document has more than %d parts when its aliases are followed", maxNodes)
		return false
	}
	if depth > maxNesting {
		p.refuse(node, "size", "document is nested deeper than %d", maxNesting)
		return false
	}
	for i := range node.Content {
		if !p.flatten(&node.Content[i], depth+1) {
			return false
		}
	}
	return true
}

func (p *parser) mapping(n *yaml.Node, what string) (mapping, bool) {
	if n.Kind != yaml.MappingNode {
		p.refuse(n, "shape", "%s is no mapping", what)
		return mapping{}, false
	}
	m := mapping{node: n, values: make(map[string]*yaml.Node, len(n.Content)/2)}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind != yaml.ScalarNode || k.ShortTag() == "!!merge" {
			p.refuse(k, "shape", "%s: a key is no plain text", what)
			return mapping{}, false
		}
		if _, twice := m.values[k.Value]; twice {
			p.refuse(k, "shape", "%s: key %q stands twice", what, k.Value)
			return mapping{}, false
		}
		m.keys = append(m.keys, k)
		m.values[k.Value] = n.Content[i+1]
	}
	return m, true
}

func (p *parser) header(m mapping) Header {
	text := func(key string) string {
		if n := m.values[key]; n != nil && n.Kind == yaml.ScalarNode && n.ShortTag() != "!!null" {
			return strings.TrimSpace(n.Value)
		}
		return ""
	}
	list := func(key string) []string { return texts(m.values[key]) }
	h := Header{
		ID: text("id"), Name: text("name"), Title: text("title"),
		Status: strings.ToLower(text("status")), Level: strings.ToLower(text("level")),
		Description: text("description"), Author: text("author"), License: text("license"),
		Date: text("date"), Modified: text("modified"),
		References: list("references"), Tags: list("tags"),
		FalsePositives: list("falsepositives"), Fields: list("fields"), Scopes: list("scope"),
		File: p.file, Line: m.node.Line, Place: p.place,
	}
	p.id = h.handle()
	return h
}

// handle is how people name the document: id, else name, else title.
func (h *Header) handle() string {
	switch {
	case h.ID != "":
		return h.ID
	case h.Name != "":
		return h.Name
	}
	return h.Title
}

// texts reads a text or a list of texts; anything else in it is left out.
func texts(n *yaml.Node) []string {
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

// scalar gives a value in its canonical text.
func scalar(n *yaml.Node) ast.Value {
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
