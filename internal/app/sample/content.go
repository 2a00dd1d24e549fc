package sample

import (
	"bytes"
	"embed"
	"encoding/csv"
	"fmt"

	"go.yaml.in/yaml/v3"
)

//go:embed content
var contentFS embed.FS

// content is what content/*.yaml and content/staff.csv say of the company.
type content struct {
	company
	rules   rules
	lessons lessons
	sheets  sheets
	papers  papers
	people  []staffRow
}

// company is content/company.yaml. Persons stand as employee numbers, places by their id.
type company struct {
	Name  string
	Roles struct {
		InCharge  string `yaml:"in_charge"`
		President string
		Worker    string
		Officer   string // 担当役員
		Systems   string // looks after the computers
	}
	Begins when
	Sites  []struct{ ID, Name, Kana string }

	Departments []departmentRow
	Moves       []struct {
		Who, To string
		On      when
	}
	Exclusions    []exclusionRow
	Confirmations []struct {
		On   when
		Note string
	}
	Changes []struct {
		On         when
		What, Note string
	}
}

type departmentRow struct{ ID, Name, Kana, Site, Owner string }

type exclusionRow struct {
	Who, Reason, Note string
	From, Until       when
}

// staffRow is one line of content/staff.csv.
type staffRow struct {
	no, family, given, familyKana, givenKana, display, class, department, email, mail, internet, kiosk string
	joined, left                                                                                       when
}

func readContent() (*content, error) {
	c := &content{}
	for _, file := range []struct {
		name string
		into any
	}{{"company", &c.company}, {"rules", &c.rules}, {"training", &c.lessons}, {"answers", &c.sheets}, {"files", &c.papers}} {
		if err := readYAML(file.name, file.into); err != nil {
			return nil, err
		}
	}
	var err error
	c.people, err = readStaff()
	return c, err
}

// readYAML reads one file of content; a field that nobody knows is an error.
func readYAML(name string, into any) error {
	data, err := contentFS.ReadFile("content/" + name + ".yaml")
	if err != nil {
		return fmt.Errorf("read sample content: %w", err)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("read sample content %s.yaml: %w", name, err)
	}
	return nil
}

const staffColumns = 14

func readStaff() ([]staffRow, error) {
	data, err := contentFS.ReadFile("content/staff.csv")
	if err != nil {
		return nil, fmt.Errorf("read sample staff: %w", err)
	}
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord = staffColumns
	lines, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read sample staff: %w", err)
	}
	rows := make([]staffRow, 0, len(lines))
	for _, l := range lines[1:] { // the first line names the columns
		rows = append(rows, staffRow{l[0], l[1], l[2], l[3], l[4], l[5], l[6], l[7], l[8], l[9], l[10], l[11], when(l[12]), when(l[13])})
	}
	return rows, nil
}
