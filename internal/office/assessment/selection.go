package assessment

import (
	"slices"
	"strconv"
	"strings"

	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// maxSelected bounds the parts of a list of items: more than any framework has, few enough to stay quick.
const maxSelected = 1000

const unknownItem = "assessment.select.unknown"

// Select reads a list of items as people write it, 「1-20, 28、No.36」, and gives the items in the order of the
// framework, each once. Frameworks without item numbers take ids: "4-2-1-3" is one, "4-2-1" all below it, and
// "4-2-1-1~4-2-1-3" a range. Problem code invalid at field: one for each part that is not written well, and one that
// names all parts for which there is no item.
func (o *Outline) Select(field, text string) ([]*framework.Node, error) {
	parts := strings.FieldsFunc(rangesTight(jtext.Number(text)), func(r rune) bool {
		return strings.ContainsRune(",、，;・\n ", r)
	})
	if len(parts) > maxSelected {
		return nil, problem.Invalid(field, "assessment.select.too_many", "n", maxSelected)
	}
	all := o.Items()
	var found problem.List
	var unknown []string
	chosen := make([]bool, len(all))
	for _, part := range parts {
		from, to, err := o.part(field, part)
		if err != nil && err.Key == unknownItem {
			unknown = append(unknown, err.Args["item"].(string))
			continue
		}
		if err != nil {
			found.Add(err)
			continue
		}
		for i := from; i <= to; i++ {
			chosen[i] = true
		}
	}
	var out []*framework.Node
	for i, node := range all {
		if chosen[i] {
			out = append(out, node)
		}
	}
	if len(unknown) > 0 {
		found.Add(problem.Invalid(field, unknownItem, "item", strings.Join(unknown, ", ")))
	}
	return out, found.Err()
}

// rangesTight brings every way of writing a range into one part: "1 〜 20" and "No.1～No.20" become "1~20".
func rangesTight(text string) string {
	text = strings.NewReplacer("〜", "~", "～", "~", "から", "~", "№", "", "No.", "", "NO.", "", "no.", "", "No", "").Replace(text)
	for _, sign := range []string{"~", "-"} {
		fields := strings.Split(text, sign)
		for i := range fields {
			if i > 0 {
				fields[i] = strings.TrimLeft(fields[i], " ")
			}
			if i < len(fields)-1 {
				fields[i] = strings.TrimRight(fields[i], " ")
			}
		}
		text = strings.Join(fields, sign)
	}
	return text
}

// part gives the places of the first and the last item that one part of a list names.
func (o *Outline) part(field, part string) (from, to int, err *problem.Error) {
	if from, to = o.places(part); from >= 0 {
		return from, to, nil
	}
	low, high, isRange := strings.Cut(part, "~")
	if !isRange && o.numbered() {
		low, high, isRange = strings.Cut(part, "-")
	}
	if !isRange {
		return 0, 0, problem.Invalid(field, unknownItem, "item", part)
	}
	from, _ = o.places(low)
	_, to = o.places(high)
	for _, end := range []struct {
		place int
		text  string
	}{{from, low}, {to, high}} {
		if end.place < 0 && end.text == "" {
			return 0, 0, problem.Invalid(field, "assessment.select.half", "part", part)
		}
		if end.place < 0 {
			return 0, 0, problem.Invalid(field, unknownItem, "item", end.text)
		}
	}
	if to < from {
		return 0, 0, problem.Invalid(field, "assessment.select.backwards", "part", part)
	}
	return from, to, nil
}

// places finds an item by its number or id, or all items below a node; -1 when there is none.
func (o *Outline) places(text string) (from, to int) {
	all := o.Items()
	if number, err := strconv.Atoi(text); err == nil && number > 0 {
		if i := slices.IndexFunc(all, func(n *framework.Node) bool { return n.Number == number }); i >= 0 {
			return i, i
		}
	}
	from, to = -1, -1
	for i, n := range all {
		if n.ID != text && (o.numbered() || text == "" || !strings.HasPrefix(n.ID, text+"-")) {
			continue
		}
		if from < 0 {
			from = i
		}
		to = i
	}
	return from, to
}

// numbered says whether the framework counts its items.
func (o *Outline) numbered() bool {
	all := o.Items()
	return len(all) > 0 && all[0].Number > 0
}

// SelectionText writes items as Select reads them, with ranges where three or more follow each other.
func (o *Outline) SelectionText(nodes []*framework.Node) string {
	all := o.Items()
	chosen := map[string]bool{}
	for _, n := range nodes {
		chosen[n.ID] = true
	}
	sign := "~"
	if o.numbered() {
		sign = "-"
	}
	var parts []string
	for i := 0; i < len(all); i++ {
		if !chosen[all[i].ID] {
			continue
		}
		last := i
		for last+1 < len(all) && chosen[all[last+1].ID] {
			last++
		}
		switch {
		case last-i < 2:
			last = i
			parts = append(parts, short(all[i]))
		default:
			parts = append(parts, short(all[i])+sign+short(all[last]))
		}
		i = last
	}
	return strings.Join(parts, ", ")
}

// short is what stands for an item in a list of items.
func short(n *framework.Node) string {
	if n.Number > 0 {
		return strconv.Itoa(n.Number)
	}
	return n.ID
}
