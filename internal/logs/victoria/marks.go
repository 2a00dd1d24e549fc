package victoria

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
)

// Mark is how far a source was sent.
type Mark struct {
	Safe        uint64 `json:"safe"`         // all up to here is there, or refused
	Tried       uint64 `json:"tried"`        // nothing behind this was ever sent
	Refused     uint64 `json:"refused"`      // records that the engine never showed, all in all
	LastRefused uint64 `json:"last_refused"` // the newest of them; 0: none
}

// Marks keep how far each source was sent. Save must be durable when it returns.
type Marks interface {
	Load() (map[string]Mark, error)
	Save(marks map[string]Mark) error
}

// FileMarks keeps marks in a JSON file of that name.
type FileMarks string

const marksFormat = "kizuki.victoria-marks/1"

type marksFile struct {
	Format  string          `json:"format"`
	Sources map[string]Mark `json:"sources"`
}

// Load reads the file; there are no marks when it is not there. Reason BadMarks.
func (path FileMarks) Load() (map[string]Mark, error) {
	data, err := os.ReadFile(string(path))
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]Mark{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read marks: %w", err)
	}
	var file marksFile
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil || file.Format != marksFormat || file.Sources == nil {
		return nil, &Error{Reason: BadMarks, Err: err}
	}
	return file.Sources, nil
}

// Save writes the file anew: under another name first, then renamed.
func (path FileMarks) Save(marks map[string]Mark) error {
	data, err := json.MarshalIndent(marksFile{marksFormat, marks}, "", "  ")
	if err == nil {
		err = disk.WriteFile(disk.OS{}, string(path), append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write marks: %w", err)
	}
	return nil
}
