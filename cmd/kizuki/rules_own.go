package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/app/logs"
	"github.com/kizuki-security/kizuki/internal/app/logs/ruleset"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// ruleBook is the rules in use and where they come from.
type ruleBook struct {
	*logs.Rules

	sources []string      // as people name them
	sets    []ruleset.Set // of the data folder
	doubled int           // imported rules left out because another source has them
}

// loadRules is the one place that knows where rules come from: the paths that were given; without any, those that come
// with the program, for saved files or all, and the sets of the data folder.
func (e *environment) loadRules(paths []string, saved bool) (*ruleBook, error) {
	if len(paths) > 0 {
		rules, err := logs.LoadRules(paths)
		if missing, ok := errors.AsType[*fs.PathError](err); ok {
			key := "logs.rules.unreadable"
			if errors.Is(err, fs.ErrNotExist) {
				key = "cli.logs.missing"
			}
			err = problem.Invalid("", key, "file", missing.Path)
		}
		if err != nil {
			return nil, e.usage(err)
		}
		return &ruleBook{Rules: rules, sources: paths}, nil
	}
	data, err := e.folder()
	if err != nil {
		return nil, err
	}
	rules, sets, err := ruleset.Load(data, func(paths []string) (*logs.Rules, error) { return logs.OwnRules(saved, paths...) })
	if err != nil {
		return nil, err
	}
	b := &ruleBook{Rules: rules, sets: sets, sources: []string{e.t("cli.rules.own")}}
	names := make([]string, len(sets))
	for i := range sets {
		names[i] = sets[i].Name
		b.sources = append(b.sources, e.sourceOf(&sets[i]))
	}
	if len(names) > 0 {
		fmt.Fprintln(e.stderr, e.t("cli.rules.imported", "list", printable(strings.Join(names, ", "))))
	}
	// Packages of rules overlap, and an older set may hold what a newer has: nothing is wrong with such a rule.
	b.Problems = slices.DeleteFunc(b.Problems, func(p *logs.Problem) bool {
		double := p.Code == "duplicate" && ruleset.Of(sets, p.File) != nil
		if double {
			b.doubled++
		}
		return double
	})
	if b.doubled > 0 {
		fmt.Fprintln(e.stderr, e.t("cli.rules.doubled", "n", b.doubled))
	}
	return b, nil
}

// sourceOf says where the rules of a set come from.
func (e *environment) sourceOf(s *ruleset.Set) string {
	if s.Manifest == nil {
		return e.t("cli.rules.source.own", "name", s.Name)
	}
	at := s.Manifest.ImportedAt.Local().Format(time.DateOnly) //nolint:gosmopolitan // the person's clock
	return e.t("cli.rules.source", "name", s.Name, "at", at, "rules", s.Manifest.Rules)
}

// ruleTitle is what a rule is called in the person's language: those that come with the program have a Japanese title.
func (e *environment) ruleTitle(id, title string) string {
	if x, ok := logs.Explain(id, e.lang); ok {
		return x.Title
	}
	return title
}
