package app

import (
	"io"

	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/web"
)

// CP932 is the export format of CSV for old programs, by the name that the pages give it too.
const CP932 = "cp932"

// writeList writes a list as a page exports it: xlsx, csv (UTF-8 with byte order mark), cp932 or json. A list that
// CP932 cannot write is refused with code unsupported and the characters that are in the way.
func writeList(w io.Writer, format string, out sheet.Out) error {
	if format == CP932 {
		return web.WriteCP932(w, out)
	}
	return sheet.Write(w, sheet.Format(format), out)
}
