package sheet

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// splice replaces the bytes from up to to by text.
type splice struct {
	from, to int
	text     string
}

// apply returns data with all splices done. They must not overlap; those at one place keep their order.
func apply(data []byte, splices []splice) ([]byte, error) {
	slices.SortStableFunc(splices, func(a, b splice) int { return cmp.Compare(a.from, b.from) })
	var b bytes.Buffer
	b.Grow(len(data) + 256*len(splices))
	at := 0
	for _, s := range splices {
		if s.from < at || s.to < s.from || s.to > len(data) {
			return nil, fmt.Errorf("splice %d to %d after %d of %d bytes", s.from, s.to, at, len(data))
		}
		b.Write(data[at:s.from])
		b.WriteString(s.text)
		at = s.to
	}
	b.Write(data[at:])
	return b.Bytes(), nil
}

// tag is a start or end tag as it stands in the file.
type tag struct {
	name     xml.Name
	attrs    []xml.Attr
	from, to int    // its bytes, brackets included
	raw      []byte // the same bytes
	closed   bool   // the element ends with this tag: <c/>
	depth    int    // 0 for the root
}

// attr returns an attribute without namespace.
func (t tag) attr(name string) string {
	return attr(xml.StartElement{Name: t.name, Attr: t.attrs}, name)
}

// prefix is what stands before the element's name: "x:" or "".
func (t tag) prefix() string {
	name := t.raw[1:]
	if i := bytes.IndexAny(name, " \t\r\n/>"); i >= 0 {
		name = name[:i]
	}
	if i := bytes.IndexByte(name, ':'); i >= 0 {
		return string(name[:i+1])
	}
	return ""
}

// walk calls start and end for every tag of an XML part with its place in the bytes. An element <c/> gives both, with
// the same place.
func walk(data []byte, start, end func(tag) error) error {
	d := xml.NewDecoder(bytes.NewReader(data))
	depth := 0
	for {
		from := int(d.InputOffset())
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return broken(fmt.Errorf("parse part: %w", err))
		}
		to := int(d.InputOffset())
		switch token := token.(type) {
		case xml.Directive:
			return broken(errors.New("part has a document type"))
		case xml.StartElement:
			t := tag{name: token.Name, attrs: token.Attr, from: from, to: to, raw: data[from:to], depth: depth}
			t.closed = bytes.HasSuffix(t.raw, []byte("/>"))
			depth++
			if err := start(t); err != nil {
				return err
			}
		case xml.EndElement:
			depth--
			if err := end(tag{name: token.Name, from: from, to: to, raw: data[from:to], depth: depth}); err != nil {
				return err
			}
		}
	}
}

// rawAttr is an attribute in the bytes of a tag: raw[from:to] includes the blank before it, value lies between the
// quotes.
type rawAttr struct {
	name               string
	from, to           int
	valueFrom, valueTo int
}

// rawAttrs finds the attributes of a start tag that the XML decoder has already accepted.
func rawAttrs(raw []byte) []rawAttr {
	const blank = " \t\r\n"
	var list []rawAttr
	i := bytes.IndexAny(raw, blank)
	for i >= 0 && i < len(raw) {
		a := rawAttr{from: i}
		for i < len(raw) && strings.IndexByte(blank, raw[i]) >= 0 {
			i++
		}
		name := i
		for i < len(raw) && raw[i] != '=' && raw[i] != '/' && raw[i] != '>' && strings.IndexByte(blank, raw[i]) < 0 {
			i++
		}
		a.name = string(raw[name:i])
		for i < len(raw) && raw[i] != '"' && raw[i] != '\'' && raw[i] != '>' {
			i++
		}
		if a.name == "" || i >= len(raw) || raw[i] == '>' {
			break
		}
		length := bytes.IndexByte(raw[i+1:], raw[i])
		if length < 0 {
			break
		}
		a.valueFrom, a.valueTo = i+1, i+1+length
		i = a.valueTo + 1
		a.to = i
		list = append(list, a)
	}
	return list
}

// recalculateOnOpen sets fullCalcOnLoad in the workbook part, so that Excel computes every formula anew.
// Source: ECMA-376 part 1 §18.2.2 and the order of elements in CT_Workbook.
func recalculateOnOpen(data []byte) ([]byte, error) {
	const flag = "fullCalcOnLoad"
	var root, calc *tag
	after := -1 // where calcPr belongs when there is none
	before := map[string]bool{"sheets": true, "functionGroups": true, "externalReferences": true, "definedNames": true}
	err := walk(data, func(t tag) error {
		switch {
		case t.depth == 0:
			root = &t
		case t.depth == 1 && t.name.Local == "calcPr":
			calc = &t
		}
		return nil
	}, func(t tag) error {
		if t.depth == 1 && before[t.name.Local] {
			after = t.to
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if calc == nil {
		if root == nil || after < 0 {
			return nil, broken(errors.New("workbook without sheets"))
		}
		return apply(data, []splice{{after, after, "<" + root.prefix() + `calcPr ` + flag + `="1"/>`}})
	}
	for _, a := range rawAttrs(calc.raw) {
		if a.name == flag {
			return apply(data, []splice{{calc.from + a.valueFrom, calc.from + a.valueTo, "1"}})
		}
	}
	name := calc.from + 1 + len(calc.prefix()) + len("calcPr")
	return apply(data, []splice{{name, name, " " + flag + `="1"`}})
}
