package ast

import (
	"math"
	"strconv"
)

// AppendNumber appends the canonical text of a decimal number: whole numbers as digits, others as the shortest
// decimal that means the same. What is no number is appended as it is.
func AppendNumber(dst, s []byte) []byte {
	i := 0
	if len(s) > 0 && s[0] == '-' {
		i = 1
	}
	whole := i < len(s)
	for _, c := range s[i:] {
		if c < '0' || c > '9' {
			whole = false
			break
		}
	}
	if whole {
		for i < len(s)-1 && s[i] == '0' {
			i++
		}
		if s[0] == '-' && (i != len(s)-1 || s[i] != '0') {
			dst = append(dst, '-')
		}
		return append(dst, s[i:]...)
	}
	f, err := strconv.ParseFloat(string(s), 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return append(dst, s...)
	}
	return AppendFloat(dst, f)
}

// AppendFloat appends the canonical text of a number.
func AppendFloat(dst []byte, f float64) []byte {
	size := math.Abs(f)
	switch {
	case f == 0:
		return append(dst, '0')
	case size >= 1e-6 && size < 1e21:
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	return strconv.AppendFloat(dst, f, 'e', -1, 64)
}
