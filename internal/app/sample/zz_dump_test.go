package sample

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/catalog"
	"github.com/kizuki-security/kizuki/internal/register/framework"
)

func TestDump(t *testing.T) {
	c, err := framework.Load(catalog.FS)
	if err != nil {
		t.Fatal(err)
	}
	f, _ := os.Create("/tmp/kz/sample-dump.txt")
	defer f.Close()
	for _, fw := range c.Frameworks() {
		fmt.Fprintln(f, "#####", fw.Key())
		for _, it := range fw.Items() {
			fmt.Fprintf(f, "== %s [%s] %s\n", it.ID, it.Level, it.Title.JA)
			for _, cl := range it.Clauses {
				kinds := cl.Kinds(c.Table)
				live := true
				for _, k := range kinds {
					live = live && c.Table.Kinds[k].Live()
				}
				_ = slices.Sort[[]string]
				fmt.Fprintf(f, "   %s %s %s live=%v [%s] %s\n", cl.ID, cl.Mark, cl.Kind, live && len(kinds) > 0, strings.Join(kinds, ","), cl.Text.JA)
			}
		}
	}
}
