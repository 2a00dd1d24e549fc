package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/internal/app/logs"
	"github.com/kizuki-security/kizuki/sigma"
)

// Where Windows logs, and what is made like them, name computer, user and address; the first that holds something
// counts. A hit counts once, so that the sums are those of hits.
var (
	hostFields    = []string{"Computer", "ComputerName", "Hostname", "HostName", "host.name", "host", "hostname", "Workstation", "WorkstationName"}
	userFields    = []string{"User", "TargetUserName", "SubjectUserName", "AccountName", "UserName", "user.name", "user", "username", "cs-username", "usr"}
	addressFields = []string{"IpAddress", "SourceIp", "SourceIP", "SourceAddress", "ClientAddress", "Client_Address", "source.ip", "src_ip", "src", "id.orig_h", "c-ip", "remote_addr"}
)

// lookUp gives the first of the fields that says something; Windows writes "-" for nothing.
func lookUp(h *logs.Hit, names []string) string {
	for _, name := range names {
		for i := range h.Fields {
			f := &h.Fields[i]
			if f.Name != name || f.Kind == sigma.Null {
				continue
			}
			if text := strings.TrimSpace(f.Value); text != "" && text != "-" {
				return text
			}
		}
	}
	return ""
}

// tally counts hits by name, for as many names as it has room for.
type tally struct {
	limit  int
	counts map[string]*levelCounts
	over   uint64 // hits whose name found no room
	none   uint64 // hits without a name
}

func newTally(limit int) *tally { return &tally{limit: limit, counts: map[string]*levelCounts{}} }

func (t *tally) add(name string, level int) {
	if name == "" {
		t.none++
		return
	}
	if len(name) > nameBytes {
		name = short(name, nameBytes)
	}
	c := t.counts[name]
	if c == nil {
		if len(t.counts) >= t.limit {
			t.over++
			return
		}
		c = new(levelCounts)
		t.counts[strings.Clone(name)] = c
	}
	c[level]++
}

type counted struct {
	Name   string
	Counts levelCounts
}

// top gives the n names with most hits, and how many names and hits are behind them.
func (t *tally) top(n int) (list []counted, moreNames int, moreHits uint64) {
	for name, c := range t.counts {
		list = append(list, counted{name, *c})
	}
	slices.SortFunc(list, func(a, b counted) int {
		return cmp.Or(cmp.Compare(b.Counts.total(), a.Counts.total()), strings.Compare(a.Name, b.Name))
	})
	if len(list) <= n {
		return list, 0, 0
	}
	for _, c := range list[n:] {
		moreHits += c.Counts.total()
	}
	return list[:n], len(list) - n, moreHits
}
