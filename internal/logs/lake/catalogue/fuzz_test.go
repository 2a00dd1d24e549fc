package catalogue_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"

	"github.com/kizuki-security/kizuki/internal/logs/lake/catalogue"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
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
		name := filepath.Join(t.TempDir(), "catalogue")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := catalogue.Load(disk.OS{}, name)
		if err != nil {
			if !errors.Is(err, catalogue.ErrDamaged) || len(s.Files) > 0 || len(s.Next) > 0 {
				t.Errorf("%+v %v", s, err)
			}
			return
		}
		files := make([]*catalogue.File, 0, len(s.Files))
		for id, file := range s.Files {
			if file == nil || file.ID != id {
				t.Fatalf("%d is %+v", id, file)
			}
			files = append(files, file)
		}
		if err := catalogue.Write(disk.OS{}, name, files, s.Next); err != nil {
			t.Fatal(err)
		}
		again, err := catalogue.Load(disk.OS{}, name)
		if err != nil || !reflect.DeepEqual(again.Files, s.Files) || len(again.Next) != len(s.Next) {
			t.Errorf("%+v became %+v, %v", s, again, err)
		}
		if _, err := catalogue.Load(disk.OS{}, name+"-"); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	})
}
