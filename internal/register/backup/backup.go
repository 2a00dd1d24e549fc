// Package backup keeps copies of the whole office (バックアップ): one encrypted file each, read back at once,
// on schedule, kept by rule.
//
// A file holds a consistent copy of the database and everything that lies beside it in the data folder:
// attachments, taken-in files, key files, kizuki.toml. Left out are the lake of logs (see Config.Leave), the lock, the control socket, copies made
// before upgrades, and the backups themselves. Scheduled files are sealed for the recovery key, whose secret
// part is shown once, on paper, and never stored: who steals the office's disk cannot open its backups, and
// who has the paper can. To read back what it cannot open, each file is also sealed for a key of its own that
// lives only as long as the writing.
//
// The package imports actor, audit and due. It does not restore: app does, into an empty folder.
package backup

import (
	"embed"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// PermManage lets a person make backups and decide about them; app binds it to システム管理者.
const PermManage actor.Permission = "backup.manage"

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Migrations returns the tables of this register.
func Migrations() sqlite.Migration { return sqlite.Migration{Feature: "backup", FS: migrations} }

// Messages returns the texts of this register.
func Messages() fs.FS { return messages }

// Suffix ends the name of every backup.
const Suffix = ".kizuki.age"

// DefaultFolder is where backups lie until somebody names a place: inside the data folder.
const DefaultFolder = "backups"

// Settings say where, when and how long.
type Settings struct {
	Folders  []string // absolute; the first is written, the others get copies
	AtMinute int      // minutes after midnight, in Tokyo
	Rule     Rule
	WarnDays int // older than this many days is a duty
	Version  int64
}

// Standard settings: at two, after the nightly pass; a week of days, a month of weeks, a year of months.
const (
	standardMinute = 2 * 60
	standardWarn   = 3 // days: a long weekend
	maxFolders     = 3
)

func standard(dir string) Settings {
	return Settings{Folders: []string{filepath.Join(dir, DefaultFolder)}, AtMinute: standardMinute, Rule: Rule{Daily: 7, Weekly: 5, Monthly: 12}, WarnDays: standardWarn}
}

func (s Settings) check() error {
	var found problem.List
	if len(s.Folders) == 0 {
		found.Add(problem.Invalid("folders", "backup.folders_needed"))
	}
	if len(s.Folders) > maxFolders {
		found.Add(problem.Invalid("folders", "backup.folders_many", "limit", maxFolders))
	}
	for _, f := range s.Folders {
		if !filepath.IsAbs(f) {
			found.Add(problem.Invalid("folders", "backup.folder_relative", "folder", f))
		}
	}
	if s.AtMinute < 0 || s.AtMinute >= 24*60 {
		found.Add(problem.Invalid("at", "backup.time_wrong"))
	}
	for field, n := range map[string]int{"daily": s.Rule.Daily - 1, "weekly": s.Rule.Weekly, "monthly": s.Rule.Monthly} {
		if n < 0 || n > maxKept {
			found.Add(problem.Invalid(field, "backup.number_wrong", "limit", maxKept))
		}
	}
	if s.WarnDays < 1 || s.WarnDays > maxWarn {
		found.Add(problem.Invalid("warn_days", "backup.number_wrong", "limit", maxWarn))
	}
	return found.Err()
}

const (
	maxKept = 399
	maxWarn = 90
)

// Key is the public part of a recovery key.
type Key struct {
	ID        int64
	Public    string
	Mark      string // its last letters, to tell papers apart
	AddedAt   time.Time
	RetiredAt time.Time // zero: backups are sealed for it
}

// Way says who started a backup.
type Way string

// The closed set of ways.
const (
	BySchedule Way = "schedule"
	ByHand     Way = "hand"
	ByCommand  Way = "command"
)

// State says how a backup ended.
type State string

// The closed set of states. Partly: at least one folder has the file, another has not.
const (
	Running     State = "running"
	Good        State = "good"
	Partly      State = "partly"
	Failed      State = "failed"
	Interrupted State = "interrupted" // the program ended meanwhile
)

// Run is one try to make a backup.
type Run struct {
	ID        int64
	Key       string
	Way       Way
	State     State
	StartedAt time.Time
	EndedAt   time.Time
	KeyMark   string
	Files     int   // packed
	Bytes     int64 // packed, unencrypted
	Problem   *problem.Error
}

// File is one backup that was written and read back.
type File struct {
	ID      int64
	Key     string
	Run     int64
	Folder  string
	Name    string
	Size    int64
	SHA256  string
	MadeAt  time.Time
	KeyMark string
}

// Path is where the file lies.
func (f File) Path() string { return filepath.Join(f.Folder, f.Name) }

// Status is what people are told about the backups.
type Status struct {
	HasKey   bool
	Last     time.Time // newest good backup; zero: none
	Failed   *Run      // the newest try, when it did not become good
	WarnDays int
}

// Age is how many days ago the last good backup was made; ok is false when there is none.
func (s Status) Age(today jdate.Day) (days int, ok bool) {
	if s.Last.IsZero() {
		return 0, false
	}
	return max(0, today.Sub(jdate.Of(s.Last))), true
}

// Old says whether the last good backup is older than the company wants, or missing.
func (s Status) Old(today jdate.Day) bool {
	days, ok := s.Age(today)
	return !ok || days > s.WarnDays
}
