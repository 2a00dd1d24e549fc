package skip

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/internal/logs/lake/table"
)

// What is written of a section is found in it, and nothing else, however far its numbers stand apart.
func TestSection(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(20261127, 9))
	const chosen, numbers = 0, 1 << 32 // a hash is its number
	for range 100 {
		var hashes []uint32
		most := uint64(1) << (1 + rng.IntN(16)) // of a step
		for at := rng.Uint64N(most); at < 1<<32 && len(hashes) < 400; at += 1 + rng.Uint64N(most) {
			if rng.IntN(4) == 0 { // runs of 23 to 25 ones, the longest that are written at once
				at += uint64(23+rng.IntN(3)) << stepBits
			}
			hashes = append(hashes, uint32(at))
		}
		section := appendSection(nil, hashes, numbers, chosen)
		data := slices.Concat(section, bytes.Repeat([]byte{0xff}, slack))
		for _, h := range hashes {
			for _, near := range []uint64{uint64(h), uint64(h) + 1, uint64(h) - 1} {
				_, there := slices.BinarySearch(hashes, uint32(near))
				if near < 1<<32 && holds(data, len(section), near) != there {
					t.Fatalf("%d of %d numbers: %t is denied", near, len(hashes), there)
				}
			}
		}
	}
}

// A set has each hash once, in ascending order, whatever came before it.
func TestSet(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(20261127, 10))
	var s set
	var room []uint32
	late := 0
	for _, n := range []int{300_000, 0, 1, 1000, 30_000, 700} {
		s.reset()
		var all []uint32
		for i := range uint32(tried + 1) { // more than find a place beside each other, until the set has grown
			all = append(all, 0xABCC0000+i*511, 0xFFFFFFFF-i)
		}
		for range n {
			all = append(all, rng.Uint32N(0xAB000000)+1)
		}
		s.addAll(all)
		late += len(s.late)
		s.addAll(all)
		room = s.sorted(room)
		slices.Sort(all)
		if want := slices.Compact(all); !slices.Equal(room, want) {
			t.Errorf("%d hashes of %d", len(room), len(want))
		}
	}
	if late == 0 {
		t.Error("all found a place")
	}
}

// A line whose words stand such that a run of ones ended at the last bit of what is gathered: 34 of them were denied.
func TestRunAtTheEnd(t *testing.T) {
	t.Parallel()
	const line = "w48 w52 w56 w153 w162 w248 w1736 w1951 w2281 w2385 w2702 w2889 w3081 w3125 w3585 w3655 w3944 w4047 w4073 " +
		"w4673 w4728 w5396 w5528 w6336 w6795 w7491 w7595 w7850 w7909 w8008 w8608 w8842 w9076 w9408 w9623 w9912 w10210 " +
		"w10493 w10635 w10753"
	var b Builder
	b.Add(&table.Block{Seqs: []uint64{1}, Cols: make([]*table.Column, table.Columns), Text: []byte(line), Ends: []uint32{uint32(len(line))}})
	data := b.Bytes(1, 2)
	if !bytes.Equal(data, b.Bytes(1, 2)) {
		t.Error("asked twice, a sidecar is another one")
	}
	x, err := Open(bytes.NewReader(data), 1, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	for word := range strings.FieldsSeq(line) {
		if may, err := x.MayHave(0, []string{word}); err != nil || !may {
			t.Errorf("%s is denied, %v", word, err)
		}
	}
}
