package outbox

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/mail"
	"github.com/kizuki-security/kizuki/internal/platform/notify"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// The contexts under which secrets are sealed.
const sealServer = "outbox.server"

func sealChannel(key string) string { return "outbox.channel/" + key }

// Settings returns the settings of the office.
func (s *Service) Settings(ctx context.Context, tx *sqlite.Tx) (Settings, error) {
	return readSettings(ctx, tx)
}

// change runs fn over the settings and stores them, with an audit row of act.
func (s *Service) change(ctx context.Context, act string, version int64, fn func(*Settings) error) error {
	if err := actor.From(ctx).Require(PermManage); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		set, err := readSettings(ctx, tx)
		if err != nil {
			return err
		}
		if set.Version != version {
			return problem.Conflict("outbox.changed_meanwhile")
		}
		if err := fn(&set); err != nil {
			return err
		}
		if err := putSettings(ctx, tx, set); err != nil {
			return err
		}
		if err := s.cfg.Queue.Hurry(ctx, tx, kind); err != nil { // what waited for a working server goes now
			return err
		}
		return audit.Record(ctx, tx, act, "outbox/settings", audit.Image{
			"host": set.Server.Host, "port": set.Server.Port, "security": set.Server.Security, "from": audit.Personal(set.Server.From), "user": audit.Personal(set.Server.User),
			"fingerprint": set.Server.Fingerprint, "digest_at": set.DigestAt, "weekdays": set.Weekdays, "keep_days": set.KeepDays,
		})
	})
}

// SaveServer stores the mail server. An empty password keeps the one there is, unless host or user change: a
// password is never sent to another server than the one it was entered for. Problem codes: forbidden, invalid, conflict.
func (s *Service) SaveServer(ctx context.Context, server mail.Server, version int64) error {
	server, err := server.Check()
	if err != nil {
		return err
	}
	return s.change(ctx, "outbox.server_saved", version, func(set *Settings) error {
		old := set.Server
		set.Server = server
		switch {
		case server.User == "":
			set.sealed = ""
		case server.Password != "":
			var err error
			set.sealed, err = s.cfg.Sealer.Seal([]byte(server.Password), sealServer)
			return err
		case set.sealed == "" || old.Host != server.Host || old.User != server.User:
			return problem.Invalid("password", "outbox.password_needed")
		}
		return nil
	})
}

// SaveTimes stores when digests go out and how long texts are kept. Problem codes: forbidden, invalid, conflict.
func (s *Service) SaveTimes(ctx context.Context, digestAt int, weekdays bool, keepDays int, version int64) error {
	var found problem.List
	if digestAt < 0 || digestAt >= 24*60 {
		found.Add(problem.Invalid("digest_at", "outbox.time_form"))
	}
	if keepDays < 1 || keepDays > 3650 {
		found.Add(problem.Invalid("keep_days", "web.not_a_number", "low", 1, "high", 3650))
	}
	if err := found.Err(); err != nil {
		return err
	}
	return s.change(ctx, "outbox.times_saved", version, func(set *Settings) error {
		set.DigestAt, set.Weekdays, set.KeepDays = digestAt, weekdays, keepDays
		return nil
	})
}

// server is the mail server with its password; problem code unavailable when there is none.
func (s *Service) server(set Settings) (mail.Server, error) {
	if set.Server.Host == "" {
		return mail.Server{}, problem.Unavailable("outbox.error.no_server")
	}
	server := set.Server
	if set.sealed != "" {
		plain, err := s.cfg.Sealer.Open(set.sealed, sealServer)
		if err != nil {
			return server, problem.Unavailable("outbox.error.sealed").Because(err)
		}
		server.Password = string(plain)
	}
	return server, nil
}

// NewChannel is what a person decides about a channel.
type NewChannel struct {
	Name   string
	Digest bool
	To     notify.Channel
}

// Channels returns all channels, disabled ones last.
func (s *Service) Channels(ctx context.Context, tx *sqlite.Tx) ([]Channel, error) {
	return listChannels(ctx, tx, "")
}

// AddChannel stores a channel and returns its key. A webhook without a secret gets a new one, which is returned
// once. Problem codes: forbidden, invalid with every field.
func (s *Service) AddChannel(ctx context.Context, n NewChannel) (key, secret string, err error) {
	if err := actor.From(ctx).Require(PermManage); err != nil {
		return "", "", err
	}
	if n.To.Kind == notify.Webhook {
		if secret, err = notify.NewSecret(s.cfg.Rand); err != nil {
			return "", "", err
		}
		n.To.Secret = secret
	}
	to, err := checkChannel(&n)
	if err != nil {
		return "", "", err
	}
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error {
		c := Channel{Key: tx.NewKey(), Name: n.Name, Kind: to.Kind, Host: to.Host(), Digest: n.Digest}
		key = c.Key
		if c.sealed, err = s.seal(c.Key, to); err != nil {
			return err
		}
		if err := insertChannel(ctx, tx, c); err != nil {
			return err
		}
		return recordChannel(ctx, tx, "outbox.channel_added", c)
	})
	return key, secret, err
}

// SaveChannel changes name, digest and destination of a channel; fields of to that are empty keep what is there.
// Problem codes: forbidden, not_found, invalid, conflict.
func (s *Service) SaveChannel(ctx context.Context, key string, n NewChannel, version int64) error {
	return s.changeChannel(ctx, key, "outbox.channel_changed", func(c *Channel) error {
		if c.Version != version {
			return problem.Conflict("outbox.changed_meanwhile")
		}
		old, err := s.open(*c)
		if err != nil {
			return err
		}
		n.To = merged(old, n.To)
		to, err := checkChannel(&n)
		if err != nil {
			return err
		}
		c.Name, c.Digest, c.Host = n.Name, n.Digest, to.Host()
		c.sealed, err = s.seal(key, to)
		return err
	})
}

// merged keeps of the old destination what the new one leaves empty.
func merged(old, to notify.Channel) notify.Channel {
	to.Kind, to.Secret, to.OldSecret = old.Kind, old.Secret, old.OldSecret
	for _, f := range []struct{ to, from *string }{
		{&to.URL, &old.URL},
		{&to.Room, &old.Room},
		{&to.Token, &old.Token},
		{&to.Bot, &old.Bot},
		{&to.ClientID, &old.ClientID},
		{&to.ClientSecret, &old.ClientSecret},
		{&to.ServiceAccount, &old.ServiceAccount},
		{&to.PrivateKey, &old.PrivateKey},
	} {
		if *f.to == "" {
			*f.to = *f.from
		}
	}
	return to
}

// RotateSecret gives a webhook a new secret, which is returned once; the old one signs as well until the next change.
func (s *Service) RotateSecret(ctx context.Context, key string) (secret string, err error) {
	if secret, err = notify.NewSecret(s.cfg.Rand); err != nil {
		return "", err
	}
	err = s.changeChannel(ctx, key, "outbox.channel_rotated", func(c *Channel) error {
		to, err := s.open(*c)
		if err != nil {
			return err
		}
		if to.Kind != notify.Webhook {
			return problem.Conflict("outbox.no_secret")
		}
		to.Secret, to.OldSecret = secret, to.Secret
		c.sealed, err = s.seal(key, to)
		return err
	})
	return secret, err
}

// SetDisabled switches a channel off or on. Problem codes: forbidden, not_found.
func (s *Service) SetDisabled(ctx context.Context, key string, disabled bool) error {
	act := "outbox.channel_opened"
	if disabled {
		act = "outbox.channel_closed"
	}
	now := s.db.Now()
	return s.changeChannel(ctx, key, act, func(c *Channel) error {
		c.Disabled = time.Time{}
		if disabled {
			c.Disabled = now
		}
		return nil
	})
}

func (s *Service) changeChannel(ctx context.Context, key, act string, fn func(*Channel) error) error {
	if err := actor.From(ctx).Require(PermManage); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		c, err := channelByKey(ctx, tx, key)
		if err != nil {
			return err
		}
		if err := fn(&c); err != nil {
			return err
		}
		if err := updateChannel(ctx, tx, c); err != nil {
			return err
		}
		return recordChannel(ctx, tx, act, c)
	})
}

func recordChannel(ctx context.Context, tx *sqlite.Tx, act string, c Channel) error {
	return audit.Record(ctx, tx, act, "outbox/channel/"+c.Key, audit.Image{
		"name": c.Name, "kind": c.Kind, "host": c.Host, "digest": c.Digest, "disabled": !c.Disabled.IsZero(),
	})
}

func checkChannel(n *NewChannel) (notify.Channel, error) {
	var found problem.List
	n.Name = jtext.Line(n.Name)
	if n.Name == "" {
		found.Add(problem.Invalid("name", "outbox.name_needed"))
	}
	to, err := n.To.Check()
	for _, p := range problem.All(err) {
		found.Add(p)
	}
	return to, found.Err()
}

func (s *Service) seal(key string, to notify.Channel) (string, error) {
	text, err := json.Marshal(to) //nolint:gosec // sealed in the next line but one
	if err != nil {
		return "", fmt.Errorf("write channel: %w", err)
	}
	return s.cfg.Sealer.Seal(text, sealChannel(key))
}

func (s *Service) open(c Channel) (to notify.Channel, err error) {
	text, err := s.cfg.Sealer.Open(c.sealed, sealChannel(c.Key))
	if err != nil {
		return to, problem.Unavailable("outbox.error.sealed").Because(err)
	}
	if err := json.Unmarshal(text, &to); err != nil {
		return to, fmt.Errorf("read channel: %w", err)
	}
	return to, nil
}

// Wishes returns what an account chose: the digest, in Japanese, until it chooses otherwise.
func (s *Service) Wishes(ctx context.Context, tx *sqlite.Tx, account string) (Wishes, error) {
	all, err := listWishes(ctx, tx)
	return wishesOf(all, account), err
}

func wishesOf(all map[string]Wishes, account string) Wishes {
	if w, ok := all[account]; ok {
		return w
	}
	return Wishes{Digest: true, Lang: i18n.Locales[0]}
}

// SaveWishes stores what the actor wants for the own account. Problem codes: unauthenticated, invalid.
func (s *Service) SaveWishes(ctx context.Context, w Wishes) error {
	who := actor.From(ctx)
	if who.Account == "" {
		return problem.Unauthenticated("actor.sign_in")
	}
	if !slices.Contains(i18n.Locales, w.Lang) {
		return problem.Invalid("lang", "web.choose")
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		if err := putWishes(ctx, tx, who.Account, w); err != nil {
			return err
		}
		return audit.Record(ctx, tx, "outbox.wishes_saved", "account/"+who.Account, audit.Image{"digest": w.Digest, "lang": w.Lang})
	})
}
