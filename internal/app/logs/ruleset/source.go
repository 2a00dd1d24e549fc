package ruleset

import (
	"archive/zip"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Bounds of what a folder or zip may cost; that of SigmaHQ has some 4,000 files of 15 MB together.
const (
	largestRule   = 1 << 20   // bytes of one file of rules
	largestNotice = 256 << 10 // bytes of a license
	mostNotices   = 10
	mostFiles     = 30_000    // files of rules
	mostEntries   = 300_000   // everything in a folder or zip
	mostBytes     = 256 << 20 // of all files of rules, unpacked
	mostDirectory = 32 << 20  // bytes of a zip's directory: what lists its members is held in memory
	longestName   = 200       // bytes of a name in a folder or zip
	deepest       = 16        // folders in folders
)

// Codes of files that are left out before the engine sees them.
const (
	CodeName       = "name"       // a name that leads elsewhere, or that some system does not take
	CodeTwice      = "twice"      // a name that is there already, whatever its capitals
	CodeLink       = "link"       // a symbolic link, or anything else that is no file
	CodeSize       = "size"       // larger than a file of rules may be
	CodeProtected  = "protected"  // a member of a zip with a password
	CodeUnreadable = "unreadable" // damaged, or not allowed
)

// entry is one file of a source.
type entry struct {
	name    string // with slashes, from the top of the source
	mode    fs.FileMode
	size    int64 // as the source says; a lie costs no more than the bounds
	locked  bool
	problem error // it cannot be looked at
	open    func() (io.ReadCloser, error)
}

// each gives the files of a folder, a zip, or the one file of rules at source.
func each(ctx context.Context, source string, visit func(*entry) error) error {
	info, err := os.Stat(source)
	if err != nil {
		return problem.NotFound("logs.rules.missing", "file", source).Because(err)
	}
	n := 0
	counting := func(e *entry) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if n++; n > mostEntries {
			return problem.TooLarge("logs.rules.too_many", "n", mostEntries)
		}
		return visit(e)
	}
	switch {
	case info.IsDir():
		return eachInFolder(source, counting)
	case !info.Mode().IsRegular():
		return problem.Unsupported("logs.rules.kind", "file", source)
	case isYAML(source):
		return counting(&entry{name: filepath.Base(source), mode: info.Mode(), size: info.Size(), open: func() (io.ReadCloser, error) { return os.Open(source) }}) //nolint:gosec // the person names the file
	}
	return eachInZip(source, info.Size(), counting)
}

func eachInFolder(root string, visit func(*entry) error) error {
	return filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		rel, relErr := filepath.Rel(root, name)
		switch {
		case relErr != nil:
			return relErr
		case err != nil && name == root:
			return problem.Unavailable("logs.rules.unreadable", "file", root).Because(err)
		case err != nil:
			return visit(&entry{name: filepath.ToSlash(rel), problem: err})
		case d.IsDir() && name != root && strings.HasPrefix(d.Name(), "."): // .git and the like
			return fs.SkipDir
		case d.IsDir():
			return nil
		}
		e := &entry{name: filepath.ToSlash(rel), mode: d.Type(), open: func() (io.ReadCloser, error) { return os.Open(name) }} //nolint:gosec // the person names the folder
		if info, err := d.Info(); err == nil {
			e.size = info.Size()
		}
		return visit(e)
	})
}

// budget reads a zip while its directory is listed, and no more of it than fits in memory.
type budget struct {
	io.ReaderAt

	left int64 // -1: without bound
}

var errDirectory = errors.New("the directory of the zip is too large")

func (b *budget) ReadAt(p []byte, off int64) (int, error) {
	if b.left >= 0 {
		if b.left -= int64(len(p)); b.left < 0 {
			b.left = 0
			return 0, errDirectory
		}
	}
	return b.ReaderAt.ReadAt(p, off)
}

func eachInZip(source string, size int64, visit func(*entry) error) error {
	f, err := os.Open(source) //nolint:gosec // the person names the file
	if err != nil {
		return problem.Unavailable("logs.rules.unreadable", "file", source).Because(err)
	}
	defer f.Close() //nolint:errcheck // only read
	b := &budget{f, mostDirectory}
	z, err := zip.NewReader(b, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return problem.Unsupported("logs.rules.kind", "file", source).Because(err)
	}
	b.left = -1
	n := 0
	for _, m := range z.File {
		if isYAML(m.Name) {
			n++
		}
	}
	if n > mostFiles { // told at once, not after writing most of them
		return tooMuch()
	}
	for _, m := range z.File {
		if strings.HasSuffix(m.Name, "/") {
			continue
		}
		e := &entry{name: m.Name, mode: m.Mode().Type(), size: int64(min(m.UncompressedSize64, 1<<62)), locked: m.Flags&1 != 0, open: m.Open}
		if err := visit(e); err != nil {
			return err
		}
	}
	return nil
}

func tooMuch() error {
	return problem.TooLarge("logs.rules.too_much", "files", mostFiles, "size", mostBytes>>20)
}

func isYAML(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".yml", ".yaml":
		return true
	}
	return false
}

// isNotice says whether a file tells the license of what is around it.
func isNotice(name string) bool {
	base := strings.ToUpper(path.Base(name))
	return strings.HasPrefix(base, "LICENSE") || strings.HasPrefix(base, "LICENCE") || strings.HasPrefix(base, "NOTICE")
}

// safe says whether a name stays where it is put, on each system that may read the data folder.
func safe(name string) bool {
	if len(name) > longestName || !utf8.ValidString(name) || !fs.ValidPath(name) || name == "." || strings.Count(name, "/") > deepest {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".") || strings.HasSuffix(part, " ") || strings.ContainsAny(part, `\:*?"<>|`) || reserved(part) {
			return false
		}
		if strings.ContainsFunc(part, func(r rune) bool { return !unicode.IsPrint(r) }) {
			return false
		}
	}
	return true
}

// reserved says whether Windows takes a name for a device.
func reserved(part string) bool {
	base, _, _ := strings.Cut(strings.ToLower(part), ".")
	switch base {
	case "con", "prn", "aux", "nul", "conin$", "conout$":
		return true
	}
	return len(base) == 4 && (strings.HasPrefix(base, "com") || strings.HasPrefix(base, "lpt")) && base[3] >= '0' && base[3] <= '9'
}
