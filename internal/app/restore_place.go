package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"github.com/kizuki-security/kizuki/internal/platform/archive"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// restoringMark is the file that says that its folder is not an office yet. It is made first and removed last;
// who restores holds its lock.
const restoringMark = "restore-not-finished"

// restoringSuffix stands between the name of the folder and what MkdirTemp adds.
const restoringSuffix = ".restoring-"

// checkRestored refuses a folder in which a restore was killed.
func checkRestored(cfg Config) error {
	if _, err := os.Lstat(filepath.Join(cfg.Dir, restoringMark)); err == nil && !cfg.restoring {
		return problem.Unsupported("app.restore.unfinished", "dir", cfg.Dir)
	}
	return nil
}

func notEmpty(dir string) *problem.Error {
	return problem.Conflict("app.restore.not_empty", "dir", dir)
}

func emptyFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return problem.Unavailable("app.folder.cannot_make", "dir", dir).Because(err)
	case len(entries) > 0 && !abandoned(dir):
		return notEmpty(dir)
	}
	return nil
}

// abandoned says whether a folder holds what a killed restore left, and no restore is at work in it.
func abandoned(dir string) bool {
	name := filepath.Join(dir, restoringMark)
	if _, err := os.Lstat(name); err != nil {
		return false
	}
	mark := flock.New(name)
	if ok, err := mark.TryLock(); err != nil || !ok {
		return false
	}
	_ = mark.Unlock() // it was only a question
	return true
}

// sweepRestores removes what killed restores into the same folder left, unless one is still at work.
func sweepRestores(dir string) {
	found, _ := filepath.Glob(dir + restoringSuffix + "*") // a name with signs of a pattern is not swept
	for _, temp := range found {
		if abandoned(temp) {
			_ = archive.RemoveTree(temp)
		}
	}
}

// restoringPlace is the folder that a restore into dir fills: a new one beside it, on the same disk. Where dir
// cannot be exchanged for another folder (a disk or a container's volume is mounted there, or the folder above
// belongs to somebody else) it is dir itself, emptied of what a killed restore left.
func restoringPlace(dir string) (string, error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return "", problem.Unavailable("app.folder.cannot_make", "dir", dir).Because(err)
	}
	sweepRestores(dir)
	if err := clearRestore(dir, dir); err != nil {
		return "", err
	}
	if !exchangeable(dir) {
		return dir, nil
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+restoringSuffix)
	if err != nil {
		return "", problem.Unavailable("app.folder.cannot_make", "dir", dir).Because(err)
	}
	return temp, nil
}

// exchangeable tries whether a folder can get another name.
func exchangeable(dir string) bool {
	info, err := os.Lstat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	aside := dir + restoringSuffix + "aside"
	if err != nil || !info.IsDir() || os.Rename(dir, aside) != nil { // through a link, its target stays what it is
		return false
	}
	return os.Rename(aside, dir) == nil
}

// clearRestore takes away what a restore into dir put into temp: the whole folder beside dir, or all that dir
// holds, the mark last. A folder without the mark holds nothing of a restore.
func clearRestore(temp, dir string) error {
	if temp != dir {
		return archive.RemoveTree(temp)
	}
	mark := filepath.Join(dir, restoringMark)
	if _, err := os.Lstat(mark); err != nil {
		return nil //nolint:nilerr // nothing was begun
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("list the folder: %w", err)
	}
	for _, e := range entries {
		if e.Name() != restoringMark {
			err = errors.Join(err, archive.RemoveTree(filepath.Join(dir, e.Name())))
		}
	}
	if err != nil {
		return err
	}
	return os.Remove(mark)
}
