package web

import (
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Longest texts in characters. Offices paste; nobody types more than this by hand.
const (
	maxLine = 400
	maxLong = 20_000
)

// Form is a form as read, or as first shown. Typed readers collect problems per field; Err returns all.
type Form struct {
	Values  url.Values
	Errors  map[string]string // field → sentence, filled by RenderForm
	General []string          // sentences that belong to no field
	// ReadOnly draws fields as text, for people who may see a record but not change it.
	ReadOnly bool
	list     problem.List
	r        *http.Request
}

// NewForm returns a form with first values, given as name, value, name, value.
func NewForm(pairs ...string) *Form {
	f := &Form{Values: url.Values{}, Errors: map[string]string{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		f.Values.Add(pairs[i], pairs[i+1])
	}
	return f
}

// ReadForm parses the body of a POST, with or without files. The route's limit applies.
func ReadForm(r *http.Request) (*Form, error) {
	var err error
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		err = r.ParseMultipartForm(4 << 20) //nolint:gosec // guard has put MaxBytesReader around the body
	} else {
		err = r.ParseForm()
	}
	if err != nil {
		if tooBig := (*http.MaxBytesError)(nil); errors.As(err, &tooBig) {
			return nil, err
		}
		return nil, problem.Invalid("", "web.form_broken").Because(err)
	}
	return &Form{Values: r.PostForm, Errors: map[string]string{}, r: r}, nil
}

// Add notes a problem.
func (f *Form) Add(p *problem.Error) { f.list.Add(p) }

// Err returns everything the readers found, nil when all is well.
func (f *Form) Err() error { return f.list.Err() }

// Text reads one line, in the form in which texts are stored (NFC, half-width letters, no line breaks).
func (f *Form) Text(name string) string { return f.text(name, maxLine) }

// Long reads several lines.
func (f *Form) Long(name string) string { return f.text(name, maxLong) }

func (f *Form) text(name string, limit int) string {
	raw := f.Values.Get(name)
	if !utf8.ValidString(raw) {
		f.Add(problem.Invalid(name, "web.not_text"))
		return ""
	}
	if n := utf8.RuneCountInString(raw); n > limit {
		f.Add(problem.Invalid(name, "web.too_long", "limit", limit, "n", n))
		return ""
	}
	if limit == maxLong {
		return jtext.StoreLines(raw)
	}
	return jtext.Line(raw)
}

// Secret reads a value as typed, without any normalising (passwords).
func (f *Form) Secret(name string) string {
	raw := f.Values.Get(name)
	if utf8.RuneCountInString(raw) > maxLine {
		f.Add(problem.Invalid(name, "web.too_long", "limit", maxLine, "n", utf8.RuneCountInString(raw)))
		return ""
	}
	return raw
}

// Need is Text that must not be empty; key is the message that says what to enter.
func (f *Form) Need(name, key string) string {
	text := f.Text(name)
	if text == "" && !f.has(name) {
		f.Add(problem.Invalid(name, key))
	}
	return text
}

func (f *Form) has(name string) bool {
	return slices.ContainsFunc(f.list, func(e *problem.Error) bool { return e.Field == name })
}

// Day reads a date in any form that people write; empty is the zero Day.
func (f *Form) Day(name string) jdate.Day {
	text := f.Text(name)
	if text == "" {
		return 0
	}
	d, err := jdate.Parse(text)
	if err != nil {
		f.Add(problem.Invalid(name, "web.not_a_day", "text", text).Because(err))
	}
	return d
}

// NeedDay is Day that must not be empty.
func (f *Form) NeedDay(name, key string) jdate.Day {
	d := f.Day(name)
	if d.IsZero() && !f.has(name) {
		f.Add(problem.Invalid(name, key))
	}
	return d
}

// Int reads a whole number between low and high; empty is 0.
func (f *Form) Int(name string, low, high int) int {
	text := f.Text(name)
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		f.Add(problem.Invalid(name, "web.not_a_number", "low", low, "high", high))
		return 0
	}
	return n
}

// Choice reads one of the allowed values; empty is allowed only when "" is among them.
func (f *Form) Choice(name string, allowed ...string) string {
	v := f.Values.Get(name)
	if !slices.Contains(allowed, v) {
		f.Add(problem.Invalid(name, "web.choose"))
		return ""
	}
	return v
}

// Bool reads a checkbox.
func (f *Form) Bool(name string) bool { return f.Values.Get(name) != "" }

// List reads every value of a repeated field.
func (f *Form) List(name string) []string { return f.Values[name] }

// File is one uploaded file, held in memory: the route's limit bounds it.
type File struct {
	Name string // base name as sent, for display only: never a path, never trusted
	Data []byte
}

// File reads an uploaded file; nil when none was chosen.
func (f *Form) File(name string) (*File, error) {
	files, err := f.Files(name)
	if err != nil || len(files) == 0 {
		return nil, err
	}
	return files[0], nil
}

// Files reads all files of a field.
func (f *Form) Files(name string) ([]*File, error) {
	if f.r == nil || f.r.MultipartForm == nil {
		return nil, nil
	}
	var out []*File
	for _, h := range f.r.MultipartForm.File[name] {
		if h.Filename == "" {
			continue
		}
		src, err := h.Open()
		if err != nil {
			return nil, fmt.Errorf("open upload: %w", err)
		}
		data, err := io.ReadAll(src)
		if cerr := src.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return nil, fmt.Errorf("read upload: %w", err)
		}
		base := filepath.Base(strings.ReplaceAll(h.Filename, `\`, "/"))
		out = append(out, &File{Name: jtext.Store(base), Data: data})
	}
	return out, nil
}

// addProblems turns problems into sentences at their fields.
func (f *Form) addProblems(m *i18n.Messages, locale string, err error) {
	if f.Errors == nil {
		f.Errors = map[string]string{}
	}
	for _, e := range problem.All(err) {
		text := m.T(locale, e.Key, e.Args)
		if e.Field == "" {
			f.General = append(f.General, text)
			continue
		}
		f.Errors[e.Field] = text
	}
}

// Option is one choice of a select or a group of radio buttons.
type Option struct {
	Value, Label string
}

// FieldView is what the "field" template draws.
type FieldView struct {
	ID, Name, Label, Type, Value, Error, Help string
	Required, Checked, ReadOnly               bool
	Options                                   []Option
	Attr                                      template.HTMLAttr
}

// Shown is the value in words: the label of the choice that was made.
func (v FieldView) Shown() string {
	for _, o := range v.Options {
		if o.Value == v.Value {
			return o.Label
		}
	}
	return v.Value
}

// fieldView builds a field: field .Form "name" "label.key" "text" ["required"] ["help=key"] [options].
// Types: text, long, day, number, password, file, check, select, radio.
func fieldView(f *Form, name, label, kind string, more ...any) (FieldView, error) {
	v := FieldView{ID: "f-" + name, Name: name, Label: label, Type: kind}
	if f != nil {
		v.Value, v.Error, v.ReadOnly = f.Values.Get(name), f.Errors[name], f.ReadOnly
	}
	v.Checked = v.Value != ""
	for _, m := range more {
		switch m := m.(type) {
		case string:
			switch {
			case m == "required":
				v.Required = true
			case strings.HasPrefix(m, "help="):
				v.Help = strings.TrimPrefix(m, "help=")
			case strings.HasPrefix(m, "accept="):
				v.Attr = template.HTMLAttr(`accept="` + template.HTMLEscapeString(strings.TrimPrefix(m, "accept=")) + `"`) //nolint:gosec // escaped just here
			case strings.HasPrefix(m, "autocomplete="):
				v.Attr = template.HTMLAttr(`autocomplete="` + template.HTMLEscapeString(strings.TrimPrefix(m, "autocomplete=")) + `"`) //nolint:gosec // escaped just here
			default:
				return v, fmt.Errorf("field %s: what is %q", name, m)
			}
		case []Option:
			v.Options = m
		default:
			return v, fmt.Errorf("field %s: what is a %T", name, m)
		}
	}
	return v, nil
}
