package scan

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// File is one file to scan, or one that cannot be.
type File struct {
	Path  string
	Size  int64      // bytes when it was found
	Error *FileError // nil: it may be opened
}

// Find lists the files under paths: files as they are named, folders with all that is below, in the order of names.
// A pattern of exclude leaves out files, and folders below those named, whose name or whole path it fits (path.Match). Symbolic links
// are followed where a person names them, not inside folders, so that no circle exists. The error is a bad pattern.
func Find(paths, exclude []string) ([]File, error) {
	for _, pattern := range exclude {
		if _, err := path.Match(pattern, ""); err != nil {
			return nil, err
		}
	}
	var files []File
	for _, root := range paths {
		info, err := os.Stat(root)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			files = append(files, File{Path: root, Error: &FileError{Missing, err}})
		case err != nil:
			files = append(files, File{Path: root, Error: &FileError{Unreadable, err}})
		case info.IsDir():
			files = append(files, walk(root, exclude)...)
		case excluded(root, exclude): // a shell may have put it there for a pattern
		default:
			files = append(files, found(root, info))
		}
	}
	return files, nil
}

func walk(root string, exclude []string) []File {
	var files []File
	_ = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error { // errors become files of the list
		if d != nil && name != root && excluded(name, exclude) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if err != nil {
			files = append(files, File{Path: name, Error: &FileError{Unreadable, err}})
			return nil //nolint:nilerr // a folder that cannot be read stands in the list, the walk goes on
		}
		if d.IsDir() || d.Type()&fs.ModeSymlink != 0 {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			files = append(files, File{Path: name, Error: &FileError{Unreadable, err}})
			return nil //nolint:nilerr // as above
		}
		files = append(files, found(name, info))
		return nil
	})
	return files
}

func found(name string, info fs.FileInfo) File {
	f := File{Path: name, Size: info.Size()}
	if !info.Mode().IsRegular() {
		f.Error = &FileError{Reason: NotRegular}
	}
	return f
}

func excluded(name string, patterns []string) bool {
	slashed := filepath.ToSlash(name)
	for _, pattern := range patterns {
		base, _ := path.Match(pattern, path.Base(slashed))
		whole, _ := path.Match(pattern, slashed)
		if base || whole {
			return true
		}
	}
	return false
}
