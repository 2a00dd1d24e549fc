package backup

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/archive"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Database is the name of the database in the data folder and in a backup.
const Database = "kizuki.db"

// stagingPrefix begins the name of the folder, inside the data folder, in which the copy of the database lies
// while it is packed. What a killed program left there is removed at the next start.
const stagingPrefix = ".backup-"

// left are files of the data folder's top that belong to the running process or can be made again.
var left = []string{"kizuki.lock", "control.sock", "control.json"}

// collect lists what lies in the data folder beside the database. Folders in exclude, and unfinished files,
// are left out; a symbolic link is a problem: what it leads to would be missing in the backup unseen.
func collect(dir string, exclude []string) ([]archive.File, error) {
	var files []archive.File
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if os.IsNotExist(err) { // removed meanwhile
			return nil
		}
		if err != nil {
			return err
		}
		if path == dir {
			return nil
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		switch {
		case e.IsDir():
			if skipFolder(path, name, exclude) {
				return fs.SkipDir
			}
		case e.Type()&fs.ModeSymlink != 0:
			return problem.Unsupported("backup.link_in_folder", "name", name)
		case e.Type().IsRegular() && !skipFile(name):
			files = append(files, archive.File{Name: name, Path: path})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the data folder: %w", err)
	}
	return files, nil
}

func skipFolder(path, name string, exclude []string) bool {
	return slices.Contains(exclude, path) || strings.HasPrefix(name, stagingPrefix) || strings.HasPrefix(filepath.Base(path), ".new-")
}

func skipFile(name string) bool {
	base := name[strings.LastIndexByte(name, '/')+1:]
	if strings.HasSuffix(base, archive.PartSuffix) || strings.HasSuffix(base, Suffix) || strings.HasPrefix(base, ".new-") {
		return true
	}
	if name != base { // the rest is at the top
		return false
	}
	return strings.HasPrefix(name, Database) || strings.HasPrefix(name, "before-upgrade-") || slices.Contains(left, name)
}

// SweepStaging removes what a killed program left in the data folder. Call it while holding the folder's lock.
func SweepStaging(dir string) error {
	found, err := filepath.Glob(filepath.Join(dir, stagingPrefix+"*"))
	if err != nil {
		return fmt.Errorf("look for unfinished backups: %w", err)
	}
	for _, path := range found {
		if err := archive.RemoveTree(path); err != nil {
			return fmt.Errorf("remove unfinished backup: %w", err)
		}
	}
	return nil
}
