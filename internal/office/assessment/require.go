package assessment

import (
	"strings"

	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Open says whether the item is not done: neither met nor 該当なし, or with a clause that belongs to the gaps.
func (it *Item) Open() bool {
	return it.State != verdict.Met && it.State != verdict.NA || it.OpenClauses() > 0
}

// GapsLevel counts the items of one level, those beyond the target too.
type GapsLevel struct {
	Level string `json:"level"`
	Name  string `json:"name"`
	Items int    `json:"items"`
	Open  int    `json:"open_items"` // neither met nor 該当なし
	Total int    `json:"total"`      // items that the scheme has at this level, known to us or not; 0: it names no number
}

// levelsOf counts a board level by level, from the lowest; never nil.
func levelsOf(b *Board, locale string) []GapsLevel {
	out := make([]GapsLevel, len(b.Levels))
	for i, l := range b.Levels {
		out[i] = GapsLevel{Level: l.ID, Name: l.Name.In(locale), Total: l.Total}
	}
	for _, it := range b.Items {
		i := b.LevelIndex(it.Node.Level)
		if i < 0 {
			continue
		}
		out[i].Items++
		if it.Open() {
			out[i].Open++
		}
	}
	return out
}

// unknownLevels counts the items without a known level, and those among them that are not done.
func unknownLevels(b *Board) UnknownLevel {
	out := UnknownLevel{Framework: b.Key()}
	for _, it := range b.Items {
		if it.Node.Level != "" {
			continue
		}
		out.Items++
		if it.Open() {
			out.Open++
		}
	}
	return out
}

// Required is how a framework stands against a level that somebody requires.
type Required struct {
	Title, LevelName string
	Open             int  // items of this level and below that are not done
	Unknown          int  // items whose level nobody knows
	UnknownOpen      int  // of them, those that are not done
	UnknownCounts    bool // some of the unknown may be of this level or below
}

// Reached says whether the level is reached beyond doubt. An open item of unknown level may belong to it, unless the
// scheme's own number of items at each level is complete without: then it stands above.
func (r Required) Reached() bool { return r.Open == 0 && (r.UnknownOpen == 0 || !r.UnknownCounts) }

// Require holds the report against a level: its id ("2", "3") or its name ("Lv2", "★3"), as people type them. All
// items up to the level count, whatever the company aims at. Problem code invalid, field require, when no framework
// of the report has the level or when several have.
func (r *GapsReport) Require(level string) (Required, error) {
	var found []Required
	var fits, levels []string
	for _, t := range r.Targets {
		id, _, _ := strings.Cut(t.Framework, "@")
		at := -1
		for i, l := range t.Levels {
			levels = append(levels, l.Name)
			if key := jtext.SearchKey(level); key != "" && (key == jtext.SearchKey(l.Level) || key == jtext.SearchKey(l.Name)) {
				at = i
			}
		}
		if at >= 0 {
			found, fits = append(found, r.require(t, at)), append(fits, id)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return Required{}, problem.Invalid("require", "assessment.require.unknown", "level", level, "levels", strings.Join(levels, ", "))
	default:
		return Required{}, problem.Invalid("require", "assessment.require.ambiguous", "level", level, "frameworks", strings.Join(fits, ", "))
	}
}

func (r *GapsReport) require(t GapsTarget, at int) Required {
	out := Required{Title: t.Title, LevelName: t.Levels[at].Name}
	for _, l := range t.Levels[:at+1] {
		out.Open += l.Open
		out.UnknownCounts = out.UnknownCounts || l.Total == 0 || l.Items < l.Total
	}
	for _, u := range r.Unknown {
		if u.Framework == t.Framework {
			out.Unknown, out.UnknownOpen = u.Items, u.Open
		}
	}
	return out
}
