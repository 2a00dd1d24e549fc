package staff

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/intake"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
)

// undone is what an undo keeps: people as they were, and the places that were made for them.
type undone struct {
	People      people.Undo `json:"people"`
	Departments []string    `json:"departments,omitempty"`
	Sites       []string    `json:"sites,omitempty"`
}

// Apply writes a plan of this importer, made in the same transaction.
func (imp *Importer) Apply(ctx context.Context, tx *sqlite.Tx, plan *intake.Plan, consent intake.Consent) ([]byte, error) {
	data, ok := plan.Data.(*planned)
	if !ok {
		return nil, fmt.Errorf("apply a plan of %T", plan.Data)
	}
	var undo undone
	keys := map[string]string{}
	if consent.Answer(askPlaces) != "blank" {
		var err error
		if undo.Departments, undo.Sites, err = imp.org.Create(ctx, tx, data.departments, data.sites); err != nil {
			return nil, err
		}
		for i, key := range undo.Departments {
			keys["d"+newPlace+jtext.SearchKey(data.departments[i])] = key
		}
		for i, key := range undo.Sites {
			keys["s"+newPlace+jtext.SearchKey(data.sites[i])] = key
		}
	}
	batch := people.Batch{MovedOn: jdate.Of(tx.Now)}
	for _, p := range data.add {
		batch.Add = append(batch.Add, settle(p, people.Person{}, keys))
	}
	for _, p := range data.change {
		old := data.old[p.Key]
		if settled := settle(p, old, keys); settled != old {
			batch.Change = append(batch.Change, settled)
		}
	}
	if consent.Answer(askMissing) == "left" {
		for _, p := range data.missing {
			p.Left = jdate.Of(tx.Now)
			batch.Change = append(batch.Change, p)
		}
	}
	total := len(batch.Add) + len(batch.Change)
	consent.Progress(0, total)
	var err error
	if undo.People, err = imp.people.ApplyBatch(ctx, tx, batch); err != nil {
		return nil, err
	}
	consent.Progress(total, total)
	text, err := json.Marshal(undo)
	if err != nil {
		return nil, fmt.Errorf("write undo: %w", err)
	}
	return text, nil
}

// settle replaces places that did not exist by their keys; without consent the old place stays.
func settle(p, old people.Person, keys map[string]string) people.Person {
	if strings.HasPrefix(p.Department, newPlace) {
		key, made := keys["d"+p.Department]
		if p.Department = key; !made {
			p.Department = old.Department
		}
	}
	if strings.HasPrefix(p.Site, newPlace) {
		key, made := keys["s"+p.Site]
		if p.Site = key; !made {
			p.Site = old.Site
		}
	}
	return p
}

// Undo takes an Apply back; code conflict when anybody was changed or used since.
func (imp *Importer) Undo(ctx context.Context, tx *sqlite.Tx, undo []byte) error {
	var u undone
	if err := json.Unmarshal(undo, &u); err != nil {
		return fmt.Errorf("read undo: %w", err)
	}
	if err := imp.people.UndoBatch(ctx, tx, u.People); err != nil {
		return err
	}
	return imp.takeBackPlaces(ctx, tx, u)
}

// takeBackPlaces removes the places of the import that nobody uses by now.
func (imp *Importer) takeBackPlaces(ctx context.Context, tx *sqlite.Tx, u undone) error {
	if len(u.Departments)+len(u.Sites) == 0 {
		return nil
	}
	all, err := imp.people.List(ctx, tx, people.Filter{})
	if err != nil {
		return err
	}
	used := map[string]bool{}
	for _, p := range all {
		used[p.Department], used[p.Site] = true, true
	}
	free := func(keys []string) []string {
		var out []string
		for _, key := range keys {
			if !used[key] {
				out = append(out, key)
			}
		}
		return out
	}
	return imp.org.Uncreate(ctx, tx, free(u.Departments), free(u.Sites))
}
