package backup

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/archive"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Config is what the register needs to know of its surroundings.
type Config struct {
	Dir     string   // the data folder, absolute
	Program string   // version of the program
	Leave   []string // folders in Dir, by name, that no backup holds: the lake of logs, which is copied by other ways
	Log     *slog.Logger
	// SameDisk says whether two folders lie on one disk; nil: not known.
	SameDisk func(a, b string) bool
	// Free gives the bytes that are free where a folder lies; nil: not known.
	Free func(dir string) (int64, error)
}

// Service makes backups and keeps their rows. It is safe for concurrent use; one backup runs at a time.
type Service struct {
	db  *sqlite.DB
	cfg Config

	one     sync.Mutex // held while a backup is made
	mu      sync.Mutex // guards what follows
	now     Progress
	pending *pendingKey
	stop    context.CancelFunc
	jobs    sync.WaitGroup
	closed  bool
}

// Progress is how far the running backup is.
type Progress struct {
	Running     bool
	StartedAt   time.Time
	Done, Total int64 // bytes; Total 0: not known yet
}

// New returns the service.
func New(db *sqlite.DB, cfg Config) *Service { return &Service{db: db, cfg: cfg} }

// Begin clears up after a program that was killed: unfinished files and rows. Call it once, at start, while
// holding the folder's lock.
func (s *Service) Begin(ctx context.Context) error {
	if err := SweepStaging(s.cfg.Dir); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		settings, err := findSettings(ctx, tx, s.cfg.Dir)
		if err != nil {
			return err
		}
		runs, err := findRuns(ctx, tx, 1)
		if err != nil || len(runs) == 0 || runs[0].State != Running {
			return err
		}
		for _, folder := range settings.Folders {
			_ = os.Remove(filepath.Join(folder, runs[0].fileName()+archive.PartSuffix)) // refused as a backup anyway
		}
		return interrupt(ctx, tx)
	})
}

// Close stops a running backup and waits for its end.
func (s *Service) Close() error {
	s.mu.Lock()
	s.closed = true
	if s.stop != nil {
		s.stop()
	}
	s.mu.Unlock()
	s.jobs.Wait()
	return nil
}

// Settings returns where, when and how long.
func (s *Service) Settings(ctx context.Context, tx *sqlite.Tx) (Settings, error) {
	return findSettings(ctx, tx, s.cfg.Dir)
}

// SaveSettings changes them over the version they were read with; codes invalid, conflict, forbidden.
func (s *Service) SaveSettings(ctx context.Context, set Settings) error {
	if err := actor.From(ctx).Require(PermManage); err != nil {
		return err
	}
	for i, f := range set.Folders {
		set.Folders[i] = filepath.Clean(strings.TrimSpace(f))
	}
	if err := set.check(); err != nil {
		return err
	}
	for _, f := range set.Folders {
		if err := s.usable(f); err != nil {
			return err
		}
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		ok, err := putSettings(ctx, tx, set)
		if err != nil {
			return err
		}
		if !ok {
			return problem.Conflict("backup.changed_meanwhile")
		}
		return audit.Record(ctx, tx, "backup.settings_changed", "backup/settings", audit.Image{
			"folders": set.Folders, "at_minute": set.AtMinute, "daily": set.Rule.Daily, "weekly": set.Rule.Weekly, "monthly": set.Rule.Monthly,
			"warn_days": set.WarnDays,
		})
	})
}

// usable says whether a backup can be written into a folder: it is there, and takes a file. The standard
// folder is made; any other is not: an unplugged disk leaves its place, and the backup would fill the wrong one.
func (s *Service) usable(folder string) error {
	if folder == filepath.Join(s.cfg.Dir, DefaultFolder) {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return problem.Unavailable("backup.folder_refuses", "folder", folder).Because(err)
		}
	}
	info, err := os.Stat(folder)
	if err != nil || !info.IsDir() {
		return problem.Unavailable("backup.folder_missing", "folder", folder).Because(err)
	}
	if rel, err := filepath.Rel(s.cfg.Dir, folder); err == nil && rel != DefaultFolder && filepath.IsLocal(rel) {
		return problem.Invalid("folders", "backup.folder_inside", "folder", folder)
	}
	probe, err := os.CreateTemp(folder, ".kizuki-probe-*")
	if err != nil {
		return problem.Unavailable("backup.folder_refuses", "folder", folder).Because(err)
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// SameDisk says whether every folder lies on the disk of the office: one broken disk would take both.
func (s *Service) SameDisk(set Settings) bool {
	if s.cfg.SameDisk == nil {
		return false
	}
	for _, f := range set.Folders {
		if !s.cfg.SameDisk(s.cfg.Dir, f) {
			return false
		}
	}
	return true
}

// Status is what pages, duties and doctor tell.
func (s *Service) Status(ctx context.Context, tx *sqlite.Tx) (Status, error) {
	set, err := findSettings(ctx, tx, s.cfg.Dir)
	if err != nil {
		return Status{}, err
	}
	st := Status{WarnDays: set.WarnDays}
	keys, err := findKeys(ctx, tx)
	if err != nil {
		return st, err
	}
	_, st.HasKey = current(keys)
	if st.Last, _, err = lastGood(ctx, tx); err != nil {
		return st, err
	}
	runs, err := findRuns(ctx, tx, 2)
	if err != nil {
		return st, err
	}
	for _, r := range runs {
		if r.State == Running {
			continue
		}
		if r.State != Good {
			st.Failed = &r
		}
		break
	}
	return st, nil
}

// Runs lists the newest tries, newest first.
func (s *Service) Runs(ctx context.Context, tx *sqlite.Tx, limit int) ([]Run, error) {
	return findRuns(ctx, tx, limit)
}

// Files lists the backups that are kept, newest first.
func (s *Service) Files(ctx context.Context, tx *sqlite.Tx) ([]File, error) {
	return findFiles(ctx, tx)
}

// Progress tells how far the running backup is.
func (s *Service) Progress() Progress {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// Start begins a backup by hand and returns at once; Progress and the rows tell the rest. Problem codes:
// forbidden, conflict (backup.running, backup.no_key).
func (s *Service) Start(ctx context.Context) error {
	who := actor.From(ctx)
	if err := who.Require(PermManage); err != nil {
		return err
	}
	var keys []Key
	err := s.db.Read(ctx, func(tx *sqlite.Tx) (err error) {
		keys, err = findKeys(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	if _, ok := current(keys); !ok {
		return problem.Conflict("backup.no_key")
	}
	if !s.one.TryLock() {
		return problem.Conflict("backup.running")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		s.one.Unlock()
		return problem.Conflict("backup.running")
	}
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop, s.now = stop, Progress{Running: true, StartedAt: s.db.Now()}
	s.jobs.Go(func() {
		defer s.one.Unlock()
		defer stop()
		if _, err := s.run(work, ByHand); err != nil {
			s.cfg.Log.ErrorContext(work, "backup by hand went wrong", "error", err)
		}
	})
	return nil
}

// Tick makes a backup when one is due; app calls it every few minutes. It does nothing while no recovery key
// is kept. The error is what went wrong with the backup; it stands in the rows, too.
func (s *Service) Tick(ctx context.Context) error {
	var due bool
	err := s.db.Read(ctx, func(tx *sqlite.Tx) error {
		set, err := findSettings(ctx, tx, s.cfg.Dir)
		if err != nil {
			return err
		}
		keys, err := findKeys(ctx, tx)
		if err != nil {
			return err
		}
		good, try, err := lastGood(ctx, tx)
		_, has := current(keys)
		due = has && Due(tx.Now, good, try, set.AtMinute)
		return err
	})
	if err != nil || !due || !s.one.TryLock() {
		return err
	}
	defer s.one.Unlock()
	_, err = s.run(actor.With(ctx, actor.House()), BySchedule)
	return err
}

// Run makes a backup now and waits for it. Codes as for Start.
func (s *Service) Run(ctx context.Context, way Way) (Run, error) {
	if !s.one.TryLock() {
		return Run{}, problem.Conflict("backup.running")
	}
	defer s.one.Unlock()
	return s.run(ctx, way)
}

// current is the key that backups are sealed for.
func current(keys []Key) (Key, bool) {
	for _, k := range keys {
		if k.RetiredAt.IsZero() {
			return k, true
		}
	}
	return Key{}, false
}

// Take returns a backup for download and notes who took it; problem codes forbidden, not_found.
func (s *Service) Take(ctx context.Context, key string) (found File, err error) {
	if err := actor.From(ctx).Require(PermManage); err != nil {
		return File{}, err
	}
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error {
		files, err := findFiles(ctx, tx)
		if err != nil {
			return err
		}
		for _, f := range files {
			if f.Key == key {
				found = f
				return audit.Record(ctx, tx, "backup.downloaded", "backup/"+key, audit.Image{"name": f.Name})
			}
		}
		return problem.NotFound("backup.not_found")
	})
	return found, err
}
