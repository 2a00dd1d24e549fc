// Package fact keeps 記録: dated, derived values with a link to the record they came from.
//
// Features emit what happened, never ratios and never a judgement. A feature calls Store.Put in the
// transaction of the act, with all facts its record gives now; what changed is appended, what is gone
// is withdrawn, nothing is overwritten. Source lets the nightly pass derive everything again, so that
// "unchanged" and "source failed" differ. Persons stand here by key only.
package fact

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// Unknown is the value of an attribute that nobody has filled in: it makes an uncertain member.
const Unknown = "unknown"

// Fact is one dated row. For a measure, Member is the subject and Value counts; for a series, Member,
// Attrs and On count. The zero Day in On means "no date known", which never satisfies a period.
type Fact struct {
	Kind       string            // a kind of catalog/kinds.yaml
	Record     string            // the record it came from: "training/KEY"
	Member     string            // "person/KEY", "document/KEY", "" for the company
	Attrs      map[string]string // attributes the rules select on
	On         jdate.Day         // when it was true or happened (as_of)
	ValidUntil jdate.Day         // last day on which it counts; zero: no end
	Value      int64             // measures only, in the unit of the kind
	Link       string            // path of the page that shows the record

	ID         int64     // set by the store
	RecordedAt time.Time // set by the store
	Hash       string    // set by the store: content hash, frozen into answers
}

// Reading says when a kind was last read from its source, and whether that went well.
type Reading struct {
	At   time.Time // last good reading; zero: never
	Fail time.Time // last failed reading; zero: never
	Note string    // machine text of the failure
}

// Source derives all facts of some kinds from the records themselves. Implementations live in facts.go
// of each feature; EachRecord must yield the same facts as the Put calls of its acts did.
type Source interface {
	Kinds() []string
	EachRecord(ctx context.Context, tx *sqlite.Tx, yield func(record string, facts []Fact) error) error
}

// Attr returns an attribute, "" when absent.
func (f Fact) Attr(name string) string { return f.Attrs[name] }

// attrText writes attributes canonically: sorted "name=value" lines.
func attrText(attrs map[string]string) string {
	names := make([]string, 0, len(attrs))
	for name := range attrs {
		names = append(names, name)
	}
	sort.Strings(names)
	var b strings.Builder
	for _, name := range names {
		b.WriteString(name)
		b.WriteByte('=')
		b.WriteString(strings.ReplaceAll(attrs[name], "\n", " "))
		b.WriteByte('\n')
	}
	return b.String()
}

func attrsOf(text string) map[string]string {
	if text == "" {
		return nil
	}
	attrs := make(map[string]string, 8)
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		name, value, _ := strings.Cut(line, "=")
		attrs[name] = value
	}
	return attrs
}

// contentHash covers everything but the row number and the time of recording.
func (f Fact) contentHash() string {
	h := sha256.New()
	for _, part := range []string{f.Kind, f.Record, f.Member, attrText(f.Attrs), f.On.String(), f.ValidUntil.String(), strconv.FormatInt(f.Value, 10), f.Link} {
		fmt.Fprintf(h, "%d:%s,", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
