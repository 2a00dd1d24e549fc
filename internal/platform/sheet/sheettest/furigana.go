package sheettest

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"strings"
)

// withFurigana adds to every third shared text the reading that Japanese Excel keeps beside typed kanji; excelize
// cannot write it. Readers must not take it for a part of the text.
func withFurigana(data []byte) ([]byte, error) {
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("read made workbook: %w", err)
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range r.File {
		if f.Name != "xl/sharedStrings.xml" {
			if err := w.Copy(f); err != nil {
				return nil, fmt.Errorf("copy %s: %w", f.Name, err)
			}
			continue
		}
		if err := copyWithFurigana(w, f); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("finish made workbook: %w", err)
	}
	return b.Bytes(), nil
}

func copyWithFurigana(w *zip.Writer, f *zip.File) error {
	in, err := f.Open()
	if err != nil {
		return fmt.Errorf("open shared texts: %w", err)
	}
	defer func() { _ = in.Close() }() // read from memory
	text, err := io.ReadAll(in)
	if err != nil {
		return fmt.Errorf("read shared texts: %w", err)
	}
	out, err := w.Create(f.Name)
	if err != nil {
		return fmt.Errorf("replace shared texts: %w", err)
	}
	items := strings.SplitAfter(string(text), "</si>")
	for i, item := range items {
		if body, ok := strings.CutSuffix(item, "</si>"); ok && i%3 == 0 {
			items[i] = body + `<rPh sb="0" eb="1"><t>ヨミガナ</t></rPh><phoneticPr fontId="0"/></si>`
		}
	}
	if _, err := io.WriteString(out, strings.Join(items, "")); err != nil {
		return fmt.Errorf("write shared texts: %w", err)
	}
	return nil
}
