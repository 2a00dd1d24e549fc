// Package sigma reads Sigma rules (specification 2.1) and finds the events they describe.
//
// A program that wants hits writes four things: rules are parsed, compiled once, and every goroutine asks
// its own matcher about one event after another.
//
//	documents, err := sigma.Parse("rule.yml", text) // err names what is refused; the rest is usable
//	rules, problems := sigma.Compile(documents, sigma.Options{})
//	m := rules.NewMatcher()
//	for _, hit := range m.Match(&event) {
//		fmt.Println(hit.Rule.Title, hit.Why())
//	}
//
// Events are flat: a list of fields. Package sigma/jsonlines makes them from JSON text, package evtx from Windows
// event log files. Package sigma/correlate joins hits over time.
//
// Rules are tried only on events of their log source. Which Windows channel and event id belong to which
// category and service is data (routes.yaml); the sender of other logs says the source in Event.Source.
//
// What is the same for every event and every order of rules: the list of hits and its order (the order of the
// documents given to Compile). Nothing here reads the clock, the environment or the network.
//
// Inside:
//
//	sigma → internal
//	jsonlines → internal
//	correlate → internal
package sigma
