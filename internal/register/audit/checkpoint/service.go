package checkpoint

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// PermKeep lets a person say where checkpoints are kept and change the key; app binds it to roles.
const PermKeep actor.Permission = "audit.keep"

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Messages returns the texts of this package.
func Messages() fs.FS { return messages }

// Sealer keeps the private key unreadable in the database.
type Sealer interface {
	Seal(plain []byte, context string) (string, error)
	Open(sealed, context string) ([]byte, error)
}

// Config is what checkpoints need of their surroundings.
type Config struct {
	Seal Sealer
	Rand io.Reader
	// Dir is the data folder: a copy inside it is none.
	Dir string
	// Mail queues a mail in the transaction; nil: the office cannot send any.
	Mail func(ctx context.Context, tx *sqlite.Tx, to, subject, body string, attachment []byte) error
	// Text gives a text of the mail in the language of the office.
	Text func(key string, args problem.Args) string
}

// Service makes and keeps checkpoints. It is safe for concurrent use.
type Service struct {
	db  *sqlite.DB
	cfg Config
}

// New returns the service.
func New(db *sqlite.DB, cfg Config) *Service { return &Service{db: db, cfg: cfg} }

func sealContext(vkey string) string { return "audit.key/" + vkey }

// newKey makes a pair of keys for the log of that origin.
func (s *Service) newKey(origin string) (k Key, private string, err error) {
	private, k.VKey, err = note.GenerateKey(s.cfg.Rand, origin)
	if err != nil {
		return k, "", fmt.Errorf("make signing key: %w", err)
	}
	k.sealed, err = s.cfg.Seal.Seal([]byte(private), sealContext(k.VKey))
	if err != nil {
		return k, "", fmt.Errorf("seal signing key: %w", err)
	}
	return k, private, nil
}

func (s *Service) private(k Key) (string, error) {
	plain, err := s.cfg.Seal.Open(k.sealed, sealContext(k.VKey))
	if err != nil {
		return "", problem.Unavailable("checkpoint.key_closed").Because(err)
	}
	return string(plain), nil
}

// present gives the key in use, making the first one where there is none.
func (s *Service) present(ctx context.Context, tx *sqlite.Tx) (k Key, private, origin string, err error) {
	plan, err := schedule(ctx, tx)
	if err != nil {
		return k, "", "", err
	}
	all, err := keys(ctx, tx)
	if err != nil {
		return k, "", "", err
	}
	if len(all) > 0 {
		k = all[len(all)-1]
		private, err = s.private(k)
		return k, private, plan.Origin, err
	}
	plan.Origin = "kizuki-audit/" + tx.NewKey()
	if err := putSchedule(ctx, tx, plan); err != nil {
		return k, "", "", err
	}
	if k, private, err = s.newKey(plan.Origin); err != nil {
		return k, "", "", err
	}
	if err := insertKey(ctx, tx, k); err != nil {
		return k, "", "", err
	}
	err = audit.Record(ctx, tx, "checkpoint.key_made", "checkpoint/key", audit.Image{"vkey": k.VKey})
	return k, private, plan.Origin, err
}

// Begin makes the first key of an office, at its first start.
func (s *Service) Begin(ctx context.Context) error {
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		all, err := keys(ctx, tx)
		if err != nil || len(all) > 0 {
			return err
		}
		_, _, _, err = s.present(ctx, tx)
		return err
	})
}

// Make signs the log as it is now. Problem codes: conflict (audit.broken) when the log is broken, which names the row,
// and unavailable when the key cannot be read.
func (s *Service) Make(ctx context.Context) (Kept, error) {
	err := s.db.Read(ctx, func(tx *sqlite.Tx) error { _, err := audit.Verify(ctx, tx); return err })
	if err != nil {
		return Kept{}, err
	}
	var made Kept
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error {
		_, private, origin, err := s.present(ctx, tx)
		if err != nil {
			return err
		}
		made, err = s.put(ctx, tx, origin, private)
		return err
	})
	return made, err
}

func (s *Service) put(ctx context.Context, tx *sqlite.Tx, origin string, privates ...string) (Kept, error) {
	size, root, err := logHead(ctx, tx)
	if err != nil {
		return Kept{}, err
	}
	c := Checkpoint{Origin: origin, Size: size, Root: root, At: tx.Now}
	text, err := sign(c, privates...)
	if err != nil {
		return Kept{}, err
	}
	if err := insertCheckpoint(ctx, tx, c, text); err != nil {
		return Kept{}, err
	}
	return Kept{Size: size, Note: text, At: tx.Now}, audit.Record(ctx, tx, "checkpoint.made", fmt.Sprintf("checkpoint/%d", size), audit.Image{
		"size": size, "root": root,
	})
}

// ChangeKey makes a new key. The old one signs the checkpoint that names it in the log, together with the new one:
// who trusts the old key can trust the new one.
func (s *Service) ChangeKey(ctx context.Context) (Key, error) {
	if err := actor.From(ctx).Require(PermKeep); err != nil {
		return Key{}, err
	}
	if err := s.db.Read(ctx, func(tx *sqlite.Tx) error { _, err := audit.Verify(ctx, tx); return err }); err != nil {
		return Key{}, err
	}
	var next Key
	err := s.db.Write(ctx, func(tx *sqlite.Tx) error {
		old, oldPrivate, origin, err := s.present(ctx, tx)
		if err != nil {
			return err
		}
		var private string
		if next, private, err = s.newKey(origin); err != nil {
			return err
		}
		if err := insertKey(ctx, tx, next); err != nil {
			return err
		}
		err = audit.Record(ctx, tx, "checkpoint.key_changed", "checkpoint/key", audit.Image{"vkey": next.VKey, "before": old.VKey})
		if err != nil {
			return err
		}
		_, err = s.put(ctx, tx, origin, oldPrivate, private)
		return err
	})
	return next, err
}

// Tick makes a checkpoint when one is due and keeps the newest one in every way that is used and possible without a
// person. What failed is noted and tried again at the next call; app calls it every hour and in the nightly pass.
func (s *Service) Tick(ctx context.Context) error {
	due, err := s.due(ctx)
	if err != nil {
		return err
	}
	var errs []error
	if due {
		if _, err := s.Make(ctx); err != nil {
			errs = append(errs, fmt.Errorf("make checkpoint: %w", err))
		}
	}
	return errors.Join(append(errs, s.keepOutside(ctx))...)
}

func (s *Service) due(ctx context.Context) (due bool, err error) {
	err = s.db.Read(ctx, func(tx *sqlite.Tx) error {
		size, _, err := logHead(ctx, tx)
		if err != nil || size == 0 {
			return err
		}
		plan, err := schedule(ctx, tx)
		if err != nil {
			return err
		}
		last, err := checkpoints(ctx, tx, 1)
		due = err == nil && (len(last) == 0 || !tx.Now.Before(plan.next(last[0].At)))
		return err
	})
	return due, err
}

// next is when the checkpoint after one made at last is due.
func (p Schedule) next(last time.Time) time.Time {
	return jdate.Of(last).Add(p.Every).Start().Add(time.Duration(p.Hour) * time.Hour)
}

// Status is what the page and the checks show.
type Status struct {
	Schedule Schedule
	Keys     []Key // oldest first
	Last     *Kept // nil: none yet
	Ways     []Way
	Kept     map[int64][]string // ways by id of the checkpoint
	Recent   []Kept             // newest first
	Rows     int64              // of the log
	Late     []Late
}

// VKey is the key in use, "" when there is none yet.
func (s Status) VKey() string {
	if len(s.Keys) == 0 {
		return ""
	}
	return s.Keys[len(s.Keys)-1].VKey
}

// Late is something that should have happened.
type Late struct {
	What string // "make", or the name of the way, or "nowhere" when no way is used
	On   jdate.Day
}

const shown = 30

// Status reads how checkpoints stand.
func (s *Service) Status(ctx context.Context, tx *sqlite.Tx) (st Status, err error) {
	if st.Schedule, err = schedule(ctx, tx); err != nil {
		return st, err
	}
	if st.Keys, err = keys(ctx, tx); err != nil {
		return st, err
	}
	if st.Recent, err = checkpoints(ctx, tx, shown); err != nil {
		return st, err
	}
	if len(st.Recent) > 0 {
		st.Last = &st.Recent[0]
	}
	if st.Ways, err = ways(ctx, tx); err != nil {
		return st, err
	}
	if st.Kept, err = anchoredWays(ctx, tx); err != nil {
		return st, err
	}
	if st.Rows, _, err = logHead(ctx, tx); err != nil {
		return st, err
	}
	st.Late = st.late(tx.Now)
	return st, nil
}

// Late lists what should have happened: what Status says of it, without the rest. It is asked for each page.
func (s *Service) Late(ctx context.Context, tx *sqlite.Tx) ([]Late, error) {
	var st Status
	var err error
	if st.Rows, _, err = logHead(ctx, tx); err != nil || st.Rows == 0 {
		return nil, err
	}
	if st.Schedule, err = schedule(ctx, tx); err != nil {
		return nil, err
	}
	last, err := checkpoints(ctx, tx, 1)
	if err != nil {
		return nil, err
	}
	if len(last) > 0 {
		st.Last = &last[0]
	}
	if st.Ways, err = ways(ctx, tx); err != nil {
		return nil, err
	}
	return st.late(tx.Now), nil
}

// late lists what is overdue: a checkpoint a day after its time, a way after its longest time.
func (s Status) late(now time.Time) []Late {
	if s.Rows == 0 {
		return nil
	}
	var out []Late
	if s.Last != nil {
		if next := s.Schedule.next(s.Last.At).Add(24 * time.Hour); now.After(next) {
			out = append(out, Late{"make", jdate.Of(next)})
		}
	}
	if !slices.ContainsFunc(s.Ways, Way.Used) {
		return append(out, Late{What: "nowhere"})
	}
	for _, w := range s.Ways {
		if !w.Used() {
			continue
		}
		from := w.At
		if from.IsZero() {
			from = w.Since
		}
		if until := jdate.Of(from).Add(w.Every); jdate.Of(now) > until {
			out = append(out, Late{w.Name, until})
		}
	}
	return out
}
