// Package attach keeps 証跡ファイル: files that prove a record, such as the scan of a sealed page.
//
// What a file is, its content says; a name that claims something else is refused, and so is what can
// act when it is opened (pages, programs, macros). The content lies beside the database under its
// SHA-256, written before the row is committed; the row says whose record it proves, for which time, and
// until when. The package imports actor and audit. It does not decide who may attach: the act of the
// feature does. A feature's act calls Add in its own transaction.
package attach

import (
	"embed"
	"io/fs"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// PermRead lets a person download attachments; app binds it to roles.
const PermRead actor.Permission = "attach.read"

// MaxBytes is the largest file, in bytes: a scan of some pages fits, a film does not.
const MaxBytes = 20 << 20

// Longest texts, in characters.
const (
	maxName = 150
	maxNote = 1000
)

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Migrations returns the table of the attachments.
func Migrations() sqlite.Migration { return sqlite.Migration{Feature: "attach", FS: migrations} }

// Messages returns the texts of this package.
func Messages() fs.FS { return messages }

// Upload is a file to attach. Record, Name and Data are needed.
type Upload struct {
	Record  string    // the record it proves: "policy/KEY"
	Name    string    // file name as sent; folders in it are dropped
	Data    []byte    // at most MaxBytes
	From    jdate.Day // first day of the time it proves; zero: not said
	To      jdate.Day // last day of that time; zero: not said
	Expires jdate.Day // last day on which it counts as proof; zero: no end
	Note    string    // what it shows, in a person's words
}

// Attachment is an attached file without its content.
type Attachment struct {
	Key     string
	Record  string // "policy/KEY"
	Name    string // file name, for display and download
	Type    Type   // what the content is
	Size    int64  // bytes
	SHA256  string // of the content, lower-case hexadecimal
	From    jdate.Day
	To      jdate.Day
	Expires jdate.Day
	Note    string
	AddedAt time.Time
	AddedBy string // actor.ID of who attached it
}

// Path is the page that downloads the file.
func (a Attachment) Path() string { return "/attachments/" + a.Key }

// Expired says whether the file no longer counts as proof on the day.
func (a Attachment) Expired(today jdate.Day) bool {
	return !a.Expires.IsZero() && today.After(a.Expires)
}

// check returns the upload with a clean name and note, and what its content is.
func (u Upload) check() (Upload, Type, error) {
	u.Name = cleanName(u.Name)
	u.Note = jtext.Store(u.Note)
	switch {
	case len(u.Data) == 0:
		return u, "", problem.Invalid("file", "attach.empty", "name", u.Name)
	case len(u.Data) > MaxBytes:
		return u, "", problem.TooLarge("attach.too_large", "name", u.Name, "mb", MaxBytes>>20)
	}
	var found problem.List
	if n := utf8.RuneCountInString(u.Note); n > maxNote {
		found.Add(problem.Invalid("note", "web.too_long", "limit", maxNote, "n", n))
	}
	if !u.From.IsZero() && !u.To.IsZero() && u.To.Before(u.From) {
		found.Add(problem.Invalid("to", "attach.period_turned"))
	}
	if err := found.Err(); err != nil {
		return u, "", err
	}
	really := sniff(u.Data)
	claimed, known := extensions[strings.ToLower(path.Ext(u.Name))]
	switch { // a CSV file is any text; a mail must look like one, and may mix encodings
	case claimed == EML && (really == TXT || really == kindOther) && looksLikeMail(u.Data):
		really = EML
	case claimed == CSV && really == TXT:
		really = CSV
	}
	kind := i18n.Msg{Key: "attach.kind." + string(really)}
	switch {
	case !really.allowed():
		return u, "", problem.Unsupported("attach.refused_"+string(really.reason()), "name", u.Name, "really", kind)
	case !known:
		return u, "", problem.Unsupported("attach.unknown_name", "name", u.Name, "really", kind)
	case claimed != really:
		return u, "", problem.Unsupported("attach.lying_name", "name", u.Name, "really", kind)
	}
	return u, really, nil
}

// cleanName drops folders and what file systems do not take, and shortens the front, never the extension.
func cleanName(name string) string {
	name = path.Base(strings.ReplaceAll(jtext.Line(name), `\`, "/"))
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`<>:"/|?*`, r) {
			return '_'
		}
		return r
	}, name)
	name = strings.Trim(name, " .")
	ext := path.Ext(name)
	front := []rune(strings.TrimSuffix(name, ext))
	if rest := maxName - utf8.RuneCountInString(ext); rest > 0 && len(front) > rest {
		name = string(front[:rest]) + ext
	}
	return name
}
