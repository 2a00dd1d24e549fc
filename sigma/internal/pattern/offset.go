package pattern

import "github.com/kizuki-security/kizuki/sigma/internal/fold"

// Offset turns a place in a form of the value into the place in the value.
func Offset(f Form, raw []byte, at int) int {
	switch f {
	case DashRaw:
		return DashOffset(raw, at)
	case DashFolded:
		folded, _ := fold.Append(nil, raw)
		return fold.Offset(raw, DashOffset(folded, at))
	case Folded, Raw:
	}
	return fold.Offset(raw, at)
}
