package binxml

// Error says why binary XML cannot be read.
type Error string

// Error makes a fault usable as an error.
func (e Error) Error() string { return string(e) }

// Errors of binary XML.
const (
	ErrBadToken         Error = "an unknown mark in the binary XML"
	ErrCutShort         Error = "the binary XML ends in the middle"
	ErrBadName          Error = "a name is not where the binary XML says"
	ErrBadNesting       Error = "elements do not close as they open"
	ErrTooDeep          Error = "elements or values are nested too deeply"
	ErrBadTemplate      Error = "a template is not where the record says"
	ErrBadValues        Error = "the values reach beyond the record"
	ErrTooExpensive     Error = "the record unfolds to far more than it holds"
	ErrTooManyTemplates Error = "the templates of the chunk unfold to far more than it holds"
)
