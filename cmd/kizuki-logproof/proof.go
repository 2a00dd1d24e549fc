package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// exported is a proof as it stands in its file.
type exported struct {
	Format     string   `json:"format"`
	Record     record   `json:"record"`
	Leaf       uint64   `json:"leaf"`
	Siblings   []string `json:"siblings"`
	Path       []string `json:"path"`
	Checkpoint string   `json:"checkpoint"`
}

type record struct {
	Source   string `json:"source"`
	Seq      uint64 `json:"seq"`
	Time     int64  `json:"time_us"`
	Received int64  `json:"received_us"`
	Format   string `json:"format"`
	Raw      []byte `json:"raw"`
}

// proved is a proof that holds.
type proved struct {
	record record
	point  checkpoint
	key    publicKey
	file   [sha256.Size]byte
}

// check goes the whole way from the bytes to the signature; why names the first step that fails, "" when none does.
func check(data []byte, keyText string) (p *proved, why string) {
	key, ok := parseKey(keyText)
	if !ok {
		return nil, "key"
	}
	file := sha256.Sum256(data)
	// A mail program or an editor may have changed the ends of lines; nothing else may differ from how proofs are
	// written, so that no two readers can take one file for different things.
	data = bytes.ReplaceAll(bytes.TrimPrefix(data, []byte("\uFEFF")), []byte("\r\n"), []byte("\n"))
	var e exported
	if json.Unmarshal(data, &e) != nil {
		return nil, "file"
	}
	again, err := json.MarshalIndent(&e, "", "  ")
	if err != nil || !bytes.Equal(append(again, '\n'), data) || e.Format != "kizuki-log-proof/1" {
		return nil, "file"
	}
	text, why := key.open(e.Checkpoint)
	if why != "" {
		return nil, why
	}
	point, ok := parseCheckpoint(text)
	if !ok {
		return nil, "checkpoint"
	}
	if why := e.fits(point); why != "" {
		return nil, why
	}
	return &proved{e.Record, point, key, file}, ""
}

// fits says whether the record is one of those that the checkpoint covers.
func (e *exported) fits(c checkpoint) (why string) {
	r := e.Record
	if r.Source != c.source || r.Seq == 0 || e.Leaf != (r.Seq-1)/leafRecords || e.Leaf > c.leaves {
		return "not_covered"
	}
	size := uint64(leafRecords)
	if e.Leaf == c.leaves {
		size = c.tail
	}
	place := (r.Seq - 1) % leafRecords
	if place >= size || uint64(len(e.Siblings)) != size-1 {
		return "not_covered"
	}
	siblings, ok := hashesOf(e.Siblings)
	path, ok2 := hashesOf(e.Path)
	if !ok || !ok2 {
		return "file"
	}
	if c.lacks(r.Seq) || !c.agrees(siblings, e.Leaf, place) {
		return "missing"
	}
	records := append(append(append([]hash{}, siblings[:place]...), r.hash()), siblings[place:]...)
	leaf := leafOf(records)
	if e.Leaf == c.leaves {
		if len(path) != 0 || leaf != c.tailHash {
			return "differs"
		}
		return ""
	}
	if root, ok := rootFrom(leaf, e.Leaf, c.leaves, path); !ok || root != c.root {
		return "differs"
	}
	return ""
}

// missingHash stands in a leaf for a number that no file has.
var missingHash = hash(sha256.Sum256([]byte("kizuki-missing/1\n")))

// agrees says whether exactly those siblings have the hash of a missing record that the note states as missing. place is
// that of the record itself.
func (c *checkpoint) agrees(siblings []hash, leaf, place uint64) bool {
	for i, h := range siblings {
		seq := leaf*leafRecords + uint64(i) + 1
		if uint64(i) >= place {
			seq++
		}
		if (h == missingHash) != c.lacks(seq) {
			return false
		}
	}
	return true
}

// gaps writes the first runs of missing numbers.
func (c *checkpoint) gaps() string {
	const most = 20
	var parts []string
	for i, s := range c.missing {
		if i == most {
			parts = append(parts, "…")
			break
		}
		part := strconv.FormatUint(s.first, 10)
		if s.last > s.first {
			part += "–" + strconv.FormatUint(s.last, 10)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}

// hash is SHA-256 over "kizuki-record/1\n" and the parts of the record, each text behind its length.
func (r *record) hash() hash {
	b := binary.BigEndian.AppendUint32([]byte("kizuki-record/1\n"), uint32(len(r.Source)))
	b = bigEndian(append(b, r.Source...), r.Seq)
	b = bigEndian(bigEndian(b, uint64(r.Time)), uint64(r.Received))
	b = binary.BigEndian.AppendUint32(b, uint32(len(r.Format)))
	b = bigEndian(append(b, r.Format...), uint64(len(r.Raw)))
	return sha256.Sum256(append(b, r.Raw...))
}

func hashesOf(texts []string) ([]hash, bool) {
	all := make([]hash, len(texts))
	for i, text := range texts {
		if !hashText(text, &all[i]) {
			return nil, false
		}
	}
	return all, true
}

// print says what the proof shows and what it does not.
func (p *proved) print(out io.Writer, t texts) {
	line := func(key string, args ...string) { fmt.Fprintln(out, t.t(key, args...)) }
	r := p.record
	fmt.Fprintln(out, "○ "+t.t("logproof.proved"))
	line("logproof.record", "source", visible(r.Source), "seq", strconv.FormatUint(r.Seq, 10))
	line("logproof.time", "time", moment(r.Time), "received", moment(r.Received))
	line("logproof.raw", "format", visible(r.Format), "n", strconv.Itoa(len(r.Raw)), "raw", visible(string(r.Raw)))
	fmt.Fprintln(out)
	line("logproof.signed", "key", p.key.name, "hash", fmt.Sprintf("%x", p.key.hash), "at", p.point.at)
	line("logproof.origin", "origin", visible(p.point.origin), "n", strconv.FormatUint(p.point.leaves*leafRecords+p.point.tail, 10))
	line("logproof.root", "leaves", strconv.FormatUint(p.point.leaves, 10), "root", base64.StdEncoding.EncodeToString(p.point.root[:]))
	if len(p.point.missing) > 0 {
		line("logproof.missing", "list", p.point.gaps())
	}
	line("logproof.file", "hash", fmt.Sprintf("%x", p.file))
	fmt.Fprintln(out)
	line("logproof.shows")
	for _, key := range []string{"line", "place", "before"} {
		line("logproof.shows." + key)
	}
	fmt.Fprintln(out)
	line("logproof.shows_not")
	for _, key := range []string{"true", "clock", "complete", "history", "columns", "owner"} {
		line("logproof.shows_not." + key)
	}
}

// moment is a number of microseconds as a date; numbers beyond four-digit years stay numbers.
func moment(micros int64) string {
	at := time.UnixMicro(micros).UTC()
	if at.Year() < 0 || at.Year() > 9999 {
		return strconv.FormatInt(micros, 10) + " µs"
	}
	return at.Format("2006-01-02T15:04:05.000000Z")
}

// visible shows bytes without letting them act on the terminal: what is not printable stands as an escape.
func visible(text string) string {
	var b strings.Builder
	for len(text) > 0 {
		r, n := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, text[0])
		case r == '\\' || !strconv.IsPrint(r):
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		default:
			b.WriteString(text[:n])
		}
		text = text[n:]
	}
	return b.String()
}
