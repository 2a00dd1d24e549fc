package proof_test

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/kizuki-security/kizuki/internal/logs/lake/proof"
)

// key is a fresh pair of keys.
func key(t testing.TB) (proof.Signer, proof.Verifier, string) {
	t.Helper()
	private, public, err := note.GenerateKey(rand.Reader, "lake-test")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	return signer, verifier, public
}

func someCheckpoint() *proof.Checkpoint {
	return &proof.Checkpoint{
		Origin: "kizuki-lake/office/fw", Leaves: 3, Root: hashOf(1), Tail: 2, TailHash: hashOf(2), Source: "fw",
		Ranges: []proof.Range{{First: 5, Last: 600}, {First: 700, Last: 770}}, File: hashOf(3),
		Replaces: []proof.Replaced{{File: hashOf(4), Leaves: 1, Root: hashOf(5)}, {File: hashOf(6)}},
		At:       time.Date(2026, 11, 26, 1, 2, 3, 4e6, time.UTC),
	}
}

func TestCheckpointText(t *testing.T) {
	t.Parallel()
	signer, verifier, _ := key(t)
	for _, change := range []func(*proof.Checkpoint){
		func(*proof.Checkpoint) {},
		func(c *proof.Checkpoint) { c.Tail, c.TailHash, c.Ranges = 0, proof.Hash{}, c.Ranges[:1] },
		func(c *proof.Checkpoint) { c.Replaces = nil },
	} {
		c := someCheckpoint()
		change(c)
		signed, err := c.Sign(signer)
		if err != nil {
			t.Fatal(err)
		}
		got, err := proof.OpenCheckpoint(signed, verifier)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := c.Text()
		if text, err := got.Text(); err != nil || text != want {
			t.Errorf("read back as %q (%v), want %q", text, err, want)
		}
	}
}

func TestCheckpointRefused(t *testing.T) {
	t.Parallel()
	signer, verifier, _ := key(t)
	for name, change := range map[string]func(*proof.Checkpoint){
		"no runs":         func(c *proof.Checkpoint) { c.Ranges = nil },
		"runs touch":      func(c *proof.Checkpoint) { c.Ranges[1].First = 600 },
		"run beyond tree": func(c *proof.Checkpoint) { c.Ranges[1].Last = 771 },
		"from 0":          func(c *proof.Checkpoint) { c.Ranges[0].First = 0 },
		"long tail":       func(c *proof.Checkpoint) { c.Tail = 256 },
		"line break":      func(c *proof.Checkpoint) { c.Source = "fw\nfile x" },
		"space":           func(c *proof.Checkpoint) { c.Source = "f w" },
		"empty source":    func(c *proof.Checkpoint) { c.Source = "" },
	} {
		c := someCheckpoint()
		change(c)
		if _, err := c.Sign(signer); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
	signed, err := someCheckpoint().Sign(signer)
	if err != nil {
		t.Fatal(err)
	}
	_, other, _ := key(t)
	if _, err := proof.OpenCheckpoint(signed, other); !proof.Is(err, proof.NotSigned) {
		t.Errorf("another key gives %v", err)
	}
	if _, err := proof.OpenCheckpoint(signed); !proof.Is(err, proof.NotSigned) {
		t.Errorf("no key gives %v", err)
	}
	if _, err := proof.OpenCheckpoint(strings.Replace(signed, "seq 5-", "seq 6-", 1), verifier); !proof.Is(err, proof.Forged) {
		t.Errorf("a changed text gives %v", err)
	}
	for i := range signed {
		b := []byte(signed)
		b[i] ^= 1 << (i % 8)
		if c, err := proof.OpenCheckpoint(string(b), verifier); err == nil {
			t.Fatalf("with byte %d flipped it is still read: %v", i, c)
		}
	}
}

func someTombstone() *proof.Tombstone {
	return &proof.Tombstone{
		Origin: "kizuki-lake/office/fw", Source: "fw", Ranges: []proof.Range{{First: 1, Last: 300}}, File: hashOf(3), Leaves: 4,
		Root: hashOf(1), Reason: "保存期間の満了", By: "kizuki", Kept: []proof.Kept{{First: 257, Hashes: hashes(257, 300)}},
		At: time.Date(2026, 11, 26, 1, 2, 3, 4e6, time.UTC),
	}
}

func TestTombstone(t *testing.T) {
	t.Parallel()
	signer, verifier, _ := key(t)
	signed, err := someTombstone().Sign(signer)
	if err != nil {
		t.Fatal(err)
	}
	got, err := proof.OpenTombstone(signed, verifier)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := someTombstone().Text()
	if text, err := got.Text(); err != nil || text != want {
		t.Errorf("read back as %q (%v), want %q", text, err, want)
	}
	if _, err := proof.OpenCheckpoint(signed, verifier); !proof.Is(err, proof.Malformed) {
		t.Errorf("taken for a checkpoint: %v", err)
	}
	for name, change := range map[string]func(*proof.Tombstone){
		"no reason":           func(s *proof.Tombstone) { s.Reason = "" },
		"a reason of 2 lines": func(s *proof.Tombstone) { s.Reason = "a\nby b" },
		"nobody":              func(s *proof.Tombstone) { s.By = " " },
		"no runs":             func(s *proof.Tombstone) { s.Ranges = nil },
		"kept outside":        func(s *proof.Tombstone) { s.Kept[0].First = 258 },
		"kept too much":       func(s *proof.Tombstone) { s.Kept[0] = proof.Kept{First: 1, Hashes: hashes(1, 256)} },
	} {
		s := someTombstone()
		change(s)
		if _, err := s.Sign(signer); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
}

// What is read is written the same way again: there is one text for each meaning.
func FuzzNotes(f *testing.F) {
	for _, text := range []interface{ Text() (string, error) }{someCheckpoint(), someTombstone()} {
		seed, err := text.Text()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := proof.ParseCheckpoint(text); err == nil {
			if again, err := c.Text(); err != nil || again != text {
				t.Errorf("%q became %q (%v)", text, again, err)
			}
		}
		if s, err := proof.ParseTombstone(text); err == nil {
			if again, err := s.Text(); err != nil || again != text {
				t.Errorf("%q became %q (%v)", text, again, err)
			}
		}
	})
}
