package sheet

import (
	"encoding/xml"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// cell turns what the file stores into a value. Source of the types: ECMA-376 part 1 §18.18.11.
func (r *sheetReader) cell(kind string, style int, value, inline string) Cell {
	switch kind {
	case "s":
		n, err := strconv.Atoi(strings.TrimSpace(value))
		if err != nil || n < 0 || n >= len(r.shared) {
			return Cell{}
		}
		return textCell(r.shared[n])
	case "inlineStr":
		return textCell(unescape(inline))
	case "str":
		return textCell(unescape(value))
	case "b":
		if truthy(strings.TrimSpace(value)) {
			return Cell{Text: "TRUE", Kind: Bool}
		}
		return Cell{Text: "FALSE", Kind: Bool}
	case "e":
		return Cell{Text: value, Kind: Error}
	case "d":
		text := strings.TrimSuffix(strings.Replace(value, "T", " ", 1), " 00:00:00")
		return Cell{Text: text, Kind: Date}
	default:
		return r.number(style, strings.TrimSpace(value))
	}
}

func textCell(s string) Cell {
	if s == "" {
		return Cell{}
	}
	return Cell{Text: s, Kind: Text}
}

func (r *sheetReader) number(style int, value string) Cell {
	if value == "" {
		return Cell{}
	}
	v, err := strconv.ParseFloat(value, 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		return textCell(value)
	}
	var format numberFormat
	if style < len(r.formats) {
		format = r.formats[style]
	}
	if format.date || format.time {
		if text, ok := serialText(v, format, r.date1904); ok {
			return Cell{Text: text, Kind: Date}
		}
	}
	return Cell{Text: decimal(v, format.pad), Kind: Number}
}

// excelDigits is the precision that Excel shows and calculates with; files hold 17 digits (0.30000000000000004).
const excelDigits = 15

// decimal writes v without exponent, with zeros in front up to pad digits when the format of the cell shows them.
func decimal(v float64, pad int) string {
	if rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', excelDigits, 64), 64); err == nil {
		v = rounded
	}
	if v == 0 {
		v = 0 // no "-0"
	}
	s := strconv.FormatFloat(v, 'f', -1, 64)
	if v == math.Trunc(v) && v >= 0 && len(s) < pad {
		s = strings.Repeat("0", pad-len(s)) + s
	}
	return s
}

// numberFormat is what matters of a cell's number format.
type numberFormat struct {
	date, time bool
	elapsed    bool // hours beyond 24 are shown: [h]:mm
	pad        int  // 0000: digits to fill up with zeros
}

// builtin returns the formats that files name by number only, those of Japanese Excel included.
// Source: ECMA-376 part 1 §18.8.30.
func builtin(id int) numberFormat {
	switch {
	case id >= 14 && id <= 17, id >= 27 && id <= 31, id >= 34 && id <= 36, id >= 50 && id <= 58:
		return numberFormat{date: true}
	case id == 22:
		return numberFormat{date: true, time: true}
	case id >= 18 && id <= 21, id == 32, id == 33, id == 45, id == 47:
		return numberFormat{time: true}
	case id == 46:
		return numberFormat{time: true, elapsed: true}
	}
	return numberFormat{}
}

// noDates drops the words of a format whose letters would look like parts of a date.
var noDates = strings.NewReplacer("general", "", "am/pm", "", "a/p", "")

// parseFormat reads a format code such as yyyy"年"m"月"d"日", [$-411]ggge.m.d or 0000.
func parseFormat(code string) numberFormat {
	plain, elapsed := bareFormat(code)
	if plain != "" && strings.Trim(plain, "0") == "" && !elapsed {
		return numberFormat{pad: len(plain)}
	}
	plain = noDates.Replace(strings.ToLower(plain))
	if strings.ContainsAny(plain, "#?") || strings.Contains(plain, "e+") || strings.Contains(plain, "e-") {
		return numberFormat{}
	}
	clock := elapsed || strings.ContainsAny(plain, "hs")
	if strings.Contains(plain, "0") && !clock {
		return numberFormat{}
	}
	day := strings.ContainsAny(plain, "ydeg") || strings.Contains(plain, "aaa") || !clock && strings.Contains(plain, "m")
	return numberFormat{date: day, time: clock, elapsed: elapsed}
}

// bareFormat drops what is printed as it stands (quotes, escapes, fillers), colours and locales, and all sections but
// the first.
func bareFormat(code string) (plain string, elapsed bool) {
	var b strings.Builder
	for i := 0; i < len(code); i++ {
		switch code[i] {
		case ';':
			return b.String(), elapsed
		case '"':
			end := strings.IndexByte(code[i+1:], '"')
			if end < 0 {
				return b.String(), elapsed
			}
			i += end + 1
		case '\\', '_', '*':
			i++
		case '[':
			end := strings.IndexByte(code[i:], ']')
			if end < 0 {
				return b.String(), elapsed
			}
			if inner := strings.ToLower(code[i+1 : i+end]); inner != "" && strings.Trim(inner, "hms") == "" {
				elapsed = true
			}
			i += end
		default:
			b.WriteByte(code[i])
		}
	}
	return b.String(), elapsed
}

// Days that shift the two calendars of workbooks onto ours. Day 60 of the 1900 calendar is a 29 February that never
// was. Source: ECMA-376 part 1 §18.17.4.
const (
	phantomDay  = 60
	shift1904   = 1462
	lastSerial  = 2958465 // 9999-12-31
	secondsADay = 24 * 60 * 60
)

// serialText writes a date or time in ISO form; ok is false where the number is no day of the calendar.
func serialText(v float64, format numberFormat, date1904 bool) (text string, ok bool) {
	if v < 0 || v > lastSerial {
		return "", false
	}
	total := int64(math.Round(v * secondsADay))
	days, seconds := total/secondsADay, int(total%secondsADay)
	if format.elapsed && !format.date {
		return clock(int(total)), true
	}
	if days == 0 && format.time && (!date1904 || !format.date) {
		return clock(seconds), true
	}
	if date1904 {
		days += shift1904
	}
	switch {
	case days == phantomDay, days == 0, days > lastSerial:
		return "", false
	case days < phantomDay:
		days++
	}
	epoch := jdate.On(1899, time.December, 30)
	day := (epoch + jdate.Day(days)).Time().Format(time.DateOnly)
	if seconds == 0 || !format.time {
		return day, true
	}
	return day + " " + clock(seconds), true
}

// clock writes seconds as 17:30, or 17:30:05 where seconds are not zero; hours may pass 24.
func clock(seconds int) string {
	two := func(n int) string {
		s := strconv.Itoa(n)
		if len(s) < 2 {
			s = "0" + s
		}
		return s
	}
	s := two(seconds/3600) + ":" + two(seconds/60%60)
	if seconds%60 != 0 {
		s += ":" + two(seconds%60)
	}
	return s
}

// readFormats reads the number format of each cell style, in order.
func readFormats(a *archive, part string) ([]numberFormat, error) {
	custom := map[int]numberFormat{}
	var formats []numberFormat
	inCells := false
	err := a.tokens(part, func(_ *xml.Decoder, t xml.Token) error {
		switch t := t.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "numFmt":
				if id, err := strconv.Atoi(attr(t, "numFmtId")); err == nil {
					custom[id] = parseFormat(attr(t, "formatCode"))
				}
			case "cellXfs":
				inCells = true
			case "xf":
				if !inCells {
					return nil
				}
				id, err := strconv.Atoi(attr(t, "numFmtId"))
				if err != nil {
					id = 0
				}
				format, known := custom[id]
				if !known {
					format = builtin(id)
				}
				formats = append(formats, format)
			}
		case xml.EndElement:
			if t.Name.Local == "cellXfs" {
				inCells = false
			}
		}
		return nil
	})
	return formats, err
}
