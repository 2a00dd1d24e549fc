package sample

import (
	"context"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/org"
)

// places maps the ids of company.yaml to keys.
type places struct {
	sites, departments map[string]string
	siteOf             map[string]string // id of a department → key of its site
}

// establish sets the company up with its places; owners are named once there are people.
func (b *builder) establish(ctx context.Context) error {
	err := b.DB.Write(ctx, func(tx *sqlite.Tx) error {
		c, err := b.Org.Company(ctx, tx)
		if err != nil {
			return err
		}
		c.Name, c.Industry, c.Size, c.FiscalStart = b.content.Name, "auto_parts", "101-300", fiscalStart
		c.TargetLevel, c.TargetStar, c.NotApplicable = "2", "3", org.Counts
		return b.Org.Establish(ctx, tx, c)
	})
	if err != nil {
		return err
	}
	b.places = places{sites: map[string]string{}, departments: map[string]string{}, siteOf: map[string]string{}}
	for _, s := range b.content.Sites {
		if b.places.sites[s.ID], err = b.Org.SaveSite(ctx, org.Site{Name: s.Name, Kana: s.Kana}); err != nil {
			return err
		}
	}
	for _, d := range b.content.Departments {
		b.places.siteOf[d.ID] = b.places.sites[d.Site]
		b.places.departments[d.ID], err = b.Org.SaveDepartment(ctx, org.Department{Name: d.Name, Kana: d.Kana, Site: b.places.sites[d.Site]})
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) nameOwners(ctx context.Context) error {
	for _, d := range b.content.Departments {
		if d.Owner == "" {
			continue
		}
		var stored org.Department
		err := b.DB.Read(ctx, func(tx *sqlite.Tx) (err error) {
			stored, err = b.Org.Department(ctx, tx, b.places.departments[d.ID])
			return err
		})
		if err != nil {
			return err
		}
		stored.Owner = b.staff[d.Owner].Key
		if _, err := b.Org.SaveDepartment(ctx, stored); err != nil {
			return err
		}
	}
	return nil
}
