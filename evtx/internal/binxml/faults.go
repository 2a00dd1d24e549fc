package binxml

// Fault says why binary XML cannot be read.
type Fault string

// Error makes a fault usable as an error.
func (f Fault) Error() string { return string(f) }

// Faults of binary XML.
const (
	BadToken         Fault = "an unknown mark in the binary XML"
	CutShort         Fault = "the binary XML ends in the middle"
	BadName          Fault = "a name is not where the binary XML says"
	BadNesting       Fault = "elements do not close as they open"
	TooDeep          Fault = "elements or values are nested too deeply"
	BadTemplate      Fault = "a template is not where the record says"
	BadValues        Fault = "the values reach beyond the record"
	TooExpensive     Fault = "the record unfolds to far more than it holds"
	TooManyTemplates Fault = "the templates of the chunk unfold to far more than it holds"
)
