package demand

import (
	"context"
	"slices"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/fact"
)

// Kinds by the record that gives them; catalog/kinds.yaml says what each means.
var (
	demandKinds = []string{"demand.listed", "demand.reflected"}
	checkKinds  = []string{"demand.checked"}
)

// Kinds lists what this noun gives.
func (s *Service) Kinds() []string { return slices.Concat(demandKinds, checkKinds) }

// EachRecord derives all facts from the records again.
func (s *Service) EachRecord(ctx context.Context, tx *sqlite.Tx, yield func(string, []fact.Fact) error) error {
	demands, err := findDemands(ctx, tx, "")
	if err != nil {
		return err
	}
	for i := range demands {
		if err := yield("demand/"+demands[i].Key, demandFacts(&demands[i])); err != nil {
			return err
		}
	}
	checks, err := findChecks(ctx, tx)
	if err != nil {
		return err
	}
	for i := range checks {
		if err := yield("check/"+checks[i].Key, checkFacts(&checks[i])); err != nil {
			return err
		}
	}
	return nil
}

func demandFacts(d *Demand) []fact.Fact {
	base := fact.Fact{Record: "demand/" + d.Key, Member: "demand/" + d.Key, Link: "/demands/" + d.Key, Attrs: map[string]string{"type": string(d.Type)}}
	base.ValidUntil = d.EndedOn.Add(-1)
	listed := base
	listed.Kind, listed.On = "demand.listed", d.ListedOn
	out := []fact.Fact{listed}
	if d.Document != "" {
		reflected := base
		reflected.Kind, reflected.On = "demand.reflected", d.ReflectedOn
		out = append(out, reflected)
	}
	return out
}

func checkFacts(c *Check) []fact.Fact {
	var out []fact.Fact
	for _, t := range c.Types {
		out = append(out, fact.Fact{
			Kind: "demand.checked", Record: "check/" + c.Key, On: c.On, Link: "/demands", Attrs: map[string]string{"type": string(t)},
		})
	}
	return out
}
