package search

import (
	"errors"
	"fmt"

	"github.com/kizuki-security/kizuki/internal/logs/query"
)

// lines calls each with the raw lines of rows, which rise.
func (v *view) lines(list []int, each func(i int, line []byte)) error {
	p, ok := v.Block.(query.Picker)
	if !ok || v.ends != nil {
		if err := v.loadText(); err != nil {
			return err
		}
		for i, row := range list {
			each(i, v.line(row))
		}
		return nil
	}
	n := 0
	err := p.Pick(list, func(row int, line []byte) {
		if n < len(list) && list[n] == row {
			each(n, line)
		}
		n++
		v.searched += int64(len(line))
	})
	if err == nil && n != len(list) {
		err = errShape
	}
	if err != nil {
		return fmt.Errorf("messages: %w", err)
	}
	return nil
}

// values gives a field of rows, which rise and are those of in; nil: all have "".
func (v *view) values(name string, list []int, in rows) ([]string, error) {
	p, ok := v.Block.(query.Picker)
	if _, known := v.columns[name]; ok && !known && query.IsColumn(name) {
		values, err := p.Values(name, list)
		switch {
		case errors.Is(err, query.ErrNotKept): // read from the lines
		case err != nil:
			return nil, fmt.Errorf("column %s: %w", name, err)
		case values != nil && len(values) != len(list):
			return nil, fmt.Errorf("column %s: %w", name, errShape)
		default:
			return v.plain(name, values), nil
		}
	}
	column, err := v.column(name, in)
	if err != nil || column == nil {
		return nil, err
	}
	values := make([]string, len(list))
	for i, row := range list {
		values[i] = column.Values[column.Codes[row]]
	}
	return values, nil
}

// plain gives numbers that are not known as "", as columns have them.
func (v *view) plain(name string, values []string) []string {
	switch name {
	case "src_port", "dst_port", "severity":
		for i, value := range values {
			if value == "0" {
				values[i] = ""
			}
		}
	}
	return values
}
