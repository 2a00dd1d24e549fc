package browser

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/sheet/sheettest"
)

// staffOf is how many people stand on the made-up staff list.
const staffOf = 120

var (
	familyNames = [][2]string{{"田中", "タナカ"}, {"鈴木", "スズキ"}, {"高橋", "タカハシ"}, {"渡邉", "ワタナベ"}, {"小林", "コバヤシ"}, {"山本", "ヤマモト"}, {"中村", "ナカムラ"}, {"齋藤", "サイトウ"}, {"グエン", "グエン"}, {"森", "モリ"}}
	givenNames  = [][2]string{{"一郎", "イチロウ"}, {"直子", "ナオコ"}, {"健", "ケン"}, {"さくら", "サクラ"}, {"大輔", "ダイスケ"}, {"美咲", "ミサキ"}, {"翔", "ショウ"}, {"恵子", "ケイコ"}, {"浩二", "コウジ"}, {"由美", "ユミ"}, {"誠", "マコト"}, {"葵", "アオイ"}}
	departments = []string{"製造部", "設計部", "品質保証部", "総務部", "営業部", "生産管理課"}
	classes     = []string{"従業員", "従業員", "従業員", "派遣", "役員", "外部"}
)

// staffList writes the staff list of 120 people as a workbook, in the words of an ordinary personnel office.
func staffList(t testing.TB) (file string) {
	t.Helper()
	out := sheet.Out{Title: "社員名簿"}
	for _, title := range []string{"社員番号", "氏名", "フリガナ", "雇用区分", "所属", "勤務地", "メールアドレス", "メール利用", "インターネット利用", "入社年月日", "共用端末のみ"} {
		out.Columns = append(out.Columns, sheet.OutColumn{Title: title})
	}
	for i := range staffOf {
		family, given := familyNames[i%len(familyNames)], givenNames[(i/len(familyNames)+i)%len(givenNames)]
		mail, net, kiosk, address := "○", "○", "×", fmt.Sprintf("u%03d@midori.example", i+1)
		if i%3 == 0 {
			mail, net, kiosk, address = "×", "×", "○", ""
		}
		out.Rows = append(out.Rows, []any{
			fmt.Sprintf("7%03d", i+1), family[0] + "　" + given[0], family[1] + " " + given[1], classes[i%len(classes)], departments[i%len(departments)],
			[]string{"本社工場", "第二工場"}[i%2], address, mail, net, fmt.Sprintf("%d/%d/%d", 1990+i%35, 1+i%12, 1+i%28), kiosk,
		})
	}
	var buf bytes.Buffer
	if err := sheet.Write(&buf, sheet.XLSX, out); err != nil {
		t.Fatal(err)
	}
	return keep(t, "社員名簿.xlsx", buf.Bytes())
}

// lastYearsSheet writes a check sheet as a customer sends it, filled in.
func lastYearsSheet(t testing.TB) (file string, made sheettest.Made) {
	t.Helper()
	made, err := sheettest.Workbook(7)
	if err != nil {
		t.Fatal(err)
	}
	return keep(t, "自己評価_昨年度.xlsx", made.Data), made
}

func keep(t testing.TB, name string, data []byte) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
