// Package archive packs files into one encrypted file, checks such a file, and unpacks it.
//
// The form is age( zstd( tar ) ): any age and any tar open it without this program. The first entry of the
// tar is the manifest, which lists every other entry with size and SHA-256, in order; nothing of it can be
// read from outside. The whole is a stream: a large archive needs no memory. age seals it in chunks and
// marks the last one, so a file that was cut short or changed anywhere does not open.
//
// Input is hostile until proved otherwise: names, sizes, counts and ratios are checked before anything is
// written, and what is written stays inside the folder (os.Root). The package imports words/problem only
// and knows no office word.
package archive

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Messages returns the texts of this package.
func Messages() fs.FS { return messages }

// Schema names the form of the manifest.
const Schema = "kizuki.backup/1"

// manifestName is the first entry. No packed file can have this name: it is not a name that checkName lets
// through for a file.
const manifestName = "manifest.json"

// PartSuffix ends the name of a file that is still being written: it is never taken for an archive.
const PartSuffix = ".part"

// Limits of what is read. The zero value is none of them; use DefaultLimits.
type Limits struct {
	Entries  int   // files in the archive
	Manifest int64 // bytes of the manifest
	Total    int64 // bytes of all files, unpacked
	Ratio    int64 // unpacked bytes per packed byte, above RatioFrom bytes
}

// ratioFrom is the size, in bytes, below which the ratio says nothing: an empty database shrinks a lot.
const ratioFrom = 256 << 20

// DefaultLimits lets through what an office of 300 people gathers in decades. A database compresses about
// five to one and never a hundred.
func DefaultLimits() Limits {
	return Limits{Entries: 500_000, Manifest: 96 << 20, Total: 2 << 40, Ratio: 100}
}

// Manifest says what an archive holds. Its order is the order of the entries.
type Manifest struct {
	Schema  string            `json:"schema"`
	Program string            `json:"program"` // version of the program that wrote it
	MadeAt  time.Time         `json:"made_at"`
	Notes   map[string]string `json:"notes,omitempty"`  // what the caller wants to know before it unpacks
	Tables  map[string]string `json:"tables,omitempty"` // migrations that ran, by name, with their SHA-256
	Entries []Entry           `json:"entries"`
}

// Entry is one packed file.
type Entry struct {
	Name   string `json:"name"` // with slashes, below the folder
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
}

// Size is how many bytes the files have together, unpacked.
func (m *Manifest) Size() int64 {
	var n int64
	for _, e := range m.Entries {
		n += e.Size
	}
	return n
}

// readManifest decodes and checks a manifest; packed is the size of the archive in bytes, 0 when unknown.
func readManifest(data []byte, packed int64, limits Limits) (*Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, problem.Invalid("", "archive.manifest").Because(err)
	}
	if m.Schema != Schema {
		return nil, problem.Unsupported("archive.schema", "schema", shorten(m.Schema))
	}
	if len(m.Entries) > limits.Entries {
		return nil, problem.TooLarge("archive.entries", "limit", limits.Entries)
	}
	seen := make(map[string]bool, len(m.Entries))
	var total int64
	for _, e := range m.Entries {
		if err := checkName(e.Name); err != nil {
			return nil, err
		}
		folded := fold(e.Name)
		if seen[folded] {
			return nil, problem.Invalid("", "archive.twice", "name", shorten(e.Name))
		}
		seen[folded] = true
		if e.Size < 0 || e.Size > limits.Total || len(e.SHA256) != 64 {
			return nil, problem.TooLarge("archive.total", "name", shorten(e.Name))
		}
		if total += e.Size; total > limits.Total {
			return nil, problem.TooLarge("archive.total", "name", shorten(e.Name))
		}
	}
	for name := range seen { // a file cannot be a folder as well
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			if seen[dir] {
				return nil, problem.Invalid("", "archive.twice", "name", shorten(dir))
			}
		}
	}
	if packed > 0 && total > ratioFrom && total/packed > limits.Ratio {
		return nil, problem.TooLarge("archive.ratio")
	}
	return &m, nil
}

// fold is how a file system that knows no case sees a name.
func fold(name string) string { return strings.ToLower(norm.NFC.String(name)) }

// devices are names that Windows takes for a device in any folder, with any extension.
// Source: Microsoft, "Naming Files, Paths, and Namespaces".
var devices = []string{"con", "prn", "aux", "nul", "conin$", "conout$"}

// maxName and maxPart are the longest path and the longest part of one, in bytes (ext4, NTFS).
const (
	maxName = 1000
	maxPart = 255
)

// checkName refuses a name that is not a plain file below the folder on every system.
func checkName(name string) error {
	bad := problem.Invalid("", "archive.name", "name", shorten(name))
	if name == manifestName || len(name) > maxName || !utf8.ValidString(name) || !fs.ValidPath(name) || name == "." {
		return bad
	}
	for part := range strings.SplitSeq(name, "/") {
		if len(part) > maxPart || strings.ContainsAny(part, `\:*?"<>|`) || strings.ContainsFunc(part, unicode.IsControl) {
			return bad
		}
		if strings.HasSuffix(part, ".") || strings.HasSuffix(part, " ") || strings.HasPrefix(part, " ") || isDevice(part) {
			return bad
		}
	}
	return nil
}

func isDevice(part string) bool {
	base, _, _ := strings.Cut(part, ".")
	base = strings.ToLower(strings.TrimRight(base, " "))
	if slices.Contains(devices, base) {
		return true
	}
	const numbers = "0123456789¹²³"
	for _, port := range []string{"com", "lpt"} {
		rest, ok := strings.CutPrefix(base, port)
		if ok && utf8.RuneCountInString(rest) == 1 && strings.Contains(numbers, rest) {
			return true
		}
	}
	return false
}

// shorten keeps a foreign name fit for a message.
func shorten(name string) string {
	const longest = 80
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return '?'
		}
		return r
	}, name)
	if runes := []rune(name); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return name
}

func wrongContent(name string) error {
	return problem.Invalid("", "archive.content", "name", shorten(name))
}

func (m *Manifest) encode() ([]byte, error) {
	data, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("write manifest: %w", err)
	}
	return data, nil
}
