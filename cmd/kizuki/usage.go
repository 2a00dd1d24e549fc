package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/kizuki-security/kizuki/internal/app"
)

// wrongUsage tells in Japanese what the command line lacks. The parser's own sentences are English: who reads
// English gets them, and its help, as the parser prints them.
func (e *environment) wrongUsage(parser *kong.Kong, args []string, err error) {
	if e.texts == nil {
		e.speak(args)
	}
	if e.texts == nil || e.lang == "en" {
		parser.FatalIfErrorf(err)
		return
	}
	fmt.Fprintln(e.stderr, "kizuki:", e.parserSentence(err))
	command := []string{"kizuki"}
	if parsed, ok := errors.AsType[*kong.ParseError](err); ok {
		for _, p := range parsed.Context.Path {
			if p.Command != nil {
				command = append(command, p.Command.Name)
			}
		}
	}
	fmt.Fprintln(e.stderr, "  "+e.t("cli.usage.help", "command", strings.Join(command, " ")))
}

// speak finds out the language where the command line could not be read.
func (e *environment) speak(args []string) {
	g := global{}
	for _, f := range []struct {
		name string
		into *string
	}{{"--lang", &g.Lang}, {"--data", &g.Data}} {
		for i, arg := range args {
			if text, ok := strings.CutPrefix(arg, f.name+"="); ok {
				*f.into = text
			} else if arg == f.name && i+1 < len(args) {
				*f.into = args[i+1]
			}
		}
	}
	if err := e.configure(g); err != nil { // that is told when the command line is right
		e.texts, _ = app.Texts(messages)
		e.lang = language(g.Lang)
		if v, ok := os.LookupEnv("KIZUKI_LANG"); ok && g.Lang == "" {
			e.lang = v
		}
	}
}

// parserSentences are how the parser says what is wrong; the groups are the parameters of the message, in order.
var parserSentences = []struct {
	form *regexp.Regexp
	key  string
	args []string
}{
	{regexp.MustCompile(`^missing flags: (.+)$`), "cli.usage.flags", []string{"list"}},
	{regexp.MustCompile(`^missing positional arguments (.+)$`), "cli.usage.arguments", []string{"list"}},
	{regexp.MustCompile(`^expected one of (.+)$`), "cli.usage.commands", []string{"list"}},
	{regexp.MustCompile(`^expected "(.+)"$`), "cli.usage.arguments", []string{"list"}},
	{regexp.MustCompile(`^unknown flag (\S+), did you mean (?:one of )?(.+)\?$`), "cli.usage.unknown_near", []string{"flag", "near"}},
	{regexp.MustCompile(`^unknown flag (\S+)$`), "cli.usage.unknown", []string{"flag"}},
	{regexp.MustCompile(`^unexpected argument (.+), did you mean (?:one of )?(.+)\?$`), "cli.usage.unexpected_near", []string{"text", "near"}},
	{regexp.MustCompile(`^unexpected argument (.+)$`), "cli.usage.unexpected", []string{"text"}},
	{regexp.MustCompile(`^(.+) must be one of (.+) but got "(.*)"$`), "cli.usage.choice", []string{"flag", "list", "text"}},
	{regexp.MustCompile(`^(.+): expected .+ value but got "EOL"`), "cli.usage.value", []string{"flag"}},
	{regexp.MustCompile(`^(.+): missing value`), "cli.usage.value", []string{"flag"}},
	{regexp.MustCompile(`^(.+): expected .+ but got "(.*?)"`), "cli.usage.unread", []string{"flag", "text"}},
	{regexp.MustCompile(`^(.+) and (.+) can't be used together$`), "cli.usage.together", []string{"flag", "other"}},
}

// parserSentence is what the parser says, in Japanese; what it says seldom stays as it is.
func (e *environment) parserSentence(err error) string {
	text := err.Error()
	for _, s := range parserSentences {
		found := s.form.FindStringSubmatch(text)
		if found == nil {
			continue
		}
		var pairs []any
		for i, name := range s.args {
			value := strings.NewReplacer(`","`, "・", `"`, "", ", ", "・", "EOL", "").Replace(found[i+1])
			if name == "flag" || name == "other" {
				value, _, _ = strings.Cut(value, "=") // without the name of the value
			}
			pairs = append(pairs, name, printable(value))
		}
		return e.t(s.key, pairs...)
	}
	return printable(text)
}
