package sigma

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kizuki-security/kizuki/sigma/internal/rulefile"
)

// Limits of a rule file. They stand far above the largest rules there are.
const (
	maxFile      = 8 << 20 // bytes
	maxDocuments = 10_000
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
		err := rulefile.Decode(decoder, &root)
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
		if !rulefile.IsEmpty(&root) {
			p.place++
		}
	}
	return documents, p.err()
}

type parser struct {
	file     string
	id       string          // of the document being read
	place    int             // of the document in the file
	read     rulefile.Reader // of the document being read
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

// document reads one document; ok is false when it is empty or refused.
func (p *parser) document(root *yaml.Node) (Document, bool) {
	p.id, p.read = "", rulefile.Reader{Refuse: p.refuse}
	if rulefile.IsEmpty(root) {
		return Document{}, false
	}
	top := root.Content[0]
	before := len(p.problems)
	if !p.read.Flatten(&top, 0) {
		return Document{}, false
	}
	m, ok := p.read.Mapping(top, "document")
	if !ok {
		return Document{}, false
	}
	h := p.header(m)
	if h.Title == "" {
		p.refuse(top, "shape", "document has no title") // a hit could not be named
	}
	if kinds(m) > 1 {
		p.refuse(top, "shape", "document has more than one of detection, correlation, filter, kizuki")
		return Document{}, false
	}
	var d Document
	switch {
	case m.Values["action"] != nil:
		p.refuse(m.Values["action"], "shape", "\"action\" was taken out of Sigma: write whole documents")
	case m.Values["correlation"] != nil:
		d.Correlation = p.correlation(h, m)
	case m.Values["kizuki"] != nil:
		d.Correlation = p.extension(h, m)
	case m.Values["filter"] != nil:
		d.Filter = p.filter(h, m)
	case m.Values["detection"] != nil:
		d.Rule = p.rule(h, m)
	default:
		p.refuse(top, "shape", "document has none of detection, correlation, filter, kizuki")
	}
	return d, len(p.problems) == before
}

// kinds counts what a document says it is.
func kinds(m rulefile.Mapping) int {
	n := 0
	for _, kind := range [...]string{"detection", "correlation", "filter", "kizuki"} {
		if m.Values[kind] != nil {
			n++
		}
	}
	return n
}

func (p *parser) header(m rulefile.Mapping) Header {
	text := func(key string) string {
		if n := m.Values[key]; n != nil && n.Kind == yaml.ScalarNode && n.ShortTag() != "!!null" {
			return strings.TrimSpace(n.Value)
		} else if n != nil && n.Kind != yaml.ScalarNode && slices.Contains([]string{"id", "name", "title"}, key) {
			p.refuse(n, "shape", "%s is no plain text", key)
		}
		return ""
	}
	list := func(key string) []string { return rulefile.Texts(m.Values[key]) }
	h := Header{
		ID: text("id"), Name: text("name"), Title: text("title"),
		Status: strings.ToLower(text("status")), Level: strings.ToLower(text("level")),
		Description: text("description"), Author: text("author"), License: text("license"),
		Date: text("date"), Modified: text("modified"),
		References: list("references"), Tags: list("tags"),
		FalsePositives: list("falsepositives"), Fields: list("fields"), Scopes: list("scope"),
		File: p.file, Line: m.Node.Line, Place: p.place,
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
