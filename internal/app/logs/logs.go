// Package logs gives the command line what works on log files without an office: scanning them with rules, writing
// them as JSON lines, and checking rules. Its names are those of internal/logs/scan, which does the work.
package logs

import "github.com/kizuki-security/kizuki/internal/logs/scan"

// What the command line sees of a scan.
type (
	Field      = scan.Field
	File       = scan.File
	FileError  = scan.FileError
	FileReport = scan.FileReport
	Hit        = scan.Hit
	Limits     = scan.Limits
	Options    = scan.Options
	Progress   = scan.Progress
	Reason     = scan.Reason
	Rules      = scan.Rules
	Total      = scan.Total
)

// Reasons that the command line treats in a way of their own.
const (
	Missing     = scan.Missing
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
