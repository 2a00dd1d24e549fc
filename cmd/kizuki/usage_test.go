package main

import (
	"bytes"
	"strings"
	"testing"
)

// TestWrongUsage: whatever flag is wrong, the sentence is Japanese.
func TestWrongUsage(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"logs":                           "次のどれかを続けて書いてください：scan・dump・import",
		"logs nope":                      "ここに「nope」は書けません",
		"logs impot":                     "近いものは import です",
		"logs import":                    "コマンドの後に書くものが足りません：<path>",
		"logs hold add x":                "必要な指定がありません：--why=TEXT",
		"logs query --nope":              "--nope という指定はありません。",
		"logs query --fromat csv":        "--fromat という指定はありません。近いものは --from・--format です",
		"logs query --format cvs":        "--format は table・jsonl・csv のどれかで指定してください（「cvs」は使えません）",
		"logs query --from":              "--from の後に、値を書いてください",
		"logs prove fw abc":              "<seq> の値「abc」が読めません",
		"logs tail -n x":                 "-n の値「x」が読めません",
		"logs query --json=perhaps":      "--json",
		"logs scan --samples=many x":     "--samples の値「many」が読めません",
		"logs scan --min-level=severe x": "--min-level は informational・low・medium・high・critical のどれかで",
	} {
		var out, told bytes.Buffer
		code := run(t.Context(), append([]string{"--lang=ja", "--data=" + t.TempDir()}, strings.Fields(args)...), strings.NewReader(""), &out, &told)
		if code != exitUsage || !strings.Contains(told.String(), want) || !strings.Contains(told.String(), "--help で見られます") || out.Len() > 0 {
			t.Errorf("%s: %d, %s%s", args, code, told.String(), out.String())
		}
	}
}
