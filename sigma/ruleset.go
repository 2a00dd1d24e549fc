package sigma

// Options are what Compile needs beside the documents. The zero value is ready to use.
type Options struct {
	// Placeholders gives the values of %name% under the expand modifier. A rule that uses a name not listed here is
	// refused, and so is one whose list is empty.
	Placeholders map[string][]string
	// Unrouted tries every rule on every event, whatever its log source. Slow, and with more false hits.
	Unrouted bool
}

// RuleSet is compiled rules. It never changes; any number of goroutines may use it, each with its own Matcher.
// To replace rules while running, keep the set in an atomic.Pointer and make new matchers when it changed.
type RuleSet struct {
	rules []*Rule
}

// Compile makes a rule set. What cannot be run is left out and named in the problems, in the order of the documents;
// everything else works. Filters are added to the rules they list. Correlations are not looked at: see sigma/correlate.
func Compile(documents []Document, o Options) (*RuleSet, []*Problem) {
	return nil, nil
}

// Rules gives the rules in use, in the order of the documents.
func (s *RuleSet) Rules() []*Rule { return s.rules }

// Matcher matches one event after another against a rule set. It is not safe for concurrent use: make one
// for each goroutine.
type Matcher struct {
	set *RuleSet
}

// NewMatcher makes a matcher over the set. It keeps its working memory, so that an event that matches nothing
// costs no allocation.
func (s *RuleSet) NewMatcher() *Matcher { return &Matcher{set: s} }

// Match gives the rules that the event matches, in the order of the documents. The slice and what its hits
// explain are valid until the next call. Nothing of the event is kept after that.
func (m *Matcher) Match(e *Event) []Hit { return nil }

// Hit is one rule that matched the event just given to the matcher.
type Hit struct {
	Rule *Rule
}

// Why gives what made the rule match: every positive test that the condition rests on, in the order of the rule.
// It allocates; it must be called before the matcher sees another event.
func (h Hit) Why() []Reason { return nil }

// Reason is one test that held.
type Reason struct {
	Search    string // the search identifier: selection
	Field     string // as the rule says it; empty for a keyword
	EventName string // the field of the event that was looked at: another one when routing has an alias
	Op        string // contains, startswith, endswith, equals, re, cidr …
	Pattern   string // what was looked for
	Value     string // the value in the event, cut to 4,096 bytes around the place
	Offset    int    // where in the whole value, in bytes; -1 where a place means nothing
	Length    int    // how long, in bytes
}
