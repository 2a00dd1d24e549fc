package question

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/link"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Purpose is the purpose of the links that owners get: /l/answer/{token}.
const Purpose = "answer"

// linkDays are the lives of a link that the page offers, in days.
var linkDays = []int{14, 30, 60}

// Service asks owners and takes their answers. It is safe for concurrent use.
type Service struct {
	db    *sqlite.DB
	main  *assessment.Service
	files *attach.Store
}

// New returns the service. files keeps scans of paper answers; nil leaves them out.
func New(db *sqlite.DB, main *assessment.Service, files *attach.Store) *Service {
	return &Service{db: db, main: main, files: files}
}

// subjectOf is what a link of an owner is about.
func subjectOf(key, owner string) string { return "assessment/" + key + "/owner/" + owner }

// Holding is one person with the items that they hold.
type Holding struct {
	Owner string // person key
	Sheet *Sheet
	Link  *link.Link // the one that opens; nil: none
}

// Unheld are items without an owner, under the person whom the catalogue suggests.
type Unheld struct {
	Usual framework.Text // may be empty
	Items []*assessment.Item
}

// Owners lists who holds which of the asked items, in the order of their first item, and those that nobody holds.
func (s *Service) Owners(ctx context.Context, tx *sqlite.Tx, key string) (*Sheet, []Holding, []Unheld, error) {
	sheet, err := s.Sheet(ctx, tx, key, "")
	if err != nil {
		return nil, nil, nil, err
	}
	var held []Holding
	var free []Unheld
	for _, it := range sheet.Items {
		if it.Meta.Owner == "" {
			i := slices.IndexFunc(free, func(u Unheld) bool { return u.Usual == it.Node.UsualOwner })
			if i < 0 {
				i, free = len(free), append(free, Unheld{Usual: it.Node.UsualOwner})
			}
			free[i].Items = append(free[i].Items, it)
			continue
		}
		if slices.ContainsFunc(held, func(h Holding) bool { return h.Owner == it.Meta.Owner }) {
			continue
		}
		h := Holding{Owner: it.Meta.Owner, Sheet: sheet.heldBy(it.Meta.Owner)}
		links, err := link.Of(ctx, tx, subjectOf(key, h.Owner))
		if err != nil {
			return nil, nil, nil, err
		}
		for i := range links {
			if links[i].Open(tx.Now) && h.Link == nil {
				h.Link = &links[i]
			}
		}
		held = append(held, h)
	}
	return sheet, held, free, nil
}

// Assign gives items to an owner; "" takes them back. Planned day and note stay. Problem codes: invalid (fields items,
// owner), forbidden, conflict.
func (s *Service) Assign(ctx context.Context, key, items, owner string) (int, error) {
	if err := actor.From(ctx).Require(assessment.PermAnswer); err != nil {
		return 0, err
	}
	n := 0
	err := s.db.Write(ctx, func(tx *sqlite.Tx) error {
		b, err := s.main.Board(ctx, tx, key)
		if err != nil {
			return err
		}
		nodes, err := b.Select("items", items)
		if err != nil {
			return err
		}
		if len(nodes) == 0 {
			return problem.Invalid("items", "question.items_needed")
		}
		for _, node := range nodes {
			meta := b.Item(node.ID).Meta
			if meta.Owner == owner {
				continue
			}
			meta.Owner = owner
			if err := s.main.PutItemMeta(ctx, tx, key, node.ID, meta); err != nil {
				return err
			}
		}
		n = len(nodes)
		return nil
	})
	return n, err
}

// MakeLink makes the link by which an owner answers without an account; one that was given out before closes. Problem
// codes: forbidden, invalid (field days), conflict when the person holds no item.
func (s *Service) MakeLink(ctx context.Context, key, owner string, days int) (token string, l link.Link, err error) {
	if !slices.Contains(linkDays, days) {
		return "", l, problem.Invalid("days", "web.choose")
	}
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error {
		if err := s.mayAsk(ctx, tx, key, owner); err != nil {
			return err
		}
		if err := link.RevokeAll(ctx, tx, Purpose, subjectOf(key, owner)); err != nil {
			return err
		}
		token, l, err = link.Create(ctx, tx, link.New{Purpose: Purpose, Subject: subjectOf(key, owner), Person: owner, Days: days})
		return err
	})
	return token, l, err
}

// CloseLinks closes the links of an owner. Problem code forbidden.
func (s *Service) CloseLinks(ctx context.Context, key, owner string) error {
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		if err := s.main.MayAnswer(ctx, tx, owner); err != nil {
			return err
		}
		return link.RevokeAll(ctx, tx, Purpose, subjectOf(key, owner))
	})
}

func (s *Service) mayAsk(ctx context.Context, tx *sqlite.Tx, key, owner string) error {
	if err := s.main.MayAnswer(ctx, tx, owner); err != nil {
		return err
	}
	sheet, err := s.Sheet(ctx, tx, key, "")
	if err != nil {
		return err
	}
	if owner == "" || len(sheet.heldBy(owner).Items) == 0 {
		return problem.Conflict("question.owner_without_items")
	}
	return nil
}

// Asked is what the holder of a link is asked.
type Asked struct {
	Link  link.Link
	Sheet *Sheet
}

// actorOf is the person behind a link: they may see and answer, and Service lets them reach only their own items.
func actorOf(ctx context.Context, l link.Link) context.Context {
	return actor.With(ctx, l.Actor(assessment.PermRead, assessment.PermAnswer))
}

// Asked opens a link. Problem code unauthenticated when it does not open.
func (s *Service) Asked(ctx context.Context, tx *sqlite.Tx, token string) (*Asked, error) {
	l, err := link.Resolve(ctx, tx, token, Purpose)
	if err != nil {
		return nil, err
	}
	key, owner, ok := strings.Cut(strings.TrimPrefix(l.Subject, "assessment/"), "/owner/")
	if !ok || owner == "" || owner != l.Person {
		return nil, problem.Unauthenticated("link.unknown")
	}
	sheet, err := s.Sheet(actorOf(ctx, l), tx, key, "")
	if err != nil {
		return nil, err
	}
	return &Asked{Link: l, Sheet: sheet.heldBy(owner)}, nil
}

// AnswerByLink keeps the answer of an owner behind a link. The link stays open until its last day, so that an answer
// can be mended. Problem codes: those of assessment.SaveAnswers, unauthenticated, not_found for an item that the
// person does not hold (any more).
func (s *Service) AnswerByLink(ctx context.Context, token, item string, in assessment.NewAnswer) error {
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		asked, err := s.Asked(ctx, tx, token)
		if err != nil {
			return err
		}
		if asked.Sheet.place(item) < 0 {
			return problem.NotFound("question.not_yours")
		}
		in.Node = item
		return s.main.PutAnswers(actorOf(ctx, asked.Link), tx, asked.Sheet.Board.Key(), item, assessment.WayLink, []assessment.NewAnswer{in})
	})
}

// PaperAnswer is one item of a paper form.
type PaperAnswer struct {
	Item string
	assessment.NewAnswer
}

// PutPaper copies the answers of a paper form in, all or none, with the scan as 証跡ファイル of each item. Problem codes:
// those of assessment.SaveAnswers, of all items at once; those of the register of attachments; invalid when there
// is nothing to copy.
func (s *Service) PutPaper(ctx context.Context, key string, answers []PaperAnswer, scan *attach.Upload) error {
	if err := actor.From(ctx).Require(assessment.PermAnswer); err != nil {
		return err
	}
	if len(answers) == 0 {
		return problem.Invalid("", "question.paper_nothing")
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		var found problem.List
		for _, a := range answers {
			a.Node = cmp.Or(a.Node, a.Item)
			err := s.main.PutAnswers(ctx, tx, key, a.Item, assessment.WayPaper, []assessment.NewAnswer{a.NewAnswer})
			if problem.CodeOf(err) == problem.CodeInvalid {
				found = append(found, problem.All(err)...)
				continue
			}
			if err != nil {
				return err
			}
			if scan == nil || s.files == nil {
				continue
			}
			up := *scan
			up.Record = assessment.RecordOf(key, a.Item)
			if _, err := s.files.Add(ctx, tx, up); err != nil {
				return err
			}
		}
		return found.Err()
	})
}
