package sheettest_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/platform/sheet/sheettest"
)

func TestWorkbookIsRepeatable(t *testing.T) {
	t.Parallel()
	a, err := sheettest.Workbook(7)
	if err != nil {
		t.Fatal(err)
	}
	b, err := sheettest.Workbook(7)
	if err != nil {
		t.Fatal(err)
	}
	a.Data, b.Data = nil, nil // the order of attributes inside may differ
	if diff := cmp.Diff(a, b); diff != "" {
		t.Error(diff)
	}
}

func TestWorkbookHasTheSizeOfACheckSheet(t *testing.T) {
	t.Parallel()
	layouts := map[[2]int]bool{}
	for seed := range uint64(12) {
		made, err := sheettest.Workbook(seed)
		if err != nil {
			t.Fatal(err)
		}
		levels, labels := map[int]int{}, map[string]bool{}
		for _, it := range made.Items {
			levels[it.Level]++
			labels[it.Label] = true
		}
		if diff := cmp.Diff(map[int]int{1: 50, 2: 74, 3: 29}, levels); diff != "" || len(labels) != sheettest.Labels {
			t.Errorf("seed %d: %d labels, levels %s", seed, len(labels), diff)
		}
		if !bytes.HasPrefix(made.Data, []byte("PK")) {
			t.Errorf("seed %d: no workbook", seed)
		}
		layouts[[2]int{made.HeaderRow, made.HeaderRows}] = true
	}
	if len(layouts) < 4 {
		t.Errorf("only %d layouts among 12 seeds", len(layouts))
	}
}
