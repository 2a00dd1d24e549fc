package evtxtest

import (
	"fmt"
	"strconv"
	"time"
)

func sub(n int) []Part { return []Part{{Sub: n}} }

func leaf(name string, n int) Part { return Part{Element: &Element{Name: name, Content: sub(n)}} }

const namespace = "http://schemas.microsoft.com/win/2004/08/events/event"

// NewEvent makes a template as Windows lays events out: System from the first sixteen values, and then the value
// number 17, which is binary XML with EventData or UserData.
func NewEvent(id uint32) *Template {
	element := func(name string, attrs ...Attr) Part {
		return Part{Element: &Element{Name: name, Attrs: attrs}}
	}
	system := Element{Name: "System", Content: []Part{
		element("Provider", Attr{"Name", sub(1)}, Attr{"Guid", sub(2)}),
		leaf("EventID", 3), leaf("Version", 4), leaf("Level", 5), leaf("Task", 6), leaf("Opcode", 7), leaf("Keywords", 8),
		element("TimeCreated", Attr{"SystemTime", sub(9)}),
		leaf("EventRecordID", 10),
		element("Correlation", Attr{"ActivityID", sub(11)}),
		element("Execution", Attr{"ProcessID", sub(12)}, Attr{"ThreadID", sub(13)}),
		leaf("Channel", 14), leaf("Computer", 15),
		element("Security", Attr{"UserID", sub(16)}),
	}}
	return &Template{ID: id, Root: Element{
		Name:    "Event",
		Attrs:   []Attr{{"xmlns", []Part{{Text: namespace}}}},
		Content: []Part{{Element: &system}, {Sub: 17}},
	}}
}

// NewEventData makes the template of EventData with one Data element for each name.
func NewEventData(id uint32, names ...string) *Template {
	root := Element{Name: "EventData"}
	for i, name := range names {
		root.Content = append(root.Content, Part{Element: &Element{
			Name: "Data", Attrs: []Attr{{"Name", []Part{{Text: name}}}}, Content: sub(i + 1),
		}})
	}
	return &Template{ID: id, Root: root}
}

// System is what all events carry.
type System struct {
	Provider, Channel, Computer string
	EventID                     uint16
	Record                      uint64
	Time                        time.Time
}

// NewRecord makes a record of a template of NewEvent with its data.
func NewRecord(t *Template, s System, data Value) Instance {
	return Instance{t, []Value{
		Text(s.Provider),
		{Type: GUID, Data: []byte("0123456789abcdef")},
		Number(Uint16, 2, uint64(s.EventID)), Number(Uint8, 1, 5), Number(Uint8, 1, 4), Number(Uint16, 2, 1),
		Number(Uint8, 1, 0), Number(Hex64, 8, 1<<63), Time(s.Time), Number(Uint64, 8, s.Record),
		{},
		Number(Uint32, 4, 3208), Number(Uint32, 4, 1724), Text(s.Channel), Text(s.Computer), Identifier(5, 18), data,
	}}
}

var (
	event   = NewEvent(0x5a1c)
	process = NewEventData(0x5a1d, "RuleName", "UtcTime", "ProcessGuid", "ProcessId", "Image", "FileVersion",
		"Description", "Product", "Company", "OriginalFileName", "CommandLine", "CurrentDirectory", "User", "LogonGuid",
		"LogonId", "TerminalSessionId", "IntegrityLevel", "Hashes", "ParentProcessGuid", "ParentProcessId", "ParentImage",
		"ParentCommandLine", "ParentUser")
	logonData = NewEventData(0x5a1e, "SubjectUserSid", "SubjectUserName", "SubjectDomainName", "SubjectLogonId",
		"TargetUserSid", "TargetUserName", "TargetDomainName", "TargetLogonId", "LogonType", "LogonProcessName",
		"AuthenticationPackageName", "WorkstationName", "LogonGuid", "TransmittedServices", "LmPackageName", "KeyLength",
		"ProcessId", "ProcessName", "IpAddress", "IpPort")
)

func processStart(n uint64, at time.Time) Instance {
	id := Value{Type: GUID, Data: append([]byte("process:"), byte(n), byte(n>>8), byte(n>>16), 0, 0, 0, 0, 1)}
	program := [...]string{"cmd", "powershell", "whoami", "net", "svchost", "excel", "backup"}[n%7]
	return NewRecord(event, System{
		"Microsoft-Windows-Sysmon", "Microsoft-Windows-Sysmon/Operational", fmt.Sprintf("pc-%02d.example.co.jp", n%50), 1,
		n, at,
	}, Of(
		process, Text("-"), Text(at.Format("2006-01-02 15:04:05.000")), id, Number(Uint32, 4, n%30000),
		Text(`C:\Windows\System32\`+program+".exe"), Text("10.0.19041.1"), Text("Windows Command Processor"),
		Text("Microsoft Windows Operating System"), Text("Microsoft Corporation"), Text(program+".exe"),
		Text(fmt.Sprintf(`"C:\Windows\System32\%s.exe" /c dir C:\Users\user%d\Documents`, program, n%200)),
		Text(fmt.Sprintf(`C:\Users\user%d\`, n%200)), Text(fmt.Sprintf(`EXAMPLE\user%d`, n%200)), id,
		Number(Hex64, 8, 0x3b5e64+n), Number(Uint32, 4, 1), Text("Medium"),
		Text(fmt.Sprintf("MD5=%032X,SHA256=%064X,IMPHASH=%032X", n, n, n)), id, Number(Uint32, 4, 7972),
		Text(`C:\Windows\explorer.exe`), Text(`C:\WINDOWS\Explorer.EXE`), Text(fmt.Sprintf(`EXAMPLE\user%d`, n%200)),
	))
}

func logon(n uint64, at time.Time) Instance {
	return NewRecord(event, System{
		"Microsoft-Windows-Security-Auditing", "Security", fmt.Sprintf("pc-%02d.example.co.jp", n%50), 4624, n, at,
	}, Of(
		logonData, Identifier(5, 18), Text(fmt.Sprintf("PC-%02d$", n%50)), Text("EXAMPLE"), Number(Hex64, 8, 0x3e7),
		Identifier(5, 21, 1223297778, 3299746493, 1462173606, uint32(1000+n%200)), Text(fmt.Sprintf("user%d", n%200)),
		Text("EXAMPLE"), Number(Hex64, 8, n*77), Number(Uint32, 4, 3), Text("Kerberos"), Text("Kerberos"), Text("-"),
		Value{Type: GUID, Data: []byte("logon-guid-00000")}, Text("-"), Text("-"), Number(Uint32, 4, 0),
		Number(SizeT, 8, 0), Text("-"), Text(fmt.Sprintf("192.168.1.%d", n%250)), Text(strconv.FormatUint(50000+n%9999, 10)),
	))
}
