package sheet

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/intake"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// undo is what takes an import back.
type undo struct {
	Framework string                         `json:"framework"`
	Used      string                         `json:"used"`               // key in assessment_sheets
	Round     string                         `json:"round,omitempty"`    // imported round, or the one that holds the answers
	Past      bool                           `json:"past,omitempty"`     // Round came with the file
	Replaced  string                         `json:"replaced,omitempty"` // round that Round stands in place of
	Answers   []assessment.Given             `json:"answers,omitempty"`
	Metas     map[string]assessment.ItemMeta `json:"metas,omitempty"` // as they were before
	Official  *officialBefore                `json:"official,omitempty"`
}

type officialBefore struct {
	Source string         `json:"source"`
	Items  []officialItem `json:"items"`
	After  string         `json:"after"` // hash of what the import left
}

// officialItem keeps the fields that assessment.OfficialItem leaves out of its own JSON.
type officialItem struct {
	assessment.OfficialItem

	ID    string `json:"id"`
	Level string `json:"level"`
}

// Apply takes a plan over: the wording first, then rounds or answers, then notes and dates.
func (m *Importer) Apply(ctx context.Context, tx *sqlite.Tx, plan *intake.Plan, consent intake.Consent) ([]byte, error) {
	a, ok := plan.Data.(*act)
	if !ok {
		return nil, fmt.Errorf("plan of another importer: %T", plan.Data)
	}
	u := undo{Framework: a.framework, Past: a.past}
	if err := m.applyWording(ctx, tx, a, &u); err != nil {
		return nil, err
	}
	consent.Progress(1, 3)
	if err := m.applyAnswers(ctx, tx, a, consent, &u); err != nil {
		return nil, err
	}
	consent.Progress(2, 3)
	if err := m.applyMetas(ctx, tx, a, &u); err != nil {
		return nil, err
	}
	var err error
	u.Used, err = insertUsed(ctx, tx, Used{
		Framework: a.framework, Way: "import", File: a.file, SHA256: a.sha256, Place: a.place,
		Items: len(a.items) + len(u.Answers), By: actor.From(ctx).ID(),
	})
	if err != nil {
		return nil, err
	}
	consent.Progress(3, 3)
	data, err := json.Marshal(u)
	if err != nil {
		return nil, fmt.Errorf("write undo of sheet: %w", err)
	}
	return data, nil
}

func (m *Importer) applyWording(ctx context.Context, tx *sqlite.Tx, a *act, u *undo) error {
	if a.official == nil {
		return nil
	}
	before, err := m.officialNow(ctx, tx, a.framework)
	if err != nil {
		return err
	}
	if _, err := m.office.SetOfficial(ctx, tx, a.framework, a.file, a.official); err != nil {
		return fmt.Errorf("lay wording over: %w", err)
	}
	after, err := m.officialNow(ctx, tx, a.framework)
	if err != nil {
		return err
	}
	before.After = after.hash()
	u.Official = before
	return nil
}

// officialNow gives the wording that the office has now, in the order of the framework.
func (m *Importer) officialNow(ctx context.Context, tx *sqlite.Tx, key string) (*officialBefore, error) {
	outline, err := m.office.Outline(ctx, tx, key)
	if err != nil {
		return nil, err
	}
	out := &officialBefore{Source: outline.Source}
	for _, id := range slices.Sorted(maps.Keys(outline.Official)) {
		it := *outline.Official[id]
		out.Items = append(out.Items, officialItem{OfficialItem: it, ID: id, Level: it.Level})
	}
	return out, nil
}

func (o *officialBefore) hash() string {
	data, err := json.Marshal(o.Items)
	if err != nil { // strings only
		return ""
	}
	sum := sha256.Sum256(append([]byte(o.Source+"\n"), data...))
	return hex.EncodeToString(sum[:])
}

func (m *Importer) applyAnswers(ctx context.Context, tx *sqlite.Tx, a *act, consent intake.Consent, u *undo) error {
	if a.past {
		if len(a.items) == 0 {
			return nil
		}
		if a.replaces != "" {
			if err := m.office.WithdrawRound(ctx, tx, a.replaces, true); err != nil {
				return fmt.Errorf("put earlier file aside: %w", err)
			}
			u.Replaced = a.replaces
		}
		round, err := m.office.ImportRound(ctx, tx, a.round, a.items)
		if err != nil {
			return fmt.Errorf("import round: %w", err)
		}
		u.Round = round.Key
		return nil
	}
	answers := a.answers
	if consent.Answer(AskAgainst) == Hold {
		answers = append(slices.Clone(answers), a.against...)
	}
	if len(answers) == 0 {
		return nil
	}
	var err error
	u.Round, u.Answers, err = m.office.PutItemAnswers(ctx, tx, a.framework, assessment.WayImport, answers)
	if err != nil {
		return fmt.Errorf("take answers over: %w", err)
	}
	return nil
}

func (m *Importer) applyMetas(ctx context.Context, tx *sqlite.Tx, a *act, u *undo) error {
	if len(a.metas) == 0 {
		return nil
	}
	board, err := m.office.Board(ctx, tx, a.framework)
	if err != nil {
		return err
	}
	u.Metas = map[string]assessment.ItemMeta{}
	for id := range a.metas {
		u.Metas[id] = board.Item(id).Meta
	}
	if err := m.office.PutItemMetas(ctx, tx, a.framework, a.metas); err != nil {
		return fmt.Errorf("take notes over: %w", err)
	}
	return nil
}

// Undo takes an import back. Problem code conflict when answers, notes or the wording were changed since.
func (m *Importer) Undo(ctx context.Context, tx *sqlite.Tx, data []byte) error {
	var u undo
	if err := json.Unmarshal(data, &u); err != nil {
		return fmt.Errorf("read undo of sheet: %w", err)
	}
	if err := m.undoMetas(ctx, tx, &u); err != nil {
		return err
	}
	if err := m.undoAnswers(ctx, tx, &u); err != nil {
		return err
	}
	if err := m.undoWording(ctx, tx, &u); err != nil {
		return err
	}
	return deleteUsed(ctx, tx, u.Used)
}

func (m *Importer) undoMetas(ctx context.Context, tx *sqlite.Tx, u *undo) error {
	if len(u.Metas) == 0 {
		return nil
	}
	board, err := m.office.Board(ctx, tx, u.Framework)
	if err != nil {
		return err
	}
	back := map[string]assessment.ItemMeta{}
	for id, before := range u.Metas {
		it := board.Item(id)
		if it == nil || it.Meta.Version != before.Version+1 {
			return problem.Conflict("assessment.item.changed_meanwhile")
		}
		before.Version = it.Meta.Version
		back[id] = before
	}
	return m.office.PutItemMetas(ctx, tx, u.Framework, back)
}

func (m *Importer) undoAnswers(ctx context.Context, tx *sqlite.Tx, u *undo) error {
	switch {
	case u.Round == "":
		return nil
	case !u.Past:
		return m.office.TakeBack(ctx, tx, u.Framework, u.Round, u.Answers)
	}
	if err := m.office.WithdrawRound(ctx, tx, u.Round, true); err != nil {
		return err
	}
	if u.Replaced == "" {
		return nil
	}
	return m.office.WithdrawRound(ctx, tx, u.Replaced, false)
}

func (m *Importer) undoWording(ctx context.Context, tx *sqlite.Tx, u *undo) error {
	if u.Official == nil {
		return nil
	}
	now, err := m.officialNow(ctx, tx, u.Framework)
	if err != nil {
		return err
	}
	if now.hash() != u.Official.After {
		return problem.Conflict("checksheet.wording_changed")
	}
	items := make([]assessment.OfficialItem, 0, len(u.Official.Items))
	for _, it := range u.Official.Items {
		one := it.OfficialItem
		one.Item, one.Level = it.ID, it.Level
		items = append(items, one)
	}
	if _, err := m.office.SetOfficial(ctx, tx, u.Framework, u.Official.Source, items); err != nil {
		return fmt.Errorf("lay earlier wording over: %w", err)
	}
	return nil
}
