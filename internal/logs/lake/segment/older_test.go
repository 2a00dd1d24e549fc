package segment

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake/table"
	"github.com/kizuki-security/kizuki/internal/logs/query"
)

// TestOlder reads a file from before a key was promoted: what it has is there, and what it has no column for says so, that
// queries read the key from the lines.
func TestOlder(t *testing.T) {
	t.Parallel()
	tab := table.New()
	first, last := event.Promoted[0], event.Promoted[len(event.Promoted)-1]
	tab.Add(&event.Record{
		Source: "windows", Seq: 1, Time: time.Unix(1, 0), Received: time.Unix(2, 0), Raw: []byte("line"),
		Fields: []event.Field{{Name: first, Value: "a"}, {Name: last, Value: "b"}},
	})
	v := tab.View()
	var file bytes.Buffer
	w, err := NewWriter(&file, Columns{Promoted: len(event.Promoted) - 1})
	if err != nil {
		t.Fatal(err)
	}
	var block table.Block
	if err := w.Add(v.Into(&block, []int32{0})); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Close(1, 0, 0, nil); err != nil {
		t.Fatal(err)
	}
	r, err := Open(bytes.NewReader(file.Bytes()), int64(file.Len()), nil)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := r.Column(0, table.Place(first)); err != nil || c.Values[c.Codes[0]] != "a" {
		t.Errorf("%s: %v, %v", first, c, err)
	}
	if _, err := r.Column(0, table.Place(last)); !errors.Is(err, query.ErrNotKept) {
		t.Errorf("%s: %v", last, err)
	}
	if b, err := r.Block(0); err != nil || b.Value(table.Place(last), 0) != "" || string(b.Raw(0)) != "line" {
		t.Errorf("%v, %v", b, err)
	}
}

// TestAbsent leaves columns out that no row has a value in: they read as empty, and no value is lost in them unseen.
func TestAbsent(t *testing.T) {
	t.Parallel()
	tab := table.New()
	first, last := event.Promoted[0], event.Promoted[len(event.Promoted)-1]
	r := event.Record{Source: "windows", Seq: 1, Time: time.Unix(1, 0), Received: time.Unix(2, 0), Raw: []byte("line")}
	r.Fields = []event.Field{{Name: first, Value: "a"}}
	tab.Add(&r)
	v := tab.View()
	columns := Columns{Promoted: v.Promoted, Absent: v.Absent()}
	if want := table.AllPromoted &^ (1 << table.Place(first)); columns.Absent != want {
		t.Fatalf("absent are %b, want %b", columns.Absent, want)
	}
	var file bytes.Buffer
	w, err := NewWriter(&file, columns)
	if err != nil {
		t.Fatal(err)
	}
	var block table.Block
	if err := w.Add(v.Into(&block, []int32{0})); err != nil {
		t.Fatal(err)
	}
	r.Fields = append(r.Fields, event.Field{Name: last, Value: "b"})
	tab.Add(&r)
	if err := w.Add(tab.View().Into(&block, []int32{1})); !errors.Is(err, query.ErrNotKept) {
		t.Errorf("a value without a column: %v", err)
	}
	if _, err := w.Close(1, 0, 0, nil); err != nil {
		t.Fatal(err)
	}
	got, err := Open(bytes.NewReader(file.Bytes()), int64(file.Len()), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{first: "a", last: ""} {
		b, err := got.Block(0)
		if err != nil || b.Value(table.Place(name), 0) != want {
			t.Errorf("%s: %v, %v", name, b, err)
		}
	}
	if c, err := got.Column(0, table.Place(last)); c != nil || err != nil {
		t.Errorf("%v, %v", c, err)
	}
}
