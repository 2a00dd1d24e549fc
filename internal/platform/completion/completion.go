// Package completion writes the scripts by which a shell completes the words of a command: subcommands, flags and
// the choices of both. Everything stands in the script; while a person types, the command itself is not started.
//
// Where the table knows no word, the shell offers files and folders. It imports nothing of ours.
package completion

import (
	"fmt"
	"slices"
	"strings"
)

// Command is one command, or the program itself, with what may follow it.
type Command struct {
	Name     string // one word of letters, digits and hyphens
	Help     string // one line; may be empty
	Flags    []Flag // its own, without those of the commands above
	Choices  []string
	Commands []Command
}

// Flag is one flag. Without Value it stands alone; Choices are the values it can have, empty for any.
type Flag struct {
	Name    string // without the hyphens
	Help    string
	Value   bool
	Choices []string
}

// Shells lists what Script knows.
func Shells() []string { return []string{"bash", "zsh", "fish", "powershell"} }

// Script writes the script for a shell. An unknown shell is an error, a name with signs that shells read themselves
// (a help text may hold anything but the end of a line), and a flag that has a value in one command and none in
// another.
func Script(shell string, program Command) (string, error) {
	rows := flatten(program, "", nil)
	for _, r := range rows {
		for _, w := range r.all() {
			if !plain(w.text) || strings.ContainsAny(w.help, "\r\n") {
				return "", fmt.Errorf("complete %q: a word that a shell would read itself", w.text)
			}
		}
	}
	t := table{program.Name, rows}
	for _, f := range t.valued() {
		for _, r := range rows {
			if slices.ContainsFunc(r.flags, func(o flag) bool { return o.text == f.text && !o.value }) {
				return "", fmt.Errorf("complete %q: it has a value here and none there", f.text)
			}
		}
	}
	switch shell {
	case "bash":
		return t.bash(), nil
	case "zsh":
		return t.zsh(), nil
	case "fish":
		return t.fish(), nil
	case "powershell":
		return t.powershell(), nil
	}
	return "", fmt.Errorf("no shell %q: there are %s", shell, strings.Join(Shells(), ", "))
}

func plain(word string) bool {
	return word != "" && !strings.ContainsFunc(word, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.", r)
	})
}

// table is a program as its scripts see it: one row for each place on the command line.
type table struct {
	name string
	rows []row
}

// row is what may follow the words of path: "" for the program itself, "user add" for a subcommand.
type row struct {
	path     string
	commands []word
	choices  []word
	flags    []flag
}

type word struct{ text, help string }

type flag struct {
	word
	value   bool
	choices []string
}

func (r row) all() []word {
	all := slices.Concat(r.commands, r.choices)
	for _, f := range r.flags {
		all = append(all, f.word)
		for _, c := range f.choices {
			all = append(all, word{c, ""})
		}
	}
	return all
}

// flatten lists the places of a command, itself first. Flags of a command are good in all below it.
func flatten(c Command, path string, above []flag) []row {
	r := row{path: path, flags: slices.Clone(above)}
	for _, f := range c.Flags {
		r.flags = append(r.flags, flag{word{"--" + f.Name, f.Help}, f.Value, f.Choices})
	}
	for _, choice := range c.Choices {
		r.choices = append(r.choices, word{choice, ""})
	}
	rows := []row{{}}
	for _, sub := range c.Commands {
		r.commands = append(r.commands, word{sub.Name, sub.Help})
		rows = append(rows, flatten(sub, strings.TrimSpace(path+" "+sub.Name), r.flags)...)
	}
	rows[0] = r
	return rows
}

// texts joins words by a space.
func texts(words []word) string {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = w.text
	}
	return strings.Join(list, " ")
}

func flagWords(flags []flag) (words []word) {
	for _, f := range flags {
		words = append(words, f.word)
	}
	return words
}

// steps lists, as "path word", every step from a command to one below it.
func (t table) steps() (steps []string) {
	for _, r := range t.rows {
		for _, c := range r.commands {
			steps = append(steps, r.path+" "+c.text)
		}
	}
	return steps
}

// valued lists every flag that a value follows, once; the same name never means a flag without one (see Script).
func (t table) valued() (found []flag) {
	for _, r := range t.rows {
		for _, f := range r.flags {
			if f.value && !slices.ContainsFunc(found, func(o flag) bool { return o.text == f.text }) {
				found = append(found, f)
			}
		}
	}
	return found
}

// chosen lists the flags with choices that are the same wherever the flag is, and those of each row that differ.
func (t table) chosen() (everywhere []flag, here map[string][]flag) {
	here = map[string][]flag{}
	for _, f := range t.valued() {
		same := true
		for _, r := range t.rows {
			for _, o := range r.flags {
				same = same && (o.text != f.text || slices.Equal(o.choices, f.choices))
			}
		}
		if same && len(f.choices) > 0 {
			everywhere = append(everywhere, f)
		}
		for _, r := range t.rows {
			for _, o := range r.flags {
				if !same && o.text == f.text && len(o.choices) > 0 {
					here[r.path] = append(here[r.path], o)
				}
			}
		}
	}
	return everywhere, here
}

// quoted writes a text so that bash, zsh and fish take it as it is.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// patterns writes the steps, and the flags that values follow, as a case of bash and zsh, or of fish, takes them.
func (t table) patterns(between string) (steps, valued string) {
	var s, v []string
	for _, step := range t.steps() {
		s = append(s, quoted(step))
	}
	for _, f := range t.valued() {
		v = append(v, anywhere(f.text))
	}
	return strings.Join(s, between), strings.Join(v, between)
}

// anywhere matches a flag after every command, in bash and zsh.
func anywhere(flag string) string { return "*" + quoted(" "+flag) }

// next are the words that may come where no flag does.
func (r row) next() []word { return slices.Concat(r.commands, r.choices) }
