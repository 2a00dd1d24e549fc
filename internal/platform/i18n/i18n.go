// Package i18n turns message keys into sentences in Japanese and English.
//
// Each package brings messages.ja.json and messages.en.json: flat objects of key → text. Parameters
// stand in braces by name: {n}. English chooses a word by number with {n?person|people}. Both files must have
// the same keys and parameters; New reports every difference, so that a missing text stops the start.
package i18n

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Locales are the languages of the house, Japanese first.
var Locales = []string{"ja", "en"}

// Messages holds all texts. It is read-only after New and safe for concurrent use.
type Messages struct {
	texts map[string]map[string]string // locale → key → text
}

// Text is a parameter that differs by language, such as a name from the catalogue.
type Text struct{ JA, EN string }

// Msg is a parameter that is itself a message.
type Msg struct {
	Key  string
	Args problem.Args
}

// New reads the two message files of each file system. Duplicate keys, keys missing in one language and
// differing parameters are errors; all are reported.
func New(sources ...fs.FS) (*Messages, error) {
	m := &Messages{texts: map[string]map[string]string{}}
	var errs []error
	for _, locale := range Locales {
		m.texts[locale] = map[string]string{}
		for _, src := range sources {
			data, err := fs.ReadFile(src, "messages."+locale+".json")
			if err != nil {
				return nil, fmt.Errorf("read messages: %w", err)
			}
			err = eachText(data, func(key, text string) {
				if _, twice := m.texts[locale][key]; twice {
					errs = append(errs, fmt.Errorf("message %s: defined twice in %s", key, locale))
				}
				m.texts[locale][key] = text
			})
			if err != nil {
				return nil, fmt.Errorf("parse messages.%s.json (%.60s…): %w", locale, data, err)
			}
		}
	}
	return m, errors.Join(append(errs, m.differences()...)...)
}

// eachText reads a flat object of texts in its order; a map would hide a key that stands there twice.
func eachText(data []byte, yield func(key, text string)) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return errors.Join(err, errors.New("an object of texts is expected"))
	}
	for dec.More() {
		key, err := dec.Token() // always a string here: the decoder sees to that
		if err != nil {
			return err
		}
		var text string
		if err := dec.Decode(&text); err != nil {
			return fmt.Errorf("text of %v: %w", key, err)
		}
		yield(fmt.Sprint(key), text)
	}
	if _, err := dec.Token(); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the object of texts")
	}
	return nil
}

func (m *Messages) differences() []error {
	var errs []error
	for key, ja := range m.texts["ja"] {
		en, ok := m.texts["en"][key]
		switch {
		case !ok:
			errs = append(errs, fmt.Errorf("message %s: missing in en", key))
		case !slices.Equal(params(ja), params(en)):
			errs = append(errs, fmt.Errorf("message %s: parameters differ: %v and %v", key, params(ja), params(en)))
		}
	}
	for key := range m.texts["en"] {
		if _, ok := m.texts["ja"][key]; !ok {
			errs = append(errs, fmt.Errorf("message %s: missing in ja", key))
		}
	}
	return errs
}

// params lists the distinct parameter names of a text, sorted.
func params(text string) []string {
	seen := map[string]bool{}
	for rest := text; ; {
		_, after, ok := strings.Cut(rest, "{")
		if !ok {
			break
		}
		name, tail, ok := strings.Cut(after, "}")
		if !ok {
			break
		}
		name, _, _ = strings.Cut(name, "?")
		seen[name] = true
		rest = tail
	}
	return slices.Sorted(maps.Keys(seen))
}

// Has says whether the key exists.
func (m *Messages) Has(key string) bool { _, ok := m.texts["ja"][key]; return ok }

// Keys lists all keys, sorted.
func (m *Messages) Keys() []string {
	keys := slices.Collect(maps.Keys(m.texts["ja"]))
	sort.Strings(keys)
	return keys
}

// T returns the text of key in locale with args filled in. An unknown key comes back in brackets: it is
// a mistake of ours that tests find, never a reason to fail a page.
func (m *Messages) T(locale, key string, args problem.Args) string {
	texts, ok := m.texts[locale]
	if !ok {
		locale, texts = "ja", m.texts["ja"]
	}
	text, ok := texts[key]
	if !ok {
		return "[" + key + "]"
	}
	return m.Fill(locale, text, args)
}

// Fill puts args into a text that does not come from a message file, such as a remedy of the catalogue.
func (m *Messages) Fill(locale, text string, args problem.Args) string {
	if !strings.Contains(text, "{") {
		return text
	}
	var b strings.Builder
	for rest := text; ; {
		before, after, ok := strings.Cut(rest, "{")
		b.WriteString(before)
		if !ok {
			break
		}
		name, tail, ok := strings.Cut(after, "}")
		if !ok {
			b.WriteString("{" + after)
			break
		}
		b.WriteString(m.param(locale, name, args))
		rest = tail
	}
	return b.String()
}

func (m *Messages) param(locale, name string, args problem.Args) string {
	name, words, choose := strings.Cut(name, "?")
	v, ok := args[name]
	if !ok {
		return "{" + name + "}"
	}
	text := m.Format(locale, v)
	if !choose {
		return text
	}
	one, other, _ := strings.Cut(words, "|")
	if text == "1" {
		return one
	}
	return other
}

// Format writes one value as people of that language read it.
func (m *Messages) Format(locale string, v any) string {
	switch v := v.(type) {
	case string:
		return v
	case Text:
		if locale == "en" {
			return v.EN
		}
		return v.JA
	case Msg:
		return m.T(locale, v.Key, v.Args)
	case jdate.Day:
		return v.String()
	case time.Time:
		return v.In(jdate.Tokyo).Format("2006-01-02 15:04")
	case float64: // numbers that went through JSON
		return strconv.FormatFloat(v, 'f', -1, 64)
	case int:
		return thousands(int64(v))
	case int64:
		return thousands(v)
	case uint64: // counts of records; the largest cannot be counted
		return thousands(int64(min(v, math.MaxInt64)))
	default:
		return fmt.Sprint(v)
	}
}

func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// Problem returns the sentence for a problem, and "" when err holds none.
func (m *Messages) Problem(locale string, err error) string {
	all := problem.All(err)
	texts := make([]string, 0, len(all))
	for _, e := range all {
		texts = append(texts, m.T(locale, e.Key, e.Args))
	}
	return strings.Join(texts, "\n")
}
