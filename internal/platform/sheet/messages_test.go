package sheet_test

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/platform/sheet"
)

// Both languages have the same keys, every key in the code has a text, and every text is used.
func TestMessages(t *testing.T) {
	t.Parallel()
	keys := map[string][]string{}
	for _, locale := range []string{"ja", "en"} {
		data, err := fs.ReadFile(sheet.Messages(), "messages."+locale+".json")
		if err != nil {
			t.Fatal(err)
		}
		var texts map[string]string
		if err := json.Unmarshal(data, &texts); err != nil {
			t.Fatal(err)
		}
		keys[locale] = slices.Sorted(maps.Keys(texts))
	}
	if diff := cmp.Diff(keys["ja"], keys["en"]); diff != "" {
		t.Error(diff)
	}
	used := map[string]bool{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	literal, limit := regexp.MustCompile(`"(sheet\.[a-z_.0-9]+[a-z0-9])"`), regexp.MustCompile(`tooLarge\("([a-z]+)"`)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		code, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range literal.FindAllStringSubmatch(string(code), -1) {
			used[m[1]] = true
		}
		for _, m := range limit.FindAllStringSubmatch(string(code), -1) {
			used["sheet.too_large."+m[1]] = true
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(used)), keys["ja"]); diff != "" {
		t.Error(diff)
	}
}
