package catalogue_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"

	"github.com/kizuki-security/kizuki/internal/logs/lake/catalogue"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk/disktest"
	"github.com/kizuki-security/kizuki/internal/logs/lake/segment"
)

// A catalogue may hold anything, with sums that fit: it is read or refused, and what is read is read the same way again.
func FuzzLoad(f *testing.F) {
	good, err := catalogue.AppendEntry(nil, &catalogue.Entry{Add: &catalogue.File{
		Name: "2026-11-23/fw.0000000000000009.parquet", ID: 9, Size: 100,
		Sources: []segment.Source{{Name: "fw", Rows: 3, Ranges: []segment.Range{{First: 1, Last: 3}}}}, Blocks: []segment.Block{{Rows: 3}},
	}, Next: map[string]uint64{"fw": 4}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(good[17:]), true)
	f.Add(string(good), false)
	f.Add("{\"drop\":3}\nnull\n{\"next\":null}", true)
	f.Fuzz(func(t *testing.T, text string, sums bool) {
		if sums {
			var b strings.Builder
			for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
				fmt.Fprintf(&b, "%016x %s\n", xxhash.Sum64String(line), line)
			}
			text = b.String()
		}
		name := filepath.FromSlash("/catalogue")
		fsys := disktest.With(map[string][]byte{name: []byte(text)})
		s, err := catalogue.Load(fsys, name)
		if err != nil {
			if !errors.Is(err, catalogue.ErrDamaged) || len(s.Files) > 0 || len(s.Next) > 0 {
				t.Errorf("%+v %v", s, err)
			}
			return
		}
		files := make([]*catalogue.File, 0, len(s.Files))
		for id, file := range s.Files {
			if file == nil || file.ID != id || s.Dropped[id] {
				t.Fatalf("%d is %+v", id, file)
			}
			if len(file.Replaces) == 0 {
				file.Replaces = nil // none is written in one way only
			}
			files = append(files, file)
		}
		if err := catalogue.Write(fsys, name, files, s.Next); err != nil {
			t.Fatal(err)
		}
		again, err := catalogue.Load(fsys, name)
		if err != nil || !reflect.DeepEqual(again.Files, s.Files) || !maps.Equal(again.Next, s.Next) || again.Entries != len(files)+min(len(s.Next), 1) {
			t.Errorf("%+v became %+v, %v", s, again, err)
		}
		added := catalogue.File{ID: 1 << 40, Name: "added"}
		if err := catalogue.Append(fsys, name, catalogue.Entry{Add: &added, Drop: 9}, catalogue.Entry{Next: map[string]uint64{"fw": 1 << 40}}); err != nil {
			t.Fatal(err)
		}
		delete(s.Files, 9)
		s.Files[added.ID] = &added
		s.Next["fw"] = max(s.Next["fw"], 1<<40)
		again, err = catalogue.Load(fsys, name)
		if err != nil || !reflect.DeepEqual(again.Files, s.Files) || !maps.Equal(again.Next, s.Next) || !again.Dropped[9] {
			t.Errorf("%+v became %+v, %v", s, again, err)
		}
		if _, err := catalogue.Load(fsys, name+"-"); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	})
}

// What a stop left of a last line is told, so that it is written anew: an entry that came behind it would make one line
// with it, and all of the catalogue worthless.
func TestCutLine(t *testing.T) {
	t.Parallel()
	name := filepath.FromSlash("/catalogue")
	var fsys disktest.Memory
	if err := catalogue.Write(&fsys, name, []*catalogue.File{{ID: 1}, {ID: 2}}, nil); err != nil {
		t.Fatal(err)
	}
	whole := fsys.Files()[name]
	for at := range whole {
		s, err := catalogue.Load(disktest.With(map[string][]byte{name: whole[:at]}), name)
		if ends := bytes.Count(whole[:at], []byte("\n")); err != nil || len(s.Files) != ends || s.Entries != ends || s.Cut != (at > 0 && whole[at-1] != '\n') {
			t.Errorf("cut at %d: %+v, %v", at, s, err)
		}
	}
}
