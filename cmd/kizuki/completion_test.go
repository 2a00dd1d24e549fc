package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/kizuki-security/kizuki/internal/platform/completion"
)

// TestCompletionNamesAllCommands: nothing that the command line knows is missing in a script.
func TestCompletionNamesAllCommands(t *testing.T) {
	t.Parallel()
	var cli commands
	parser, err := kong.New(&cli, kong.Name("kizuki"), kong.Vars{"version": "test"})
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	var walk func(n *kong.Node)
	walk = func(n *kong.Node) {
		for _, f := range n.Flags {
			names[f.Name] = true
		}
		for _, c := range n.Children {
			names[c.Name] = true
			walk(c)
		}
	}
	walk(parser.Model.Node)
	if len(names) < 60 {
		t.Fatalf("only %d names: %v", len(names), names)
	}
	for _, shell := range completion.Shells() {
		var out, errs bytes.Buffer
		if code := run(t.Context(), []string{"completion", shell}, strings.NewReader(""), &out, &errs); code != exitDone || errs.Len() > 0 {
			t.Fatalf("%s: exit code %d, %s", shell, code, errs.String())
		}
		for name := range names {
			if !strings.Contains(out.String(), name) {
				t.Errorf("%s: no %s", shell, name)
			}
		}
	}
}
