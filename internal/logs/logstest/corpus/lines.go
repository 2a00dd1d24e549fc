package corpus

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	mostLines   = 500_000
	longestLine = 4 << 10 // longer ones are left out: they would say more of the sample than of the store
)

// Lines reads the lines of all .log and .txt files under a folder, in the order of their names; empty lines are left out,
// and so are lines that hold a needle.
func Lines(dir string) ([][]byte, error) {
	var all [][]byte
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if ext := filepath.Ext(path); err != nil || entry.IsDir() || ext != ".log" && ext != ".txt" {
			return err
		}
		data, err := os.ReadFile(path) //nolint:gosec // a folder of test data
		if err != nil {
			return err
		}
		for line := range bytes.SplitSeq(data, []byte("\n")) {
			line = bytes.TrimRight(line, "\r")
			if len(line) > 0 && len(line) <= longestLine && len(all) < mostLines && !hasNeedle(line) {
				all = append(all, line)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read real lines: %w", err)
	}
	return all, nil
}

func hasNeedle(line []byte) bool {
	for _, needle := range []string{NeedleIP, NeedleWord, NeedleBreakIn, NeedleJapanese} {
		if bytes.Contains(line, []byte(needle)) {
			return true
		}
	}
	return false
}
