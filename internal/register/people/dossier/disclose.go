package dossier

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/personal"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Schema names the shape of Disclosure.
const Schema = "kizuki.person/1"

// Disclosure is all that is held about a person, in the words of one language, for the person to read.
type Disclosure struct {
	Schema string      `json:"schema"`
	Key    string      `json:"key"`
	Name   string      `json:"name"`
	AsOf   jdate.Day   `json:"as_of"`
	Due    string      `json:"erasable_from,omitempty"`
	Held   []Disclosed `json:"held"`
}

// Disclosed is one sort of record.
type Disclosed struct {
	What     string  `json:"what"`
	Since    string  `json:"since,omitempty"`
	Count    int     `json:"count"`
	Retained string  `json:"retained,omitempty"` // why it stays
	Values   []Thing `json:"values,omitempty"`
}

// Thing is one single thing that is held.
type Thing struct {
	Label string `json:"label"`
	Text  string `json:"text"`
	On    string `json:"on,omitempty"`
}

// Word says a message key in one language.
type Word func(key string, args problem.Args) string

// Disclose gathers what is held about a person and notes in the audit log that it was handed out. Codes: forbidden,
// not_found.
func (s *Service) Disclose(ctx context.Context, key string, word Word) (d Disclosure, err error) {
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error {
		if d, err = s.Disclosure(ctx, tx, key, word); err != nil {
			return err
		}
		return audit.Record(ctx, tx, "people.disclosed", "people/"+key, nil)
	})
	return d, err
}

// Disclosure is Disclose without the note: for the command line beside a running server.
func (s *Service) Disclosure(ctx context.Context, tx *sqlite.Tx, key string, word Word) (Disclosure, error) {
	r, err := s.Report(ctx, tx, key)
	if err != nil {
		return Disclosure{}, err
	}
	d := Disclosure{Schema: Schema, Key: key, Name: r.Person.Name(), AsOf: jdate.Of(tx.Now), Due: r.Due.String()}
	for _, i := range r.Items {
		one := Disclosed{What: word(i.Key, i.Args), Since: i.On.String(), Count: i.Count}
		if i.Retained != "" {
			one.Retained = word(i.Retained, nil)
		}
		for _, v := range i.Values {
			one.Values = append(one.Values, said(v, one.What, word))
		}
		d.Held = append(d.Held, one)
	}
	for _, h := range r.Hits {
		d.Held = append(d.Held, Disclosed{What: word("personal.hit", problem.Args{"place": placeName(h, word)}), Count: h.Count, Retained: word("personal.kept.text", nil)})
	}
	return d, nil
}

func said(v personal.Value, what string, word Word) Thing {
	t := Thing{Label: what, Text: v.Text, On: v.On.String()}
	if v.Label != "" {
		t.Label = word(v.Label, nil)
	}
	if v.Word != "" {
		t.Text = word(v.Word, nil)
	}
	return t
}

func placeName(h Hit, word Word) string {
	if h.Label == "" {
		return h.Table
	}
	return word(h.Label, nil)
}

// Write writes the disclosure: json, or xlsx.
func (d Disclosure) Write(w io.Writer, format string, word Word) error {
	if format == string(sheet.JSON) {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		if err := enc.Encode(d); err != nil {
			return fmt.Errorf("write disclosure: %w", err)
		}
		return nil
	}
	return sheet.Write(w, sheet.Format(format), d.Table(word))
}

// Table is the disclosure as one table, a line for each single thing.
func (d Disclosure) Table(word Word) sheet.Out {
	out := sheet.Out{Title: word("personal.title_short", nil), Day: d.AsOf}
	for _, name := range []string{"what", "label", "text", "on", "kept"} {
		out.Columns = append(out.Columns, sheet.OutColumn{Title: word("personal.col."+name, nil)})
	}
	for _, h := range d.Held {
		kept := h.Retained
		if kept == "" {
			kept = word("personal.erasable", nil)
		}
		if len(h.Values) == 0 {
			out.Rows = append(out.Rows, []any{h.What, "", word("personal.count", problem.Args{"n": h.Count}), h.Since, kept})
		}
		for _, v := range h.Values {
			out.Rows = append(out.Rows, []any{h.What, v.Label, v.Text, v.On, kept})
		}
	}
	return out
}
