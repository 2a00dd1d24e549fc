package corpus

import (
	"github.com/kizuki-security/kizuki/internal/logs/event"
)

// syslog writes a line as a syslog server gathers it.
func (g *Generator) syslog(r *event.Record) {
	r.Source, r.Severity = "syslog", 1
	switch g.rng.IntN(7) {
	case 0:
		g.pam(r)
	case 1, 2:
		g.sshd(r)
	case 3:
		g.apache(r)
	case 4:
		g.servicing(r)
	case 5:
		g.proxifier(r)
	default:
		g.production(r, g.even(productionTexts))
	}
}

// unix writes the head of a Unix line: time, host, program.
func (g *Generator) unix(r *event.Record, host, app string) {
	r.Source, r.Host, r.App = "syslog", host, app
	g.stamp(r.Time.In(japan))
	g.add(" ", host, " ", app, "[")
	g.num(int64(1000 + g.rng.IntN(30_000)))
	g.add("]: ")
}

func (g *Generator) pam(r *event.Record) {
	r.SrcIP, r.User, r.Action, r.Outcome, r.Severity = g.often(g.outside), "root", "logon", "failure", 2
	g.unix(r, "combo", "login(pam_unix)")
	g.add("authentication failure; logname= uid=0 euid=0 tty=NODEVssh ruser= rhost=", r.SrcIP, "  user=root")
}

func (g *Generator) sshd(r *event.Record) {
	r.SrcIP, r.SrcPort, r.Action = g.often(g.outside), g.highPort(), "logon"
	g.unix(r, "gw-01", "sshd")
	if g.chance(850) {
		r.User, r.Outcome, r.Severity = g.even(guessed), "failure", 2
		g.add("Failed password for invalid user ", r.User, " from ", r.SrcIP, " port ", g.ports[r.SrcPort], " ssh2")
		return
	}
	r.User, r.Outcome = g.often(g.users), "success"
	g.add("Accepted publickey for ", r.User, " from ", r.SrcIP, " port ", g.ports[r.SrcPort], " ssh2: ED25519 SHA256:0m3yZbUAtPXxCkOrTMiR")
}

var guessed = []string{"admin", "test", "oracle", "postgres", "ubuntu", "webmaster", "ftpuser", "git", "pi", "support"}

// breakIn is the line of sshd that has the needle in it.
func (g *Generator) breakIn(r *event.Record) {
	r.SrcIP, r.Action, r.Outcome, r.Severity = g.often(g.outside), "logon", "failure", 3
	g.unix(r, "gw-01", "sshd")
	g.add("reverse mapping checking getaddrinfo for host-", r.SrcIP, ".example.net [", r.SrcIP, "] failed - POSSIBLE ", NeedleBreakIn, " ATTEMPT!")
}

func (g *Generator) apache(r *event.Record) {
	local := r.Time.In(japan)
	r.Host, r.App, r.SrcIP, r.Severity = "www-02", "apache", g.often(g.outside), 2
	g.add("[", local.Weekday().String()[:3], " ")
	g.stamp(local)
	g.add(" ")
	g.num(int64(local.Year()))
	g.add("] [error] [client ", r.SrcIP, "] File does not exist: /var/www/html", g.often(g.paths))
}

func (g *Generator) servicing(r *event.Record) {
	local := r.Time.In(japan)
	r.Host, r.App = g.often(g.hosts), "cbs"
	g.date(local)
	g.add(" ")
	g.clock(local)
	g.add(", Info                  CBS    ")
	if g.chance(500) {
		g.add("Session: 30546174_")
		g.num(int64(g.rng.IntN(1 << 30)))
		g.add(" initialized by client WindowsUpdateAgent.")
	} else {
		g.add("Read out cached package applicability for package: Package_for_KB50")
		g.num(int64(10_000 + g.rng.IntN(80_000)))
		g.add("~31bf3856ad364e35~amd64~~26100.1.2.3, ApplicableState: 112, CurrentState:112")
	}
}

func (g *Generator) proxifier(r *event.Record) {
	local := r.Time.In(japan)
	r.Host, r.App, r.Action = g.often(g.hosts), "proxifier", "connect"
	_, month, day := local.Date()
	g.add("[")
	g.two(int(month))
	g.add(".")
	g.two(day)
	g.add(" ")
	g.clock(local)
	g.add("] chrome.exe - ", g.often(g.domains), ":443 ")
	if g.chance(500) {
		g.add("open through proxy proxy.example.co.jp:5070 HTTPS")
		return
	}
	g.add("close, ")
	g.num(int64(g.rng.IntN(90_000)))
	g.add(" bytes sent, ")
	g.num(int64(g.rng.IntN(900_000)))
	g.add(" bytes received, lifetime 00:")
	g.two(g.rng.IntN(60))
}

var productionTexts = []string{
	"在庫数が一致しません", "ロットの読み取りをやり直しました", "検査結果を送信しました", "ラインを停止しました", "図面を開きました", "時刻を合わせました",
}

// production writes a line of the plant's own system.
func (g *Generator) production(r *event.Record, what string) {
	local := r.Time.In(japan)
	r.Source, r.Host, r.App, r.User = "syslog", "MES-01", "生産管理", g.often(g.users)
	r.Severity = 2
	g.date(local)
	g.add(" ")
	g.clock(local)
	g.add(" MES-01 生産管理 [警告] ライン")
	g.num(int64(1 + g.rng.IntN(9)))
	g.add(" ロット=")
	g.num(int64(100_000 + g.rng.IntN(900_000)))
	g.add(" ", what, " 担当=", r.User)
}
