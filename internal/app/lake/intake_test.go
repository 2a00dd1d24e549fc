package lake

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding/japanese"

	"github.com/kizuki-security/kizuki/internal/logs/scan"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// clock is a clock that a test sets.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

// november is when the tests happen.
var november = time.Date(2026, 11, 26, 1, 0, 0, 0, time.UTC)

// open opens the lake of a folder, and closes it at the end of the test, unless that was done.
func open(t *testing.T, dir string, c *clock) *Lake {
	t.Helper()
	l, err := Open(t.Context(), Config{Dir: dir, Now: c.now, Rand: rand.Reader, Make: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) // again, where the test closed it
	return l
}

// file writes a file of the test.
func file(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// take imports files, and checks that the counts add up.
func take(ctx context.Context, t *testing.T, l *Lake, o ImportOptions, paths ...string) ([]Imported, error) {
	t.Helper()
	files, err := scan.Find(paths, nil)
	if err != nil {
		t.Fatal(err)
	}
	var all []Imported
	o.File = func(f *Imported) error {
		sum := f.Kept + f.Before
		for _, n := range f.Refused {
			sum += n
		}
		if f.Read != sum || f.Broken > f.Raw || f.Raw > f.Kept {
			t.Errorf("the counts do not add up: %+v", f)
		}
		all = append(all, *f)
		return nil
	}
	err = l.Import(ctx, files, o)
	return all, err
}

// lines are the raw lines of each source in the order of their numbers; a number that is missing or twice there fails.
func lines(t *testing.T, l *Lake) map[string][]string {
	t.Helper()
	seqs, out := map[string][]*Record{}, map[string][]string{}
	q, err := Question{}.Parse()
	if err != nil {
		t.Fatal(err)
	}
	damaged, err := l.Each(t.Context(), q, func(r *Record) error {
		seqs[r.Source] = append(seqs[r.Source], r)
		return nil
	}, nil)
	if err != nil || damaged > 0 {
		t.Fatalf("%d damaged, %v", damaged, err)
	}
	for source, records := range seqs {
		slices.SortFunc(records, func(a, b *Record) int { return int(a.Seq) - int(b.Seq) })
		for i, r := range records {
			if r.Seq != uint64(i+1) {
				t.Fatalf("%s: number %d is at place %d", source, r.Seq, i+1)
			}
			out[source] = append(out[source], string(r.Raw))
		}
	}
	return out
}

func count(t *testing.T, l *Lake, text string) int64 {
	t.Helper()
	q, err := Question{Text: text + " | count", Now: november, Zone: time.UTC}.Parse()
	if err != nil {
		t.Fatal(err)
	}
	result, err := l.Ask(t.Context(), q, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	return result.Count
}

// TestImportShiftJIS: words of CP932 are found, the bytes come back, and what cannot be turned back is kept as it was.
func TestImportShiftJIS(t *testing.T) {
	t.Parallel()
	office := func(text string) string {
		out, err := japanese.ShiftJIS.NewEncoder().String(text)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	odd := office("接続元：営業部") + "\x80"
	path := file(t, "資産一覧.csv", []byte(strings.Join([]string{
		office("管理番号,端末名,利用者,更新日時"), office(`A-0001,ＰＣ－０１,"佐藤 花子",2026/11/26`), office("A-0002,表示能力ソ,ｽｽﾞｷ ｲﾁﾛｳ"),
		"A-0003,pc-03,tanaka", odd, "UTF-8 の行",
	}, "\r\n")))
	dir := t.TempDir()
	l := open(t, dir, &clock{november})
	done, err := take(t.Context(), t, l, ImportOptions{Source: "assets"}, path)
	if err != nil || len(done) != 1 {
		t.Fatal(done, err)
	}
	if f := done[0]; f.Encoding != "cp932" || f.Kept != 6 || f.Turned != 3 || f.AsBytes != 1 || f.Raw != 6 || f.Broken != 0 {
		t.Errorf("%+v", f)
	}
	if err := l.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int64{"花子": 1, "表示能力": 1, "スズキ": 1, "営業部": 0, "管理番号": 1, "の行": 1} {
		if got := count(t, l, text); got != want {
			t.Errorf("%s is found %d times, want %d", text, got, want)
		}
	}
	if got := lines(t, l)["assets"]; got[4] != odd || got[1] != `A-0001,ＰＣ－０１,"佐藤 花子",2026/11/26` {
		t.Errorf("kept %q", got)
	}
	journal, err := os.ReadFile(filepath.Join(dir, Folder, "imports"))
	if err != nil || !bytes.Contains(journal, []byte(`"encoding":"cp932","turned":3,"bytes":1`)) {
		t.Errorf("%s, %v", journal, err)
	}
}

// TestImportUTF16: words of UTF-16 are found; half a pair, as where a text was cut in an emoji, is kept so that it can be
// turned back, is counted and noted, and hides no other word of its line.
func TestImportUTF16(t *testing.T) {
	t.Parallel()
	wide := func(text string) string {
		var out []byte
		for _, u := range utf16.Encode([]rune(text)) {
			out = append(out, byte(u), byte(u>>8))
		}
		return string(out)
	}
	path := file(t, "powershell.txt", []byte("\xff\xfe"+wide("認証に失敗 🙂\r\nsuzuki 秘密")+"\x3d\xd8"+wide("\r\n{\"user\":\"sato\",\"m\":\"")+"\x42\xde"+wide("\"}\r\n最後")+"x"))
	dir := t.TempDir()
	l := open(t, dir, &clock{november})
	done, err := take(t.Context(), t, l, ImportOptions{Source: "ps"}, path)
	if err != nil || len(done) != 1 {
		t.Fatal(done, err)
	}
	if f := done[0]; f.Encoding != "utf16" || f.Kept != 4 || f.Turned != 1 || f.AsBytes != 3 || f.Broken != 0 {
		t.Errorf("%+v", f)
	}
	if err := l.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int64{"認証": 1, "suzuki 秘密": 1, "user=sato": 1, "最後": 1} {
		if got := count(t, l, text); got != want {
			t.Errorf("%s is found %d times, want %d", text, got, want)
		}
	}
	want := []string{"認証に失敗 🙂", "suzuki 秘密\xed\xa0\xbd", "{\"user\":\"sato\",\"m\":\"\xed\xb9\x82\"}", "最後\xff78"}
	if got := lines(t, l)["ps"]; !slices.Equal(got, want) {
		t.Errorf("kept %q", got)
	}
	journal, err := os.ReadFile(filepath.Join(dir, Folder, "imports"))
	if err != nil || !bytes.Contains(journal, []byte(`"encoding":"utf16","turned":1,"bytes":3`)) {
		t.Errorf("%s, %v", journal, err)
	}
}

// TestImportBroken: broken JSON is kept as text and named by its line; what cannot be kept is refused by its place.
func TestImportBroken(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", longestLine+1)
	text := "{\"user\":\"sato\",\"msg\":\"one\"}\n{\"user\":\n\nnot json at all\n{\"msg\":\"" + long + "\"}\n{\"user\":\"suzuki\"},\n"
	l := open(t, t.TempDir(), &clock{november})
	done, err := take(t.Context(), t, l, ImportOptions{Source: "app"}, file(t, "a.jsonl", []byte(text)))
	if err != nil {
		t.Fatal(err)
	}
	f := done[0]
	if f.State != Done || f.Kept != 4 || f.Broken != 2 || f.Raw != 2 || f.Refused["too_large"] != 1 || f.Read != 5 {
		t.Errorf("%+v", f)
	}
	if len(f.BrokenAt) != 2 || f.BrokenAt[0].Line != 2 || f.BrokenAt[1].Line != 4 {
		t.Errorf("broken at %+v", f.BrokenAt)
	}
	if len(f.RefusedAt) != 1 || f.RefusedAt[0].Line != 5 || f.RefusedAt[0].Byte != int64(strings.Index(text, "{\"msg\":\"xx")) {
		t.Errorf("refused at %+v", f.RefusedAt)
	}
	want := []string{`{"user":"sato","msg":"one"}`, `{"user":`, "not json at all", `{"user":"suzuki"}`}
	if got := lines(t, l)["app"]; !slices.Equal(got, want) {
		t.Errorf("kept %q", got)
	}
	if count(t, l, "format=raw") != 2 || count(t, l, "user=suzuki") != 1 {
		t.Error("broken lines are text, the others have columns")
	}
}

// numbered is a text of n lines of 8 kB: few of them make a batch.
func numbered(of string, n int) []byte {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, "%s line %d %s\n", of, i, strings.Repeat("and so on ", 800))
	}
	return b.Bytes()
}

// packed packs a text.
func packed(t *testing.T, with func(io.Writer) (io.WriteCloser, error), data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := with(&b)
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// zipped makes an archive of two members.
func zipped(t *testing.T, a, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for i, data := range [][]byte{a, b} {
		w, err := z.Create(fmt.Sprintf("%d.log", i))
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestImportGoesOn: stopped again and again, the same command takes each line in exactly once and in order, plain or
// packed, and what it says is what is there.
func TestImportGoesOn(t *testing.T) {
	t.Parallel()
	const n = 3*batchBytes/8000 + 17
	a, b := numbered("first", n), numbered("second", n)
	whole := strings.Split(strings.TrimSuffix(string(a)+string(b), "\n"), "\n")
	gz := func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil }
	zst := func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) }
	tests := map[string][]string{
		"text": {file(t, "a.log", a), file(t, "b.log", b)},
		"gzip": {file(t, "ab.log.gz", packed(t, gz, slices.Concat(a, b)))},
		"zstd": {file(t, "ab.log.zst", packed(t, zst, slices.Concat(a, b)))},
		"zip":  {file(t, "ab.zip", zipped(t, a, b))},
	}
	for name, paths := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, c := t.TempDir(), &clock{november}
			stops, done := 0, false
			for !done {
				l := open(t, dir, c)
				had := uint64(len(lines(t, l)["log"]))
				ctx, stop := context.WithCancel(t.Context())
				calls := 0
				files, err := take(ctx, t, l, ImportOptions{Source: "log", Progress: func(int64, int64) {
					if calls++; calls > 1 {
						stop()
					}
				}}, paths...)
				stop()
				kept := uint64(0)
				for _, f := range files {
					kept += f.Kept
					if f.State == Interrupted {
						stops++
					}
				}
				if now := uint64(len(lines(t, l)["log"])); now != had+kept {
					t.Errorf("%d lines before, said to keep %d, now %d", had, kept, now)
				}
				if done = err == nil; !done && !errors.Is(err, context.Canceled) {
					t.Fatal(err)
				}
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
			}
			l := open(t, dir, c)
			if got := lines(t, l)["log"]; !slices.Equal(got, whole) {
				t.Errorf("%d lines, want %d, or they are not in order", len(got), len(whole))
			}
			if stops < 2 {
				t.Errorf("stopped %d times only", stops)
			}
			files, err := take(t.Context(), t, l, ImportOptions{Source: "log"}, paths...)
			if err != nil || slices.ContainsFunc(files, func(f Imported) bool { return f.State != Already }) {
				t.Errorf("once more: %+v, %v", files, err)
			}
		})
	}
}

// TestImportTornJournal: whatever end of the journal a crash leaves, no line comes twice and none is lost.
func TestImportTornJournal(t *testing.T) {
	t.Parallel()
	text := numbered("a", 100)
	path := file(t, "a.log", text)
	for _, cut := range []int{1, 2, 40, 200} {
		dir := t.TempDir()
		l := open(t, dir, &clock{november})
		if _, err := take(t.Context(), t, l, ImportOptions{}, path); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(dir, Folder, "imports")
		journal, err := os.ReadFile(name)
		if err == nil {
			err = os.WriteFile(name, journal[:len(journal)-cut], 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		l = open(t, dir, &clock{november})
		files, err := take(t.Context(), t, l, ImportOptions{}, path)
		if err != nil || files[0].Kept != 0 || files[0].State == Done && files[0].Before != 100 {
			t.Errorf("cut by %d: %+v, %v", cut, files, err)
		}
		if got := len(lines(t, l)["a"]); got != 100 {
			t.Errorf("cut by %d: %d lines", cut, got)
		}
	}
}

// TestImportRefuses: sources that cannot be, files that are none, and text that is binary.
func TestImportRefuses(t *testing.T) {
	t.Parallel()
	l := open(t, t.TempDir(), &clock{november})
	_, err := take(t.Context(), t, l, ImportOptions{Source: "Über Alles"})
	if problem.CodeOf(err) != problem.CodeInvalid {
		t.Errorf("a bad source: %v", err)
	}
	files, err := take(t.Context(), t, l, ImportOptions{}, filepath.Join(t.TempDir(), "none"), file(t, "a.bin", []byte{0, 1, 2}), file(t, "empty.log", nil))
	if err != nil || len(files) != 3 {
		t.Fatal(files, err)
	}
	for i, reason := range []scan.Reason{scan.Missing, scan.Unknown, scan.Empty} {
		if f := files[i]; f.State != Failed || len(f.Lost) != 1 || f.Lost[0].Reason != string(reason) || f.Read != 0 {
			t.Errorf("%+v, want %s", f, reason)
		}
	}
}
