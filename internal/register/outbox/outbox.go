// Package outbox is what leaves the house: mails to people and posts to chats, queued in the transaction of
// the act that wants them and sent by the queue of platform/job. It owns the words message, channel and
// digest, and keeps for every message whether it was sent, waits, or failed, and why: nothing is lost unseen.
//
// A message names its text by message key, so that each reader gets it in their language; the text is made
// when it is sent. Settings of the mail server and of channels are sealed and never shown again. The package
// imports actor, audit, due, org and the platform; who has which address, and which duties, app tells it.
package outbox

import (
	"context"
	"embed"
	"io"
	"io/fs"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/job"
	"github.com/kizuki-security/kizuki/internal/platform/mail"
	"github.com/kizuki-security/kizuki/internal/platform/notify"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/due"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// PermManage lets a person keep the mail server and the channels and see what was sent; app binds it to roles.
const PermManage actor.Permission = "outbox.manage"

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Migrations returns the tables of this register.
func Migrations() sqlite.Migration { return sqlite.Migration{Feature: "outbox", FS: migrations} }

// Messages returns the texts of this package.
func Messages() fs.FS { return messages }

// Message is one message to one recipient: an account, a person, an address or a channel.
type Message struct {
	Account string // key
	Person  string // key, for people without an account
	Address string // mail address, for people outside
	Channel string // key
	// Text names the messages Text+".subject" and Text+".body", both filled with Args.
	Text string
	Args problem.Args
	Line []Line // below the body
	Link string // page of the office, e.g. "/today"; empty: none
	File *mail.Attachment
}

// Line is one line of a list, as a message of its own.
type Line struct {
	Text string       `json:"text"`
	Args problem.Args `json:"-"`
	When string       `json:"when,omitempty"` // message key around the text; empty: none
	Days int          `json:"days,omitempty"` // parameter n of When
	On   string       `json:"on,omitempty"`   // ISO day, parameter on of When
	Link string       `json:"link,omitempty"`
}

// State is where a message stands.
type State string

// The states. A message that is tried again stays queued and has attempts.
const (
	Queued State = "queued"
	Sent   State = "sent"
	Failed State = "failed"
)

// Entry is a message as stored.
type Entry struct {
	Message
	ID       int64
	Key      string
	State    State
	Attempts int
	Error    *i18n.Msg // of the last attempt, nil when none went wrong
	Next     time.Time // of the next attempt; zero: none
	Created  time.Time
	By       string // actor.ID
	Ended    time.Time
	Seen     time.Time // a failure that somebody has looked at
	Erased   time.Time // the text is gone, the row stays
}

// Channel is one channel without its secrets.
type Channel struct {
	Key      string
	Name     string
	Kind     notify.Kind
	Host     string // where it leads
	Digest   bool   // gets the digest of the day
	Disabled time.Time
	Good     time.Time // last success
	Bad      time.Time // last failure
	Error    *i18n.Msg // of the last failure
	Version  int64
	sealed   string
}

// Failing says whether the last post to the channel went wrong.
func (c Channel) Failing() bool { return c.Bad.After(c.Good) }

// Settings are those of the office. The password is never part of it.
type Settings struct {
	Server   mail.Server // Host empty: there is none yet
	Password bool        // there is one
	DigestAt int         // minutes after midnight in Tokyo
	Weekdays bool        // no digest on Saturdays and Sundays
	KeepDays int         // how long the text of what was sent is kept
	Version  int64
	sealed   string
}

// defaults of the settings: at the start of the working day, and long enough to answer "did you tell me?".
var defaults = Settings{DigestAt: 8 * 60, Weekdays: true, KeepDays: 90}

// Wishes are what a person chose about mails.
type Wishes struct {
	Digest bool
	Lang   string
}

// Reader is an account that can sign in today, with what is needed to write to it.
type Reader struct {
	Account, Person, Name string
	Email                 string // "" while none is known
	Admin                 bool
	Who                   actor.Actor // what the person may see
}

// Sealer seals secrets; *secret.Box is one.
type Sealer interface {
	Seal(plain []byte, context string) (string, error)
	Open(sealed, context string) ([]byte, error)
}

// Config is what the register needs from app.
type Config struct {
	Texts  *i18n.Messages
	Queue  *job.Queue
	Sealer Sealer
	Poster *notify.Poster
	Rand   io.Reader // for the secrets of webhooks
	// Company is the name of the company, Base the address of the office without a slash at the end.
	Company func(ctx context.Context, tx *sqlite.Tx) (string, error)
	Base    func(ctx context.Context) string
	// Readers lists the accounts that can sign in.
	Readers func(ctx context.Context, tx *sqlite.Tx) ([]Reader, error)
	// Person gives name and address of a person on the staff list; problem code not_found.
	Person func(ctx context.Context, tx *sqlite.Tx, key string) (name, email string, err error)
	// Duties lists what the actor of ctx must do, most urgent first.
	Duties func(ctx context.Context) ([]due.Duty, jdate.Day, error)
}

// Service holds the acts of this register. It is safe for concurrent use.
type Service struct {
	db  *sqlite.DB
	cfg Config
}

// kind is the job that sends one message.
const kind = "outbox.send"

// New returns the service and takes the jobs of its kind.
func New(db *sqlite.DB, cfg Config) *Service {
	s := &Service{db: db, cfg: cfg}
	cfg.Queue.Handle(kind, job.Handler{Do: s.deliver, Ended: s.ended})
	return s
}
