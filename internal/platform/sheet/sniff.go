package sheet

import (
	"bytes"
	"unicode/utf16"

	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// fileKind is what the first bytes say. The names that are shown to people are the same in every language.
type fileKind string

const (
	kindZip       fileKind = "zip"
	kindText      fileKind = "text"
	kindOldXLS    fileKind = "old_xls"
	kindProtected fileKind = "protected"
	kindEmpty     fileKind = "empty"
)

// magics are the first bytes of what people upload by mistake.
var magics = []struct {
	prefix string
	kind   fileKind
}{
	{"%PDF", "PDF"},
	{"\x89PNG", "PNG"},
	{"\xFF\xD8\xFF", "JPEG"},
	{"GIF8", "GIF"},
	{`{\rtf`, "RTF"},
	{"7z\xBC\xAF", "7z"},
	{"Rar!", "RAR"},
	{"\x1F\x8B", "gzip"},
	{"MZ", "EXE"},
}

const oleMagic = "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"

// sniff tells files apart by content; the name lies too often. An encoding chosen by the person means text.
func sniff(data []byte, encoding jtext.Encoding) fileKind {
	switch {
	case len(bytes.TrimSpace(data)) == 0:
		return kindEmpty
	case bytes.HasPrefix(data, []byte("PK\x03\x04")), bytes.HasPrefix(data, []byte("PK\x05\x06")):
		return kindZip
	case bytes.HasPrefix(data, []byte(oleMagic)):
		return sniffOLE(data)
	case encoding != "":
		return kindText
	}
	for _, m := range magics {
		if bytes.HasPrefix(data, []byte(m.prefix)) {
			return m.kind
		}
	}
	return sniffText(data)
}

// sniffOLE tells a workbook with a password (MS-OFFCRYPTO §2.3.4: stream EncryptedPackage) from old Excel files.
func sniffOLE(data []byte) fileKind {
	switch {
	case bytes.Contains(data, utf16LE("EncryptedPackage")):
		return kindProtected
	case bytes.Contains(data, utf16LE("WordDocument")):
		return "Word 97-2003"
	case bytes.Contains(data, utf16LE("PowerPoint Document")):
		return "PowerPoint 97-2003"
	default:
		return kindOldXLS
	}
}

func utf16LE(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return b
}

func sniffText(data []byte) fileKind {
	if bytes.HasPrefix(data, []byte("\xFF\xFE")) || bytes.HasPrefix(data, []byte("\xFE\xFF")) {
		return kindText
	}
	if bytes.IndexByte(data, 0) >= 0 {
		return "binary"
	}
	head := bytes.ToLower(bytes.TrimSpace(bytes.TrimPrefix(data[:min(len(data), 1024)], []byte("\xEF\xBB\xBF"))))
	switch {
	case bytes.HasPrefix(head, []byte("<!doctype html")), bytes.HasPrefix(head, []byte("<html")),
		bytes.HasPrefix(head, []byte("<table")), bytes.HasPrefix(head, []byte("<meta")):
		return "HTML"
	case bytes.HasPrefix(head, []byte("<?xml")):
		return "XML"
	}
	return kindText
}

func refuse(found fileKind) error {
	switch found {
	case kindOldXLS:
		return problem.Unsupported("sheet.old_xls")
	case kindProtected:
		return problem.Unsupported("sheet.protected")
	case kindEmpty:
		return problem.Invalid("", "sheet.empty")
	default:
		return problem.Unsupported("sheet.not_a_workbook", "found", string(found))
	}
}
