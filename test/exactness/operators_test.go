package exactness_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/register/framework"
)

// TestEveryOperatorIsFedOrTableTested lists which operators the records of this version already feed. The others
// stand in clauses that wait for their givers; until then the tables of the verdict package are their proof.
func TestEveryOperatorIsFedOrTableTested(t *testing.T) {
	t.Parallel()
	fed := map[string]bool{}
	for _, clause := range live(t) {
		ops, _ := clause.Rule.Ops()
		for i := range ops {
			fed[ops[i].Op] = true
		}
	}
	want := []string{"all_have", "approved_by", "covers", "each_after", "exists", "last_within", "reviewed_since"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(fed))); diff != "" {
		t.Errorf("operators that live clauses use (-want +got): say so in this test\n%s", diff)
	}
	tables := tableTested(t)
	for _, op := range framework.Operators {
		if !tables[op] {
			t.Errorf("operator %s has no table in internal/register/verdict", op)
		}
		if !fed[op] {
			t.Logf("operator %s is table-tested only: no giver of this version feeds it", op)
		}
	}
}

// tableTested reads which operators the tests of the verdict package build.
func tableTested(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.FromSlash("../../internal/register/verdict/ops*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no tables of the verdict package: %v", err)
	}
	var text strings.Builder
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(data)
	}
	found := map[string]bool{}
	for _, m := range regexp.MustCompile(`Op: "([a-z_]+)"`).FindAllStringSubmatch(text.String(), -1) {
		found[m[1]] = true
	}
	return found
}
