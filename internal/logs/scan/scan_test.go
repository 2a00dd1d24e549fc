package scan_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/kizuki-security/kizuki/evtx/evtxtest"
	"github.com/kizuki-security/kizuki/internal/logs/scan"
)

const whoami = `title: Whoami was started
id: 11111111-2222-4333-8444-555555555555
author: Hanako Sato
license: DRL-1.1
level: high
logsource: {product: windows, category: process_creation}
detection:
  selection: {Image|endswith: '\whoami.exe'}
  condition: selection
`

const often = `title: Whoami often
id: 11111111-2222-4333-8444-666666666666
level: critical
correlation:
  type: event_count
  rules: [11111111-2222-4333-8444-555555555555]
  group-by: [Computer]
  timespan: 5m
  condition: {gte: 3}
`

func write(t testing.TB, name string, data []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func load(t testing.TB, text ...string) *scan.Rules {
	t.Helper()
	dir := t.TempDir()
	for i, rule := range text {
		write(t, filepath.Join(dir, fmt.Sprintf("rule%d.yml", i)), []byte(rule))
	}
	rules, err := scan.LoadRules([]string{dir})
	if err != nil || len(rules.Problems) > 0 {
		t.Fatal(err, rules.Problems)
	}
	return rules
}

func eventAt(program string, second int) string {
	return fmt.Sprintf(`{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,"Computer":"pc-1","UtcTime":"-","@timestamp":"2026-11-26T01:00:%02dZ","Image":"C:\\Windows\\System32\\%s.exe"}`, second, program)
}

func zipped(t testing.TB, members ...any) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for i := 0; i < len(members); i += 2 {
		w, err := z.Create(members[i].(string))
		if err != nil {
			t.Fatal(err)
		}
		switch data := members[i+1].(type) {
		case string:
			_, err = w.Write([]byte(data))
		case []byte:
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

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, err := z.Write(data)
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zstded(t testing.TB, data []byte) []byte {
	t.Helper()
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return z.EncodeAll(data, nil)
}

// wide gives text as PowerShell writes it: UTF-16, low byte first.
func wide(text string) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(text)) {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return out
}

// outcome is all that a scan told, as text: "hit file record" and "file name read scanned refused error".
func outcome(ctx context.Context, t testing.TB, rules *scan.Rules, o scan.Options, exclude []string, paths ...string) ([]string, *scan.Total, error) {
	t.Helper()
	files, err := scan.Find(paths, exclude)
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	o.Hit = func(h *scan.Hit) error {
		told = append(told, fmt.Sprintf("hit %s %s %d", h.Rule.Level, filepath.Base(h.File), h.Record))
		return nil
	}
	o.File = func(f *scan.FileReport) error {
		sum := f.Scanned
		for _, n := range f.Refused {
			sum += n
		}
		if sum != f.Read {
			t.Errorf("%s: read %d, scanned %d, refused %v", f.Name, f.Read, f.Scanned, f.Refused)
		}
		reason := scan.Reason("-")
		if f.Error != nil {
			reason = f.Error.Reason
		}
		told = append(told, fmt.Sprintf("file %s %d %d %v %s", filepath.Base(f.Name), f.Read, f.Scanned, f.Refused, reason))
		return nil
	}
	total, err := scan.Scan(ctx, files, rules, o)
	return told, total, err
}

func TestScan(t *testing.T) {
	t.Parallel()
	one, other := eventAt("whoami", 1), eventAt("cmd", 2)
	indented := strings.ReplaceAll(one, ",", ",\n")
	var log bytes.Buffer
	n, err := evtxtest.Dense(&log, 1, time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC))
	if err != nil || n < 10 {
		t.Fatal(n, err)
	}
	cut := log.Bytes()[:len(log.Bytes())-40_000]
	nested := []byte(one)
	for range 4 {
		nested = gzipped(t, nested)
	}
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"lines.json", []byte(other + "\n" + one + "\n"), "hit high lines.json 2\nfile lines.json 2 2 map[] -"},
		{"broken.json", []byte(one + "\n{\"a\":\n\n" + one + "\n{\"a\":1}}\nxx\n" + one), "hit high broken.json 1\nhit high broken.json 4\nhit high broken.json 7\nfile broken.json 7 4 map[not_json:3] -"},
		{"cut.json", []byte(one + "\n" + one[:40]), "hit high cut.json 1\nfile cut.json 2 1 map[cut_short:1] -"},
		{"list.json", []byte("\xef\xbb\xbf[" + other + "," + one + "]"), "hit high list.json 2\nfile list.json 2 2 map[] -"},
		{"indented.json", []byte(indented + indented), "hit high indented.json 1\nhit high indented.json 2\nfile indented.json 2 2 map[] -"},
		{"large.json", []byte(one + "\n{\"a\":\"" + strings.Repeat("x", 3000) + "\"}\n" + one), "hit high large.json 1\nhit high large.json 3\nfile large.json 3 2 map[too_large:1] -"},
		{"packed.gz", gzipped(t, []byte(one)), "hit high packed.gz 1\nfile packed.gz 1 1 map[] -"},
		{"packed.zst", zstded(t, gzipped(t, []byte(one))), "hit high packed.zst 1\nfile packed.zst 1 1 map[] -"},
		{"short.gz", gzipped(t, []byte(one))[:len(gzipped(t, []byte(one)))-12], "file short.gz 1 0 map[cut_short:1] damaged_archive"},
		{"two.zip", zipped(t, "a.json", one, "b.txt", "letter", "c.json", one), "hit high a.json 1\nfile a.json 1 1 map[] -\nfile b.txt 0 0 map[] unknown_format\nhit high c.json 1\nfile c.json 1 1 map[] -"},
		{"zip.zip", zipped(t, "in.zip", zipped(t, "a.json", one)), "hit high a.json 1\nfile a.json 1 1 map[] -"},
		{"deep.gz", nested, "file deep.gz 0 0 map[] nested"},
		{"bomb.gz", gzipped(t, bytes.Repeat([]byte(" "), 8<<20)), "file bomb.gz 0 0 map[] unknown_format"},
		{"bomb.json.gz", gzipped(t, append([]byte("{"), bytes.Repeat([]byte(" "), 8<<20)...)), "file bomb.json.gz 1 0 map[too_large:1] expansion"},
		{"empty.json", nil, "file empty.json 0 0 map[] empty"},
		{"wide.json", wide("\ufeff" + other + "\r\n" + one), "hit high wide.json 2\nfile wide.json 2 2 map[] -"},
		{"records.json", []byte("{ \"Records\" :\n[" + other + "," + one + "]}"), "hit high records.json 2\nfile records.json 2 2 map[] -"},
		{"graph.json", []byte(`{"@odata.context":"https://graph.example/x","value":[` + one + `],"next":"x"}`), "hit high graph.json 1\nfile graph.json 2 1 map[not_json:1] -"},
		{"letter.evtx", []byte("no log"), "file letter.evtx 0 0 map[] unknown_format"},
	}
	rules := load(t, whoami)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			file := write(t, filepath.Join(t.TempDir(), tt.name), tt.data)
			o := scan.Options{Workers: 2, Limits: scan.Limits{Object: 2000, Free: 1 << 20}}
			told, _, err := outcome(t.Context(), t, rules, o, nil, file)
			if got := strings.Join(told, "\n"); err != nil || got != tt.want {
				t.Errorf("error %v, got\n%s\nwant\n%s", err, got, tt.want)
			}
		})
	}
	t.Run("event log", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		write(t, filepath.Join(dir, "a.evtx"), log.Bytes())
		write(t, filepath.Join(dir, "b.evtx"), cut)
		_, total, err := outcome(t.Context(), t, rules, scan.Options{}, nil, dir)
		if err != nil || total.Read != 2*n || total.Refused[scan.Lost] == 0 || total.Hits == 0 || total.Files != 2 {
			t.Errorf("%d records: %+v, %v", n, total, err)
		}
	})
}

func TestFolders(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"b.json", "a/c.json", "a/skip.json", "old/d.json"} {
		write(t, filepath.Join(dir, name), []byte(eventAt("whoami", 1)))
	}
	told, total, err := outcome(t.Context(), t, load(t, whoami), scan.Options{}, []string{"old", "skip*"}, dir, filepath.Join(dir, "none"))
	want := "hit high c.json 1\nfile c.json 1 1 map[] -\nhit high b.json 1\nfile b.json 1 1 map[] -\nfile none 0 0 map[] missing"
	if got := strings.Join(told, "\n"); err != nil || got != want || total.Hits != 2 || total.RefusedFiles[scan.Missing] != 1 {
		t.Errorf("%v %+v\n%s", err, total, got)
	}
	if _, err := scan.Find([]string{dir}, []string{"["}); err == nil {
		t.Error("a bad pattern is taken")
	}
}

func TestTimesAndLevels(t *testing.T) {
	t.Parallel()
	file := write(t, filepath.Join(t.TempDir(), "a.json"), []byte(eventAt("whoami", 1)+"\n"+eventAt("whoami", 5)+"\n{\"a\":1}\n"))
	at := time.Date(2026, 11, 26, 1, 0, 5, 0, time.UTC)
	told, _, _ := outcome(t.Context(), t, load(t, whoami), scan.Options{From: at, To: at.Add(time.Second)}, nil, file)
	if got := strings.Join(told, "\n"); got != "hit high a.json 2\nfile a.json 3 1 map[no_time:1 outside_time:1] -" {
		t.Error(got)
	}
	_, total, _ := outcome(t.Context(), t, load(t, whoami), scan.Options{MinLevel: scan.Severity("critical")}, nil, file)
	if total.Hits != 0 || total.Scanned != 3 {
		t.Errorf("%+v", total)
	}
}

// TestCorrelation: files in no order of time are joined, and the hits that only serve a correlation are not given.
func TestCorrelation(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.json"), []byte(eventAt("whoami", 40)+"\n"+eventAt("whoami", 41)))
	write(t, filepath.Join(dir, "b.json"), []byte(eventAt("whoami", 1)))
	told, total, err := outcome(t.Context(), t, load(t, whoami, often), scan.Options{}, nil, dir)
	want := "file a.json 2 2 map[] -\nfile b.json 1 1 map[] -\nhit critical . 0"
	if got := strings.Join(told, "\n"); err != nil || got != want || total.Hits != 1 {
		t.Errorf("%v %+v\n%s", err, total, got)
	}
}

// TestOrder: many workers give what one gives.
func TestOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range 20 {
		var text strings.Builder
		for n := range 300 * i {
			text.WriteString(eventAt([]string{"whoami", "cmd", "net"}[n%3], n%60) + "\n")
		}
		write(t, filepath.Join(dir, fmt.Sprintf("%02d.json", i)), []byte(text.String()))
	}
	rules := load(t, whoami)
	one, _, _ := outcome(t.Context(), t, rules, scan.Options{Workers: 1}, nil, dir)
	many, total, _ := outcome(t.Context(), t, rules, scan.Options{Workers: 7}, nil, dir)
	if strings.Join(one, "\n") != strings.Join(many, "\n") || total.Hits != 19000 {
		t.Errorf("%d and %d lines, %d hits", len(one), len(many), total.Hits)
	}
}

// TestStopped: what was found until then is given, the error is that of the context, and what is left is counted.
func TestStopped(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lines := strings.Repeat(eventAt("whoami", 1)+"\n", 30_000)
	for i := range 3 {
		write(t, filepath.Join(dir, fmt.Sprintf("%d.json", i)), []byte(lines))
	}
	files, _ := scan.Find([]string{dir}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	hits, last := uint64(0), scan.Reason("")
	total, err := scan.Scan(ctx, files, load(t, whoami), scan.Options{
		Workers: 2,
		Hit:     func(*scan.Hit) error { hits++; cancel(); return nil },
		File:    func(f *scan.FileReport) error { last = f.Error.Reason; return nil },
	})
	if !errors.Is(err, context.Canceled) || hits == 0 || hits != total.Hits || last != scan.Interrupted || total.NotTried != 2 {
		t.Errorf("%v, %d hits, last file %q, %+v", err, hits, last, total)
	}
	full := errors.New("the disk is full")
	if _, err := scan.Scan(t.Context(), files, load(t, whoami), scan.Options{Hit: func(*scan.Hit) error { return full }}); !errors.Is(err, full) {
		t.Errorf("the receiver's error became %v", err)
	}
}

func TestHitJSON(t *testing.T) {
	t.Parallel()
	file := write(t, filepath.Join(t.TempDir(), "a.json"), []byte(strings.TrimSuffix(eventAt("whoami", 1), "}")+`,"Tag":["x","y"],"None":null}`))
	files, _ := scan.Find([]string{file}, nil)
	var text []byte
	_, err := scan.Scan(t.Context(), files, load(t, whoami), scan.Options{Hit: func(h *scan.Hit) (err error) {
		text, err = h.AppendJSON(text)
		return err
	}})
	var got map[string]any
	if err := errors.Join(err, json.Unmarshal(text, &got)); err != nil {
		t.Fatal(err)
	}
	event := got["fields"].(map[string]any)
	reason := got["why"].([]any)[0].(map[string]any)
	for what, ok := range map[string]bool{
		"rule":    got["rule_id"] == "11111111-2222-4333-8444-555555555555" && got["title"] == "Whoami was started" && got["level"] == "high",
		"licence": got["author"] == "Hanako Sato" && got["license"] == "DRL-1.1",
		"place":   got["time"] == "2026-11-26T01:00:01Z" && got["file"] == file && got["record"] == 1.0,
		"fields":  event["EventID"] == 1.0 && len(event["Tag"].([]any)) == 2 && event["None"] == nil,
		"why":     reason["field"] == "Image" && reason["op"] == "endswith" && reason["value"] == `C:\Windows\System32\whoami.exe`,
	} {
		if !ok {
			t.Errorf("%s is wrong: %s", what, text)
		}
	}
}

func TestDump(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	n, err := evtxtest.Dense(&log, 1, time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	file := write(t, filepath.Join(t.TempDir(), "a.zip"), zipped(t, "a.evtx", log.Bytes(), "b.json", "{}"))
	files, _ := scan.Find([]string{file}, nil)
	lines, reports := uint64(0), []scan.FileReport{}
	err = scan.Dump(t.Context(), files, scan.Limits{}, func(text []byte) error {
		lines++
		if !json.Valid(text) || bytes.ContainsRune(text, '\n') {
			t.Errorf("no JSON line: %s", text)
		}
		return nil
	}, func(f *scan.FileReport) error { reports = append(reports, *f); return nil })
	if err != nil || lines != n || len(reports) != 2 || reports[0].Read != n || reports[1].Error == nil {
		t.Errorf("%v: %d lines of %d, %+v", err, lines, n, reports)
	}
}

// TestReal scans the real event logs with the real rules: all is accounted for.
func TestReal(t *testing.T) {
	t.Parallel()
	root := os.Getenv("KIZUKI_TESTDATA")
	if root == "" {
		t.Skip("KIZUKI_TESTDATA is not set: real event logs are not tried")
	}
	rules, err := scan.LoadRules([]string{filepath.Join(root, "sigma-rules", "rules", "windows")})
	if err != nil {
		t.Fatal(err)
	}
	told, total, err := outcome(t.Context(), t, rules, scan.Options{}, nil, filepath.Join(root, "evtx-samples"))
	if err != nil || total.Files != 4 || total.FilesRefused != 0 || total.Hits == 0 {
		t.Errorf("%v %+v", err, total)
	}
	for _, line := range told {
		if strings.HasPrefix(line, "file") {
			t.Log(line)
		}
	}
	t.Logf("%d rules, %+v", len(rules.Set.Rules()), total)
}

// TestDumpScansAlike: what dump writes of real event logs is found again by the same rules.
func TestDumpScansAlike(t *testing.T) {
	t.Parallel()
	root := os.Getenv("KIZUKI_TESTDATA")
	if root == "" {
		t.Skip("KIZUKI_TESTDATA is not set: real event logs are not tried")
	}
	rules, err := scan.LoadRules([]string{filepath.Join(root, "sigma-rules", "rules", "windows")})
	if err != nil {
		t.Fatal(err)
	}
	logs, err := filepath.Glob(filepath.Join(root, "evtx-samples", "*.evtx"))
	if err != nil || len(logs) == 0 {
		t.Fatal(logs, err)
	}
	hits := func(file string) (found []string) {
		files, _ := scan.Find([]string{file}, nil)
		_, err := scan.Scan(t.Context(), files, rules, scan.Options{Hit: func(h *scan.Hit) error {
			at := h.Time.Truncate(time.Microsecond) // as the text has it
			found = append(found, at.Format(time.RFC3339Nano)+" "+h.Rule.ID)
			return nil
		}})
		if err != nil {
			t.Error(err)
		}
		return found
	}
	for _, log := range logs {
		var text bytes.Buffer
		files, _ := scan.Find([]string{log}, nil)
		err := scan.Dump(t.Context(), files, scan.Limits{}, func(line []byte) error {
			text.Write(append(line, '\n'))
			return nil
		}, func(*scan.FileReport) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		fromLog, fromText := hits(log), hits(write(t, filepath.Join(t.TempDir(), "dump.jsonl"), text.Bytes()))
		for i := range max(len(fromLog), len(fromText)) {
			if i >= len(fromLog) || i >= len(fromText) || fromLog[i] != fromText[i] {
				t.Errorf("%s: %d hits, of its dump %d; they differ at %d: %s %s", log, len(fromLog), len(fromText), i, fromLog[i:min(i+1, len(fromLog))], fromText[i:min(i+1, len(fromText))])
				break
			}
		}
	}
}
