package outbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/due"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

const (
	digestText = "outbox.digest"
	// digestAhead is how many days before its date a duty is worth a mail every day.
	digestAhead = 7
	// digestLines is how many duties one mail lists: whoever has more opens the page.
	digestLines = 15
)

// DigestAt gives the time of day at which the digests go out, as the duration since midnight in Tokyo.
func (s *Service) DigestAt(ctx context.Context) (at time.Duration, err error) {
	err = s.db.Read(ctx, func(tx *sqlite.Tx) error {
		set, err := readSettings(ctx, tx)
		at = time.Duration(set.DigestAt) * time.Minute
		return err
	})
	return at, err
}

// Digests queues the digest of the day for everybody who wants one and has something new, due soon or overdue.
// It may be called any number of times: nobody gets two for one day. What goes wrong for one does not keep it
// from the others.
func (s *Service) Digests(ctx context.Context, day jdate.Day) error {
	ctx = actor.With(ctx, actor.House())
	var readers []Reader
	var channels []Channel
	var wishes map[string]Wishes
	var set Settings
	err := s.db.Read(ctx, func(tx *sqlite.Tx) (err error) {
		var errs [4]error
		set, errs[0] = readSettings(ctx, tx)
		readers, errs[1] = s.cfg.Readers(ctx, tx)
		channels, errs[2] = listChannels(ctx, tx, "")
		wishes, errs[3] = listWishes(ctx, tx)
		return errors.Join(errs[:]...)
	})
	if err != nil {
		return err
	}
	if weekday := day.Time().Weekday(); set.Weekdays && (weekday == time.Saturday || weekday == time.Sunday) {
		return nil
	}
	var errs []error
	for _, r := range readers {
		if r.Email != "" && set.Server.Host != "" && wishesOf(wishes, r.Account).Digest {
			errs = append(errs, s.digest(actor.With(ctx, r.Who), day, Message{Account: r.Account}, nil))
		}
	}
	for _, c := range channels {
		if c.Digest && c.Disabled.IsZero() {
			// A chat is read by many: what one person must do is not posted there.
			errs = append(errs, s.digest(ctx, day, Message{Channel: c.Key}, func(d due.Duty) bool { return d.Person == "" }))
		}
	}
	return errors.Join(errs...)
}

// digest queues one digest. keep chooses duties; nil keeps all.
func (s *Service) digest(ctx context.Context, day jdate.Day, to Message, keep func(due.Duty) bool) error {
	recipient := "account/" + to.Account
	if to.Channel != "" {
		recipient = "channel/" + to.Channel
	}
	duties, _, err := s.cfg.Duties(ctx)
	if err != nil {
		return fmt.Errorf("collect duties for a digest: %w", err)
	}
	if keep != nil {
		duties = slices.DeleteFunc(slices.Clone(duties), func(d due.Duty) bool { return !keep(d) })
	}
	if len(duties) == 0 {
		return nil
	}
	return s.db.Write(actor.With(ctx, actor.House()), func(tx *sqlite.Tx) error {
		last, told, err := lastDigest(ctx, tx, recipient)
		if err != nil || last >= day || !worth(duties, told, day) {
			return err
		}
		m, keys := compose(duties, day)
		m.Account, m.Channel = to.Account, to.Channel
		key := tx.NewKey()
		if first, err := claimDigest(ctx, tx, recipient, day, key, keys); err != nil || !first {
			return err
		}
		_, err = s.Send(ctx, tx, m)
		return err
	})
}

// worth says whether there is something new, overdue or due soon.
func worth(duties []due.Duty, told []string, day jdate.Day) bool {
	return slices.ContainsFunc(duties, func(d due.Duty) bool {
		return !d.On.IsZero() && d.On.Sub(day) <= digestAhead || !slices.Contains(told, d.Key)
	})
}

// compose writes the duties as lines, most urgent first, and lists all their keys.
func compose(duties []due.Duty, day jdate.Day) (m Message, keys []string) {
	late := 0
	for _, d := range duties {
		keys = append(keys, d.Key)
		days := d.On.Sub(day)
		if !d.On.IsZero() && days < 0 {
			late++
		}
		if len(m.Line) == digestLines {
			continue
		}
		l := Line{Text: d.Text, Args: d.Args, Link: d.Link, On: d.On.String()}
		switch {
		case d.On.IsZero():
		case days < 0:
			l.When, l.Days = "outbox.when.late", -days
		case days == 0:
			l.When = "outbox.when.today"
		default:
			l.When, l.Days = "outbox.when.in", days
		}
		m.Line = append(m.Line, l)
	}
	m.Text, m.Link = digestText, "/today"
	m.Args = problem.Args{"n": len(duties), "late": late, "note": i18n.Msg{Key: "outbox.digest.all"}}
	if late > 0 {
		m.Args["note"] = i18n.Msg{Key: "outbox.digest.late", Args: problem.Args{"late": late}}
	}
	if rest := len(duties) - len(m.Line); rest > 0 {
		m.Line = append(m.Line, Line{Text: "outbox.digest.rest", Args: problem.Args{"n": rest}})
	}
	return m, keys
}

// Unreached lists the names of people with an account who get no mail because no address is known.
func (s *Service) Unreached(ctx context.Context, tx *sqlite.Tx) ([]string, error) {
	readers, err := s.cfg.Readers(ctx, tx)
	var names []string
	for _, r := range readers {
		if r.Email == "" {
			names = append(names, r.Name)
		}
	}
	return names, err
}
