package main

import "github.com/kizuki-security/kizuki/internal/app/logs"

// loadRules loads the rules under the paths, or without any those that come with the program, for saved files or all.
func (e *environment) loadRules(paths []string, saved bool) (*logs.Rules, error) {
	if len(paths) == 0 {
		return logs.OwnRules(saved)
	}
	rules, err := logs.LoadRules(paths)
	if err != nil {
		return nil, e.usage(err)
	}
	return rules, nil
}

// ruleTitle is what a rule is called in the person's language: those that come with the program have a Japanese title.
func (e *environment) ruleTitle(id, title string) string {
	if x, ok := logs.Explain(id, e.lang); ok {
		return x.Title
	}
	return title
}
