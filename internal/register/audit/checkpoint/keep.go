package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Setting is what a person says about checkpoints.
type Setting struct {
	Hour, Every int    // when they are made
	Folder      string // "" does not use the way
	Mail        string
	Print       bool
}

// SaveSetting keeps the setting. Problem codes: forbidden, and invalid for a folder that is not there or lies inside the data
// folder, or an address that is none.
func (s *Service) SaveSetting(ctx context.Context, in Setting) error {
	if err := actor.From(ctx).Require(PermKeep); err != nil {
		return err
	}
	var found problem.List
	if in.Folder != "" {
		if key := s.unfit(in.Folder); key != "" {
			found.Add(problem.Invalid("file", key, "dir", in.Folder))
		}
	}
	if in.Mail != "" {
		if at, err := mail.ParseAddress(in.Mail); err != nil || at.Address != in.Mail {
			found.Add(problem.Invalid("mail", "checkpoint.mail_invalid"))
		}
	}
	if err := found.Err(); err != nil {
		return err
	}
	in.Every = max(in.Every, 1) // left empty
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		plan, err := schedule(ctx, tx)
		if err != nil {
			return err
		}
		plan.Hour, plan.Every = in.Hour, in.Every
		if err := putSchedule(ctx, tx, plan); err != nil {
			return err
		}
		paper := ""
		if in.Print {
			paper = "paper"
		}
		for _, w := range []Way{
			{Name: "file", Place: in.Folder, Every: in.Every + 2}, {Name: "mail", Place: in.Mail, Every: in.Every + 2}, {Name: "print", Place: paper, Every: printEvery},
		} {
			if err := putWay(ctx, tx, w); err != nil {
				return err
			}
		}
		return audit.Record(ctx, tx, "checkpoint.setting_changed", "checkpoint/setting", audit.Image{
			"hour": in.Hour, "every": in.Every, "folder": in.Folder, "mail": audit.Personal(in.Mail), "print": in.Print,
		})
	})
}

// printEvery is how often a page is printed at least, in days: once a month.
const printEvery = 35

// unfit says why checkpoints cannot be kept in the folder: a message key, "" when they can.
func (s *Service) unfit(dir string) string {
	if !filepath.IsAbs(dir) {
		return "checkpoint.folder_relative"
	}
	info, err := os.Stat(dir)
	if err != nil || !info.IsDir() {
		return "checkpoint.folder_missing"
	}
	inside := func(path string) string {
		if target, err := filepath.EvalSymlinks(path); err == nil {
			return target
		}
		return path
	}
	own, err := filepath.Abs(s.cfg.Dir)
	if err != nil {
		return ""
	}
	if rel, err := filepath.Rel(inside(own), inside(dir)); err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return "checkpoint.folder_own"
	}
	return ""
}

// keepOutside keeps the newest checkpoint in the folder and by mail, where that has not been done yet.
func (s *Service) keepOutside(ctx context.Context) error {
	var st Status
	err := s.db.Read(ctx, func(tx *sqlite.Tx) (err error) { st, err = s.Status(ctx, tx); return err })
	if err != nil || st.Last == nil {
		return err
	}
	var errs []error
	for _, w := range st.Ways {
		if !w.Used() || w.Size >= st.Last.Size {
			continue
		}
		switch w.Name {
		case "file":
			errs = append(errs, s.keepFile(ctx, w, *st.Last))
		case "mail":
			errs = append(errs, s.keepMail(ctx, w, *st.Last))
		}
	}
	return errors.Join(errs...)
}

// FileName is what a checkpoint is called outside.
func (k Kept) FileName() string {
	return fmt.Sprintf("kizuki-checkpoint-%s-%d.txt", k.At.UTC().Format("20060102-150405"), k.Size)
}

func (s *Service) keepFile(ctx context.Context, w Way, k Kept) error {
	failure := s.unfit(w.Place)
	var cause error
	if failure == "" {
		if cause = writeWhole(filepath.Join(w.Place, k.FileName()), k.Note); cause != nil {
			failure = "checkpoint.folder_unwritable"
		}
	}
	return errors.Join(cause, s.note(ctx, w, k, failure, nil))
}

// writeWhole writes a file that is complete or not there.
func writeWhole(path, text string) error {
	temp, err := os.CreateTemp(filepath.Dir(path), ".kizuki-*")
	if err != nil {
		return fmt.Errorf("open checkpoint outside: %w", err)
	}
	_, err = temp.WriteString(text)
	if err == nil {
		err = temp.Sync()
	}
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write checkpoint outside: %w", err), os.Remove(temp.Name()))
	}
	return nil
}

func (s *Service) keepMail(ctx context.Context, w Way, k Kept) error {
	if s.cfg.Mail == nil {
		return s.note(ctx, w, k, "checkpoint.mail_none", nil)
	}
	args := problem.Args{"at": k.At, "n": k.Size}
	err := s.note(ctx, w, k, "", func(tx *sqlite.Tx) error {
		return s.cfg.Mail(ctx, tx, w.Place, s.cfg.Text("checkpoint.mail.subject", args), s.cfg.Text("checkpoint.mail.body", args), []byte(k.Note))
	})
	if err != nil {
		return errors.Join(err, s.note(ctx, w, k, "checkpoint.mail_failed", nil))
	}
	return nil
}

// note keeps how a try went; do runs in the transaction that notes success.
func (s *Service) note(ctx context.Context, w Way, k Kept, failure string, do func(*sqlite.Tx) error) error {
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		if err := putTry(ctx, tx, w.Name, failure); err != nil || failure != "" {
			return err
		}
		if do != nil {
			if err := do(tx); err != nil {
				return err
			}
		}
		if err := insertAnchor(ctx, tx, k.ID, w); err != nil {
			return err
		}
		return audit.Record(ctx, tx, "checkpoint.kept", fmt.Sprintf("checkpoint/%d", k.Size), audit.Image{"way": w.Name, "size": k.Size})
	})
}

// Printed notes that a person has printed and stored the page of a checkpoint. Problem codes: forbidden, not_found.
func (s *Service) Printed(ctx context.Context, size int64) error {
	if err := actor.From(ctx).Require(audit.PermRead); err != nil {
		return err
	}
	k, err := s.BySize(ctx, size)
	if err != nil {
		return err
	}
	return s.note(ctx, Way{Name: "print", Place: "paper"}, k, "", nil)
}

// BySize finds a checkpoint; problem code not_found.
func (s *Service) BySize(ctx context.Context, size int64) (k Kept, err error) {
	err = s.db.Read(ctx, func(tx *sqlite.Tx) error {
		all, err := checkpoints(ctx, tx, 0)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(k Kept) bool { return k.Size == size })
		if i < 0 {
			return problem.NotFound("checkpoint.not_found")
		}
		k = all[i]
		return nil
	})
	return k, err
}
