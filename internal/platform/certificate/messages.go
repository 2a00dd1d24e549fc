package certificate

import (
	"embed"
	"io/fs"
)

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Messages holds the sentences of this package.
func Messages() fs.FS { return messages }
