package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/kizuki-security/kizuki/internal/words/jtext"
)

// helpJA are the help texts in Japanese, by the English ones of the command line, without the examples in them.
//
//go:embed help.ja.json
var helpJA []byte

const (
	helpWidth = 80 // cells
	exampleOf = " Example: "

	description = "The security office of a supplier that has no security department."
)

// asJSON is the form of what every --json says of itself.
var asJSON = regexp.MustCompile(`^Print as JSON \((.+)\)\.$`)

// help prints help in the language of the person. The parser's own help is English, and breaks lines at spaces, which
// Japanese has not.
func (e *environment) help(args []string) kong.HelpPrinter {
	return func(o kong.HelpOptions, ctx *kong.Context) error {
		if e.texts == nil {
			e.speak(args)
		}
		if e.texts == nil || e.lang == "en" {
			return kong.DefaultHelpPrinter(o, ctx)
		}
		p := helpPage{texts: map[string]string{}, say: e.t}
		if err := json.Unmarshal(helpJA, &p.texts); err != nil {
			return fmt.Errorf("read help texts: %w", err)
		}
		p.node(ctx)
		_, err := io.WriteString(ctx.Stdout, p.out.String())
		return err
	}
}

// helpPage is the help of one command in Japanese.
type helpPage struct {
	texts map[string]string
	say   func(key string, pairs ...any) string
	out   strings.Builder
}

// translated is a help text in Japanese. A text that nobody translated stays as it is.
func (p *helpPage) translated(text string) string {
	text, example, _ := strings.Cut(text, exampleOf)
	if m := asJSON.FindStringSubmatch(text); m != nil {
		text = p.say("cli.help.json", "schema", m[1])
	} else if ja, ok := p.texts[text]; ok {
		text = ja
	}
	if example != "" {
		text += "\n" + p.say("cli.help.example") + example
	}
	return text
}

func (p *helpPage) node(ctx *kong.Context) {
	n := ctx.Selected()
	if n == nil {
		n = ctx.Model.Node
	}
	p.hanging(p.say("cli.help.usage"), "        ", ctx.Model.Name+" "+p.summary(n.Summary()))
	p.indented("", "\n"+p.translated(n.Help))
	if len(n.Positional) > 0 {
		p.line("\n" + p.say("cli.help.arguments"))
		for _, arg := range n.Positional {
			p.row(arg.Summary(), p.translated(arg.Help))
		}
	}
	p.line("\n" + p.say("cli.help.flags"))
	for i, group := range n.AllFlags(true) {
		if i > 0 {
			p.line("")
		}
		for _, flag := range group {
			p.row(flagForm(flag), p.translated(flag.Help))
		}
	}
	commands := n.Leaves(true)
	if len(commands) == 0 || n.Type == kong.CommandNode && len(n.Children) == 0 {
		return
	}
	p.line("\n" + p.say("cli.help.commands"))
	for _, c := range commands {
		p.hanging("  ", "      ", p.summary(c.Summary()))
		p.indented("    ", p.translated(c.Help))
	}
	p.line("\n" + p.say("cli.help.more"))
}

func (p *helpPage) summary(text string) string {
	text = strings.ReplaceAll(strings.TrimSpace(text), "[flags]", p.say("cli.help.flags_mark"))
	return strings.ReplaceAll(text, "<command>", p.say("cli.help.command_mark"))
}

// flagForm is how a flag is written: -o, --out=FILE.
func flagForm(f *kong.Flag) string {
	name := f.Name
	if f.Tag.Negatable != "" {
		name = "[no-]" + name
	}
	form := "    --" + name
	if f.Short != 0 {
		form = "-" + string(f.Short) + ", --" + name
	}
	if !f.IsBool() && !f.IsCounter() {
		form += "=" + f.FormatPlaceHolder()
	}
	return form
}

func (p *helpPage) line(text string) { p.out.WriteString(strings.TrimRight(text, " ") + "\n") }

// indented writes a text below others.
func (p *helpPage) indented(indent, text string) {
	for l := range strings.SplitSeq(text, "\n") {
		words := breakable(l)
		if strings.HasPrefix(l, p.say("cli.help.example")) {
			words = strings.SplitAfter(l, " ") // to be copied
		}
		for _, part := range joined(words, helpWidth-len(indent)) {
			p.line(indent + part)
		}
	}
}

// hanging writes a text whose first line stands further left, or has a word before it.
func (p *helpPage) hanging(first, rest, text string) {
	for _, part := range breakLine(text, helpWidth-len(rest)) {
		p.line(first + part)
		first = rest
	}
}

// row writes a word, and what it is behind it.
func (p *helpPage) row(word, text string) {
	const left = 28
	word = "  " + word
	if space := left - jtext.DisplayWidth(word); space >= 2 {
		word += strings.Repeat(" ", space)
	} else {
		p.line(word)
		word = strings.Repeat(" ", left)
	}
	for l := range strings.SplitSeq(text, "\n") {
		for _, part := range breakLine(l, helpWidth-left) {
			p.line(word + part)
			word = strings.Repeat(" ", left)
		}
	}
}

// Characters that begin no line, and that end none. Source: JIS X 4051, the common ones.
const (
	noBegin = "、。，．・：；？！）」』］｝〕〉》ー…々ぁぃぅぇぉっゃゅょァィゥェォッャュョ"
	noEnd   = "（「『［｛〔〈《"
)

// breakLine breaks a line into parts of at most so many cells: at spaces, which go, and between characters of which one is
// wide. A word that is longer than a line stays whole. An empty line is one part.
func breakLine(text string, width int) []string { return joined(breakable(text), width) }

// joined makes lines of words.
func joined(words []string, width int) (parts []string) {
	line := ""
	for _, word := range words {
		if jtext.DisplayWidth(line+strings.TrimRight(word, " ")) > width && line != "" {
			parts = append(parts, strings.TrimRight(line, " "))
			line = ""
		}
		line += word
	}
	return append(parts, strings.TrimRight(line, " "))
}

// breakable cuts a text where a line may end.
func breakable(text string) (words []string) {
	runes, from := []rune(text), 0
	for i := 1; i < len(runes); i++ {
		before, after := runes[i-1], runes[i]
		wide := jtext.DisplayWidth(string(before)) == 2 || jtext.DisplayWidth(string(after)) == 2
		allowed := before == ' ' && after != ' ' ||
			wide && after != ' ' && !strings.ContainsRune(noBegin, after) && !strings.ContainsRune(noEnd, before)
		if allowed {
			words = append(words, string(runes[from:i]))
			from = i
		}
	}
	return append(words, string(runes[from:]))
}
