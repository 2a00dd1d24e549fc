package backup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"filippo.io/age"

	"github.com/kizuki-security/kizuki/internal/platform/archive"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// namePrefix begins the name of every backup.
const namePrefix = "kizuki-"

// fileName is the same in every folder; its end keeps two offices that share a folder apart.
func (r Run) fileName() string {
	return namePrefix + r.StartedAt.In(jdate.Tokyo).Format("20060102-150405") + "-" + r.Key[len(r.Key)-10:] + Suffix
}

// run makes one backup in every folder, notes how it went, and removes what the rule no longer keeps. The
// caller holds s.one.
func (s *Service) run(ctx context.Context, way Way) (Run, error) {
	defer s.setProgress(Progress{})
	r := Run{Key: s.db.NewKey(), Way: way, State: Running}
	var set Settings
	var key Key
	err := s.db.Write(ctx, func(tx *sqlite.Tx) error {
		keys, err := findKeys(ctx, tx)
		if err != nil {
			return err
		}
		var ok bool
		if key, ok = current(keys); !ok {
			return problem.Conflict("backup.no_key")
		}
		if set, err = findSettings(ctx, tx, s.cfg.Dir); err != nil {
			return err
		}
		r.StartedAt, r.KeyMark = tx.Now, key.Mark
		return insertRun(ctx, tx, &r)
	})
	if err != nil {
		return r, err
	}
	s.setProgress(Progress{Running: true, StartedAt: r.StartedAt})
	files, failed := s.write(ctx, &r, set, key)
	return r, errors.Join(failed, s.finish(context.WithoutCancel(ctx), &r, set, files, failed))
}

// write makes the file in the first folder that takes it and copies it into the others.
func (s *Service) write(ctx context.Context, r *Run, set Settings, key Key) (files []File, err error) {
	to, err := archive.ParsePublic(key.Public)
	if err != nil {
		return nil, err
	}
	reader, own, err := archive.Once()
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, folder := range set.Folders {
		f := File{Run: r.ID, Folder: folder, Name: r.fileName(), MadeAt: r.StartedAt, KeyMark: r.KeyMark}
		err := s.usable(folder)
		switch {
		case err != nil:
		case len(files) == 0:
			var res archive.Result
			res, err = s.Pack(ctx, f.Path(), []age.Recipient{to, own}, reader, func(done, total int64) {
				s.setProgress(Progress{Running: true, StartedAt: r.StartedAt, Done: done, Total: total})
			})
			f.Size, f.SHA256, r.Files, r.Bytes = res.Size, res.SHA256, res.Files, res.Bytes
		default:
			f.Size, f.SHA256 = files[0].Size, files[0].SHA256
			err = archive.Copy(ctx, files[0].Path(), f.Path(), f.SHA256)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		f.Key = s.db.NewKey()
		files = append(files, f)
	}
	return files, errors.Join(errs...)
}

// finish notes the end of a try, with its audit row, and applies the rule to folders that have the new file.
func (s *Service) finish(ctx context.Context, r *Run, set Settings, files []File, failed error) error {
	r.EndedAt, r.State = s.db.Now(), Good
	switch {
	case failed != nil && len(files) > 0:
		r.State = Partly
	case errors.Is(failed, context.Canceled):
		r.State = Interrupted
	case failed != nil:
		r.State = Failed
	}
	if failed != nil && r.State != Interrupted {
		if r.Problem = problem.Unavailable("backup.failed_inside"); len(problem.All(failed)) > 0 {
			r.Problem = problem.All(failed)[0]
		}
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		for _, f := range files {
			if err := insertFile(ctx, tx, f); err != nil {
				return err
			}
		}
		if err := endRun(ctx, tx, *r); err != nil {
			return err
		}
		act, image := "backup.made", audit.Image{"way": string(r.Way), "files": r.Files, "bytes": r.Bytes, "key": r.KeyMark, "state": string(r.State)}
		if len(files) > 0 {
			image["name"], image["sha256"], image["folders"] = files[0].Name, files[0].SHA256, len(files)
		} else if failed != nil {
			act = "backup.failed"
		}
		if r.Problem != nil {
			image["problem"] = r.Problem.Key
		}
		if err := audit.Record(ctx, tx, act, "backup/"+r.Key, image); err != nil {
			return err
		}
		return s.prune(ctx, tx, set, files)
	})
}

// prune removes what the rule no longer keeps, folder by folder, and only where the new file has just been
// read back: the last good one never goes. A file that is not as it was written is not ours any more and stays.
func (s *Service) prune(ctx context.Context, tx *sqlite.Tx, set Settings, fresh []File) error {
	all, err := findFiles(ctx, tx)
	if err != nil {
		return err
	}
	for _, n := range fresh {
		var here []File
		for _, f := range all {
			if f.Folder == n.Folder {
				here = append(here, f)
			}
		}
		for _, f := range Spare(here, set.Rule) {
			info, err := os.Lstat(f.Path())
			switch {
			case errors.Is(err, os.ErrNotExist): // somebody moved it
			case err != nil || !info.Mode().IsRegular() || info.Size() != f.Size:
				continue
			default:
				if err := os.Remove(f.Path()); err != nil {
					s.cfg.Log.WarnContext(ctx, "an old backup cannot be removed", "name", f.Name, "error", err)
					continue
				}
			}
			if err := markRemoved(ctx, tx, f.ID); err != nil {
				return err
			}
			if err := audit.Record(ctx, tx, "backup.removed", "backup/"+f.Key, audit.Image{"name": f.Name, "sha256": f.SHA256}); err != nil {
				return err
			}
		}
	}
	return nil
}

// Names of the notes in a manifest.
const (
	NoteAuditRows = "audit_rows"
	NoteAuditHead = "audit_head"
)

// tries is how often packing begins anew when a file changed meanwhile.
const tries = 3

// Pack writes one backup of the office to a file, sealed for to, and reads it back with reader. The office goes
// on; it works beside another process, too. Codes as archive.Write, and sqlite.full.
func (s *Service) Pack(ctx context.Context, file string, to []age.Recipient, reader age.Identity, progress archive.Progress) (res archive.Result, err error) {
	staging, err := os.MkdirTemp(s.cfg.Dir, stagingPrefix)
	if err != nil {
		return res, fmt.Errorf("make folder for the copy: %w", err)
	}
	defer func() { err = errors.Join(err, archive.RemoveTree(staging)) }()
	clean := filepath.Join(staging, Database)
	if err := s.room(staging, 1); err != nil {
		return res, err
	}
	if err := s.db.CopyTo(ctx, clean); err != nil {
		return res, err
	}
	m, err := s.inspect(ctx, clean)
	if err != nil {
		return res, err
	}
	exclude := []string{filepath.Join(s.cfg.Dir, DefaultFolder)}
	for _, name := range s.cfg.Leave {
		exclude = append(exclude, filepath.Join(s.cfg.Dir, name))
	}
	for try := 1; ; try++ {
		files, err := collect(s.cfg.Dir, exclude)
		if err != nil {
			return res, err
		}
		files = append([]archive.File{{Name: Database, Path: clean}}, files...)
		res, err = archive.Write(ctx, file, m, files, to, reader, progress)
		if try < tries && archive.IsChanging(err) {
			continue
		}
		return res, err
	}
}

// room refuses when the disk has not even place for the copy of the database.
func (s *Service) room(dir string, times int64) error {
	if s.cfg.Free == nil {
		return nil
	}
	info, err := os.Stat(s.db.Path())
	if err != nil {
		return fmt.Errorf("look at the database: %w", err)
	}
	free, err := s.cfg.Free(dir)
	if err != nil {
		return nil //nolint:nilerr // not known: then the write itself tells
	}
	if free < info.Size()*times {
		return problem.Unavailable("sqlite.full")
	}
	return nil
}

// inspect opens the copy as a restore would and checks it: the whole file, the chain of the audit log.
func (s *Service) inspect(ctx context.Context, clean string) (m archive.Manifest, err error) {
	copied, err := sqlite.OpenReading(ctx, clean, s.db.Now)
	if err != nil {
		return m, fmt.Errorf("open the copy: %w", err)
	}
	defer func() { err = errors.Join(err, copied.Close()) }()
	m = archive.Manifest{Program: s.cfg.Program, MadeAt: s.db.Now(), Notes: map[string]string{}}
	if m.Tables, err = copied.Applied(ctx); err != nil {
		return m, err
	}
	err = copied.Read(ctx, func(tx *sqlite.Tx) error {
		text, err := sqlite.Integrity(ctx, tx)
		if err != nil {
			return err
		}
		if text != "ok" {
			return problem.Conflict("backup.database_damaged")
		}
		n, err := audit.Verify(ctx, tx)
		if err != nil {
			return err
		}
		newest, err := audit.List(ctx, tx, audit.Filter{Limit: 1})
		if err != nil {
			return err
		}
		m.Notes[NoteAuditRows] = strconv.Itoa(n)
		if len(newest) > 0 {
			m.Notes[NoteAuditHead] = newest[0].Hash
		}
		return nil
	})
	return m, err
}

func (s *Service) setProgress(p Progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = p
}

// Note records a backup that the command line made: the rule does not touch its file.
func (s *Service) Note(ctx context.Context, began time.Time, res archive.Result, failed error) error {
	r := Run{Key: sqlite.NewKey(began), Way: ByCommand, State: Running, StartedAt: began, Files: res.Files, Bytes: res.Bytes}
	err := s.db.Write(ctx, func(tx *sqlite.Tx) error { return insertRun(ctx, tx, &r) })
	if err != nil {
		return err
	}
	return s.finish(ctx, &r, Settings{}, nil, failed)
}
