package app

import (
	"context"
	"crypto/rand"
	"errors"
	"path/filepath"
	"strconv"

	"github.com/kizuki-security/kizuki/internal/app/lake"
	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// lake checks every line of the lake against what was signed, where the folder has one. What is made again from other
// files is no finding.
func (v *verifier) lake(ctx context.Context) error {
	var known *lake.Remembered
	if v.app != nil {
		if r, err := v.app.LakeSigned(ctx); err == nil { // else the log itself is among what is broken
			known = &r
		}
	}
	c := lake.Config{Dir: v.cfg.Dir, Now: v.cfg.Now, Rand: rand.Reader}
	if lake.CheckGone(c, known, nil) != nil {
		v.add("lake", 0, VerifyFinding{File: lake.Folder, Text: msg("app.verify.lake.gone"), Todo: msg("app.verify.todo.lake.gone")})
		return nil
	}
	if !lake.Exists(v.cfg.Dir) {
		return nil
	}
	todo := msg("app.verify.todo.lake")
	broken := func(file, text string) VerifyFinding {
		return VerifyFinding{File: lake.Folder + "/" + file, Text: msg("app.verify.lake", "text", text), Todo: todo}
	}
	l, err := lake.OpenReader(c)
	if err != nil {
		return v.lakeUnread(ctx, err, todo)
	}
	check, err := l.Verify(ctx, lake.VerifyOptions{Remembered: known})
	if err = errors.Join(err, l.Close()); err != nil {
		return v.lakeUnread(ctx, err, todo)
	}
	var found []VerifyFinding
	for _, d := range check.Damages {
		f := broken(d.File, d.Detail)
		if d.Reason == lake.OtherLake {
			f.Text = msg("app.verify.lake.other")
		}
		found = append(found, f)
	}
	for i := range check.Sources {
		s := &check.Sources[i]
		if s.Good() {
			continue
		}
		text := s.Source
		if s.Failed != nil {
			text = s.Failed.Error()
		}
		f := broken("", text)
		f.File, f.Table = lake.Folder, s.Source
		if first := s.First(); first != nil {
			f.Row = strconv.FormatUint(first.Records.First, 10) + "–" + strconv.FormatUint(first.Records.Last, 10)
		} else if len(s.Missing) > 0 {
			f.Row = strconv.FormatUint(s.Missing[0].First, 10) + "–" + strconv.FormatUint(s.Missing[0].Last, 10)
		}
		switch f.Text = msg("app.verify.lake.source"); {
		case s.Failed != nil:
			f.Text = msg("app.verify.unread", "text", text)
		case s.Forgotten != nil:
			f.Text = msg("app.verify.lake.forgotten", "records", s.Forgotten.Records)
		}
		found = append(found, f)
	}
	v.add("lake", check.Files, found...)
	return nil
}

// lakeUnread is a lake that could not be checked: it is not known to be whole.
func (v *verifier) lakeUnread(ctx context.Context, err error, todo i18n.Msg) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	f := VerifyFinding{File: lake.Folder, Text: msg("app.verify.unread", "text", err.Error()), Todo: todo}
	if all := problem.All(err); len(all) > 0 {
		f.Text = i18n.Msg{Key: all[0].Key, Args: all[0].Args}
	}
	v.add("lake", 0, f)
	return nil
}

// lakeCheck tells where the lake lies and how large it is; ok is false where there is none.
func (a *App) lakeCheck() (Check, bool) {
	if !lake.Exists(a.cfg.Dir) {
		return Check{}, false
	}
	size, err := lake.Size(a.cfg.Dir)
	args := problem.Args{"dir": filepath.Join(a.cfg.Dir, lake.Folder), "mb": size >> 20}
	return checkOf("lake", err == nil, args), true
}
