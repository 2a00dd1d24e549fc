package pattern

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"github.com/kizuki-security/kizuki/sigma/internal/ast"
	"github.com/kizuki-security/kizuki/sigma/internal/literal"
)

// Placeholders gives the values of a placeholder.
type Placeholders map[string][]string

// Error is why an item cannot be compiled; Code is that of sigma.Problem.
type Error struct {
	Code, Reason string
}

func (r *Error) Error() string { return r.Reason }

func refuse(code, format string, args ...any) error {
	return &Error{Code: code, Reason: fmt.Sprintf(format, args...)}
}

// chain is the modifiers of an item, sorted by what they do.
type chain struct {
	transforms []string // in the order written: windash, expand, encodings
	anchor     string   // contains, startswith, endswith
	all, cased bool
	neq        bool
	kind       string // re, cidr, exists, fieldref, lt lte gt gte; empty for text
	flags      string // of re
	part       string // minute … year
	encoded    bool
}

func readChain(modifiers []string) (chain, error) {
	var c chain
	for _, m := range modifiers {
		switch m {
		case "contains", "startswith", "endswith":
			if c.anchor != "" {
				return c, refuse("modifier", "modifiers %s and %s exclude each other", c.anchor, m)
			}
			c.anchor = m
		case "all":
			c.all = true
		case "cased":
			c.cased = true
		case "neq":
			c.neq = true
		case "windash", "expand":
			c.transforms = append(c.transforms, m)
		case "base64", "base64offset", "utf16", "utf16le", "utf16be", "wide":
			c.encoded = true
			c.transforms = append(c.transforms, m)
		case "re", "cidr", "exists", "fieldref", "lt", "lte", "gt", "gte":
			if c.kind != "" {
				return c, refuse("modifier", "modifiers %s and %s exclude each other", c.kind, m)
			}
			c.kind = m
		case "i", "m", "s":
			if c.kind != "re" {
				return c, refuse("modifier", "modifier %s belongs after re", m)
			}
			if !strings.Contains(c.flags, m) {
				c.flags += m
			}
		case "minute", "hour", "day", "week", "month", "year":
			if c.part != "" {
				return c, refuse("modifier", "modifiers %s and %s exclude each other", c.part, m)
			}
			c.part = m
		default:
			return c, refuse("modifier", "modifier %q is not known", m)
		}
	}
	return c, c.check()
}

func (c *chain) check() error {
	anchored := c.anchor != "" || c.cased
	plainText := c.kind == "" && c.part == ""
	switch {
	case !plainText && c.kind != "fieldref" && anchored:
		return refuse("modifier", "modifiers contains, startswith, endswith and cased are for text and fieldref, not for %s", c.kind+c.part)
	case c.part != "" && (c.kind == "re" || c.kind == "cidr" || c.kind == "exists" || c.kind == "fieldref"):
		return refuse("modifier", "modifiers %s and %s exclude each other", c.part, c.kind)
	case c.kind == "exists" && (c.neq || c.all || len(c.transforms) > 0):
		return refuse("modifier", "modifier exists stands alone")
	case !plainText:
		for _, t := range c.transforms {
			if t != "expand" || c.kind != "re" && c.kind != "cidr" {
				return refuse("modifier", "modifiers %s and %s exclude each other", t, c.kind+c.part)
			}
		}
	}
	return nil
}

// Compile makes the expression of an item. Field names lose their spaces. The error is a *Error that names the field.
func Compile(item *ast.Item, search string, p Placeholders) (*Expr, error) {
	e, err := compileItem(item, search, p)
	var r *Error
	if errors.As(err, &r) && item.Field != "" {
		return nil, &Error{Code: r.Code, Reason: "field " + item.Field + ": " + r.Reason}
	}
	return e, err
}

func compileItem(item *ast.Item, search string, p Placeholders) (*Expr, error) {
	c, err := readChain(item.Modifiers)
	if err != nil {
		return nil, err
	}
	b := builder{chain: c, field: strings.ReplaceAll(item.Field, " ", ""), search: search, placeholders: p}
	if b.field == "" && (c.kind != "" && c.kind != "re" || c.part != "") {
		return nil, refuse("modifier", "modifier %s needs a field", c.kind+c.part)
	}
	if c.kind == "exists" && len(item.Values) > 1 {
		return nil, refuse("value", "modifier exists needs one value, true or false")
	}
	kids := make([]*Expr, 0, len(item.Values))
	for i := range item.Values {
		if item.Values[i].Kind == ast.Null && len(item.Values) > 1 {
			return nil, refuse("value", "null does not stand in a list: write a search identifier of its own")
		}
		e, err := b.value(&item.Values[i])
		if err != nil {
			return nil, err
		}
		kids = append(kids, e)
	}
	e := anyOf(kids)
	if c.all {
		e = all(kids)
	}
	if c.neq {
		e = &Expr{Logic: Not, Kids: []*Expr{e}}
	}
	return e, nil
}

type builder struct {
	chain

	field, search string
	placeholders  Placeholders
}

func (b *builder) test(a Atom) *Expr {
	a.Field = b.field
	return &Expr{Logic: Test, Atom: &a, Search: b.search}
}

func (b *builder) value(v *ast.Value) (*Expr, error) {
	if v.Kind == ast.Null {
		if b.all || len(b.transforms) > 0 || b.anchor != "" || b.kind != "" || b.part != "" || b.field == "" {
			return nil, refuse("value", "null goes with no modifier but neq, and needs a field")
		}
		return b.test(Atom{Op: OpNull}), nil
	}
	switch b.kind {
	case "exists":
		return b.exists(v)
	case "fieldref":
		return b.reference(v)
	}
	if (b.part != "" || strings.HasPrefix(b.kind, "lt") || strings.HasPrefix(b.kind, "gt")) && v.Kind != ast.Number {
		return nil, refuse("value", "modifier %s needs a number, not %q", b.kind+b.part, v.Text)
	}
	texts, err := b.expand(v)
	if err != nil {
		return nil, err
	}
	kids := make([]*Expr, 0, len(texts))
	for _, t := range texts {
		e, err := b.one(t)
		if err != nil {
			return nil, err
		}
		kids = append(kids, e...)
	}
	return anyOf(kids), nil
}

func (b *builder) exists(v *ast.Value) (*Expr, error) {
	e := b.test(Atom{Op: OpExists})
	switch strings.ToLower(v.Text) {
	case "true", "yes":
		return e, nil
	case "false", "no":
		return &Expr{Logic: Not, Kids: []*Expr{e}}, nil
	}
	return nil, refuse("value", "modifier exists needs true or false, not %q", v.Text)
}

func (b *builder) reference(v *ast.Value) (*Expr, error) {
	other := strings.ReplaceAll(strings.TrimSpace(v.Text), " ", "")
	if v.Kind != ast.String || other == "" {
		return nil, refuse("value", "modifier fieldref needs the name of a field, as text")
	}
	shape := map[string]Shape{"": Equals, "contains": Contains, "startswith": StartsWith, "endswith": EndsWith}[b.anchor]
	return b.test(Atom{Op: OpRef, Other: other, Shape: shape, Cased: b.cased}), nil
}

// one makes the tests of one value after expansion.
func (b *builder) one(t text) ([]*Expr, error) {
	switch b.kind {
	case "re":
		return b.regex(t.source())
	case "cidr":
		return b.cidr(t.source())
	}
	if b.part != "" || b.kind != "" {
		return b.number(t.source())
	}
	return b.text(t)
}

func (b *builder) regex(source string) ([]*Expr, error) {
	if len(source) > 16<<10 {
		return nil, refuse("regex", "regular expression is longer than 16384 bytes")
	}
	full := source
	if b.flags != "" {
		full = "(?" + b.flags + ")" + source
	}
	compiled, err := regexp.Compile(full)
	if err != nil {
		return nil, refuse("regex", "regular expression cannot be run: %v", err)
	}
	a := Atom{Op: OpRegex, Source: full, Regex: compiled}
	if parsed, err := literal.Parse(full); err == nil {
		for _, s := range literal.Required(parsed) {
			a.Needs = append(a.Needs, []byte(s))
		}
	}
	return []*Expr{b.test(a)}, nil
}

func (b *builder) cidr(source string) ([]*Expr, error) {
	prefix, err := netip.ParsePrefix(source)
	if err != nil {
		addr, err := netip.ParseAddr(source)
		if err != nil {
			return nil, refuse("value", "modifier cidr: %q is no network", source)
		}
		addr = addr.WithZone("").Unmap()
		prefix = netip.PrefixFrom(addr, addr.BitLen())
	}
	if a := prefix.Addr(); a.Is4In6() && prefix.Bits() >= 96 {
		prefix = netip.PrefixFrom(a.Unmap(), prefix.Bits()-96)
	}
	return []*Expr{b.test(Atom{Op: OpCIDR, Net: prefix.Masked()})}, nil
}

func (b *builder) number(source string) ([]*Expr, error) {
	n, ok := ParseNumber([]byte(source))
	if !ok {
		return nil, refuse("value", "modifier %s needs a number, not %q", b.kind+b.part, source)
	}
	n.text = source
	a := Atom{Op: OpCompare, Number: n}
	a.Cmp = map[string]Cmp{"": EQ, "lt": LT, "lte": LTE, "gt": GT, "gte": GTE}[b.kind]
	if b.part != "" {
		a.Op = OpTime
		for i, name := range partNames {
			if name == b.part {
				a.Part = Part(i)
			}
		}
	}
	return []*Expr{b.test(a)}, nil
}

func (b *builder) text(t text) ([]*Expr, error) {
	dash := false
	texts := []text{t}
	for i, m := range b.transforms {
		if m == "expand" {
			continue // already done
		}
		if m == "windash" && !encodes(b.transforms[i+1:]) {
			dash = true
			continue
		}
		var next []text
		for _, t := range texts {
			s, ok := unwild(t.tokens)
			if !ok {
				return nil, refuse("value", "modifier %s does not go with wildcards", m)
			}
			more, err := transform(m, s)
			if err != nil {
				return nil, err
			}
			for _, s := range more {
				next = append(next, text{tokens: plain(s)})
			}
		}
		texts = next
	}
	out := make([]*Expr, 0, len(texts))
	for _, t := range texts {
		a := Atom{Op: OpText, Cased: b.cased, Dash: dash}
		a.Text = b.anchored(t, dash)
		out = append(out, b.test(a))
	}
	return out, nil
}

func encodes(transforms []string) bool {
	for _, t := range transforms {
		if t != "windash" && t != "expand" {
			return true
		}
	}
	return false
}

func transform(m, s string) ([]string, error) {
	if m != "windash" {
		out := encode(m, s)
		if len(out) == 0 {
			return nil, refuse("value", "modifier %s leaves nothing of %q to look for", m, s)
		}
		return out, nil
	}
	out, err := dashVariants(s)
	if err != nil {
		return nil, refuse("value", "%v", err)
	}
	return out, nil
}

func (b *builder) anchored(t text, dash bool) Text {
	star := token{wild: '*'}
	all := make([]token, 0, len(t.tokens)+2)
	anchor := b.anchor
	if b.field == "" && anchor == "" {
		anchor = "contains" // a keyword is looked for anywhere in a value
	}
	if anchor == "contains" || anchor == "endswith" {
		all = append(all, star)
	}
	all = append(all, t.tokens...)
	if anchor == "contains" || anchor == "startswith" {
		all = append(all, star)
	}
	foldTokens(all, b.cased, dash)
	return newText(all)
}
