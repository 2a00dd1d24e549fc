package remote

import (
	"context"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/app/control"
	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// importLimit bounds a file to take in, in bytes; what intake itself takes is less.
const importLimit = 64 << 20

// Arguments and results as they travel.
type (
	passwordArgs struct {
		Login    string `json:"login"`
		Password string `json:"password"`
	}
	importArgs struct {
		Kind    string            `json:"kind"`
		Options map[string]string `json:"options"`
		Apply   bool              `json:"apply"`
	}
	exportArgs struct {
		Format     string `json:"format"`
		ID         string `json:"id"`
		Unanswered bool   `json:"unanswered"`
	}
	checkWire struct {
		Name string `json:"name"`
		OK   bool   `json:"ok"`
		Text string `json:"text"`
	}
	refusedWire struct {
		Line   int    `json:"line"`
		Value  string `json:"value"`
		Reason string `json:"reason"`
	}
	importWire struct {
		Adds    int           `json:"adds"`
		Changes int           `json:"changes"`
		Same    int           `json:"same"`
		Missing int           `json:"missing"`
		Refused []refusedWire `json:"refused"`
		Notes   []string      `json:"notes"`
		Applied bool          `json:"applied"`
		Added   int           `json:"added"`
		Changed int           `json:"changed"`
	}
)

func (w importWire) result() *app.ImportResult {
	res := &app.ImportResult{
		Adds: w.Adds, Changes: w.Changes, Same: w.Same, Missing: w.Missing, Applied: w.Applied, Added: w.Added, Changed: w.Changed,
	}
	for _, r := range w.Refused {
		res.Refused = append(res.Refused, app.RefusedRow{Line: r.Line, Value: r.Value, Reason: said(r.Reason)})
	}
	for _, n := range w.Notes {
		res.Notes = append(res.Notes, said(n))
	}
	return res
}

func wireOf(res *app.ImportResult, text func(i18n.Msg) string) importWire {
	w := importWire{
		Adds: res.Adds, Changes: res.Changes, Same: res.Same, Missing: res.Missing, Applied: res.Applied, Added: res.Added, Changed: res.Changed,
	}
	for _, r := range res.Refused {
		w.Refused = append(w.Refused, refusedWire{r.Line, r.Value, text(r.Reason)})
	}
	for _, n := range res.Notes {
		w.Notes = append(w.Notes, text(n))
	}
	return w
}

// nothing are the arguments of verbs that have none, and the result of those that only do something.
type nothing struct{}

// act makes a verb that only does something.
func act[A any](do func(ctx context.Context, args A) error) control.Verb {
	return control.On(0, func(ctx context.Context, args A, _ *control.Call) (any, error) {
		return nothing{}, do(app.AsCommand(ctx), args)
	})
}

// export makes a verb that writes a file.
func export(do func(ctx context.Context, args exportArgs, c *control.Call) error) control.Verb {
	return control.On(0, func(ctx context.Context, args exportArgs, c *control.Call) (any, error) {
		return nothing{}, do(app.AsCommand(ctx), args, c)
	})
}

// Verbs lists what a running office does for commands, and writes it down in the audit log as "command".
func Verbs(a *app.App) map[string]control.Verb {
	return map[string]control.Verb{
		"init":     act(a.Init),
		"user.add": act(a.AddUser),
		"user.password": act(func(ctx context.Context, p passwordArgs) error {
			return a.SetPassword(ctx, p.Login, p.Password)
		}),
		"user.disable":      act(a.DisableUser),
		"user.reset-factor": act(a.ResetFactor),
		"backup.note":       act(a.NoteBackup),
		"lake.note":         act(a.NoteLake),
		"lake.signed": control.On(0, func(ctx context.Context, _ nothing, _ *control.Call) (any, error) {
			return a.LakeSigned(app.AsCommand(ctx))
		}),
		"user.list": control.On(0, func(ctx context.Context, _ nothing, _ *control.Call) (any, error) {
			return a.Users(app.AsCommand(ctx))
		}),
		"import": control.On(importLimit, func(ctx context.Context, args importArgs, c *control.Call) (any, error) {
			if len(c.Files) != 1 {
				return nil, control.ErrBroken
			}
			res, err := a.Import(app.AsCommand(ctx), args.Kind, c.Files[0].Name, c.Files[0].Data, args.Options, args.Apply, c.Progress)
			if err != nil {
				return nil, err
			}
			return wireOf(res, func(m i18n.Msg) string { return a.Texts.T(c.Lang, m.Key, m.Args) }), nil
		}),
		"gaps": control.On(0, func(ctx context.Context, _ nothing, c *control.Call) (any, error) {
			return a.Gaps(app.AsCommand(ctx), c.Lang)
		}),
		"export.gaps": export(func(ctx context.Context, args exportArgs, c *control.Call) error {
			return a.ExportGaps(ctx, c, args.Format, c.Lang)
		}),
		"export.sheet": export(func(ctx context.Context, args exportArgs, c *control.Call) error {
			return a.ExportSheet(ctx, c, args.ID, args.Format, c.Lang, args.Unanswered)
		}),
		"export.people": export(func(ctx context.Context, args exportArgs, c *control.Call) error {
			return a.ExportPeople(ctx, c, args.Format, c.Lang)
		}),
		"export.person": export(func(ctx context.Context, args exportArgs, c *control.Call) error {
			return a.ExportPerson(ctx, c, args.ID, args.Format, c.Lang)
		}),
		"doctor": control.On(0, func(ctx context.Context, _ nothing, c *control.Call) (any, error) {
			checks, err := a.Doctor(app.AsCommand(ctx))
			wire := make([]checkWire, len(checks))
			for i, k := range checks {
				wire[i] = checkWire{k.Name, k.OK, a.Texts.T(c.Lang, k.Text.Key, k.Text.Args)}
			}
			return wire, err
		}),
	}
}

// Listen opens the control socket of an office; its Serve answers.
func Listen(ctx context.Context, a *app.App, version string) (*control.Server, error) {
	cfg := a.Config()
	return control.Listen(ctx, control.Config{
		Dir: cfg.Dir, Version: version, Verbs: Verbs(a), Log: cfg.Log,
		Say: func(lang string, err error) string {
			if len(problem.All(err)) > 0 {
				return a.Texts.Problem(lang, err)
			}
			return err.Error()
		},
	})
}
