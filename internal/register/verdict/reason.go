package verdict

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"strings"
	"sync"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Messages returns the texts of this package: every reason that a verdict can give.
func Messages() fs.FS { return messages }

// texts are the messages of this package alone: steps and reasons are also written where no page is.
var texts = sync.OnceValues(func() (*i18n.Messages, error) { return i18n.New(messages) })

func own() *i18n.Messages {
	m, err := texts()
	if err != nil {
		panic(fmt.Sprintf("verdict: own messages: %v", err)) // a mistake of ours that every test meets
	}
	return m
}

func text(locale, key string) string { return own().T(locale, key, nil) }

// Text writes a reason in a language, with the names of the catalogue.
func (r Reason) Text(t *framework.Table, locale string) string {
	return own().T(locale, r.Key, r.Named(t))
}

// Named returns the parameters for i18n.Messages.T, with the names of the catalogue in place of its keys. A
// reason that went through JSON works as well. Numbers stay numbers and days stay as 2026-11-23.
func (r Reason) Named(t *framework.Table) problem.Args {
	args := maps.Clone(r.Args)
	if args == nil {
		args = problem.Args{}
	}
	for name, v := range r.Args {
		key, _ := v.(string)
		switch name {
		case "kind":
			topic, _ := r.Args["topic"].(string)
			args["what"] = whatName(t, key, topic)
		case "trigger":
			args[name] = whatName(t, key, "")
		case "population":
			args[name] = pair(t.Populations[key].Name, key)
		case "unit":
			args[name] = pair(t.Populations[key].Unit, key)
		case "attr":
			args[name] = i18n.Text(framework.AttrName(key))
		case "measure":
			args[name] = i18n.Text(framework.UnitName(t.Kinds[key].Unit))
		case "values":
			attr, _ := r.Args["attr"].(string)
			args[name] = valueNames(t, attr, v)
		}
	}
	return args
}

func pair(name framework.Text, key string) i18n.Text {
	if name.JA == "" {
		return i18n.Text{JA: key, EN: key}
	}
	return i18n.Text(name)
}

// whatName is the name of a kind, with its topic in brackets.
func whatName(t *framework.Table, kind, topic string) i18n.Text {
	name := pair(t.Kinds[kind].Name, kind)
	if topic == "" {
		return name
	}
	of := pair(t.Topics[topic], topic)
	return i18n.Text{JA: name.JA + "（" + of.JA + "）", EN: name.EN + " (" + of.EN + ")"}
}

// valueNames lists values by name: strings, or what became of them in JSON.
func valueNames(t *framework.Table, attr string, v any) i18n.Text {
	var keys []string
	switch list := v.(type) {
	case []string:
		keys = list
	case []any:
		for _, one := range list {
			keys = append(keys, fmt.Sprint(one))
		}
	}
	var ja, en []string
	for _, key := range keys {
		name := t.ValueName(attr, key)
		ja, en = append(ja, name.JA), append(en, name.EN)
	}
	return i18n.Text{JA: strings.Join(ja, "・"), EN: strings.Join(en, ", ")}
}
