package proof

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Config is what a Log needs from outside.
type Config struct {
	Dir    string     // folder of the proofs of a lake; each source gets a folder in it
	Lake   string     // name of the lake, for the origin of its notes: no spaces, no "+"
	Signer Signer     // signs checkpoints and tombstones
	Keys   []Verifier // the signer's key and those before it
	// Reading opens logs beside the process that writes them: nothing is written, and nothing can be signed.
	Reading bool
}

// Log is the proof of one source: its tree and its signed notes. Any goroutine may call its methods.
type Log struct {
	config Config
	source string
	dir    string

	mu    sync.Mutex
	tree  *Tree
	notes *notes
	// checkpoints and tombstones are those of notes, in the order of signing.
	checkpoints []*Checkpoint
	tombstones  []*Tombstone
	lost        []Range // numbers that the tree has as missing, ascending
	sound       bool    // Sound went over the tree since it was opened
}

// OpenLog opens the proof of a source, or begins one. What a crash left half written is cut off. Reasons: BadSource;
// Damaged, NotSigned, Forged or Malformed when a file is not what was written here. A damaged tree alone does not keep
// the log from opening: it begins anew, and Behind says so.
func OpenLog(c Config, source string) (*Log, error) {
	l := &Log{config: c, source: source, dir: filepath.Join(c.Dir, folder(source))}
	if !validName(source) || !validName(l.origin()) {
		return nil, refuse(BadSource, "source %.60q of lake %.60q", source, c.Lake)
	}
	begin := l.begin
	if c.Reading {
		begin = l.read
	}
	if err := begin(); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	for i, note := range l.notes.list {
		if err := l.take(note); err != nil {
			return nil, errors.Join(fmt.Errorf("note %d of source %s: %w", i+1, source, err), l.Close())
		}
	}
	if !c.Reading {
		if err := l.rewind(); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	if err := l.readLost(); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (l *Log) begin() (err error) {
	l.tree, err = OpenTree(l.dir)
	if Is(err, Damaged) {
		l.tree, err = RebuildTree(l.dir)
	}
	if err != nil {
		return err
	}
	l.notes, err = openNotes(l.dir)
	return err
}

// read is begin beside the process that writes. The notes come first: what they speak of is in the tree by then. A tree
// that is damaged begins anew in memory.
func (l *Log) read() (err error) {
	if l.notes, err = readNotes(l.dir); err != nil {
		return err
	}
	l.tree, err = readTree(l.dir)
	if Is(err, Damaged) {
		l.tree, err = &Tree{}, nil
	}
	return err
}

func (l *Log) origin() string { return "kizuki-lake/" + l.config.Lake + "/" + l.source }

// take reads a note into its list.
func (l *Log) take(signed string) error {
	if strings.HasPrefix(signed, tombstoneLine+"\n") {
		t, err := OpenTombstone(signed, l.config.Keys...)
		if err != nil {
			return err
		}
		if t.Origin != l.origin() {
			return refuse(Unfit, "the tombstone is of %s", t.Origin)
		}
		l.tombstones = append(l.tombstones, t)
		return nil
	}
	c, err := OpenCheckpoint(signed, l.config.Keys...)
	if err != nil {
		return err
	}
	if c.Origin != l.origin() {
		return refuse(Unfit, "the checkpoint is of %s", c.Origin)
	}
	l.checkpoints = append(l.checkpoints, c)
	if len(c.Missing) > 0 {
		l.lost = merged(append(slices.Clone(l.lost), c.Missing...))
	}
	return nil
}

// folder is the name of a source's folder, the same on every file system: other characters than a–z, 0–9, "-", "_" and a
// dot inside are written as %XX, and so is the first of a name that Windows keeps for itself.
func folder(source string) string {
	var b strings.Builder
	for i := range len(source) {
		c := source[i]
		plain := c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_' ||
			c == '.' && i > 0 && i < len(source)-1
		if plain && (i > 0 || !reserved(source)) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func reserved(name string) bool {
	stem, _, _ := strings.Cut(name, ".")
	switch {
	case stem == "con" || stem == "prn" || stem == "aux" || stem == "nul":
		return true
	case len(stem) == 4 && (strings.HasPrefix(stem, "com") || strings.HasPrefix(stem, "lpt")):
		return stem[3] >= '0' && stem[3] <= '9'
	}
	return false
}

// Source is the name of the source.
func (l *Log) Source() string { return l.source }

// Records is the sequence number of the newest record in the tree.
func (l *Log) Records() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tree.Records()
}

// Behind says that checkpoints speak of records that the tree lacks, since it was damaged: append all records from
// Records()+1 again, from the sealed files; Fill adds what the notes tell of those that were deleted.
func (l *Log) Behind() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.checkpoints {
		if c.Records() > l.tree.Records() {
			return true
		}
	}
	return false
}

// Append adds record hashes as Tree.Append does. Before them it adds what the notes tell of numbers that were left out.
func (l *Log) Append(first uint64, records []Hash) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if first > l.tree.Records()+1 {
		if err := l.fill(first - 1); err != nil {
			return err
		}
	}
	return l.tree.Append(first, records)
}

// File is a sealed file to be signed for.
type File struct {
	Ranges   []Range
	SHA256   Hash
	Replaces []Hash // SHA-256 of the files that were merged into it
}

// Seal makes the appended records durable and signs the tree as it is now for a file that was written. The note is kept
// here; it is returned for a copy beside the file. The file must hold no record that was not appended. A file that was
// signed for already, before a crash, gets the note it has.
func (l *Log) Seal(file File, now time.Time) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, c := range l.checkpoints {
		if c.File == file.SHA256 && len(c.Replaces) == len(file.Replaces) {
			return l.noteOf(i), nil
		}
	}
	if err := l.agrees(); err != nil {
		return "", err
	}
	if touch(l.lost, file.Ranges) {
		return "", refuse(Unfit, "the file %s has records that were signed as missing", fileName(file.SHA256))
	}
	if err := l.tree.Commit(); err != nil {
		return "", err
	}
	root, err := l.tree.Root(l.tree.Leaves())
	if err != nil {
		return "", err
	}
	c := &Checkpoint{
		Origin: l.origin(), Leaves: l.tree.Leaves(), Root: root, Source: l.source, Ranges: file.Ranges, File: file.SHA256, At: now,
		Missing: slices.Clone(l.lost),
	}
	c.TailHash, c.Tail = l.tree.Tail()
	for _, old := range file.Replaces {
		at := l.checkpointOf(old)
		if at == nil {
			return "", refuse(Unfit, "no checkpoint of the file %s that is to be replaced", fileName(old))
		}
		c.Replaces = append(c.Replaces, Replaced{old, at.Leaves, at.Root})
	}
	signed, err := c.Sign(l.config.Signer)
	if err != nil {
		return "", err
	}
	if err := l.add(signed); err != nil || len(c.Missing) == 0 {
		return signed, err
	}
	return signed, l.dropLost()
}

// noteOf is the signed note of checkpoint i.
func (l *Log) noteOf(i int) string {
	for _, note := range l.notes.list {
		if strings.HasPrefix(note, tombstoneLine+"\n") {
			continue
		}
		if i == 0 {
			return note
		}
		i--
	}
	return ""
}

func (l *Log) checkpointOf(file Hash) *Checkpoint {
	for _, c := range l.checkpoints {
		if c.File == file {
			return c
		}
	}
	return nil
}

func (l *Log) add(signed string) error {
	if err := l.notes.add(signed); err != nil {
		return err
	}
	if err := l.take(signed); err != nil { // the signer's key is not among Keys, say
		return fmt.Errorf("read own note: %w", err)
	}
	return nil
}

// leafOf is the leaf that a record is in.
func leafOf(seq uint64) int64 { return int64((seq - 1) / LeafRecords) }

// Notes gives all signed notes in the order of signing, for copies kept elsewhere.
func (l *Log) Notes() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.notes.list...)
}

// Checkpoints and Tombstones give what the notes say, in the order of signing; the values must not be changed.
func (l *Log) Checkpoints() []*Checkpoint {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]*Checkpoint(nil), l.checkpoints...)
}

// Tombstones gives what was deleted, in the order of signing; the values must not be changed.
func (l *Log) Tombstones() []*Tombstone {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]*Tombstone(nil), l.tombstones...)
}

// Close closes the files. Records appended since the last Seal are not kept.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	if l.tree != nil {
		errs = append(errs, l.tree.Close())
	}
	if l.notes != nil && l.notes.file != nil {
		errs = append(errs, l.notes.file.Close())
	}
	return errors.Join(errs...)
}

// Sources are the names of the sources that have a proof in dir.
func Sources(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list proofs: %w", err)
	}
	var names []string
	for _, e := range entries {
		if name, ok := unfolder(e.Name()); ok && e.IsDir() {
			names = append(names, name)
		}
	}
	return names, nil
}

// unfolder is the source of a folder; ok is false for a folder that is none of ours.
func unfolder(name string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c == '%' {
			if _, err := fmt.Sscanf(name[i:], "%%%02X", &c); err != nil || i+2 >= len(name) {
				return "", false
			}
			i += 2
		}
		b.WriteByte(c)
	}
	source := b.String()
	return source, folder(source) == name
}
