package attach

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"io"
	"net/mail"
	"strings"
	"unicode"

	"github.com/kizuki-security/kizuki/internal/words/jtext"
)

// Type is what a file really is, judged by its content.
type Type string

// The types that may be attached.
const (
	PDF  Type = "pdf"
	PNG  Type = "png"
	JPEG Type = "jpeg"
	GIF  Type = "gif"
	WebP Type = "webp"
	HEIC Type = "heic"
	XLSX Type = "xlsx"
	DOCX Type = "docx"
	PPTX Type = "pptx"
	MSG  Type = "msg"
	EML  Type = "eml"
	CSV  Type = "csv"
	TXT  Type = "txt"
)

// What is recognised only to say why it is refused.
const (
	kindPage      Type = "page"       // HTML, SVG or other XML: could run script in the office's own name
	kindProgram   Type = "program"    // starts when it is opened
	kindMacro     Type = "macro"      // an Office file that carries a program
	kindOldOffice Type = "old_office" // .xls, .doc, .ppt: may carry macros that nobody sees
	kindZip       Type = "zip"
	kindOther     Type = "other"
)

// mediaTypes is what the download says. Texts are sent as bytes, so that no browser guesses an encoding.
var mediaTypes = map[Type]string{
	PDF: "application/pdf", PNG: "image/png", JPEG: "image/jpeg", GIF: "image/gif", WebP: "image/webp", HEIC: "image/heic",
	XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	DOCX: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	PPTX: "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	MSG:  "application/vnd.ms-outlook", EML: "application/octet-stream", CSV: "text/csv", TXT: "text/plain",
}

// extensions says what a name claims.
var extensions = map[string]Type{
	".pdf": PDF, ".png": PNG, ".jpg": JPEG, ".jpeg": JPEG, ".jfif": JPEG, ".gif": GIF, ".webp": WebP, ".heic": HEIC, ".heif": HEIC,
	".xlsx": XLSX, ".docx": DOCX, ".pptx": PPTX, ".msg": MSG, ".eml": EML, ".csv": CSV, ".txt": TXT,
}

func (t Type) allowed() bool { return mediaTypes[t] != "" }

// reason groups refused types by what a person should do instead: one message each.
func (t Type) reason() Type {
	switch t {
	case kindMacro, kindOldOffice, kindZip:
		return t
	default:
		return kindOther
	}
}

// sniff tells what the content is. It answers TXT for every readable text without markup.
func sniff(data []byte) Type {
	for _, s := range signatures {
		if len(data) >= s.at && bytes.HasPrefix(data[s.at:], []byte(s.bytes)) {
			if s.inside != nil {
				return s.inside(data)
			}
			return s.is
		}
	}
	return sniffText(data)
}

// signatures are the first bytes of each format. Sources: ISO 32000-2 §7.5.2, RFC 2083 §3.1, ITU-T T.81
// annex B, GIF89a §17, RFC 9649 §2.4, ISO/IEC 23008-12 (brands), APPNOTE.TXT §4.3.7, MS-CFB §2.2.
var signatures = []struct {
	at     int
	bytes  string
	is     Type
	inside func([]byte) Type
}{
	{0, "%PDF-", PDF, nil},
	{0, "\x89PNG\r\n\x1a\n", PNG, nil},
	{0, "\xff\xd8\xff", JPEG, nil},
	{0, "GIF87a", GIF, nil},
	{0, "GIF89a", GIF, nil},
	{8, "WEBP", WebP, sniffRIFF},
	{4, "ftyp", HEIC, sniffBrand},
	{0, "PK\x03\x04", kindZip, sniffZip},
	{0, "PK\x05\x06", kindZip, nil},
	{0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", kindOldOffice, sniffCompound},
	{0, "MZ", kindProgram, sniffProgram},
	{0, "\x7fELF", kindProgram, nil},
	{0, "#!", kindProgram, nil},
	{0, "\x4c\x00\x00\x00\x01\x14\x02\x00", kindProgram, nil}, // a Windows shortcut (MS-SHLLINK §2.1)
}

func sniffRIFF(data []byte) Type {
	if bytes.HasPrefix(data, []byte("RIFF")) {
		return WebP
	}
	return sniffText(data)
}

// sniffProgram keeps a note that happens to begin with MZ from being called a program.
func sniffProgram(data []byte) Type {
	if sniffText(data) == TXT {
		return TXT
	}
	return kindProgram
}

// sniffBrand reads the main brand of an ISO media file: photos of phones, not films.
func sniffBrand(data []byte) Type {
	if len(data) < 12 {
		return kindOther
	}
	switch string(data[8:12]) {
	case "heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1":
		return HEIC
	}
	return kindOther
}

// Bounds for looking into a zip: a real Office file stays far below them.
const (
	maxZipEntries   = 10_000
	maxContentTypes = 1 << 20
)

// sniffZip reads the content types that every Office file declares (ECMA-376 part 2 §10.1.2.2).
func sniffZip(data []byte) Type {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil || len(z.File) > maxZipEntries {
		return kindZip
	}
	found := kindZip
	for _, f := range z.File {
		if strings.HasSuffix(strings.ToLower(f.Name), "vbaproject.bin") {
			return kindMacro
		}
		if f.Name == "[Content_Types].xml" {
			found = declared(f)
		}
	}
	return found
}

var mainParts = map[string]Type{
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml":         XLSX,
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml":   DOCX,
	"application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml": PPTX,
	"application/vnd.openxmlformats-officedocument.presentationml.slideshow.main+xml":    PPTX,
}

func declared(f *zip.File) Type {
	src, err := f.Open()
	if err != nil {
		return kindZip
	}
	defer func() { _ = src.Close() }() // only read, in memory
	dec := xml.NewDecoder(io.LimitReader(src, maxContentTypes))
	found := kindZip
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			return kindZip
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		for _, a := range start.Attr {
			if a.Name.Local != "ContentType" {
				continue
			}
			if strings.Contains(strings.ToLower(a.Value), "macroenabled") {
				return kindMacro
			}
			if t, ok := mainParts[a.Value]; ok && start.Name.Local == "Override" {
				found = t
			}
		}
	}
}

// outlook is the class of the root entry of a saved Outlook mail (MS-OXMSG §2.1), as stored.
var outlook = []byte{0x0b, 0x0d, 0x02, 0x00, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46}

// sniffCompound tells a saved Outlook mail from the old Office formats: by the class of the root entry,
// or by the streams that only a mail has. Offsets: MS-CFB §2.2 and §2.6.1.
func sniffCompound(data []byte) Type {
	if len(data) < 512 {
		return kindOther
	}
	shift := binary.LittleEndian.Uint16(data[30:])
	if shift != 9 && shift != 12 {
		return kindOther
	}
	sector := int64(1) << shift
	start := (int64(binary.LittleEndian.Uint32(data[48:])) + 1) * sector
	if start+sector > int64(len(data)) {
		return kindOther
	}
	directory := data[start : start+sector]
	if bytes.Equal(directory[80:96], outlook) {
		return MSG
	}
	for ; len(directory) >= 128; directory = directory[128:] {
		name := strings.ReplaceAll(string(directory[:64]), "\x00", "")
		if strings.HasPrefix(name, "__properties_version1.0") || strings.HasPrefix(name, "__nameid_version1.0") {
			return MSG
		}
	}
	return kindOldOffice
}

// sniffText answers TXT for text in an encoding that we read, the page kind for markup, else other.
func sniffText(data []byte) Type {
	decoded := jtext.DetectAndDecode(data)
	if len(decoded.Broken) > 0 {
		return kindOther
	}
	for _, r := range decoded.Text {
		if unicode.IsControl(r) && !strings.ContainsRune("\t\n\r\f\x1a\x1b", r) { // old systems end files with 0x1A; 0x1B switches letters in ISO-2022-JP
			return kindOther
		}
	}
	front := strings.ToLower(strings.TrimSpace(decoded.Text[:min(len(decoded.Text), 1024)]))
	for _, mark := range []string{"<!doctype", "<html", "<head", "<body", "<svg", "<script", "<?xml", "<?php", "<!--", "<iframe"} {
		if strings.HasPrefix(front, mark) {
			return kindPage
		}
	}
	return TXT
}

// looksLikeMail wants a header block with two of the fields that every mail has (RFC 5322 §3.6).
func looksLikeMail(data []byte) bool {
	if bytes.IndexByte(data, 0) >= 0 {
		return false
	}
	m, err := mail.ReadMessage(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xEF\xBB\xBF"))))
	if err != nil {
		return false
	}
	n := 0
	for _, field := range []string{"From", "To", "Date", "Subject", "Received", "Message-Id"} {
		if m.Header.Get(field) != "" {
			n++
		}
	}
	return n >= 2
}
