package completion

import (
	"os/exec"
	"strings"
	"testing"
)

func sample() Command {
	format := func(choices ...string) Flag {
		return Flag{Name: "format", Help: "It's one of these: really", Value: true, Choices: choices}
	}
	return Command{
		Name:  "prog",
		Flags: []Flag{{Name: "data", Help: "Folder", Value: true}, {Name: "lang", Value: true, Choices: []string{"ja", "en"}}, {Name: "version"}},
		Commands: []Command{
			{Name: "user", Help: "Accounts", Commands: []Command{
				{Name: "add", Help: "Add $HOME `one`", Flags: []Flag{{Name: "role", Value: true, Choices: []string{"admin", "viewer"}}, {Name: "json"}}},
				{Name: "list"},
			}},
			{Name: "export", Choices: []string{"gaps", "people"}, Flags: []Flag{format("xlsx", "csv")}},
			{Name: "assess", Flags: []Flag{format("text", "json")}},
			{Name: "backup"},
		},
	}
}

func TestEveryScriptNamesEveryWord(t *testing.T) {
	t.Parallel()
	for _, shell := range Shells() {
		text, err := Script(shell, sample())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range flatten(sample(), "", nil) {
			for _, w := range r.all() {
				if name := strings.TrimPrefix(w.text, "--"); !strings.Contains(text, name) {
					t.Errorf("%s: no %s", shell, name)
				}
			}
		}
		again, err := Script(shell, sample())
		if err != nil || again != text {
			t.Errorf("%s: not the same twice (%v)", shell, err)
		}
	}
}

// TestBashCompletes asks the function what bash itself would ask, with bash's own splitting at "=".
func TestBashCompletes(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash here")
	}
	script, err := Script("bash", sample())
	if err != nil {
		t.Fatal(err)
	}
	for typed, want := range map[string]string{
		"u":                      "user",
		"_":                      "user export assess backup",
		"user _":                 "add list",
		"user add --":            "--data --lang --version --role --json",
		"user add --role _":      "admin viewer",
		"user add --role = v":    "viewer",
		"user add --role =":      "admin viewer",
		"user list --ro":         "",
		"export _":               "gaps people",
		"export gaps _":          "", // files
		"export --format _":      "xlsx csv",
		"export gaps --format c": "csv",
		"assess --format _":      "text json",
		"--data _":               "",
		"--data user _":          "user export assess backup", // a folder called user
		"--data user export g":   "gaps",
		"--lang j":               "ja",
		"backup _":               "",
		"nonsense _":             "",
	} {
		words := strings.ReplaceAll(typed, "_", "''")
		out, err := exec.CommandContext(t.Context(), bash, "--norc", "-c", script+`
COMP_WORDS=(prog `+words+`); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _prog; echo "${COMPREPLY[*]}"`).CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("%q: %q (%v), want %q", typed, got, err, want)
		}
	}
}

func TestScriptRefuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Command){
		"a word with a sign":   func(c *Command) { c.Commands[0].Name = "us'er" },
		"no word":              func(c *Command) { c.Commands[0].Name = "" },
		"a choice with a sign": func(c *Command) { c.Commands[1].Choices[0] = "$(id)" },
		"two lines of help":    func(c *Command) { c.Commands[0].Help = "a\nb" },
		"a value now and then": func(c *Command) { c.Commands[3].Flags = []Flag{{Name: "format"}} },
	} {
		c := sample()
		change(&c)
		if text, err := Script("bash", c); err == nil {
			t.Errorf("%s: went through: %.80s", name, text)
		}
	}
	if _, err := Script("tcsh", sample()); err == nil {
		t.Error("a shell that nobody knows went through")
	}
}
