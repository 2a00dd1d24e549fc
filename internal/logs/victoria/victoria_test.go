package victoria_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/logstest/corpus"
	"github.com/kizuki-security/kizuki/internal/logs/victoria"
	"github.com/kizuki-security/kizuki/internal/logs/victoria/victoriatest"
)

// feed holds the records of one source.
type feed []event.Record

func (f feed) Records(_ context.Context, source string, after uint64, limit int) ([]event.Record, error) {
	var out []event.Record
	for _, r := range f {
		if r.Source == source && r.Seq > after && len(out) < limit {
			out = append(out, r)
		}
	}
	return out, nil
}

// clock is a time that waiting moves on.
type clock struct{ now time.Time }

func (c *clock) wait(ctx context.Context, d time.Duration) error {
	c.now = c.now.Add(d)
	return ctx.Err()
}

func client(t *testing.T, address string) *victoria.Client {
	t.Helper()
	c, err := victoria.NewClient(victoria.Config{Insert: address})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func sender(t *testing.T, address string, f feed, marks victoria.Marks) *victoria.Sender {
	t.Helper()
	c := &clock{now: time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)}
	s, err := victoria.NewSender(victoria.SenderConfig{
		Client: client(t, address), Feed: f, Marks: marks, Now: func() time.Time { return c.now }, Wait: c.wait, Batch: 1000,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func marks(t *testing.T) victoria.FileMarks {
	t.Helper()
	return victoria.FileMarks(filepath.Join(t.TempDir(), "marks.json"))
}

// count asks for one number.
func count(t *testing.T, address, logsQL string) int {
	t.Helper()
	n := -1
	err := client(t, address).Query(t.Context(), logsQL, func(row victoria.Row) error {
		var err error
		n, err = strconv.Atoi(row["n"])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func records(events int) feed {
	var f feed
	for r := range corpus.Records(corpus.Config{Events: events}) {
		f = append(f, r)
	}
	return f
}

// Each record of the corpus arrives once in a cluster of two storage nodes, and comes back as it was.
func TestClusterTakesEveryRecordOnce(t *testing.T) {
	t.Parallel()
	cluster := victoriatest.Start(t)
	all := records(3_000)
	s := sender(t, cluster.Front.URL, all, marks(t))
	for _, source := range corpus.Sources {
		if err := s.Settle(t.Context(), source); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(t, cluster.Front.URL, "* | stats count() n"); n != len(all) {
		t.Errorf("%d rows, want %d", n, len(all))
	}
	for i, node := range cluster.Storage {
		if n := count(t, node.URL, "* | stats count() n"); n < len(all)/10 {
			t.Errorf("storage node %d has %d rows", i, n)
		}
	}
	got := map[string]event.Record{}
	for _, source := range corpus.Sources {
		rows, err := client(t, cluster.Front.URL).Rows(t.Context(), fmt.Sprintf("{source=%q}", source), 100_000)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			got[r.Source+strconv.FormatUint(r.Seq, 10)] = r
		}
	}
	for _, want := range all {
		compare(t, got[want.Source+strconv.FormatUint(want.Seq, 10)], want)
	}
	rows, err := client(t, cluster.Front.URL).Rows(t.Context(), "*", 5)
	if err != nil || len(rows) != 5 || !slices.IsSortedFunc(rows, func(a, b event.Record) int { return b.Time.Compare(a.Time) }) {
		t.Errorf("the newest 5 are %v (%v)", rows, err)
	}
	if n := count(t, cluster.Front.URL, `"`+corpus.NeedleBreakIn+`" | stats count() n`); n != (corpus.Config{Events: 3000}).Needles().BreakIn {
		t.Errorf("%d needles", n)
	}
}

// compare wants a record back as it was sent; native keys come sorted.
func compare(t *testing.T, got, want event.Record) {
	t.Helper()
	want.Fields = slices.Clone(want.Fields)
	slices.SortFunc(want.Fields, func(a, b event.Field) int { return strings.Compare(a.Name, b.Name) })
	fields := slices.Equal(got.Fields, want.Fields)
	got.Fields, want.Fields = nil, nil
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w || !fields {
		t.Fatalf("got  %s\nwant %s\nfields equal: %t", g, w, fields)
	}
}

// A sender that lost its marks, or died, looks for what is there before it sends again; storage nodes that die take
// nothing with them. Rows of a request that a dying node had half taken may be there twice: Rows gives them once, and
// only that much is promised.
func TestResume(t *testing.T) {
	t.Parallel()
	cluster := victoriatest.Start(t)
	all := slices.DeleteFunc(records(12_000), func(r event.Record) bool { return r.Source != "firewall" })
	kept := marks(t)
	s := sender(t, cluster.Front.URL, all, kept)
	for range 2 {
		if p, err := s.Step(t.Context(), "firewall"); err != nil || p.Sent != 1000 {
			t.Fatalf("%+v %v", p, err)
		}
	}
	// Another sender begins at the first record: the marks are not moved yet. The one after it finds no marks at all.
	s = sender(t, cluster.Front.URL, all, kept)
	if p, err := s.Step(t.Context(), "firewall"); err != nil || p.Sent != 1000 {
		t.Fatalf("%+v %v", p, err)
	}
	kept = marks(t)
	s = sender(t, cluster.Front.URL, all, kept)
	for range 3 {
		if _, err := s.Step(t.Context(), "firewall"); err != nil {
			t.Fatal(err)
		}
	}
	// A storage node dies before it wrote what it has in memory.
	cluster.Storage[0].Kill()
	if _, err := s.Step(t.Context(), "firewall"); !victoria.Is(err, victoria.Unavailable) {
		t.Errorf("a step without a storage node gives %v", err)
	}
	cluster.Storage[0].Again(t)
	if err := s.Settle(t.Context(), "firewall"); err != nil {
		t.Fatal(err)
	}
	if n := count(t, cluster.Front.URL, "* | stats count() n"); n < len(all) || n > len(all)+1000 { // one request
		t.Errorf("%d rows, want %d, and at most one request of 1,000 twice", n, len(all))
	}
	if n := count(t, cluster.Front.URL, "* | stats count_uniq(seq) n"); n != len(all) {
		t.Errorf("%d different rows, want %d", n, len(all))
	}
	marked, err := kept.Load()
	if err != nil || marked["firewall"].Safe != uint64(len(all)) || marked["firewall"].Refused != 0 {
		t.Errorf("marks are %+v (%v)", marked, err)
	}
}

// Rows that the engine does not keep are named; awkward ones come back byte for byte.
func TestAwkwardRecords(t *testing.T) {
	t.Parallel()
	node := victoriatest.Single(t)
	at := time.Date(2026, 11, 26, 1, 2, 3, 4000, time.UTC)
	many := make([]event.Field, 950)
	for i := range many {
		many[i] = event.Field{Name: fmt.Sprintf("k%03d", i), Value: "v"}
	}
	all := feed{
		{Raw: []byte("broken \xff utf-8 \xf0\x28 and NUL \x00\x01\x1f")},
		{Raw: nil, Host: "with nothing in it"},
		{Raw: []byte("\"quotes\" \\ back\\slashes\u2028\t\x7f 気づき")},
		{Raw: []byte("1601"), Time: time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC)},
		{Raw: []byte("2106"), Time: time.Date(2106, 2, 7, 6, 28, 15, 999_999_000, time.UTC)},
		{Raw: slices.Concat([]byte("long "), make([]byte, 300<<10))},
		{Raw: []byte("keys"), Format: event.JSON, Fields: []event.Field{{Name: "host", Value: "native"}, {Name: "A", Value: "1"}, {Name: "A", Value: "2"}, {Name: "_time", Value: "x"}, {Name: "", Value: "y"}, {Name: "B", Value: ""}}},
		{Raw: []byte("many keys"), Format: event.JSON, Fields: many},
		{Raw: []byte("<13>last")},
	}
	for i := range all {
		r := &all[i]
		r.Source, r.Seq, r.Received = "fw", uint64(i+1), at
		if r.Format == "" {
			r.Format = event.Raw
		}
		if r.Time.IsZero() {
			r.Time = at.Add(time.Duration(i) * time.Millisecond)
		}
	}
	kept := marks(t)
	s := sender(t, node.URL, all, kept)
	p, err := s.Step(t.Context(), "fw")
	if err != nil || !slices.Equal(p.Refused, []uint64{4, 6}) || p.Sent != len(all)-2 {
		t.Fatalf("%+v %v", p, err)
	}
	if err := s.Settle(t.Context(), "fw"); err != nil {
		t.Fatal(err)
	}
	if m := s.Marked()["fw"]; m != (victoria.Mark{Safe: 9, Tried: 9, Refused: 2, LastRefused: 6}) {
		t.Errorf("mark is %+v", m)
	}
	rows, err := client(t, node.URL).Rows(t.Context(), "*", 100)
	if err != nil {
		t.Fatal(err)
	}
	all[6].Fields = []event.Field{{Name: "A", Value: "1"}}
	all[7].Fields = many[:900]
	slices.SortFunc(rows, func(a, b event.Record) int { return int(a.Seq) - int(b.Seq) })
	if len(rows) != len(all)-2 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, r := range rows {
		compare(t, r, all[r.Seq-1])
	}
	if n := count(t, node.URL, `fields_left_out:=50 | stats count() n`); n != 1 {
		t.Errorf("%d rows say that keys were left out", n)
	}
	// The same rows once more, as a request on its way might bring them: shown once.
	if err := client(t, node.URL).Insert(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	if err := client(t, node.URL).Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if again, err := client(t, node.URL).Rows(t.Context(), "*", 7); err != nil || len(again) != 7 {
		t.Errorf("doubled rows: %d (%v)", len(again), err)
	}
}

// Between sender and engine every third answer is lost and every fourth request: each record is there once at the end.
func TestLossyNetwork(t *testing.T) {
	t.Parallel()
	node := victoriatest.Single(t)
	target, err := url.Parse(node.URL)
	if err != nil {
		t.Fatal(err)
	}
	var n atomic.Int64
	proxy := httputil.NewSingleHostReverseProxy(target)
	lossy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		turn := n.Add(1)
		if turn%4 == 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if turn%3 == 0 { // the engine takes it, the sender never hears of it
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	defer lossy.Close()
	all := slices.DeleteFunc(records(10_000), func(r event.Record) bool { return r.Source != "web" })
	s := sender(t, lossy.URL, all, marks(t))
	for {
		p, err := s.Step(t.Context(), "web")
		if err != nil && !victoria.Is(err, victoria.Unavailable) {
			t.Fatal(err)
		}
		if len(p.Refused) > 0 {
			t.Fatalf("refused: %v", p.Refused)
		}
		if err == nil && p.Idle {
			break
		}
	}
	for _, query := range []string{"* | stats count() n", "* | stats count_uniq(seq) n"} {
		if got := count(t, node.URL, query); got != len(all) {
			t.Errorf("%s: %d, want %d", query, got, len(all))
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	answer := func(status int, body string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	tests := []struct {
		name   string
		url    string
		reason victoria.Reason
	}{
		{"wrong query", answer(400, "cannot parse"), victoria.Refused},
		{"no permission", answer(401, ""), victoria.Refused},
		{"overloaded", answer(429, ""), victoria.Unavailable},
		{"broken", answer(500, ""), victoria.Unavailable},
		{"no JSON", answer(200, "hello\n"), victoria.Malformed},
		{"a long row", answer(200, `{"a":"`+strings.Repeat("x", 17<<20)+`"}`), victoria.TooLarge},
		{"nobody there", "http://127.0.0.1:1", victoria.Unavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if err := client(t, tt.url).Query(t.Context(), "*", func(victoria.Row) error { return nil }); !victoria.Is(err, tt.reason) {
				t.Errorf("got %v, want %s", err, tt.reason)
			}
		})
	}
	for _, address := range []string{"", "ftp://x", "host:9428", "http://x?y=1"} {
		if _, err := victoria.NewClient(victoria.Config{Insert: address}); !victoria.Is(err, victoria.Refused) {
			t.Errorf("address %q gives %v", address, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := client(t, answer(200, "")).Flush(ctx); err == nil || victoria.Is(err, victoria.Unavailable) {
		t.Errorf("cancelled: %v", err)
	}
	for _, row := range []victoria.Row{{}, {"source": "a", "seq": "-1"}, {"source": "a", "seq": "1", "time_us": "1", "received_us": "x"}} {
		if _, err := row.Record(); !victoria.Is(err, victoria.Malformed) {
			t.Errorf("row %v gives %v", row, err)
		}
	}
}

func TestFeedOutOfOrder(t *testing.T) {
	t.Parallel()
	s := sender(t, "http://127.0.0.1:1", feed{{Source: "a", Seq: 2}, {Source: "a", Seq: 1}}, marks(t))
	if _, err := s.Step(t.Context(), "a"); !victoria.Is(err, victoria.Unordered) {
		t.Errorf("got %v", err)
	}
}

func TestMarks(t *testing.T) {
	t.Parallel()
	m := marks(t)
	want := map[string]victoria.Mark{"a": {Safe: 5}, "b": {Safe: 1, Refused: 2, LastRefused: 1}}
	if err := m.Save(want); err != nil {
		t.Fatal(err)
	}
	if got, err := m.Load(); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v (%v)", got, err)
	}
	for _, text := range []string{"", "{}", `{"format":"kizuki.victoria-marks/2","sources":{}}`, `{"format":"kizuki.victoria-marks/1"}`} {
		if err := os.WriteFile(string(m), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Load(); !victoria.Is(err, victoria.BadMarks) {
			t.Errorf("%q gives %v", text, err)
		}
	}
}
