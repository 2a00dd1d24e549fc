package lake

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// journal remembers which files were taken in, so that none comes in twice unseen. It is a file of JSON lines that is
// only appended to. A line that is not whole is passed over: the next append begins a new line.
type journal struct {
	path string
	// by SHA-256 of the file: the newest end, or a begin without an end.
	files map[string]*entry
	logs  map[string]map[string]*entry // the same by log, see logOf
}

// entry is a line of the journal.
type entry struct {
	Act    string            `json:"act"` // begin, end
	SHA256 string            `json:"sha256"`
	File   string            `json:"file"`
	Size   int64             `json:"size"` // bytes that SHA256 is of; what came in behind them meanwhile is not taken in
	At     time.Time         `json:"at"`
	Before map[string]uint64 `json:"before,omitempty"` // begin: newest sequence number of each source
	From   uint64            `json:"from,omitempty"`   // begin: records that an earlier run took in
	Kept   uint64            `json:"kept"`             // end: records of the file that are in the lake; where Behind is set, of those behind it
	Source string            `json:"source,omitempty"` // that the person named
	Behind int64             `json:"behind,omitempty"` // bytes that were taken in when the file was smaller
	Whole  bool              `json:"whole"`            // end: the file was read to its end
	// end: what the text was written in, and of the records of this run how many were turned into UTF-8 and how many were
	// kept in bytes that nobody knows. CP932 is turned so that it can be turned back, byte by byte.
	Encoding string `json:"encoding,omitempty"`
	Turned   uint64 `json:"turned,omitempty"`
	AsBytes  uint64 `json:"bytes,omitempty"`
}

// readJournal reads the journal. last has the newest sequence number of each source: with it, a run that was killed is
// settled to the record.
func readJournal(dir string, last map[string]uint64) (*journal, error) {
	j := &journal{path: filepath.Join(dir, "imports"), files: map[string]*entry{}, logs: map[string]map[string]*entry{}}
	data, err := readSmall(j.path)
	if err != nil {
		return nil, err
	}
	var open *entry
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e entry
		if json.Unmarshal(lines.Bytes(), &e) != nil || e.SHA256 == "" {
			continue
		}
		open = nil
		if e.Act == "begin" {
			open = &e
		} else {
			j.remember(&e)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the list of imports: %w", err)
	}
	if open == nil {
		return j, nil
	}
	// Killed at work. One process writes, and it began nothing else since: what sources grew by is of this file.
	end := *open
	end.Act, end.Before, end.Kept, end.From = "end", nil, open.From, 0
	for source, n := range last {
		if before := open.Before[source]; n > before {
			end.Kept += n - before
		}
	}
	return j, j.add(&end)
}

// add appends a line and makes it durable.
func (j *journal) add(e *entry) error {
	data, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("note import: %w", err)
	}
	f, err := os.OpenFile(j.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("note import: %w", err)
	}
	if size, err := f.Seek(0, 2); err == nil && size > 0 {
		var tail [1]byte
		if _, err := f.ReadAt(tail[:], size-1); err == nil && tail[0] != '\n' { // torn by a crash
			data = append([]byte("\n"), data...)
		}
	}
	_, err = f.Write(append(data, '\n'))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("note import: %w", err)
	}
	if e.Act == "end" {
		j.remember(e)
	}
	return nil
}
