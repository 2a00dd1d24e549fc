package sheet

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// A part that inflates more than maxRatio times is refused once it is larger than ratioFloor: deflate reaches
// 1,032 at most, real sheets of repeated rows stay below 100.
const (
	maxRatio   = 250
	ratioFloor = 8 << 20
)

// errBudget says that parts inflate to more than the limit or than they declare.
var errBudget = errors.New("part inflates beyond its limit")

// archive is a workbook's zip file with a budget for what may be inflated, over all reads together.
type archive struct {
	zip    *zip.Reader
	parts  map[string]*zip.File // by lower-case name with forward slashes
	budget int64
}

// openArchive checks the directory before a single byte is inflated.
func openArchive(data []byte, limits Limits) (*archive, error) {
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, broken(fmt.Errorf("read zip directory: %w", err))
	}
	if len(r.File) > limits.Entries {
		return nil, tooLarge("entries", limits.Entries)
	}
	a := &archive{zip: r, parts: make(map[string]*zip.File, len(r.File)), budget: limits.UnzippedBytes}
	var total uint64
	for _, f := range r.File {
		size := f.UncompressedSize64
		if size > uint64(limits.UnzippedBytes) || total+size > uint64(limits.UnzippedBytes) {
			return nil, bomb(fmt.Errorf("part %q declares %d bytes", f.Name, size))
		}
		total += size
		if size > ratioFloor && size/maxRatio > f.CompressedSize64 {
			return nil, bomb(fmt.Errorf("part %q declares %d bytes from %d", f.Name, size, f.CompressedSize64))
		}
		if f.Flags&1 != 0 {
			return nil, problem.Unsupported("sheet.protected")
		}
		name := partKey(f.Name)
		if _, twice := a.parts[name]; twice {
			return nil, broken(fmt.Errorf("part %q stands twice in the file", f.Name))
		}
		a.parts[name] = f
	}
	return a, nil
}

// partKey is how parts are looked up: their names do not differ by case (ECMA-376 part 2 §6.2.2.3), and some programs
// write backslashes.
func partKey(name string) string {
	return strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(name, `\`, "/"), "/"))
}

func (a *archive) has(name string) bool { return a.parts[partKey(name)] != nil }

// open inflates a part; the reader fails with errBudget where the part is larger than it declares or the budget of
// the whole file is used up.
func (a *archive) open(name string) (io.ReadCloser, error) {
	f := a.parts[partKey(name)]
	if f == nil {
		return nil, broken(fmt.Errorf("part %q is missing", name))
	}
	r, err := f.Open()
	if err != nil {
		return nil, broken(fmt.Errorf("open part %q: %w", name, err))
	}
	return &budgetReader{archive: a, part: r, left: int64(f.UncompressedSize64)}, nil
}

// read inflates a part whole.
func (a *archive) read(name string) ([]byte, error) {
	r, err := a.open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // reading from memory: nothing to learn from it
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, readFailure(name, err)
	}
	return data, nil
}

type budgetReader struct {
	archive *archive
	part    io.ReadCloser
	left    int64 // declared bytes still to come
}

func (r *budgetReader) Read(p []byte) (int, error) {
	n, err := r.part.Read(p)
	r.left -= int64(n)
	r.archive.budget -= int64(n)
	if r.left < 0 || r.archive.budget < 0 || errors.Is(err, zip.ErrFormat) { // zip: more bytes than declared
		return 0, errBudget
	}
	return n, err //nolint:wrapcheck // io.EOF must pass as it is
}

func (r *budgetReader) Close() error { return r.part.Close() } //nolint:wrapcheck // passes through

// tokens calls f for every XML token of a part. Declarations with a document type are refused: no workbook has them,
// and entities are how XML attacks begin.
func (a *archive) tokens(name string, f func(d *xml.Decoder, t xml.Token) error) error {
	r, err := a.open(name)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // reading from memory: nothing to learn from it
	d := xml.NewDecoder(r)
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return readFailure(name, err)
		}
		if _, ok := t.(xml.Directive); ok {
			return broken(fmt.Errorf("part %q has a document type", name))
		}
		if err := f(d, t); err != nil {
			return readFailure(name, err)
		}
	}
}

// readFailure tells a bomb and a finding of our own from broken data.
func readFailure(name string, err error) error {
	if errors.Is(err, errBudget) {
		return bomb(fmt.Errorf("read part %q: %w", name, err))
	}
	if _, ok := errors.AsType[*problem.Error](err); ok {
		return err
	}
	return broken(fmt.Errorf("read part %q: %w", name, err))
}

func bomb(cause error) *problem.Error { return problem.TooLarge("sheet.zip_bomb").Because(cause) }

func broken(cause error) *problem.Error { return problem.Invalid("", "sheet.broken").Because(cause) }
