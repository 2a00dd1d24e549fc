package verdict

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// step writes what the remedy says about this group. N counts members where the misses name them, else records.
func (c *candidate) step(w *World) Step {
	who := map[string]bool{}
	for i, m := range c.misses {
		key := m.Member
		if key == "" {
			key = strconv.Itoa(i)
		}
		who[key] = true
	}
	n := len(who)
	fill := func(t framework.Text) framework.Text {
		name := w.groupName(c)
		if c.about != nil {
			t.JA, t.EN = strings.ReplaceAll(t.JA, "{framework}", c.about.Short.JA), strings.ReplaceAll(t.EN, "{framework}", c.about.Short.EN)
		}
		if c.key.group == "" { // nothing to name: "Have the regulation approved"
			t.JA, t.EN = strings.Replace(t.JA, "{topic}の", "", 1), strings.Replace(t.EN, " on {topic}", "", 1)
		}
		return framework.Text{JA: fillText("ja", t.JA, name.JA, n), EN: fillText("en", t.EN, name.EN, n)}
	}
	tenths := c.remedy.Minutes*10 + c.remedy.PerMember*n
	return Step{
		Remedy: c.key.remedy, Group: c.key.group, N: n, Minutes: max(1, (tenths+9)/10), Misses: slices.Clone(c.misses),
		Title: fill(c.remedy.Title), Button: fill(c.remedy.Button), Why: fill(c.remedy.Why),
		Link: c.link(n),
	}
}

// link fills in the path of the page where it is done. Without a member to show, the link goes to the page above.
func (c *candidate) link(n int) string {
	link, member, about := c.remedy.Link, "", ""
	if len(c.misses) > 0 {
		_, member, _ = strings.Cut(c.misses[0].Member, "/")
	}
	if member == "" {
		link = strings.Replace(link, "/{member}", "", 1)
	}
	if c.about != nil {
		about = c.about.Key()
	}
	return strings.NewReplacer("{topic}", url.QueryEscape(c.key.group), "{member}", url.PathEscape(member),
		"{framework}", url.PathEscape(about), "{n}", strconv.Itoa(n)).Replace(link)
}

// groupName is the name of the topic (or other attribute) that a step is about.
func (w *World) groupName(c *candidate) framework.Text {
	if c.key.group != "" {
		return w.Table.ValueName(c.remedy.GroupBy, c.key.group)
	}
	return framework.Text{JA: text("ja", "verdict.step.no_topic"), EN: text("en", "verdict.step.no_topic")}
}

// fillText puts topic and number into a text of a remedy. English may choose a word by the number: {n?person|people}.
func fillText(locale, t, topic string, n int) string {
	return own().Fill(locale, t, problem.Args{"topic": topic, "n": n})
}
