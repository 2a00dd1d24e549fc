package sample

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"

	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// Sizes of a scanned page in pixels: A4 at 40 dots per inch, enough to be recognised as paper.
const (
	pageWide, pageHigh = 331, 468
	margin, lineStep   = 36, 14
	sealX, sealY       = 270, 410
	sealRadius         = 22
)

// scan is an upload that looks like a scanned page with lines of writing and, where sealed, a red seal.
func scan(name string, on jdate.Day, sealed bool) (attach.Upload, error) {
	page := image.NewPaletted(image.Rect(0, 0, pageWide, pageHigh), color.Palette{
		color.White, color.Gray{Y: 90}, color.RGBA{R: 200, G: 40, B: 40, A: 255},
	})
	for y := margin; y < pageHigh-2*margin; y += lineStep {
		for x := margin; x < pageWide-margin-(y*7)%60; x++ {
			page.SetColorIndex(x, y, 1)
		}
	}
	for y := sealY - sealRadius; sealed && y <= sealY+sealRadius; y++ {
		for x := sealX - sealRadius; x <= sealX+sealRadius; x++ {
			far := (x-sealX)*(x-sealX) + (y-sealY)*(y-sealY)
			if far <= sealRadius*sealRadius && far >= (sealRadius-3)*(sealRadius-3) {
				page.SetColorIndex(x, y, 2)
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, page); err != nil {
		return attach.Upload{}, fmt.Errorf("draw scan: %w", err)
	}
	return attach.Upload{Name: name, Data: b.Bytes(), From: on, To: on}, nil
}
