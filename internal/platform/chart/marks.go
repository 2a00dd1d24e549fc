package chart

// The marks below tell series and states apart without colour, for print and for readers who do not see it.

// shades is how dark a state, or a level of hits, is printed without CSS.
var shades = map[string]string{
	"met": ".35", "part": ".15", "unmet": ".08", "unknown": "0", "na": "0",
	"critical": "1", "high": ".6", "medium": ".35", "low": ".15", "informational": "0",
}

// outlines is how the frame of a state is broken; only what does not apply has a broken one.
var outlines = map[string]string{
	"met": "none", "part": "none", "unmet": "none", "unknown": "none", "na": "3 2",
	"critical": "none", "high": "none", "medium": "none", "low": "none", "informational": "3 2",
}

// hatched says which states are drawn with lines across.
var hatched = map[string]bool{"part": true, "unknown": true, "high": true}

// dashes is how the line of a series is broken; the first is whole.
var dashes = map[string]string{"now": "none", "before": "5 4", "s1": "none", "s2": "7 4", "s3": "2 3"}

// Shade is the opacity of the piece without CSS.
func (p Piece) Shade() string { return shades[p.Class] }

// Outline is the pattern of the piece's frame.
func (p Piece) Outline() string { return outlines[p.Class] }

// Outline is the pattern of the entry's frame.
func (k Key) Outline() string { return outlines[k.Class] }

// Hatched says whether lines are drawn across the piece.
func (p Piece) Hatched() bool { return hatched[p.Class] }

// Shade is the opacity of the entry without CSS.
func (k Key) Shade() string { return shades[k.Class] }

// Hatched says whether lines are drawn across the entry.
func (k Key) Hatched() bool { return hatched[k.Class] }

// Dashes is the pattern of the entry's line.
func (k Key) Dashes() string { return dashes[k.Class] }

// MiddleY is the height of the entry's line.
func (k Key) MiddleY() float64 { return round(k.Y + 6) }

// EndX is the end of the entry's line.
func (k Key) EndX() float64 { return round(k.X + 14) }

// Dashes is the pattern of the series' line.
func (s Shape) Dashes() string { return dashes[s.Class] }
