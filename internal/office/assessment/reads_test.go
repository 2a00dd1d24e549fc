package assessment

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/catalog"
	"github.com/kizuki-security/kizuki/internal/register/framework"
)

// TestEachKindTouchesExactlyTheClausesThatReadIt compares the index with a walk over every clause and every kind
// of the shipped catalogue.
func TestEachKindTouchesExactlyTheClausesThatReadIt(t *testing.T) {
	t.Parallel()
	cat, err := framework.Load(catalog.FS)
	if err != nil {
		t.Fatal(err)
	}
	s := New(Deps{Catalog: cat})
	read := 0
	for kind := range cat.Table.Kinds {
		var want []string
		for _, f := range cat.Frameworks() {
			for _, c := range f.Clauses() {
				if slices.Contains(c.Kinds(cat.Table), kind) {
					want = append(want, c.ID)
				}
			}
		}
		slices.Sort(want)
		read += len(want)
		if diff := cmp.Diff(want, s.clausesReading([]string{kind})); diff != "" {
			t.Errorf("clauses that read %s (-want +got):\n%s", kind, diff)
		}
	}
	if read == 0 {
		t.Fatal("no clause reads anything")
	}
	if got := s.clausesReading([]string{"people.member", "people.member", "no.such_kind"}); len(got) != len(slices.Compact(slices.Clone(got))) {
		t.Error("a clause is judged twice")
	}
}
