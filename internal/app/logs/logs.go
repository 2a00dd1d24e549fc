// Package logs gives the command line what works on log files without an office: scanning them with rules, writing
// them as JSON lines, and checking rules. Its names are those of internal/logs/scan, which does the work.
package logs

import (
	"github.com/kizuki-security/kizuki/internal/logs/scan"
	"github.com/kizuki-security/kizuki/rules"
	"github.com/kizuki-security/kizuki/sigma"
)

// What the command line sees of a scan; each is described where it is defined.
type (
	// File is one file to scan.
	File = scan.File
	// FileError is why a file was not read.
	FileError = scan.FileError
	// FileReport is what became of a file.
	FileReport = scan.FileReport
	// Field is one value of an event.
	Field = scan.Field
	// Hit is one event that a rule describes.
	Hit = scan.Hit
	// Limits bound what a hostile file can cost.
	Limits = scan.Limits
	// Options of a scan.
	Options = scan.Options
	// Problem is why a rule is not used.
	Problem = sigma.Problem //nolint:errname // as in sigma
	// Progress is how far a scan is.
	Progress = scan.Progress
	// Reason is why something was not scanned.
	Reason = scan.Reason
	// Rules are rules ready to use.
	Rules = scan.Rules
	// Source is what the sender knows of events without a channel.
	Source = sigma.LogSource
	// Total is the sum over all files.
	Total = scan.Total

	// Explanation tells people what a rule is about.
	Explanation = rules.Explanation
)

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
