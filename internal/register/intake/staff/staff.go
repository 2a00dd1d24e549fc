// Package staff is the importer of the staff list (従業員名簿): it compares the rows of a file with the
// register of people, proposes additions and changes, and writes what a person consented to.
//
// It owns no table and no page; people and org are written through their services.
package staff

import (
	"embed"
	"io/fs"

	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/intake"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/register/people"
)

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Messages returns the texts of this importer.
func Messages() fs.FS { return messages }

// Kind is the word of this importer in addresses and commands.
const Kind = "people"

// Importer takes staff lists in. It is safe for concurrent use.
type Importer struct {
	people *people.Service
	org    *org.Service
}

// New returns the importer.
func New(list *people.Service, places *org.Service) *Importer {
	return &Importer{people: list, org: places}
}

// Kind returns "people".
func (*Importer) Kind() string { return Kind }

// Title is the message key of what is taken in.
func (*Importer) Title() string { return "staff.title" }

// Permission is what it takes to import.
func (*Importer) Permission() actor.Permission { return people.PermEdit }

// Columns lists what a staff list may say about a person.
func (*Importer) Columns() []intake.Column {
	uses := []string{"people.use.yes", "people.use.no", "people.use.unknown"}
	classes := []string{"people.class.officer", "people.class.employee", "people.class.dispatched", "people.class.external"}
	return []intake.Column{
		{
			Name: "employee_no", Title: "people.field.employee_no", Example: "staff.example.employee_no",
			Aliases: []string{"社員番号", "社員No", "社員コード", "従業員番号", "従業員コード", "個人コード", "職員番号", "社番", "employee no", "employee number", "employee id", "staff id"},
		},
		{
			Name: "name", Title: "people.field.name", Example: "staff.example.name",
			Aliases: []string{"氏名", "名前", "社員名", "従業員名", "漢字氏名", "氏名（漢字）", "full name", "name"},
		},
		{Name: "family_name", Title: "people.field.family_name", Aliases: []string{"姓", "名字", "苗字", "氏", "last name", "surname"}},
		{Name: "given_name", Title: "people.field.given_name", Aliases: []string{"名", "first name"}},
		{
			Name: "kana", Title: "people.field.kana", Example: "staff.example.kana",
			Aliases: []string{"フリガナ", "カナ", "カナ氏名", "氏名カナ", "氏名（カナ）", "シメイ", "読み", "よみがな", "reading", "furigana"},
		},
		{Name: "family_kana", Title: "people.field.family_kana", Aliases: []string{"セイ", "姓カナ", "姓フリガナ", "カナ姓"}},
		{Name: "given_kana", Title: "people.field.given_kana", Aliases: []string{"メイ", "名カナ", "名フリガナ", "カナ名"}},
		{Name: "display_name", Title: "people.field.display_name", Aliases: []string{"表示名", "通称", "呼び名", "display name"}},
		{
			Name: "class", Title: "people.field.class", Example: "people.class.employee", Choices: classes,
			Aliases: []string{"区分", "雇用区分", "雇用形態", "社員区分", "従業員区分", "契約区分", "身分", "class", "employment type", "category"},
		},
		{
			Name: "department", Title: "people.field.department", Example: "staff.example.department",
			Aliases: []string{"部署", "部門", "所属", "所属部署", "所属部門", "部課", "部署名", "部門名", "所属名", "課", "department", "division", "section"},
		},
		{
			Name: "site", Title: "people.field.site", Example: "staff.example.site",
			Aliases: []string{"拠点", "事業所", "工場", "勤務地", "勤務場所", "営業所", "拠点名", "site", "location", "plant"},
		},
		{
			Name: "email", Title: "people.field.email", Example: "staff.example.email",
			Aliases: []string{"メールアドレス", "電子メール", "電子メールアドレス", "E-mail", "Eメール", "会社メール", "mail address", "email address"},
		},
		{
			Name: "mail", Title: "people.field.mail", Example: "people.use.yes", Choices: uses,
			Aliases: []string{"メール利用", "メール使用", "メール利用有無", "メールの利用", "メール", "mail user", "uses mail", "mail"},
		},
		{
			Name: "internet", Title: "people.field.internet", Example: "people.use.no", Choices: uses,
			Aliases: []string{"インターネット利用", "インターネット使用", "インターネット", "ネット利用", "ネット", "Web利用", "Web閲覧", "internet user", "uses internet", "internet"},
		},
		{
			Name: "joined", Title: "people.field.joined", Example: "staff.example.joined",
			Aliases: []string{"入社日", "入社年月日", "受入日", "受け入れ日", "受入年月日", "採用日", "採用年月日", "着任日", "joined", "start date", "hire date"},
		},
		{
			Name: "left", Title: "people.field.left",
			Aliases: []string{"退職日", "退職年月日", "退社日", "離職日", "離任日", "契約終了日", "left", "end date", "leaving date"},
		},
		{
			Name: "kiosk", Title: "people.field.kiosk", Choices: []string{"people.yes", "people.no"},
			Aliases: []string{"キオスクのみ", "キオスク", "共用端末のみ", "共有端末のみ", "共用PCのみ", "共用端末", "kiosk only", "kiosk", "shared terminal only"},
		},
	}
}

// The options of this importer.
const (
	optionClass = "class" // class of new people whose row says none
	optionBlank = "blank" // what an empty cell does to somebody who is on the list
	optionMail  = "mail"  // what a mail address says about the use of mail
)

// Options lists what a person can choose about the reading. The defaults guess nothing.
func (*Importer) Options() []intake.Option {
	return []intake.Option{
		{Name: optionClass, Label: "staff.option.class", Help: "staff.option.class_help", Choices: []intake.Choice{
			{Value: people.Employee, Label: "people.class.employee"},
			{Value: people.Officer, Label: "people.class.officer"},
			{Value: people.Dispatched, Label: "people.class.dispatched"},
			{Value: people.External, Label: "people.class.external"},
			{Value: "refuse", Label: "staff.option.class_refuse"},
		}},
		{Name: optionBlank, Label: "staff.option.blank", Choices: []intake.Choice{
			{Value: "keep", Label: "staff.option.blank_keep"},
			{Value: "clear", Label: "staff.option.blank_clear"},
		}},
		{Name: optionMail, Label: "staff.option.mail", Choices: []intake.Choice{
			{Value: "apart", Label: "staff.option.mail_apart"},
			{Value: "address", Label: "staff.option.mail_address"},
		}},
	}
}
