package link

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"

	"rsc.io/qr"
)

// quiet is the white border of a QR code, in modules. Source: ISO/IEC 18004:2015 §6.3.8.
const quiet = 4

// QR draws an address as a QR code: an SVG of class "qr", black on white in every colour scheme, because
// many phones read nothing else. It is hidden from screen readers; write the address beside it.
func QR(url string) (template.HTML, error) {
	code, err := qr.Encode(url, qr.M) // level M survives a crease or a greasy thumb
	if err != nil {
		return "", fmt.Errorf("draw QR code: %w", err)
	}
	size := strconv.Itoa(code.Size + 2*quiet)
	var b strings.Builder
	b.WriteString(`<svg class="qr" width="192" height="192" viewBox="0 0 ` + size + ` ` + size +
		`" shape-rendering="crispEdges" aria-hidden="true" focusable="false"><path class="qr-paper" fill="#fff" d="M0 0h` + size + `v` + size + `H0z"/>` +
		`<path class="qr-ink" fill="#000" d="`)
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			run := 0
			for x+run < code.Size && code.Black(x+run, y) {
				run++
			}
			if run > 0 {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", x+quiet, y+quiet, run, run)
				x += run
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return template.HTML(b.String()), nil //nolint:gosec // only constants and numbers
}
