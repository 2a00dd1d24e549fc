package proof_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake/proof"
)

// hashOf is a made-up record hash.
func hashOf(seq uint64) proof.Hash {
	return sha256.Sum256(binary.BigEndian.AppendUint64([]byte("test"), seq))
}

func hashes(first, last uint64) []proof.Hash {
	var out []proof.Hash
	for seq := first; seq <= last; seq++ {
		out = append(out, hashOf(seq))
	}
	return out
}

func openTree(t *testing.T, dir string) *proof.Tree {
	t.Helper()
	tree, err := proof.OpenTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tree.Close() }) // closed twice by tests that reopen
	return tree
}

func add(t *testing.T, tree *proof.Tree, first, last uint64) {
	t.Helper()
	if err := tree.Append(first, hashes(first, last)); err != nil {
		t.Fatal(err)
	}
}

func commit(t *testing.T, tree *proof.Tree) {
	t.Helper()
	if err := tree.Commit(); err != nil {
		t.Fatal(err)
	}
}

// plainRoot computes the root as RFC 6962 defines it, from the definition.
func plainRoot(leaves []proof.Hash) proof.Hash {
	switch n := len(leaves); n {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return leaves[0]
	default:
		k := 1
		for k*2 < n {
			k *= 2
		}
		left, right := plainRoot(leaves[:k]), plainRoot(leaves[k:])
		return sha256.Sum256(bytes.Join([][]byte{{1}, left[:], right[:]}, nil))
	}
}

func plainLeaf(records []proof.Hash) proof.Hash {
	b := []byte{0}
	for _, h := range records {
		b = append(b, h[:]...)
	}
	return sha256.Sum256(b)
}

// The layout of a record is public: another program must come to the same hash from the bytes written out here.
func TestRecordHash(t *testing.T) {
	t.Parallel()
	at := time.Date(1601, 1, 1, 0, 0, 0, 1000, time.UTC)
	r := event.Record{
		Source: "fw", Seq: 7, Time: at, Received: time.UnixMicro(5).UTC(), Format: event.Raw, Raw: []byte("a\x00\xff"),
		Host: "not part of it",
	}
	want := []byte("kizuki-record/1\n\x00\x00\x00\x02fw\x00\x00\x00\x00\x00\x00\x00\x07")
	want = binary.BigEndian.AppendUint64(want, uint64(at.UnixMicro()))
	want = append(want, "\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x03raw\x00\x00\x00\x00\x00\x00\x00\x03a\x00\xff"...)
	var h proof.Hasher
	if got := h.Record(&r); got != sha256.Sum256(want) {
		t.Errorf("hash is %v, want that of the written layout", got)
	}
	r.Time = time.Time{}
	if got, same := h.Record(&r), h.Sum("fw", 7, 5, 5, event.Raw, r.Raw); got != same {
		t.Error("a record without time is not hashed with the time it came in")
	}
}

func TestTreeRoots(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tree := openTree(t, dir)
	var leaves []proof.Hash
	next := uint64(1)
	for _, n := range []uint64{1, 254, 1, 1, 255, 256, 700, 0, 3000, 129} {
		add(t, tree, next, next+n-1)
		next += n
		commit(t, tree)
		for i := len(leaves); i < int(tree.Leaves()); i++ {
			leaves = append(leaves, plainLeaf(hashes(uint64(i)*256+1, uint64(i+1)*256)))
		}
		for size := range len(leaves) + 1 {
			if root, err := tree.Root(int64(size)); err != nil || root != plainRoot(leaves[:size]) {
				t.Fatalf("root of %d leaves is %v (%v)", size, root, err)
			}
		}
		if tree.Records() != next-1 {
			t.Fatalf("the tree counts %d records, want %d", tree.Records(), next-1)
		}
		tail, count := tree.Tail()
		if rest := hashes(uint64(len(leaves))*256+1, next-1); count != len(rest) || count > 0 && tail != plainLeaf(rest) {
			t.Fatalf("tail is %v of %d records, want %d", tail, count, len(rest))
		}
		if err := tree.Close(); err != nil {
			t.Fatal(err)
		}
		tree = openTree(t, dir)
	}
}

func TestTreeTakesRecordsOnceAndInOrder(t *testing.T) {
	t.Parallel()
	tree := openTree(t, t.TempDir())
	add(t, tree, 1, 300)
	add(t, tree, 1, 300)
	add(t, tree, 200, 600)
	if tree.Records() != 600 {
		t.Errorf("%d records, want 600", tree.Records())
	}
	if err := tree.Append(602, hashes(602, 602)); !proof.Is(err, proof.Hole) {
		t.Errorf("a hole gives %v", err)
	}
	if err := tree.Append(0, hashes(1, 1)); !proof.Is(err, proof.Hole) {
		t.Errorf("record 0 gives %v", err)
	}
	if root, err := tree.Root(2); err != nil || root != plainRoot([]proof.Hash{plainLeaf(hashes(1, 256)), plainLeaf(hashes(257, 512))}) {
		t.Errorf("root is %v (%v)", root, err)
	}
}

// Whatever was written behind the last commit is cut, at every length; the records are appended again.
func TestTreeTorn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tree := openTree(t, dir)
	add(t, tree, 1, 1000)
	commit(t, tree)
	tail, err := os.ReadFile(filepath.Join(dir, "tail"))
	if err != nil {
		t.Fatal(err)
	}
	add(t, tree, 1001, 3000)
	commit(t, tree)
	whole, err := os.ReadFile(filepath.Join(dir, "tree"))
	if err != nil {
		t.Fatal(err)
	}
	newer, err := os.ReadFile(filepath.Join(dir, "tail"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := tree.Root(11)
	if err != nil {
		t.Fatal(err)
	}
	committed := 16 + int(tlog.StoredHashCount(3))*32
	for cut := committed; cut <= len(whole); cut += 13 {
		for _, slots := range [][]byte{tail, newer[:len(newer)-cut%5000-1]} { // the second slot not begun, or torn
			dir := t.TempDir()
			write(t, filepath.Join(dir, "tree"), whole[:cut])
			write(t, filepath.Join(dir, "tail"), slots)
			again := openTree(t, dir)
			if again.Records() != 1000 || again.Cut() != int64(cut-committed) {
				t.Fatalf("cut at %d: %d records, %d bytes cut", cut, again.Records(), again.Cut())
			}
			add(t, again, 800, 3000)
			if root, err := again.Root(11); err != nil || root != want {
				t.Fatalf("cut at %d: root is %v (%v)", cut, root, err)
			}
		}
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A tree shorter than its tail says, or both slots gone, is refused and can be made anew.
func TestTreeDamaged(t *testing.T) {
	t.Parallel()
	damage := map[string]func(t *testing.T, dir string){
		"tree cut": func(t *testing.T, dir string) {
			t.Helper()
			if err := os.Truncate(filepath.Join(dir, "tree"), 60); err != nil {
				t.Fatal(err)
			}
		},
		"tree gone": func(t *testing.T, dir string) {
			t.Helper()
			if err := os.Remove(filepath.Join(dir, "tree")); err != nil {
				t.Fatal(err)
			}
		},
		"another file": func(t *testing.T, dir string) {
			t.Helper()
			write(t, filepath.Join(dir, "tree"), bytes.Repeat([]byte("x"), 500))
		},
		"slots flipped": func(t *testing.T, dir string) {
			t.Helper()
			b, err := os.ReadFile(filepath.Join(dir, "tail"))
			if err != nil {
				t.Fatal(err)
			}
			b[100] ^= 1
			write(t, filepath.Join(dir, "tail"), b)
		},
	}
	for name, harm := range damage {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			tree := openTree(t, dir)
			add(t, tree, 1, 1000)
			commit(t, tree)
			if err := tree.Close(); err != nil {
				t.Fatal(err)
			}
			harm(t, dir)
			if _, err := proof.OpenTree(dir); !proof.Is(err, proof.Damaged) {
				t.Fatalf("opening gives %v, want damaged", err)
			}
			again, err := proof.RebuildTree(dir)
			if err != nil || again.Records() != 0 {
				t.Fatalf("rebuilding gives %v", err)
			}
			add(t, again, 1, 1000)
			commit(t, again)
			if err := again.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}
