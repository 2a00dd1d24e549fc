package app_test

import (
	"context"
	"testing"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/platform/mail"
	"github.com/kizuki-security/kizuki/internal/platform/mail/mailtest"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/outbox"
)

// TestServeSends: a running office sends what an act queued, at once, and stops when it is told to.
func TestServeSends(t *testing.T) {
	t.Parallel()
	a := open(t)
	ctx := app.AsCommand(t.Context())
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	admin, err := a.Accounts.Create(ctx, account.NewAccount{Login: "kanri@kojo.example", Password: password, Profile: account.Profile{Name: "管理", Roles: []actor.Role{actor.Admin}}})
	must(err)
	post := mailtest.Start(t, mail.StartTLS)
	arrived := make(chan struct{}, 2)
	post.Refuse = func(command, _ string) error {
		if command == "DATA" {
			arrived <- struct{}{}
		}
		return nil
	}
	must(a.Outbox.SaveServer(ctx, post.Settings, 0))
	serving, stop := context.WithCancel(t.Context())
	server, err := a.Listen(serving, "127.0.0.1:0")
	must(err)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(serving) }()
	must(a.DB.Write(ctx, func(tx *sqlite.Tx) error {
		if err := a.Notice(ctx, tx, admin.Key, "outbox.test", nil); err != nil {
			return err
		}
		return a.MailTo(ctx, tx, "控え", "本文", []byte("kizuki"))
	}))
	<-arrived
	<-arrived
	stop()
	must(<-ended)
	must(a.Jobs.RunDue(t.Context())) // whatever the stop interrupted
	must(a.DB.Read(ctx, func(tx *sqlite.Tx) error {
		all, err := a.Outbox.List(ctx, tx, outbox.Filter{})
		wanted := 0
		for _, e := range all {
			if e.State != outbox.Sent {
				t.Errorf("%s is %s", e.Text, e.State)
			}
			if e.Text == "outbox.test" || e.Text == "outbox.plain" { // the digest of the day may go out as well
				wanted++
			}
		}
		if wanted != 2 {
			t.Errorf("%d of the 2 messages, %d in all", wanted, len(all))
		}
		return err
	}))
}
