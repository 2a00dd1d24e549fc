package sheet

import (
	"context"
	"slices"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/office/assessment/request"
	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Deps are what the service needs of the rest of the house.
type Deps struct {
	DB       *sqlite.DB
	Office   *assessment.Service
	Texts    *i18n.Messages
	Requests *request.Service // nil: no customer is offered, the house only notes by itself what was sent
}

// Service fills and writes check sheets. It is safe for concurrent use.
type Service struct {
	db       *sqlite.DB
	office   *assessment.Service
	texts    *i18n.Messages
	requests *request.Service
}

// New returns the service.
func New(d Deps) *Service {
	return &Service{db: d.DB, office: d.Office, texts: d.Texts, requests: d.Requests}
}

// Importer returns the importer of kind "sheet" for the wizard of register/intake.
func (s *Service) Importer() *Importer { return &Importer{office: s.office, texts: s.texts} }

// framework resolves a framework: a key ("jama-japia@2.3"), or an id, which means its newest version. Problem code
// not_found.
func (s *Service) framework(name string) (*framework.Framework, error) {
	return frameworkOf(s.office.Catalog(), name)
}

func frameworkOf(c *framework.Catalog, name string) (*framework.Framework, error) {
	if f := c.Key(name); f != nil {
		return f, nil
	}
	if f := c.Latest(name); f != nil {
		return f, nil
	}
	return nil, problem.NotFound("assessment.framework_unknown", "framework", name)
}

// openRequests lists what customers ask for of a framework and still wait for.
func (s *Service) openRequests(ctx context.Context, tx *sqlite.Tx, key string) ([]*request.Request, error) {
	if s.requests == nil {
		return nil, nil
	}
	list, err := s.requests.List(ctx, tx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(list, func(r *request.Request) bool { return r.Framework != key || !r.Open() }), nil
}

// wanted gives the items that leave the house: those of a request, else those named, else all. Problem codes
// not_found for an unknown request, invalid for items that do not exist.
func (s *Service) wanted(ctx context.Context, tx *sqlite.Tx, b *assessment.Board, requestKey, items string) ([]*assessment.Item, error) {
	if requestKey != "" && s.requests != nil {
		r, err := s.requests.ByKey(ctx, tx, requestKey)
		if err != nil {
			return nil, err
		}
		if r.Framework != b.Key() {
			return nil, problem.NotFound("request.not_found")
		}
		return r.Asked(b), nil
	}
	if items == "" {
		return b.Items, nil
	}
	nodes, err := b.Select("items", items)
	if err != nil {
		return nil, err
	}
	out := make([]*assessment.Item, 0, len(nodes))
	for _, n := range nodes {
		out = append(out, b.Item(n.ID))
	}
	return out, nil
}
