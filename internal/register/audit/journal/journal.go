// Package journal is 操作記録 on screen: who did what, when, in sentences, with the state of the object afterwards.
//
// Each act has a sentence under audit.act.ACT; a test in app proves that none is missing. Who an actor is and what an object is
// called it is told by functions of Config, because the registers that know stand above this one. Personal values come
// from the erasable table beside the log; where they were erased, the page says so. Nothing here changes anything.
package journal

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Messages returns the texts of the journal.
func Messages() fs.FS { return messages }

// Object is what a row is about, in words.
type Object struct {
	Label string // "" when the name stands in the row itself, or is not known
	Path  string // the page that shows it, "" for none
}

// Config is what the journal is told by those above it.
type Config struct {
	// Names gives the names behind actor.ID, as far as they are known, for one page.
	Names func(ctx context.Context, tx *sqlite.Tx) (func(by string) string, error)
	// Objects gives label and page of objects such as "people/KEY", for one page.
	Objects func(ctx context.Context, tx *sqlite.Tx) (func(object string) Object, error)
}

// Service reads the log for people. It is safe for concurrent use.
type Service struct {
	db    *sqlite.DB
	cfg   Config
	texts *i18n.Messages
}

// New returns the service.
func New(db *sqlite.DB, texts *i18n.Messages, cfg Config) *Service {
	return &Service{db: db, cfg: cfg, texts: texts}
}

// Line is one row of the log in words.
type Line struct {
	ID     int64
	At     time.Time
	Who    string
	How    string // "" for a person at a page
	Said   string // the sentence
	Kind   string // what sort of thing the object is
	Label  string
	Path   string
	Fields []Field
	Hash   string
}

// Field is one value of the state afterwards.
type Field struct {
	Name, Value string
	Erased      bool
}

// Lines reads rows in a language, newest first, and how many there are in all. Problem code forbidden.
func (s *Service) Lines(ctx context.Context, lang string, f audit.Filter) (lines []Line, n int, err error) {
	if err := actor.From(ctx).Require(audit.PermRead); err != nil {
		return nil, 0, err
	}
	err = s.db.Read(ctx, func(tx *sqlite.Tx) error {
		rows, err := audit.List(ctx, tx, f)
		if err != nil {
			return err
		}
		if n, err = audit.Count(ctx, tx, f); err != nil {
			return err
		}
		personal, err := audit.PersonalOf(ctx, tx, rows)
		if err != nil {
			return err
		}
		names, err := s.cfg.Names(ctx, tx)
		if err != nil {
			return err
		}
		objects, err := s.cfg.Objects(ctx, tx)
		if err != nil {
			return err
		}
		for _, r := range rows {
			lines = append(lines, s.line(lang, r, personal[r.ID], names, objects))
		}
		return nil
	})
	return lines, n, err
}

func (s *Service) line(lang string, r audit.Row, personal map[string]string, names func(string) string, objects func(string) Object) Line {
	t := func(key string) string { return s.texts.T(lang, key, nil) }
	l := Line{ID: r.ID, At: r.At, Who: s.who(lang, r.Actor, names), Said: s.said(lang, r.Act), Hash: r.Hash}
	if r.Via == "link" || r.Via == "command" {
		l.How = t("audit.via." + r.Via)
	}
	kind, _, _ := strings.Cut(r.Object, "/")
	if parts := strings.Split(r.Object, "/"); len(parts) == 3 && s.texts.Has("audit.object."+parts[0]+"_"+parts[1]) {
		kind = parts[0] + "_" + parts[1]
	}
	if s.texts.Has("audit.object." + kind) {
		l.Kind = t("audit.object." + kind)
	}
	o := objects(r.Object)
	l.Label, l.Path = o.Label, o.Path
	l.Fields = s.fields(lang, r.After, personal, names, objects)
	if l.Label == "" {
		l.Label = labelOf(r.After, personal)
	}
	return l
}

// who is the name of an actor, or how the act came.
func (s *Service) who(lang, by string, names func(string) string) string {
	if name := names(by); name != "" {
		return name
	}
	kind, _, isKey := strings.Cut(by, "/")
	if isKey {
		kind += "_gone"
	}
	if s.texts.Has("audit.actor." + kind) {
		return s.texts.T(lang, "audit.actor."+kind, nil)
	}
	return by
}

func (s *Service) said(lang, act string) string {
	if s.texts.Has("audit.act." + act) {
		return s.texts.T(lang, "audit.act."+act, nil)
	}
	return act // of a newer version
}

// labelFields are the fields that name an object, the best first.
var labelFields = []string{"title", "name", "display_name", "customer", "file", "what"}

func labelOf(after string, personal map[string]string) string {
	var image map[string]any
	if json.Unmarshal([]byte(after), &image) != nil {
		return ""
	}
	for _, field := range labelFields {
		text, _ := image[field].(string)
		if value, ok := personal[field]; ok {
			text = value
		}
		if text != "" && !sealed(text) {
			return text
		}
	}
	return ""
}

// sealed says whether a text is what stands in a row in place of a personal value.
func sealed(text string) bool {
	return len(text) == len("sha256:")+64 && strings.HasPrefix(text, "sha256:")
}

// fields writes the after-image for people: known names of fields, personal values put back, keys resolved.
func (s *Service) fields(lang, after string, personal map[string]string, names func(string) string, objects func(string) Object) []Field {
	var image map[string]any
	dec := json.NewDecoder(strings.NewReader(after))
	dec.UseNumber()
	if dec.Decode(&image) != nil {
		return nil
	}
	var out []Field
	for key, v := range image {
		f := Field{Name: key, Value: s.value(lang, v, objects)}
		if s.texts.Has("audit.field." + key) {
			f.Name = s.texts.T(lang, "audit.field."+key, nil)
		}
		text, _ := v.(string)
		switch value, kept := personal[key]; {
		case kept:
			f.Value = value
		case sealed(text):
			f.Value, f.Erased = s.texts.T(lang, "audit.erased", nil), true
		case text != "" && names("person/"+text) != "":
			f.Value = names("person/" + text)
		}
		if f.Value != "" {
			out = append(out, f)
		}
	}
	slices.SortFunc(out, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// longest is how much of one value is shown, in characters.
const longest = 600

func (s *Service) value(lang string, v any, objects func(string) Object) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		if o := objects(v); o.Label != "" {
			return o.Label
		}
		if r := []rune(v); len(r) > longest {
			return string(r[:longest]) + "…"
		}
		return v
	case bool:
		return s.texts.T(lang, "audit.bool."+strconv.FormatBool(v), nil)
	case []any:
		const most = 30
		var parts []string
		for _, one := range v[:min(len(v), most)] {
			text := s.value(lang, one, objects)
			if o := objects("people/" + text); o.Label != "" {
				text = o.Label
			}
			parts = append(parts, text)
		}
		if len(v) > most {
			parts = append(parts, s.texts.T(lang, "audit.more", map[string]any{"n": len(v) - most}))
		}
		return strings.Join(parts, s.texts.T(lang, "audit.comma", nil))
	case map[string]any:
		text, err := json.Marshal(v)
		if err != nil || len(v) == 0 {
			return ""
		}
		return string(text)
	default:
		return fmt.Sprint(v)
	}
}

// ChainLine is one row of the export for auditors. after is the very text that is hashed.
type ChainLine struct {
	ID      int64  `json:"id"`
	At      int64  `json:"at"` // milliseconds since 1970, UTC
	Actor   string `json:"actor"`
	Via     string `json:"via"`
	Request string `json:"request"`
	Act     string `json:"act"`
	Object  string `json:"object"`
	After   string `json:"after"`
	Prev    string `json:"prev"`
	Hash    string `json:"hash"`
}

// Chain writes the whole log as JSON lines, oldest first, so that the chain can be checked without Kizuki; docs/verify.md says how.
// Personal values are not in it. Problem code forbidden.
func (s *Service) Chain(ctx context.Context, w io.Writer) error {
	if err := actor.From(ctx).Require(audit.PermRead); err != nil {
		return err
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return s.db.Read(ctx, func(tx *sqlite.Tx) error {
		return audit.Each(ctx, tx, audit.Filter{}, func(r audit.Row) error {
			return enc.Encode(ChainLine{r.ID, sqlite.Millis(r.At), r.Actor, r.Via, r.Request, r.Act, r.Object, r.After, r.Prev, r.Hash})
		})
	})
}

// until is the end of a day.
func until(d jdate.Day) time.Time {
	if d.IsZero() {
		return time.Time{}
	}
	return d.Add(1).Start()
}

func since(d jdate.Day) time.Time {
	if d.IsZero() {
		return time.Time{}
	}
	return d.Start()
}
