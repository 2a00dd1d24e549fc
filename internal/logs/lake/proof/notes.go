package proof

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
)

// notes is a file of signed notes, only ever appended to and readable as text: before each note stands the line
// "note LENGTH CRC32". A last note that is not whole was never acknowledged: it is cut off.
type notes struct {
	file *os.File
	size int64
	list []string
	cut  int64
}

const (
	largestNote  = LargestNote
	largestNotes = 256 << 20 // some 500,000 notes of one source: decades of hourly files
)

func openNotes(dir string) (*notes, error) {
	f, err := os.OpenFile(filepath.Join(dir, "notes"), os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // a folder of the lake
	if err != nil {
		return nil, fmt.Errorf("open notes: %w", err)
	}
	n := &notes{file: f}
	if err := n.read(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return n, nil
}

func (n *notes) read() error {
	data, err := io.ReadAll(io.LimitReader(n.file, largestNotes+1))
	if err != nil {
		return fmt.Errorf("read notes: %w", err)
	}
	if err := n.take(data); err != nil {
		return err
	}
	if n.cut > 0 {
		if err := n.file.Truncate(n.size); err != nil {
			return fmt.Errorf("cut notes: %w", err)
		}
	}
	return nil
}

// take gives the file its list, as its content says.
func (n *notes) take(data []byte) error {
	if len(data) > largestNotes {
		return refuse(Damaged, "the file of notes is larger than %d bytes", largestNotes)
	}
	list, whole := splitNotes(data)
	// A crash tears the end only. Whole notes behind a torn one mean that somebody was at the file.
	if followed(data[whole:]) {
		return refuse(Damaged, "note %d is not as it was written", len(list)+1)
	}
	n.list, n.size, n.cut = list, int64(whole), int64(len(data)-whole)
	return nil
}

// splitNotes gives the whole notes from the beginning, and where they end.
func splitNotes(data []byte) (list []string, whole int) {
	for {
		note, n := firstNote(data[whole:])
		if n == 0 {
			return list, whole
		}
		list, whole = append(list, note), whole+n
	}
}

// firstNote is the note that data begins with and the bytes it takes; 0 when it is not whole.
func firstNote(data []byte) (string, int) {
	line, rest, ok := bytes.Cut(data, []byte("\n"))
	var length int
	var crc uint32
	if _, err := fmt.Sscanf(string(line), "note %d %08x", &length, &crc); !ok || err != nil || length < 1 || length > largestNote ||
		length > len(rest) || crc32.ChecksumIEEE(rest[:length]) != crc || string(line) != noteLine(rest[:length]) {
		return "", 0
	}
	return string(rest[:length]), len(line) + 1 + length
}

func noteLine(note []byte) string {
	return fmt.Sprintf("note %d %08x", len(note), crc32.ChecksumIEEE(note))
}

// followed says whether a whole note lies somewhere behind a broken one, with which rest begins.
func followed(rest []byte) bool {
	for at := 1; at < len(rest); at++ {
		next := bytes.Index(rest[at:], []byte("note "))
		if next < 0 {
			return false
		}
		at += next
		if _, n := firstNote(rest[at:]); n > 0 {
			return true
		}
	}
	return false
}

// LargestNote is how long a note may be, in bytes; the largest state a million runs.
const LargestNote = 16 << 20

// add appends a note and makes it durable. After an error the file is as before, as far as the disk lets it.
func (n *notes) add(note string) error {
	if len(note) > largestNote || n.size+int64(len(note))+64 > largestNotes { // else it could not be read again
		return refuse(TooLong, "a note of %d bytes, behind %d bytes of notes", len(note), n.size)
	}
	text := noteLine([]byte(note)) + "\n" + note
	if _, err := n.file.WriteAt([]byte(text), n.size); err != nil {
		return errors.Join(fmt.Errorf("write note: %w", err), n.file.Truncate(n.size))
	}
	if err := n.file.Sync(); err != nil {
		return errors.Join(fmt.Errorf("write note: %w", err), n.file.Truncate(n.size))
	}
	n.size += int64(len(text))
	n.list = append(n.list, note)
	return nil
}
