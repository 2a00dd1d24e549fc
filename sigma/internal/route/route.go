// Package route says which log sources an event belongs to by its channel, event id and event type. The table is
// data: routes.yaml. It imports nothing of ours.
package route

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

//go:embed routes.yaml
var embedded []byte

// Route is one line of the table.
type Route struct {
	Product, Category, Service string

	ids, types []string
	Aliases    []Alias
}

// Alias says that Field of the taxonomy is called Source in these events.
type Alias struct{ Field, Source string }

// Table is the routes by channel. It never changes.
type Table struct {
	channels map[string][]*Route // channel in small letters
}

type file struct {
	Services []struct {
		Product, Service string
		Channels         []string
	}
	Categories []struct {
		Product, Channel string
		Events           []struct {
			ID       []string
			Type     []string
			Category string
			Aliases  map[string]string
		}
	}
}

// Default gives the table that comes with the library.
var Default = sync.OnceValue(func() *Table {
	t, err := Parse(embedded)
	if err != nil {
		panic("sigma: the routing table of the library itself is broken: " + err.Error())
	}
	return t
})

// Parse reads a table.
func Parse(text []byte) (*Table, error) {
	var f file
	if err := yaml.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("routing table: %w", err)
	}
	t := &Table{channels: map[string][]*Route{}}
	for _, s := range f.Services {
		r := &Route{Product: s.Product, Service: s.Service}
		for _, c := range s.Channels {
			t.add(c, r)
		}
	}
	for _, c := range f.Categories {
		for _, e := range c.Events {
			r := &Route{Product: c.Product, Category: e.Category, ids: e.ID, types: e.Type}
			for field, source := range e.Aliases {
				r.Aliases = append(r.Aliases, Alias{Field: field, Source: source})
			}
			slices.SortFunc(r.Aliases, func(a, b Alias) int { return strings.Compare(a.Field, b.Field) })
			t.add(c.Channel, r)
		}
	}
	return t, nil
}

func (t *Table) add(channel string, r *Route) {
	key := strings.ToLower(channel)
	t.channels[key] = append(t.channels[key], r)
}

// Aliases gives every alias of the table, sorted.
func (t *Table) Aliases() []Alias {
	var all []Alias
	for _, routes := range t.channels {
		for _, r := range routes {
			all = append(all, r.Aliases...)
		}
	}
	slices.SortFunc(all, func(a, b Alias) int { return strings.Compare(a.Field+"\x00"+a.Source, b.Field+"\x00"+b.Source) })
	return slices.Compact(all)
}

// Find gives the routes of an event, in the order of the table. product is what the sender says; a channel of
// another product is not looked at.
func (t *Table) Find(product, channel, id, kind string) []*Route {
	var routes []*Route
	for _, r := range t.channels[strings.ToLower(channel)] {
		if product != "" && !strings.EqualFold(product, r.Product) {
			continue
		}
		if (len(r.ids) == 0 || slices.Contains(r.ids, id)) &&
			(len(r.types) == 0 || slices.ContainsFunc(r.types, func(s string) bool { return strings.EqualFold(s, kind) })) {
			routes = append(routes, r)
		}
	}
	return routes
}
