package corpus

import (
	"strconv"

	"github.com/kizuki-security/kizuki/internal/logs/event"
)

// program is a process that starts on Windows.
type program struct{ image, parent, line text }

func path(plain, quoted string) text { return text{plain, quoted} }

// commands are what starts on the computers of the office; the first is the needle and stands only where it is asked for.
var commands = []program{
	{
		path(`C:\Users\Public\m.exe`, `C:\\Users\\Public\\m.exe`), path(`C:\Windows\System32\cmd.exe`, `C:\\Windows\\System32\\cmd.exe`),
		text{`m.exe "privilege::debug" "` + NeedleWord + `" exit`, `m.exe \"privilege::debug\" \"` + NeedleWord + `\" exit`},
	},
	{
		path(`C:\Program Files\Microsoft Office\root\Office16\EXCEL.EXE`, `C:\\Program Files\\Microsoft Office\\root\\Office16\\EXCEL.EXE`),
		path(`C:\Windows\explorer.exe`, `C:\\Windows\\explorer.exe`),
		text{`"EXCEL.EXE" "\\FILE-01\共有\生産計画\11月.xlsx"`, `\"EXCEL.EXE\" \"\\\\FILE-01\\共有\\生産計画\\11月.xlsx\"`},
	},
	{
		path(`C:\Windows\System32\svchost.exe`, `C:\\Windows\\System32\\svchost.exe`), path(`C:\Windows\System32\services.exe`, `C:\\Windows\\System32\\services.exe`),
		path(`C:\Windows\System32\svchost.exe -k netsvcs -p -s Schedule`, `C:\\Windows\\System32\\svchost.exe -k netsvcs -p -s Schedule`),
	},
	{
		path(`C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe`, `C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe`),
		path(`C:\Windows\explorer.exe`, `C:\\Windows\\explorer.exe`),
		text{`"msedge.exe" --type=renderer --lang=ja`, `\"msedge.exe\" --type=renderer --lang=ja`},
	},
	{
		path(`C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe`, `C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe`),
		path(`C:\Windows\System32\gpscript.exe`, `C:\\Windows\\System32\\gpscript.exe`),
		path(`powershell.exe -ExecutionPolicy Bypass -File \\DC-01\netlogon\inventory.ps1`, `powershell.exe -ExecutionPolicy Bypass -File \\\\DC-01\\netlogon\\inventory.ps1`),
	},
}

// header writes the head of an event of the security log and opens its data.
func (g *Generator) header(r *event.Record, id, task string) {
	r.Source, r.Host, r.App, r.Format, r.EventID = "windows", g.often(g.hosts), "security", event.JSON, id
	g.add("{")
	g.open("Event")
	g.open("System")
	g.open("Provider")
	g.open("#attributes")
	g.json("Name", "Provider_Name", text{"Microsoft-Windows-Security-Auditing", "Microsoft-Windows-Security-Auditing"})
	g.shut()
	g.shut()
	g.jsonNum("EventID", "EventID", id)
	g.jsonNum("Version", "Version", "2")
	g.jsonNum("Level", "Level", "0")
	g.jsonNum("Task", "Task", task)
	g.open("TimeCreated")
	g.open("#attributes")
	start := len(g.b) + len(`"SystemTime":"`)
	g.add(`"SystemTime":"`)
	g.b = r.Time.AppendFormat(g.b, "2006-01-02T15:04:05.000000Z")
	g.fields = append(g.fields, event.Field{Name: "TimeCreated_SystemTime", Value: string(g.b[start:])})
	g.add(`",`)
	g.shut()
	g.shut()
	g.jsonNum("EventRecordID", "EventRecordID", strconv.FormatUint(g.seqs["windows"]+1, 10))
	g.open("Execution")
	g.open("#attributes")
	g.jsonNum("ProcessID", "Execution_ProcessID", "712")
	g.jsonNum("ThreadID", "Execution_ThreadID", g.ports[700+g.rng.IntN(900)])
	g.shut()
	g.shut()
	g.jsonSame("Channel", "Security")
	g.json("Computer", "Computer", text{r.Host, r.Host})
	g.shut()
	g.open("EventData")
}

// end closes data, event and object.
func (g *Generator) end() {
	g.shut()
	g.shut()
	g.b[len(g.b)-1] = '}' // the comma behind the event
}

func (g *Generator) subject(sid, user string) {
	g.jsonSame("SubjectUserSid", sid)
	g.jsonSame("SubjectUserName", user)
	g.jsonSame("SubjectDomainName", "PLANT")
	g.jsonSame("SubjectLogonId", "0x3e7")
}

// windows writes a line of the security log.
func (g *Generator) windows(r *event.Record) {
	switch n := g.rng.IntN(100); {
	case n < 45:
		g.logon(r, false)
	case n < 53:
		g.logon(r, true)
	case n < 75:
		g.logoff(r)
	default:
		g.process(r, commands[1+g.rng.IntN(len(commands)-1)])
	}
}

var logonTypes = []string{"3", "3", "3", "2", "10", "5", "7"}

func (g *Generator) logon(r *event.Record, failed bool) {
	id, task := "4624", "12544"
	r.Action, r.Outcome, r.Severity = "logon", "success", 1
	if failed {
		id, r.Outcome, r.Severity = "4625", "failure", 2
	}
	r.User, r.SrcIP, r.SrcPort = g.often(g.users), g.often(g.inside), g.highPort()
	if failed && g.chance(300) {
		r.SrcIP = g.often(g.outside)
	}
	g.header(r, id, task)
	g.subject("S-1-5-18", "DC-01$")
	g.jsonSame("TargetUserSid", "S-1-5-21-1004336348-1177238915-682003330-1104")
	g.jsonSame("TargetUserName", r.User)
	g.jsonSame("TargetDomainName", "PLANT")
	if failed {
		g.jsonSame("Status", "0xc000006d")
		g.jsonSame("SubStatus", "0xc000006a")
	} else {
		g.jsonSame("TargetLogonId", "0x8dcdc")
	}
	g.jsonSame("LogonType", logonTypes[g.rng.IntN(len(logonTypes))])
	g.jsonSame("LogonProcessName", "NtLmSsp")
	g.jsonSame("AuthenticationPackageName", "NTLM")
	g.jsonSame("WorkstationName", g.often(g.hosts))
	g.jsonSame("LmPackageName", "NTLM V2")
	g.jsonSame("KeyLength", "128")
	g.jsonSame("ProcessName", "-")
	g.jsonSame("IpAddress", r.SrcIP)
	g.jsonSame("IpPort", g.ports[r.SrcPort])
	g.end()
}

func (g *Generator) logoff(r *event.Record) {
	r.Action, r.Outcome, r.Severity = "logoff", "success", 1
	r.User = g.often(g.users)
	g.header(r, "4634", "12545")
	g.jsonSame("TargetUserSid", "S-1-5-21-1004336348-1177238915-682003330-1104")
	g.jsonSame("TargetUserName", r.User)
	g.jsonSame("TargetDomainName", "PLANT")
	g.jsonSame("TargetLogonId", "0x8dcdc")
	g.jsonSame("LogonType", "3")
	g.end()
}

func (g *Generator) process(r *event.Record, p program) {
	r.Action, r.Outcome, r.Severity = "process_start", "success", 1
	r.User = g.often(g.users)
	g.header(r, "4688", "13312")
	g.subject("S-1-5-21-1004336348-1177238915-682003330-1104", r.User)
	g.jsonSame("NewProcessId", "0x1a2c")
	g.json("NewProcessName", "NewProcessName", p.image)
	g.jsonSame("TokenElevationType", "%%1938")
	g.jsonSame("ProcessId", "0x11d0")
	g.json("CommandLine", "CommandLine", p.line)
	g.json("ParentProcessName", "ParentProcessName", p.parent)
	g.jsonSame("MandatoryLabel", "S-1-16-8192")
	g.end()
}
