package table

import "errors"

// ErrColumn says that no column has the name.
var ErrColumn = errors.New("no such column")
