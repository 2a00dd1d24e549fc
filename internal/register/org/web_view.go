package org

import "github.com/kizuki-security/kizuki/internal/platform/web"

// CompanyView is the page of the company profile.
type CompanyView struct {
	Form                                               *web.Form
	MayEdit                                            bool
	Industries, Sizes, Months, Levels, Stars, Readings []web.Option
	Settings                                           []SettingView
}

// SettingView is one number of ours that the source leaves open.
type SettingView struct {
	Field, Name, Value, Error string
	Default                   int
}

// ListView is the page of departments and sites.
type ListView struct {
	MayEdit, NoOwner bool
	Departments      []DepartmentRow
	Sites            []Site
	All, Without     int
}

// DepartmentRow is one department with the names it refers to.
type DepartmentRow struct {
	Department
	SiteName, OwnerName string
	Owned               bool
}

// DepartmentView is the page of one department.
type DepartmentView struct {
	Form          *web.Form
	Key           string
	MayEdit       bool
	Now           Department // as stored
	Changed       bool       // somebody else saved meanwhile: Now is shown beside the form
	Sites, Owners []web.Option
}

// Label finds the label of a choice, for what is shown beside a form.
func (DepartmentView) Label(options []web.Option, value string) string {
	for _, o := range options {
		if o.Value == value {
			return o.Label
		}
	}
	return ""
}

// SiteView is the page of one site.
type SiteView struct {
	Form    *web.Form
	Key     string
	MayEdit bool
	Now     Site
	Changed bool
}

// ChangesView is the page of major changes.
type ChangesView struct {
	Form    *web.Form
	MayEdit bool
	Kinds   []web.Option
	Rows    []MajorChange
}
