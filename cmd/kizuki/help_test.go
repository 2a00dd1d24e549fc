package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/alecthomas/kong"

	"github.com/kizuki-security/kizuki/internal/words/jtext"
)

// helps are the help texts of the command line, without examples, by where they stand; and the commands with all words.
func helps(t *testing.T) (texts map[string]string, paths [][]string) {
	t.Helper()
	var cli commands
	parser, err := kong.New(&cli, kong.Name("kizuki"))
	if err != nil {
		t.Fatal(err)
	}
	texts = map[string]string{}
	add := func(place, text string) {
		text, _, _ = strings.Cut(text, exampleOf)
		if text == "" {
			t.Errorf("%s has no help", place)
		}
		texts[place] = text
	}
	var walk func(n *kong.Node, path []string)
	walk = func(n *kong.Node, path []string) {
		paths = append(paths, path)
		name := strings.Join(path, " ")
		for _, f := range n.Flags {
			add(name+" --"+f.Name, f.Help)
		}
		for _, p := range n.Positional {
			add(name+" "+p.Name, p.Help)
		}
		for _, c := range n.Children {
			add(name+" "+c.Name, c.Help)
			walk(c, append(slices.Clone(path), c.Name))
		}
	}
	walk(parser.Model.Node, nil)
	return texts, paths
}

// TestHelpIsJapanese: every help text has its Japanese, and no Japanese stands there that no help text has.
func TestHelpIsJapanese(t *testing.T) {
	t.Parallel()
	ja := map[string]string{}
	if err := json.Unmarshal(helpJA, &ja); err != nil {
		t.Fatal(err)
	}
	texts, _ := helps(t)
	unused := maps.Clone(ja)
	delete(unused, description)
	for place, text := range texts {
		delete(unused, text)
		if asJSON.MatchString(text) {
			continue
		}
		said, ok := ja[text]
		if !ok {
			t.Errorf("%s: no Japanese for %q", place, text)
		} else if !strings.ContainsFunc(said, func(r rune) bool { return unicode.In(r, unicode.Hiragana, unicode.Katakana, unicode.Han) }) || !strings.HasSuffix(said, "。") {
			t.Errorf("%s: %q is no Japanese sentence", place, said)
		}
	}
	for text := range unused {
		t.Errorf("nothing has the help %q", text)
	}
}

// TestHelpOfEveryCommand: each command tells what it is for, in both languages, in lines that a terminal of 80 cells has.
func TestHelpOfEveryCommand(t *testing.T) {
	t.Parallel()
	_, commands := helps(t)
	for _, path := range commands {
		for lang, want := range map[string]string{"ja": "使い方: kizuki", "en": "Usage: kizuki"} {
			var out, errs bytes.Buffer
			code := run(t.Context(), append(slices.Clone(path), "--help", "--lang", lang), strings.NewReader(""), &out, &errs)
			if code != exitDone || !strings.HasPrefix(out.String(), want) || errs.Len() > 0 {
				t.Errorf("%v in %s: %d %s%s", path, lang, code, out.String(), errs.String())
			}
			for l := range strings.Lines(out.String()) {
				if l = strings.TrimSuffix(l, "\n"); lang == "ja" && jtext.DisplayWidth(l) > helpWidth+2 && strings.Contains(strings.TrimSpace(l), " ") {
					t.Errorf("%v: a line of %d cells: %s", path, jtext.DisplayWidth(l), l)
				}
			}
		}
	}
}

func TestBreakLine(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text  string
		width int
		want  []string
	}{
		{"", 10, []string{""}},
		{"ログを調べます。", 8, []string{"ログを調", "べます。"}},
		{"ログを、調べます", 6, []string{"ログ", "を、調", "べます"}},
		{"値（例）です", 4, []string{"値", "（例）", "です"}},
		{"one two three", 7, []string{"one two", "three"}},
		{"kizuki logs で 探す", 12, []string{"kizuki logs", "で 探す"}},
		{"averylongword 語", 5, []string{"averylongword", "語"}},
	} {
		if got := breakLine(tt.text, tt.width); !slices.Equal(got, tt.want) {
			t.Errorf("%q in %d: %q, not %q", tt.text, tt.width, got, tt.want)
		}
	}
}
