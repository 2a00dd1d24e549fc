package scan

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/transform"
)

// readAll gives what Read makes of a file: a line for each record, each refusal and the end.
func readAll(t *testing.T, name string, data []byte, limit int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := Find([]string{path}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	given, refused := uint64(0), uint64(0)
	err = Read(context.Background(), files, ReadOptions{
		Limits: Limits{Object: limit},
		Line: func(l *Line) error {
			given++
			kind := "text"
			if l.JSON {
				kind = "json"
			}
			if l.Strict {
				kind += "!"
			}
			fmt.Fprintf(&out, "%d %s %s %q\n", l.Number, l.Encoding, kind, l.Text)
			return nil
		},
		Refused: func(r Refusal) {
			refused += r.Records
			fmt.Fprintf(&out, "line %d byte %d: %d %s\n", r.Line, r.Byte, r.Records, r.Reason)
		},
		File: func(f *FileReport, e Encoding) error {
			if f.Read != given+refused || f.Scanned != given {
				t.Errorf("%d read, %d given, but %d and %d came", f.Read, f.Scanned, given, refused)
			}
			fmt.Fprintf(&out, "%s", e)
			if f.Error != nil {
				fmt.Fprintf(&out, " %s", f.Error.Reason)
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func sjis(t *testing.T, text string) string {
	t.Helper()
	out, err := japanese.ShiftJIS.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// wideOf is text in UTF-16, low byte first.
func wideOf(text string) string {
	var out []byte
	for _, u := range utf16.Encode([]rune(text)) {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return string(out)
}

// narrowed makes the UTF-16 again that exact turned.
func narrowed(t *testing.T, text []byte, order binary.AppendByteOrder) (out []byte) {
	t.Helper()
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case r != utf8.RuneError || size > 1:
			for _, u := range utf16.AppendRune(nil, r) {
				out = order.AppendUint16(out, u)
			}
		case text[0] == 0xff:
			size = 3
			b, err := hex.DecodeString(string(text[1:3]))
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, b...)
		default:
			size = 3
			out = order.AppendUint16(out, uint16(text[0]&15)<<12|uint16(text[1]&63)<<6|uint16(text[2]&63))
		}
		text = text[size:]
	}
	return out
}

// FuzzExact: whatever UTF-16 holds, in whatever pieces it comes, the same bytes can be made of it again.
func FuzzExact(f *testing.F) {
	for _, seed := range []string{"a\x00\x3d\xd8\x42\xde", "\x3d\xd8\x3d\xd8\x42\xde\x42\xde\x3d", "\xfd\xff\xff\xfe\n", "\xd8\x3d\xd8\x3d\xdc\x00\x00", ""} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, data []byte, big bool) {
		var order binary.AppendByteOrder = binary.LittleEndian
		mark := "\xff\xfe"
		if big {
			order, mark = binary.BigEndian, "\xfe\xff"
		}
		whole := io.MultiReader(strings.NewReader(mark), bytes.NewReader(data))
		got, err := io.ReadAll(transform.NewReader(whole, &exact{}))
		if err != nil {
			t.Fatal(err)
		}
		if back := narrowed(t, got, order); !bytes.Equal(back, data) {
			t.Errorf("%x became %x, and that %x", data, got, back)
		}
		whole = io.MultiReader(strings.NewReader(mark), bytes.NewReader(data))
		if again, err := io.ReadAll(transform.NewReader(iotest.OneByteReader(whole), &exact{})); err != nil || !bytes.Equal(again, got) {
			t.Errorf("%x in single bytes became %x, not %x: %v", data, again, got, err)
		}
	})
}

// TestRead: every line is given as it stands or turned into UTF-8 so that it can be turned back; broken JSON is kept, too.
func TestRead(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ name, text, want string }{
		"UTF-8": {"a.log", "認証に失敗\nab\r\n\n c", "1 utf8 text \"認証に失敗\"\n2 utf8 text \"ab\"\n4 utf8 text \" c\"\nutf8"},
		"CP932 of an asset list": {
			"assets.csv", sjis(t, "管理番号,端末名,利用者\r\nA-001,ＰＣ０１,\"佐藤 花子,総務\"\r\nA-002,表ソ能,ｻﾄｳ\r\nA-003,ﾂｱ,\r\nA-004,plain,\r\n"),
			"1 cp932 text \"管理番号,端末名,利用者\"\n2 cp932 text \"A-001,ＰＣ０１,\\\"佐藤 花子,総務\\\"\"\n3 cp932 text \"A-002,表ソ能,ｻﾄｳ\"\n" +
				"4 cp932 text \"A-003,ﾂｱ,\"\n5 utf8 text \"A-004,plain,\"\ncp932",
		},
		"the odd byte costs its line": {
			"a.log", sjis(t, "認証に失敗\n") + "端末\n" + sjis(t, "接続") + "\x80\n" + sjis(t, "切断しました\n") + "\xee\xe0" + sjis(t, "橋さん\n"),
			"1 cp932 text \"認証に失敗\"\n2 utf8 text \"端末\"\n3 bytes text \"\\x90ڑ\\xb1\\x80\"\n4 cp932 text \"切断しました\"\n" +
				"5 bytes text \"\\xee\\xe0\\x8b\\xb4\\x82\\xb3\\x82\\xf1\"\ncp932",
		},
		"half-width kana alone":     {"a.log", sjis(t, "ﾕｰｻﾞｰ\nﾛｸﾞｲﾝ\n"), "1 cp932 text \"ﾕｰｻﾞｰ\"\n2 cp932 text \"ﾛｸﾞｲﾝ\"\ncp932"},
		"EUC-JP is not CP932":       {"a.log", "\xc7\xa7\xbe\xda\xa4\xcb\xbc\xba\xc7\xd4\n", "1 bytes text \"ǧ\\xbeڤ˼\\xba\\xc7\\xd4\"\nbytes"},
		"Latin-1 is not CP932":      {"a.log", "caf\xe9s r\xe9sum\xe9s\n", "1 bytes text \"caf\\xe9s r\\xe9sum\\xe9s\"\nbytes"},
		"Japanese late in the file": {"a.log", strings.Repeat("plain line\n", 5000) + sjis(t, "再起動しました\n"), ""},
		"UTF-16":                    {"a.log", "\xff\xfea\x00\xaa\x8a\n\x00", "1 utf16 text \"a說\"\nutf16"},
		"UTF-16, half a pair": {
			"a.log", "\xff\xfea\x00\n\x00b\x00\x3d\xd8\n\x00\x42\xde \x00\x3d\xd8\x42\xde\r\x00\n\x00\xfd\xff\x3d\xd8",
			"1 utf16 text \"a\"\n2 bytes text \"b\\xed\\xa0\\xbd\"\n3 bytes text \"\\xed\\xb9\\x82 🙂\"\n4 bytes text \"�\\xed\\xa0\\xbd\"\nutf16",
		},
		"UTF-16, high byte first": {"a.log", "\xfe\xff\x00a\xd8\x3d\xde\x42\x00\n\xff\xfd\xfe\xff", "1 utf16 text \"a🙂\"\n2 utf16 text \"�\\ufeff\"\nutf16"},
		"UTF-16, cut in a letter": {"a.log", "\xff\xfea\x00\n\x00b\x00\n", "1 utf16 text \"a\"\n2 bytes text \"b\\xff0a\"\nutf16"},
		"UTF-16, JSON with half a pair": {
			"a.jsonl", "\xff\xfe" + wideOf("{\"a\":\"") + "\x3d\xd8" + wideOf("\"}\n{\"b\":1}\n"),
			"1 bytes json! \"{\\\"a\\\":\\\"\\xed\\xa0\\xbd\\\"}\"\n2 utf16 json! \"{\\\"b\\\":1}\"\nutf16",
		},
		"JSON lines, one broken": {
			"a.jsonl", "{\"a\":1}\n{\"a\":\nNov 26 {\"b\":2}\n{\"c\":3},\n",
			"1 utf8 json! \"{\\\"a\\\":1}\"\n2 utf8 json! \"{\\\"a\\\":\"\n3 utf8 text! \"Nov 26 {\\\"b\\\":2}\"\n4 utf8 json! \"{\\\"c\\\":3},\"\nutf8",
		},
		"the first line is broken": {"a.jsonl", "{\"a\":\n{\"b\":2}\n", "1 utf8 json! \"{\\\"a\\\":\"\n2 utf8 json! \"{\\\"b\\\":2}\"\nutf8"},
		"JSON lines in CP932":      {"a.jsonl", sjis(t, "{\"名前\":\"表\"}\n{\"b\":2}\n"), "1 cp932 json! \"{\\\"名前\\\":\\\"表\\\"}\"\n2 utf8 json! \"{\\\"b\\\":2}\"\ncp932"},
		"objects over lines, the last cut short": {
			"a.json", "{\n \"a\": 1\n}\n{\n \"b\": \"x", "1 utf8 json! \"{\\n \\\"a\\\": 1\\n}\"\n4 utf8 text! \"{\"\n5 utf8 text! \" \\\"b\\\": \\\"x\"\nutf8",
		},
		"a list with something else in it": {
			"a.json", "[\n{\"a\":1},\n  oops, {\"b\":2},\n{\"c\": \"new\nline\"}\n]",
			"2 utf8 json! \"{\\\"a\\\":1}\"\n3 utf8 text! \"  oops, \"\n3 utf8 json! \"{\\\"b\\\":2}\"\n4 utf8 text! \"{\\\"c\\\": \\\"new\"\n5 utf8 text! \"line\\\"}\"\nutf8",
		},
		"records of a cloud":     {"a.json", `{"Records":[{"a":1},{"b":2}]}`, "1 utf8 json! \"{\\\"a\\\":1}\"\n1 utf8 json! \"{\\\"b\\\":2}\"\nutf8"},
		"objects on one line":    {"a.json", `{"a":1}{"b":2}`, ""},
		"too long":               {"a.log", "ab\n" + strings.Repeat("x", 101) + "\ncd\n", "1 utf8 text \"ab\"\nline 2 byte 3: 1 too_large\n3 utf8 text \"cd\"\nutf8"},
		"as long as allowed":     {"a.log", strings.Repeat("x", 100) + "\r\n", "1 utf8 text \"" + strings.Repeat("x", 100) + "\"\nutf8"},
		"too long in a list":     {"a.json", "[{\"a\":1},\n{\"b\":\"" + strings.Repeat("x", 101) + "\"}]", "1 utf8 json! \"{\\\"a\\\":1}\"\nline 2 byte 10: 1 too_large\nutf8"},
		"a list that never ends": {"a.json", "[\n ", "line 0 byte 0: 1 cut_short\nutf8"},
		"binary":                 {"a.bin", "\x00\x01\x02", " unknown_format"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := readAll(t, tt.name, []byte(tt.text), 100)
			switch name {
			case "Japanese late in the file":
				if !strings.HasSuffix(got, "5001 cp932 text \"再起動しました\"\ncp932") {
					t.Errorf("got …%s", got[len(got)-100:])
				}
			case "objects on one line":
				if strings.Count(got, "json!") != 2 {
					t.Errorf("got %s", got)
				}
			default:
				if got != tt.want {
					t.Errorf("got\n%s\nwant\n%s", got, tt.want)
				}
			}
		})
	}
}

// TestReadStops: an error of the receiver comes back, and the file is told as interrupted.
func TestReadStops(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.json")
	if err := os.WriteFile(path, []byte("[x\n{}\n]"), 0o600); err != nil {
		t.Fatal(err)
	}
	files, _ := Find([]string{path}, nil)
	enough := errors.New("enough")
	reason := Reason("")
	err := Read(context.Background(), files, ReadOptions{
		Line: func(*Line) error { return enough },
		File: func(f *FileReport, _ Encoding) error { reason = f.Error.Reason; return nil },
	})
	if !errors.Is(err, enough) || reason != Interrupted {
		t.Errorf("ended with %v, the file with %q", err, reason)
	}
}

// TestReadStopsBetweenLines: when the person stops, only whole lines and objects were given; who goes on behind them
// loses nothing.
func TestReadStopsBetweenLines(t *testing.T) {
	t.Parallel()
	line := strings.Repeat("x", 1000)
	for name, text := range map[string]string{
		"a.log": strings.Repeat(line+"\n", 1000), "a.jsonl": strings.Repeat(`{"a":"`+line+"\"}\n", 1000),
		"list.json": "[" + strings.Repeat(`{"a":"`+line+"\"},", 1000) + "]",
	} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		files, _ := Find([]string{path}, nil)
		ctx, stop := context.WithCancel(t.Context())
		lengths := map[int]int{}
		var report *FileReport
		err := Read(ctx, files, ReadOptions{
			Line: func(l *Line) error { stop(); lengths[len(l.Text)]++; return nil },
			File: func(f *FileReport, _ Encoding) error { report = f; return nil },
		})
		if !errors.Is(err, context.Canceled) || len(lengths) != 1 || report.Error.Reason != Interrupted || report.Read != report.Scanned {
			t.Errorf("%s: %v, lines by length %v, %+v", name, err, lengths, report)
		}
	}
}

// FuzzReadJSON: whatever stands in a JSON file, each byte that is no white space, comma or bracket between objects is
// given or refused, and the file is cut alike in whatever pieces it comes.
func FuzzReadJSON(f *testing.F) {
	for _, seed := range []string{
		`{"a":1}`, "{\"a\":\n{}}\n{\"b\":\"}\"}", `[{"a":"\""},{}]`, "[x\n{}\n  y,z\n]", "{\"a\": \"b\nc\"}", "[\n}\n]", `{"Records":[{},x]}`, "[[{}]]x",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		cut := func(size int) (string, string) {
			var out strings.Builder
			var whole bytes.Buffer
			s := splitter{limit: 1000, refuse: func(r Reason) { fmt.Fprintln(&out, r) }}
			s.object = func(text []byte, _ uint64) error {
				fmt.Fprintf(&out, "%d %d %q\n", s.began, s.at, text)
				whole.Write(text)
				return nil
			}
			s.broken = func(text []byte, line uint64) error {
				fmt.Fprintf(&out, "raw %d %q\n", line, text)
				whole.Write(text)
				return nil
			}
			var from io.Reader = bytes.NewReader(text)
			if size < readAhead {
				from = iotest.OneByteReader(from)
			}
			if err := s.split(bufio.NewReaderSize(from, size)); err != nil {
				t.Error(err)
			}
			return out.String(), whole.String()
		}
		small, _ := cut(1024)
		large, whole := cut(readAhead)
		if small != large {
			t.Errorf("byte by byte\n%s\nat once\n%s", small, large)
		}
		if len(text) > 900 || bytes.HasPrefix(text, []byte("\xef\xbb\xbf")) || wrapper.Match(text) {
			return
		}
		bare := strings.NewReplacer(" ", "", "\t", "", "\r", "", "\n", "", "\x1e", "", ",", "", "[", "", "]", "")
		if got, want := bare.Replace(whole), bare.Replace(string(text)); got != want {
			t.Errorf("kept %q of %q", got, want)
		}
	})
}
