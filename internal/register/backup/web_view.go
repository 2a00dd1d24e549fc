package backup

import (
	"html/template"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// ShowView is バックアップ: state, files, places, keys.
type ShowView struct {
	Status   Status
	Today    jdate.Day
	Now      Progress
	Settings Settings
	SameDisk bool // every folder lies on the disk of the office
	Missing  bool // a folder is not there now
	Keys     []Key
	Runs     []Run
	Files    []Copies
}

// Copies is one backup with the places where it lies.
type Copies struct {
	File
	Places []File
}

// group puts the copies of one backup together, newest first.
func group(files []File) []Copies {
	var out []Copies
	at := map[int64]int{}
	for _, f := range files {
		i, ok := at[f.Run]
		if !ok {
			i = len(out)
			at[f.Run] = i
			out = append(out, Copies{File: f})
		}
		out[i].Places = append(out[i].Places, f)
	}
	return out
}

// State is the one sentence on how things stand.
func (v ShowView) State() i18n.Msg {
	days, made := v.Status.Age(v.Today)
	switch {
	case !v.Status.HasKey:
		return i18n.Msg{Key: "backup.state.no_key"}
	case !made:
		return i18n.Msg{Key: "backup.state.none"}
	case v.Status.Old(v.Today):
		return i18n.Msg{Key: "backup.state.old", Args: problem.Args{"n": days, "at": v.Status.Last}}
	}
	return i18n.Msg{Key: "backup.state.good", Args: problem.Args{"at": v.Status.Last}}
}

// At is the time of day of the schedule.
func (v ShowView) At() string { return clock(v.Settings.AtMinute) }

// Why is the reason of the newest try that did not become good.
func (v ShowView) Why() *i18n.Msg {
	if v.Status.Failed == nil {
		return nil
	}
	return v.Status.Failed.Why()
}

// Why says what went wrong; nil when nothing did.
func (r Run) Why() *i18n.Msg {
	switch {
	case r.Problem != nil:
		return &i18n.Msg{Key: r.Problem.Key, Args: r.Problem.Args}
	case r.State == Interrupted:
		return &i18n.Msg{Key: "backup.interrupted"}
	}
	return nil
}

// Percent is how far the running backup is; ok is false while that is not known.
func (p Progress) Percent() int {
	if p.Total <= 0 {
		return 0
	}
	return int(min(100, p.Done*100/p.Total))
}

// MB writes a size in megabytes, at least 1.
func (f File) MB() int64 { return max(1, (f.Size+500_000)/1_000_000) }

// SettingsView is the form of where, when and how long.
type SettingsView struct{ Form *web.Form }

// KeyView is the page of the recovery key: what it is, or the new key, this once.
type KeyView struct {
	Form    *web.Form
	Has     bool
	Groups  []string // the secret in groups as on the paper; empty: none is shown
	QR      template.HTML
	Mark    string
	Until   time.Time
	Letters int
}

// groupLetters is how many letters stand together on the paper.
const groupLetters = 8

// groups cuts a secret into groups that an eye can follow: its fixed beginning, then groups of eight letters. What
// is over stands in the first, so that the last is what a person types to confirm.
func groups(secret string) []string {
	const head = "AGE-SECRET-KEY-1"
	out := []string{head}
	rest := strings.TrimPrefix(secret, head)
	for n := groupLetters + len(rest)%groupLetters; len(rest) > 0; n = groupLetters {
		n = min(n, len(rest))
		out, rest = append(out, rest[:n]), rest[n:]
	}
	return out
}
