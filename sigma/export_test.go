package sigma

// MatchEveryRule runs all rules of the part that the last event went to, without asking their witnesses.
func MatchEveryRule(m *Matcher) []string {
	ids := []string{}
	for _, r := range m.part.rules {
		if m.run(m.set.rules[r].entry) {
			ids = append(ids, m.set.public[r].ID)
		}
	}
	return ids
}
