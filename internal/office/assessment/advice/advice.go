// Package advice keeps what an outside expert (専門家) says of an item, and that they looked at it (確認済).
//
// Advice never answers: the company answers, the expert advises and signs. A signature stands for the item as it
// was then; when answers or records change afterwards, the page says so. Rows are append-only: who wants to take a
// word back writes another. It imports assessment and registers.
package advice

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"time"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
)

// PermAdvise lets an expert advise and sign; app binds it to the role 専門家.
const PermAdvise actor.Permission = "assessment.advise"

// maxText is the longest advice, in characters.
const maxText = 2000

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Messages returns the texts of this package.
func Messages() fs.FS { return messages }

// Advice is one word of an expert about one item. Text may be empty when it is signed.
type Advice struct {
	Key       string
	Framework string // "jama-japia@2.3"
	Item      string // id of the node
	Round     string // key of the round that was open; empty: none
	Text      string
	Signed    bool           // 確認済: the expert looked at the answer and the records
	State     verdict.Result // of the item at that time
	Seal      string         // hash of the item at that time, see Seal
	By        string         // actor.ID of the expert
	At        time.Time
}

// Seal is the SHA-256 of what an item says: state, answers with their frozen facts, verdicts. Two equal seals mean
// that nothing the expert saw has changed.
func Seal(it *assessment.Item) string {
	h := sha256.New()
	part := func(texts ...any) {
		for _, t := range texts {
			text := fmt.Sprint(t)
			fmt.Fprintf(h, "%d:%s,", len(text), text)
		}
	}
	part(it.Node.ID, it.State, int(it.Value), it.Version)
	if a := it.Answer; a != nil {
		part(a.Value, a.Reason, a.FactsHash)
	}
	for _, c := range it.Clauses {
		part(c.ID, c.Verdict.Result, c.State.Result, c.Version)
		if a := c.Answer; a != nil {
			part(a.Value, a.Reason, a.FactsHash)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
