// Package logs gives the command line what works on log files without an office: scanning them with rules, writing
// them as JSON lines, and checking rules. Its names are those of internal/logs/scan, which does the work.
package logs

import (
	"github.com/kizuki-security/kizuki/internal/logs/scan"
	"github.com/kizuki-security/kizuki/rules"
	"github.com/kizuki-security/kizuki/sigma"
)

//nolint:revive // names of internal/logs/scan, explained there
type (
	Field      = scan.Field
	File       = scan.File
	FileError  = scan.FileError
	FileReport = scan.FileReport
	Hit        = scan.Hit
	Limits     = scan.Limits
	Options    = scan.Options
	Problem    = sigma.Problem
	Progress   = scan.Progress
	Reason     = scan.Reason
	Rules      = scan.Rules
	Source     = sigma.LogSource
	Total      = scan.Total
)

// Explanation is what a rule that comes with the program tells people.
type Explanation = rules.Explanation

// Reasons that the command line treats in a way of their own.
const (
	Missing     = scan.Missing
	Unknown     = scan.Unknown
	OutsideTime = scan.OutsideTime
	NoTime      = scan.NoTime
)

// The acts, as in internal/logs/scan.
var (
	Dump      = scan.Dump
	Find      = scan.Find
	LoadRules = scan.LoadRules
	Reach     = scan.Reach
	Scan      = scan.Scan
	Severity  = scan.Severity
)

// OwnRules loads the rules that come with the program: all of them, or those for saved files, where nobody can tell a
// silent source from the end of its file; and those under more paths.
func OwnRules(saved bool, more ...string) (*Rules, error) {
	folders := []string{rules.Windows, rules.Correlation}
	if !saved {
		folders = append(folders, rules.Live)
	}
	return scan.LoadRulesFS(rules.FS, folders, more...)
}

// Explain gives what one of these rules tells people, by its id and in a language (ja, en); ok is false for rules of others.
func Explain(id, lang string) (e Explanation, ok bool) { return rules.Explain(id, lang) }
