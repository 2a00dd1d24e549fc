package link

import (
	"context"
	"slices"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/personal"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// Personal tells which links a person was given. They hold the key of the person only; those that still open are
// closed when the person is erased.
type Personal struct{}

// Held lists the links for a person (personal.Source).
func (Personal) Held(ctx context.Context, tx *sqlite.Tx, who personal.Subject) ([]personal.Item, error) {
	links, err := given(ctx, tx, who)
	item := personal.Item{Key: "personal.held.links", Count: len(links), Retained: "personal.kept.act"}
	for _, l := range links {
		item.On = jdate.Of(l.CreatedAt) // they come newest first
		item.Values = append(item.Values, personal.Value{Text: l.Purpose, On: item.On})
	}
	return []personal.Item{item}, err
}

// Erase closes the links of a person that still open (personal.Source).
func (Personal) Erase(ctx context.Context, tx *sqlite.Tx, who personal.Subject) (int, error) {
	links, err := given(ctx, tx, who)
	if err != nil {
		return 0, err
	}
	links = slices.DeleteFunc(links, func(l Link) bool { return !l.Open(tx.Now) })
	for _, l := range links {
		if err := Revoke(ctx, tx, l.Key); err != nil {
			return 0, err
		}
	}
	return len(links), nil
}

// given lists the links made for a person, or about an account of the person.
func given(ctx context.Context, tx *sqlite.Tx, who personal.Subject) ([]Link, error) {
	out, err := list(ctx, tx, `WHERE person = ? ORDER BY id DESC`, who.Person)
	for _, key := range who.Accounts {
		if err != nil {
			return nil, err
		}
		var more []Link
		more, err = Of(ctx, tx, "account/"+key)
		out = append(out, slices.DeleteFunc(more, func(l Link) bool { return l.Person == who.Person })...)
	}
	return out, err
}
