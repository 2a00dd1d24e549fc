package pattern

// Part is a part of a date.
type Part uint8

// The parts.
const (
	Minute Part = iota
	Hour
	Day
	Week // ISO week
	Month
	Year
)

var partNames = [...]string{Minute: "minute", Hour: "hour", Day: "day", Week: "week", Month: "month", Year: "year"}

// of reads a date as it is written (2026-04-17T05:24:53Z, with a space, a fraction, an offset, or the day alone) and
// gives the part. No time zone is converted.
func (p Part) of(v []byte) (int, bool) {
	if len(v) == len("2026-04-17") && p >= Day {
		var whole [19]byte
		copy(whole[:], v)
		copy(whole[10:], "T00:00:00")
		return p.of(whole[:])
	}
	if len(v) < 19 || v[4] != '-' || v[7] != '-' || v[10] != 'T' && v[10] != 't' && v[10] != ' ' || v[13] != ':' || v[16] != ':' {
		return 0, false
	}
	year, month, day := digits(v[0:4]), digits(v[5:7]), digits(v[8:10])
	hour, minute, second := digits(v[11:13]), digits(v[14:16]), digits(v[17:19])
	if year < 0 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour < 0 || hour > 23 ||
		minute < 0 || minute > 59 || second < 0 || second > 60 || !zone(v[19:]) {
		return 0, false
	}
	switch p {
	case Minute:
		return minute, true
	case Hour:
		return hour, true
	case Day:
		return day, true
	case Week:
		return isoWeek(year, month, day), true
	case Month:
		return month, true
	case Year:
		return year, true
	}
	return 0, false
}

func digits(v []byte) int {
	n := 0
	for _, c := range v {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// zone accepts a fraction, then nothing, Z, or an offset.
func zone(v []byte) bool {
	if len(v) > 0 && (v[0] == '.' || v[0] == ',') {
		n := 1
		for n < len(v) && v[n] >= '0' && v[n] <= '9' {
			n++
		}
		if n == 1 {
			return false
		}
		v = v[n:]
	}
	if len(v) > 0 && v[0] == ' ' {
		v = v[1:]
	}
	switch {
	case len(v) == 0, len(v) == 1 && (v[0] == 'Z' || v[0] == 'z'):
		return true
	case v[0] != '+' && v[0] != '-':
		return false
	case len(v) == 6 && v[3] == ':':
		return digits(v[1:3]) >= 0 && digits(v[4:6]) >= 0
	case len(v) == 5, len(v) == 3:
		return digits(v[1:]) >= 0
	}
	return false
}

func leap(year int) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

func daysIn(year, month int) int {
	switch month {
	case 2:
		if leap(year) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// isoWeek numbers the week whose Thursday lies in the year.
func isoWeek(year, month, day int) int {
	ordinal := day
	for m := 1; m < month; m++ {
		ordinal += daysIn(year, m)
	}
	week := (ordinal - weekday(year, month, day) + 10) / 7
	switch {
	case week < 1:
		return weeksIn(year - 1)
	case week > weeksIn(year):
		return 1
	}
	return week
}

// weekday is 1 for Monday to 7 for Sunday (Sakamoto's method).
func weekday(year, month, day int) int {
	shift := [...]int{0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4}
	if month < 3 {
		year--
	}
	d := (year + year/4 - year/100 + year/400 + shift[month-1] + day) % 7
	if d <= 0 {
		d += 7
	}
	return d
}

// weeksIn is 53 in years that begin or end on a Thursday.
func weeksIn(year int) int {
	if weekday(year, 1, 1) == 4 || weekday(year, 12, 31) == 4 {
		return 53
	}
	return 52
}
