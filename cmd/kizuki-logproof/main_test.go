package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake/proof"
)

var now = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func sample(seq uint64) *event.Record {
	return &event.Record{
		Source: "fw", Seq: seq, Time: now.Add(time.Duration(seq) * time.Millisecond), Received: now, Format: event.Raw,
		Raw: fmt.Appendf(nil, "%d <拒否> \x1b[2J\xff src=203.0.113.77", seq),
	}
}

func hashOf(seq uint64) (proof.Hash, error) {
	var h proof.Hasher
	return h.Record(sample(seq)), nil
}

// export makes the proofs of some records with Kizuki's own code, and the key to check them with.
func export(t *testing.T, seal []uint64, seqs ...uint64) (files [][]byte, key string) {
	t.Helper()
	return exportWithout(t, nil, seal, seqs...)
}

// exportWithout is export where the records before an end of lost are missing: 10 of them, from the last end of seal on.
func exportWithout(t *testing.T, lost, seal []uint64, seqs ...uint64) (files [][]byte, key string) {
	t.Helper()
	private, key, err := note.GenerateKey(rand.Reader, "lake-test")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := proof.OpenLog(proof.Config{Dir: t.TempDir(), Lake: "office", Signer: signer, Keys: []proof.Verifier{verifier}}, "fw")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	first := uint64(1)
	for _, end := range seal {
		if slices.Contains(lost, first) {
			if err := l.Lose(first + 9); err != nil {
				t.Fatal(err)
			}
			first += 10
		}
		var all []proof.Hash
		for seq := first; seq <= end; seq++ {
			h, _ := hashOf(seq)
			all = append(all, h)
		}
		if err := l.Append(first, all); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Seal(proof.File{Ranges: []proof.Range{{First: first, Last: end}}, SHA256: proof.Hash{byte(end)}}, now); err != nil {
			t.Fatal(err)
		}
		first = end + 1
	}
	for _, seq := range seqs {
		p, err := l.Prove(sample(seq), hashOf)
		if err != nil {
			t.Fatalf("record %d: %v", seq, err)
		}
		data, err := p.JSON()
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, data)
	}
	return files, key
}

// Trees of every size up to 40 leaves, each leaf of them.
func TestEveryPlaceInTheTree(t *testing.T) {
	t.Parallel()
	for leaves := uint64(1); leaves <= 40; leaves += 3 {
		var seqs []uint64
		for leaf := range leaves {
			seqs = append(seqs, leaf*256+1+leaf*37%256)
		}
		files, key := export(t, []uint64{leaves*256 + leaves%2*5}, seqs...)
		for i, file := range files {
			if p, why := check(file, key); why != "" || p.record.Seq != seqs[i] {
				t.Fatalf("record %d of %d leaves: %s", seqs[i], leaves, why)
			}
		}
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	files, key := export(t, []uint64{1}, 1)
	more, moreKey := export(t, []uint64{100, 300, 522}, 1, 257, 300, 513, 522)
	if _, why := check(files[0], key); why != "" {
		t.Errorf("the only record: %s", why)
	}
	for i, file := range more {
		if _, why := check(file, moreKey); why != "" {
			t.Errorf("proof %d: %s", i, why)
		}
	}
	if _, why := check(more[0], key); why != "other_key" {
		t.Errorf("another key: %s", why)
	}
}

// Records beside missing ones are proved, in a full leaf and in a tail, and what the signer states is said.
func TestMissing(t *testing.T) {
	t.Parallel()
	files, key := exportWithout(t, []uint64{301, 1284}, []uint64{300, 1283, 1310}, 300, 311, 513, 1283, 1294, 1310)
	for i, file := range files {
		p, why := check(file, key)
		if why != "" {
			t.Fatalf("proof %d: %s", i, why)
		}
		if want := []string{"301–310", "301–310", "301–310", "301–310, 1284–1293", "301–310, 1284–1293", "301–310, 1284–1293"}[i]; p.point.gaps() != want {
			t.Errorf("proof %d states %q, want %q", i, p.point.gaps(), want)
		}
		var out bytes.Buffer
		all, err := textsOf("ja")
		if err != nil {
			t.Fatal(err)
		}
		if p.print(&out, all); !strings.Contains(out.String(), "失われたと述べている番号：301–310") {
			t.Errorf("the missing numbers are not named:\n%s", &out)
		}
	}
	// A sum that stands for a missing record has another beginning than that of any record.
	if missingHash != hash(proof.MissingHash()) {
		t.Error("another hash for missing records")
	}
}

// A note that states what it must not is none, also with a good signature.
func TestMissingStatedWrongly(t *testing.T) {
	t.Parallel()
	text := "kizuki-lake/office/fw\n1\n" + proof.Hash{}.String() + "\nkizuki-leaves/1\nsource fw\nseq 1-256\n%sfile sha256:00\ntime 2026-11-26T00:00:00.000Z\n"
	for _, tt := range []struct {
		lines string
		ok    bool
	}{
		{"", true},
		{"missing 5-9\n", true},
		{"missing 5-9\nmissing 11-11\n", true},
		{"missing 5-9\nmissing 9-11\n", false},
		{"missing 9-5\n", false},
		{"missing 0-5\n", false},
		{"missing 5-257\n", false},
		{"missing 5\n", false},
		{"missing 05-9\n", false},
		{"missing \n", false},
	} {
		if _, ok := parseCheckpoint(fmt.Sprintf(text, tt.lines)); ok != tt.ok {
			t.Errorf("%q: %v", tt.lines, ok)
		}
	}
	// The signer of this one states nothing, and a sibling has the hash of a missing record.
	e := exported{Record: record{Source: "fw", Seq: 1}, Siblings: make([]string, 1)}
	e.Siblings[0] = proof.MissingHash().String()
	point := checkpoint{source: "fw", tail: 2}
	point.tailHash = leafOf([]hash{e.Record.hash(), missingHash})
	if why := e.fits(point); why != "missing" {
		t.Errorf("a missing record that nobody states: %q", why)
	}
	point.missing = []span{{2, 2}}
	if why := e.fits(point); why != "" {
		t.Errorf("a missing record that is stated: %q", why)
	}
	point.missing = []span{{1, 2}}
	if why := e.fits(point); why != "missing" {
		t.Errorf("a record that is there and stated as missing: %q", why)
	}
}

// A proof with any one bit flipped is refused: every bit of one of a short tail, and of one of a full leaf a part of the
// bits, all with KIZUKI_PROVE=1.
func TestEveryFlippedBit(t *testing.T) {
	t.Parallel()
	files, key := export(t, []uint64{300, 1283}, 1281, 700)
	for n, file := range files {
		step := 1
		if n == 1 && os.Getenv("KIZUKI_PROVE") == "" {
			step = 97
		}
		for at := 0; at < len(file)*8; at += step {
			bad := bytes.Clone(file)
			bad[at/8] ^= 1 << (at % 8)
			if _, why := check(bad, key); why == "" {
				t.Fatalf("proof %d with bit %d of byte %d flipped is taken", n, at%8, at/8)
			}
		}
		for at := 0; at < len(file); at += step {
			if _, why := check(file[:at], key); why == "" {
				t.Fatalf("proof %d is taken when cut at %d", n, at)
			}
		}
	}
	for i := range key {
		for bit := range 8 {
			bad := []byte(key)
			bad[i] ^= 1 << bit
			if _, why := check(files[0], string(bad)); why == "" {
				t.Fatalf("the key is taken with bit %d of byte %d flipped", bit, i)
			}
		}
	}
}

// Parts of two good proofs under one key do not mix.
func TestMixed(t *testing.T) {
	t.Parallel()
	files, key := export(t, []uint64{300, 1500}, 700, 701, 1490, 20)
	for i, a := range files {
		for j, b := range files {
			if i == j {
				continue
			}
			_, rest, _ := strings.Cut(string(b), `"leaf"`)
			head, _, _ := strings.Cut(string(a), `"leaf"`)
			if _, why := check([]byte(head+`"leaf"`+rest), key); why != "differs" && why != "not_covered" {
				t.Errorf("record of proof %d with the rest of %d: %q", i, j, why)
			}
		}
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	files, key := export(t, []uint64{1500}, 700)
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := write("good.json", files[0])
	mailed := write("mailed.json", bytes.ReplaceAll(files[0], []byte("\n"), []byte("\r\n")))
	bad := write("bad.json", bytes.Replace(files[0], []byte(`"seq": 700`), []byte(`"seq": 701`), 1))
	keyFile := write("key.txt", []byte(key+"\n"))
	tests := []struct {
		name string
		args []string
		code int
		want []string
	}{
		{"proved", []string{good, key}, exitProved, []string{"証明できました", "203.0.113.77", `<拒否> \x1b[2J\xff`, "わからないこと"}},
		{"in English", []string{"-lang", "en", good, keyFile}, exitProved, []string{"Proved.", "does not show", "kizuki-lake/office/fw"}},
		{"mailed", []string{mailed, key}, exitProved, []string{"証明できました"}},
		{"changed", []string{"-lang", "en", bad, key}, exitRefused, []string{"Not proved.", "not what was signed"}},
		{"no file", []string{filepath.Join(dir, "none"), key}, exitNoAccess, []string{"読めません"}},
		{"no key file", []string{good, filepath.Join(dir, "none")}, exitNoAccess, []string{"読めません"}},
		{"no key", []string{good}, exitCall, []string{"PROOF.json KEY"}},
		{"no language", []string{"-lang", "fr", good, key}, exitCall, []string{"PROOF.json KEY"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			code := run(tt.args, func(string) string { return "" }, &out, &out)
			if code != tt.code {
				t.Errorf("exit code %d, want %d\n%s", code, tt.code, &out)
			}
			for _, want := range tt.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("%q is not in\n%s", want, &out)
				}
			}
			if strings.Contains(out.String(), "\x1b") || strings.Contains(out.String(), "\xff") || strings.Contains(out.String(), "{") {
				t.Errorf("not fit for a terminal, or a parameter left:\n%s", &out)
			}
		})
	}
}

// Every reason has its sentence in both languages.
func TestTexts(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"ja", "en"} {
		all, err := textsOf(lang)
		if err != nil {
			t.Fatal(err)
		}
		for _, why := range []string{"key", "file", "note", "forged", "other_key", "checkpoint", "not_covered", "differs", "missing"} {
			if all.t("logproof.why."+why) == "" {
				t.Errorf("%s: no sentence for %s", lang, why)
			}
		}
	}
	if got := language(func(name string) string { return map[string]string{"LANG": "en_US.UTF-8"}[name] }); got != "en" {
		t.Errorf("an English session reads %s", got)
	}
}

func FuzzCheck(f *testing.F) {
	f.Add([]byte(`{"format":"kizuki-log-proof/1","record":{},"leaf":0,"siblings":[],"path":[],"checkpoint":""}`), "a+b+c")
	f.Fuzz(func(t *testing.T, data []byte, key string) {
		if _, why := check(data, key); why == "" {
			t.Error("taken, and nobody signed it")
		}
	})
}
