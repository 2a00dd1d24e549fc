package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/kizuki-security/kizuki/internal/platform/completion"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish,powershell" help:"Shell: bash, zsh, fish or powershell."`
}

// settled marks a command that needs no settings: it works beside a broken kizuki.toml, too.
type settled interface{ withoutSettings() }

func (c *completionCommand) withoutSettings() {}

// Run prints the script of a shell.
func (c *completionCommand) Run(e *environment, k *kong.Context) error {
	text, err := completion.Script(c.Shell, completed(k.Model.Node, true))
	if err != nil {
		return err
	}
	fmt.Fprint(e.stdout, text)
	return nil
}

// completed is a command of the command line as the scripts need it. What is hidden is not offered.
func completed(n *kong.Node, program bool) completion.Command {
	c := completion.Command{Name: n.Name, Help: brief(n.Help)}
	for _, f := range n.Flags {
		if f.Hidden || f.Name == "help" && !program { // every command has it from the program
			continue
		}
		c.Flags = append(c.Flags, completion.Flag{Name: f.Name, Help: brief(f.Help), Value: !f.IsBool() && !f.IsCounter(), Choices: choices(f.Value)})
	}
	if len(n.Positional) > 0 {
		c.Choices = choices(n.Positional[0])
	}
	for _, sub := range n.Children {
		if sub.Type == kong.CommandNode && !sub.Hidden {
			c.Commands = append(c.Commands, completed(sub, false))
		}
	}
	return c
}

// choices are the values that a flag or an argument can have: those that kong checks, or those of the tag
// "choices" that the command itself checks, with better words.
func choices(v *kong.Value) (list []string) {
	text := v.Enum
	if text == "" {
		text = v.Tag.Get("choices")
	}
	for c := range strings.SplitSeq(text, ",") {
		if c != "" {
			list = append(list, c)
		}
	}
	return list
}

// brief is a help text without its example and its full stop.
func brief(help string) string {
	help, _, _ = strings.Cut(help, " Example: ")
	return strings.TrimSuffix(help, ".")
}
