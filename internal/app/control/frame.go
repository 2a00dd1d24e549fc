package control

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// readLine reads up to a line break, at most limit bytes; the line break is left out. What is longer is refused
// without being read to its end.
func readLine(r *bufio.Reader, limit int) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > limit {
			return nil, problem.TooLarge("app.control.too_large")
		}
		line = append(line, part...)
		switch {
		case err == nil:
			return bytes.TrimSuffix(line, []byte("\n")), nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(line) > 0:
			return nil, io.ErrUnexpectedEOF
		default:
			return nil, err
		}
	}
}

// readRequest reads the line of a request and judges its form, not who sent it.
func readRequest(r *bufio.Reader) (*request, error) {
	line, err := readLine(r, maxLine)
	if err != nil {
		return nil, err
	}
	var q request
	if !utf8.Valid(line) || json.Unmarshal(line, &q) != nil {
		return nil, ErrBroken
	}
	if len(q.Files) > maxFiles {
		return nil, problem.TooLarge("app.control.too_large")
	}
	for _, f := range q.Files {
		if f.Size < 0 || len(f.Name) > maxFileName {
			return nil, ErrBroken
		}
	}
	return &q, nil
}

// readFiles reads the announced files, limit bytes together.
func readFiles(r io.Reader, heads []fileHead, limit int64) ([]File, error) {
	left := limit
	for _, h := range heads {
		if left -= h.Size; h.Size > limit || left < 0 {
			return nil, problem.TooLarge("app.control.too_large")
		}
	}
	files := make([]File, 0, len(heads))
	for _, h := range heads {
		// Memory is taken as bytes arrive: an announced size costs nothing.
		var buf bytes.Buffer
		if n, err := io.CopyN(&buf, r, h.Size); err != nil {
			return nil, fmt.Errorf("read file %d of %d bytes after %d: %w", len(files)+1, h.Size, n, err)
		}
		files = append(files, File{Name: h.Name, Data: buf.Bytes()})
	}
	return files, nil
}

// readAnswer reads one line of an answer.
func readAnswer(r *bufio.Reader) (*answer, error) {
	line, err := readLine(r, maxAnswer)
	if err != nil {
		return nil, err
	}
	var a answer
	if err := json.Unmarshal(line, &a); err != nil {
		return nil, ErrBroken
	}
	return &a, nil
}

// encode writes one line.
func encode(v any) ([]byte, error) {
	line, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode line: %w", err)
	}
	return append(line, '\n'), nil
}
