// Package item is the check sheet on screen: the list of all items of a framework (チェックシート) and the page of
// one item, where records and answers stand side by side.
//
// It imports assessment, which holds the types, the rules and the tables; it has no table of its own.
package item

import (
	"embed"
	"io/fs"
)

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Messages returns the texts of this package.
func Messages() fs.FS { return messages }
