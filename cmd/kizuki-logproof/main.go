// Command kizuki-logproof checks the exported proof of one log record against a public key, and says what the proof shows
// and what it does not.
//
// It is for whoever is handed a proof and trusts neither the machine it comes from nor the program that wrote it: it
// shares no code with Kizuki and uses the standard library alone. The forms it reads are written out in
// docs/log-proof.md; a second checker can be written from that page.
//
//	kizuki-logproof [-lang ja|en] PROOF.json KEY
//
// KEY is the public key as printed on paper, "name+hash+base64", or a file that holds it. Exit codes: 0 proved, 2 wrong
// call, 3 not proved, 4 a file cannot be read.
package main

import (
	"embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Exit codes.
const (
	exitProved   = 0
	exitCall     = 2
	exitRefused  = 3
	exitNoAccess = 4
)

const largestFile = 64 << 20 // bytes; a record of 1 MB makes a proof of 1.4 MB

func main() {
	os.Exit(run(os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

func run(args []string, env func(string) string, out, errOut io.Writer) int {
	flags := flag.NewFlagSet("kizuki-logproof", flag.ContinueOnError)
	flags.SetOutput(errOut)
	flags.Usage = func() { fmt.Fprintln(errOut, "kizuki-logproof [-lang ja|en] PROOF.json KEY") }
	lang := flags.String("lang", language(env), "ja or en")
	if err := flags.Parse(args); err != nil {
		return exitCall
	}
	texts, err := textsOf(*lang)
	if err != nil || flags.NArg() != 2 {
		flags.Usage()
		return exitCall
	}
	data, err := readFile(flags.Arg(0))
	if err != nil {
		fmt.Fprintln(errOut, texts.t("logproof.unreadable", "file", flags.Arg(0), "why", err.Error()))
		return exitNoAccess
	}
	keyText := flags.Arg(1)
	if !strings.Contains(keyText, "+") {
		file, err := readFile(keyText)
		if err != nil {
			fmt.Fprintln(errOut, texts.t("logproof.unreadable", "file", keyText, "why", err.Error()))
			return exitNoAccess
		}
		keyText = string(file)
	}
	p, why := check(data, keyText)
	if why != "" {
		fmt.Fprintln(out, "× "+texts.t("logproof.refused"))
		fmt.Fprintln(out, "  "+texts.t("logproof.why."+why))
		return exitRefused
	}
	p.print(out, texts)
	return exitProved
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // the person names the file
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, largestFile+1))
	if err == nil && len(data) > largestFile {
		err = errors.New("> 64 MiB")
	}
	return data, errors.Join(err, f.Close())
}

// language follows the locale of the session; Japanese first.
func language(env func(string) string) string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value := env(name); value != "" {
			if strings.HasPrefix(value, "en") {
				return "en"
			}
			break
		}
	}
	return "ja"
}

// texts are the sentences of one language.
type texts map[string]string

func textsOf(lang string) (texts, error) {
	data, err := messages.ReadFile("messages." + lang + ".json")
	if err != nil {
		return nil, fmt.Errorf("language %s: %w", lang, err)
	}
	var all texts
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	return all, nil
}

// t is the sentence with its parameters, given as name and value in turn.
func (t texts) t(key string, args ...string) string {
	text := t[key]
	for i := 0; i+1 < len(args); i += 2 {
		text = strings.ReplaceAll(text, "{"+args[i]+"}", args[i+1])
	}
	return text
}
