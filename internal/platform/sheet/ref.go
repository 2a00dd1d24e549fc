package sheet

import (
	"fmt"
	"strconv"
	"strings"
)

// The size of a sheet. Source: Excel specifications and limits.
const (
	maxRow = 1 << 20
	maxCol = 1 << 14
)

// CellName returns the name of a cell from its row and column, both counted from 0: (11, 5) is "F12".
func CellName(row, col int) string { return ColumnName(col) + strconv.Itoa(row+1) }

// ColumnName returns the letters of a column counted from 0: 0 is "A", 26 is "AA".
func ColumnName(col int) string {
	var letters []byte
	for n := col + 1; n > 0; n = (n - 1) / 26 {
		letters = append([]byte{byte('A' + (n-1)%26)}, letters...)
	}
	return string(letters)
}

// ParseCellName reads "F12" or "$F$12" as row and column counted from 0.
func ParseCellName(name string) (row, col int, err error) {
	s := strings.TrimPrefix(name, "$")
	i := 0
	for i < len(s) && i < 3 {
		letter := s[i] &^ 0x20
		if letter < 'A' || letter > 'Z' {
			break
		}
		col = col*26 + int(letter-'A') + 1
		i++
	}
	digits := strings.TrimPrefix(s[i:], "$")
	row, err = strconv.Atoi(digits)
	if i == 0 || err != nil || digits[0] == '+' || row < 1 || row > maxRow || col > maxCol {
		return 0, 0, fmt.Errorf("cell name %q", name)
	}
	return row - 1, col - 1, nil
}

// area is a block of cells, both corners included, counted from 0.
type area struct{ row, col, lastRow, lastCol int }

func (a area) holds(row, col int) bool {
	return row >= a.row && row <= a.lastRow && col >= a.col && col <= a.lastCol
}

// parseArea reads "A1:B3", or "A1" for a single cell.
func parseArea(ref string) (area, error) {
	first, last, ok := strings.Cut(ref, ":")
	if !ok {
		last = first
	}
	var a area
	var err error
	if a.row, a.col, err = ParseCellName(first); err != nil {
		return area{}, fmt.Errorf("start of area %q: %w", ref, err)
	}
	if a.lastRow, a.lastCol, err = ParseCellName(last); err != nil {
		return area{}, fmt.Errorf("end of area %q: %w", ref, err)
	}
	if a.lastRow < a.row || a.lastCol < a.col {
		return area{}, fmt.Errorf("area %q runs backwards", ref)
	}
	return a, nil
}
