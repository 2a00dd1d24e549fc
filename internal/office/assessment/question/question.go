// Package question asks one item after another: 一問一答 for who keeps the sheet, a link or a paper form for owners of
// items who have no account.
//
// It imports assessment, which keeps the answers, and the register of links. It has no table of its own: where
// somebody stopped is the first item without an answer.
package question

import (
	"context"
	"embed"
	"io/fs"
	"slices"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/link"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Messages returns the texts of this package.
func Messages() fs.FS { return messages }

// Purpose is the word of the links that ask an owner; linkDays how long they open.
const (
	Purpose  = "answer"
	linkDays = 30
)

// card is one item to ask.
type card struct {
	board *assessment.Board
	item  *assessment.Item
}

// answered says whether somebody gave an answer that needs no second look.
func (c card) answered() bool {
	return c.item.Answer != nil || c.item.AnswerValue != verdict.Unanswered
}

// sheetCards are the items of one framework: those of the target when it is one, else all. owner narrows them down.
func sheetCards(ctx context.Context, tx *sqlite.Tx, svc *assessment.Service, key, owner string) ([]card, *assessment.Board, error) {
	b, err := svc.Board(ctx, tx, key)
	if err != nil {
		return nil, nil, err
	}
	targets, err := svc.Targets(ctx, tx)
	if err != nil {
		return nil, nil, err
	}
	items := b.Items
	for _, t := range targets {
		if t.Board.Key() == key {
			items = t.Items()
		}
	}
	var out []card
	for _, it := range items {
		if owner == "" || it.Meta.Owner == owner {
			out = append(out, card{b, it})
		}
	}
	return out, b, nil
}

// ownerCards are the items of all targets that a person owns.
func ownerCards(ctx context.Context, tx *sqlite.Tx, svc *assessment.Service, owner string) ([]card, error) {
	targets, err := svc.Targets(ctx, tx)
	if err != nil {
		return nil, err
	}
	var out []card
	for _, t := range targets {
		for _, it := range t.Items() {
			if owner != "" && it.Meta.Owner == owner {
				out = append(out, card{t.Board, it})
			}
		}
	}
	return out, nil
}

// place finds a card: the one asked for, else the first without an answer; -1 when all are answered.
func place(cards []card, key, item string) int {
	if item != "" {
		return slices.IndexFunc(cards, func(c card) bool { return c.item.Node.ID == item && (key == "" || c.board.Key() == key) })
	}
	return slices.IndexFunc(cards, func(c card) bool { return !c.answered() })
}

// ask makes a link for the owner of items; it opens the questions about these items and nothing else.
func ask(ctx context.Context, db *sqlite.DB, owner string) (token string, l link.Link, err error) {
	if err := actor.From(ctx).Require(assessment.PermAnswer); err != nil {
		return "", link.Link{}, err
	}
	if owner == "" {
		return "", link.Link{}, problem.Invalid("owner", "question.owner_needed")
	}
	err = db.Write(ctx, func(tx *sqlite.Tx) error {
		var err error
		token, l, err = link.Create(ctx, tx, link.New{Purpose: Purpose, Subject: "person/" + owner, Person: owner, Days: linkDays})
		return err
	})
	return token, l, err
}

// values are the answers in the order of the keys of the sheet.
var values = map[string]verdict.Result{"2": verdict.Met, "1": verdict.Part, "0": verdict.Unmet, "?": verdict.Unknown, "-": verdict.NA}
