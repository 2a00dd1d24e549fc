package sheettest

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"strings"
)

// macroPart stands for the macros of a workbook; nothing here may read or change it.
const macroPart = "xl/vbaProject.bin"

// withMacros makes a macro workbook (.xlsm) of a workbook: the part with the macros, its content type and its relation.
func withMacros(data []byte) ([]byte, error) {
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("read made workbook: %w", err)
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range r.File {
		switch f.Name {
		case "[Content_Types].xml":
			err = rewrite(w, f,
				"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml", "application/vnd.ms-excel.sheet.macroEnabled.main+xml",
				"</Types>", `<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/></Types>`)
		case "xl/_rels/workbook.xml.rels":
			err = rewrite(w, f, "</Relationships>",
				`<Relationship Id="rIdMacros" Type="http://schemas.microsoft.com/office/2006/relationships/vbaProject" Target="vbaProject.bin"/></Relationships>`)
		default:
			err = w.Copy(f)
		}
		if err != nil {
			return nil, fmt.Errorf("copy %s: %w", f.Name, err)
		}
	}
	part, err := w.Create(macroPart)
	if err != nil {
		return nil, fmt.Errorf("add macros: %w", err)
	}
	if _, err := part.Write(bytes.Repeat([]byte{0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, 0, 1, 2, 3}, 300)); err != nil {
		return nil, fmt.Errorf("write macros: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("finish macro workbook: %w", err)
	}
	return b.Bytes(), nil
}

// rewrite copies a part with replacements; each must be found.
func rewrite(w *zip.Writer, f *zip.File, pairs ...string) error {
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // read from memory
	text, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(string(text), pairs[i]) {
			return fmt.Errorf("%q not found", pairs[i])
		}
	}
	out, err := w.Create(f.Name)
	if err != nil {
		return err
	}
	_, err = strings.NewReplacer(pairs...).WriteString(out, string(text))
	return err
}
