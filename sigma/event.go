package sigma

import "time"

// Kind says what a value was in its source. The zero value is Text.
type Kind uint8

// The kinds of values.
const (
	Text   Kind = iota
	Number      // Value is its canonical text: 4688, -1, 0.5
	Bool        // Value is true or false
	Null        // present without a value; Value is empty
)

// Field is one flat value of an event. Names are flat as Windows tools write them: spaces taken out, attributes of the
// header joined with "_" (Provider_Name), nested objects joined with ".", System and EventData or UserData levels
// dropped (EventID, Channel, Computer, Image). Names are compared exactly, letter by letter. A field may occur more
// than once, as the items of a list do: a rule may match any of them.
//
// Name must not change while a matcher lives (an ordinary string never does). Value is only read, and only until
// the next event.
type Field struct {
	Name  string
	Value []byte
	Kind  Kind
}

// LogSource says where an event comes from, or which events a rule is for. Empty parts are unknown in an event,
// and not asked for in a rule. Letters are compared without regard to case.
type LogSource struct {
	Product, Category, Service string
}

// Event is one record of a log.
//
// Source is what the sender knows; what a Windows event's Channel, EventID and EventType say is added by the
// routing table. Time is the event's own time in UTC; only correlation reads it. Its zero value is "unknown".
type Event struct {
	Fields []Field
	Time   time.Time
	Source LogSource
}

// Lookup gives the first field of that name.
func (e *Event) Lookup(name string) (Field, bool) {
	for i := range e.Fields {
		if e.Fields[i].Name == name {
			return e.Fields[i], true
		}
	}
	return Field{}, false
}
