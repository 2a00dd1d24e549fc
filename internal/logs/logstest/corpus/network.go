package corpus

import (
	"github.com/kizuki-security/kizuki/internal/logs/event"
)

// fortiGate writes a traffic line of a FortiGate; a source address may be given.
func (g *Generator) fortiGate(r *event.Record, src string) {
	r.Source, r.Host, r.App = "firewall", "FGT-HQ-01", "fortigate"
	r.SrcIP, r.DstIP = g.often(g.inside), g.often(g.outside)
	r.SrcPort, r.DstPort = g.highPort(), 443
	r.Action, r.Outcome, r.Severity = "accept", "success", 1
	level, kind, policy, reason := "notice", "traffic", "12", ""
	switch n := g.rng.IntN(100); {
	case src != "":
		r.SrcIP, r.DstIP, r.DstPort = src, g.inside[3], 3389
		r.Action, r.Outcome, r.Severity, level, policy = "deny", "failure", 3, "warning", "0"
	case n < 22:
		r.DstPort = 53
	case n < 30:
		r.SrcIP, r.DstIP, r.DstPort = g.often(g.outside), g.inside[g.rng.IntN(12)], []uint16{22, 23, 445, 3389, 8443}[n%5]
		r.Action, r.Outcome, r.Severity, level, policy = "deny", "failure", 2, "warning", "0"
	case n < 33:
		r.Severity, level, kind = 3, "warning", "utm"
		r.Action, r.Outcome, reason = "blocked", "failure", "Webフィルターで遮断しました"
	}
	service := g.often(g.services)
	local := r.Time.In(japan)
	g.add("date=")
	g.date(local)
	g.add(" time=")
	g.clock(local)
	g.add(` devname="FGT-HQ-01" devid="FG100FTK20012345" eventtime=`)
	g.num(r.Time.UnixNano())
	g.add(` tz="+0900" logid="0000000013"`)
	g.kv("type", kind)
	g.add(` subtype="forward"`)
	g.kv("level", level)
	g.add(` vd="root"`)
	g.bare("srcip", r.SrcIP)
	g.bare("srcport", g.ports[r.SrcPort])
	g.add(` srcintf="internal" srcintfrole="lan"`)
	g.bare("dstip", r.DstIP)
	g.bare("dstport", g.ports[r.DstPort])
	g.add(` dstintf="wan1" dstintfrole="wan" srccountry="Reserved"`)
	g.kv("dstcountry", g.often(g.countries))
	g.add(" sessionid=")
	g.num(int64(100_000_000 + g.rng.IntN(900_000_000)))
	g.bare("proto", "6")
	g.kv("action", r.Action)
	g.bare("policyid", policy)
	g.add(` policytype="policy"`)
	g.kv("service", service)
	g.add(` trandisp="snat" duration=`)
	g.num(int64(g.rng.IntN(600)))
	g.add(" sentbyte=")
	g.num(int64(g.rng.IntN(200_000)))
	g.add(" rcvdbyte=")
	g.num(int64(g.rng.IntN(2_000_000)))
	g.kv("appcat", "unscanned")
	if reason != "" {
		g.kv("msg", reason)
	}
}

// asa writes a line of a Cisco ASA.
func (g *Generator) asa(r *event.Record) {
	local := r.Time.In(japan)
	r.Source, r.Host, r.App = "firewall", "ASA-PLANT-02", "asa"
	r.SrcIP, r.DstIP = g.often(g.inside), g.often(g.outside)
	r.SrcPort, r.DstPort = g.highPort(), 443
	g.add("<166>")
	g.stamp(local)
	g.add(" ", r.Host, " : ")
	switch n := g.rng.IntN(10); {
	case n < 6:
		r.Action, r.Outcome, r.Severity, r.EventID = "built", "success", 1, "302013"
		g.add("%ASA-6-302013: Built outbound TCP connection ")
		g.num(int64(g.rng.IntN(1 << 30)))
		g.add(" for outside:", r.DstIP, "/443 (", r.DstIP, "/443) to inside:", r.SrcIP, "/", g.ports[r.SrcPort], " (198.51.100.10/", g.ports[r.SrcPort], ")")
	case n < 9:
		r.Action, r.Outcome, r.Severity, r.EventID = "teardown", "success", 1, "302014"
		g.add("%ASA-6-302014: Teardown TCP connection ")
		g.num(int64(g.rng.IntN(1 << 30)))
		g.add(" for outside:", r.DstIP, "/443 to inside:", r.SrcIP, "/", g.ports[r.SrcPort], " duration 0:00:")
		g.two(g.rng.IntN(60))
		g.add(" bytes ")
		g.num(int64(g.rng.IntN(500_000)))
		g.add(" TCP FINs")
	default:
		r.SrcIP, r.DstIP, r.DstPort = g.often(g.outside), "198.51.100.10", 22
		r.Action, r.Outcome, r.Severity, r.EventID = "deny", "failure", 2, "106023"
		g.add("%ASA-4-106023: Deny tcp src outside:", r.SrcIP, "/", g.ports[r.SrcPort], " dst inside:", r.DstIP, `/22 by access-group "OUTSIDE_IN" [0x0, 0x0]`)
	}
}

// squid writes a line of squid's own log form.
func (g *Generator) squid(r *event.Record) {
	r.Source, r.Host, r.App = "proxy", "proxy-01", "squid"
	r.SrcIP, r.DstIP, r.User = g.often(g.inside), g.often(g.outside), g.often(g.users)
	r.Action, r.Outcome, r.Severity, r.DstPort = "get", "success", 1, 443
	micros := r.Time.UnixMicro()
	g.num(micros / 1_000_000)
	g.add(".")
	g.num(micros / 100_000 % 10)
	g.two(int(micros / 1000 % 100))
	g.add("    ")
	g.num(int64(10 + g.rng.IntN(900)))
	g.add(" ", r.SrcIP)
	domain := g.often(g.domains)
	switch n := g.rng.IntN(100); {
	case n < 60:
		r.Action = "connect"
		g.add(" TCP_TUNNEL/200 ")
		g.num(int64(g.rng.IntN(90_000)))
		g.add(" CONNECT ", domain, ":443 ", r.User, " HIER_DIRECT/", r.DstIP, " -")
	case n < 96:
		r.DstPort = 80
		g.add(" TCP_MISS/200 ")
		g.num(int64(g.rng.IntN(90_000)))
		g.add(" GET http://", domain, g.often(g.paths), " ", r.User, " HIER_DIRECT/", r.DstIP, " text/html")
	default:
		r.Outcome, r.Severity, r.DstIP = "failure", 2, ""
		g.add(" TCP_DENIED/403 3912 CONNECT ", domain, ":443 ", r.User, " HIER_NONE/- text/html")
	}
}

// nginx writes a line in the combined form.
func (g *Generator) nginx(r *event.Record) {
	local := r.Time.In(japan)
	r.Source, r.Host, r.App = "web", "web-01", "nginx"
	r.SrcIP, r.DstPort = g.often(g.outside), 443
	r.Action, r.Outcome, r.Severity = "get", "success", 1
	path, status := g.often(g.paths), "200"
	switch n := g.rng.IntN(100); {
	case n < 4:
		path, status, r.Outcome, r.Severity = g.paths[len(g.paths)-1-n%2], "403", "failure", 3
	case n < 10:
		status, r.Outcome, r.Severity = "404", "failure", 2
	case n < 20:
		r.Action = "post"
	}
	year, month, day := local.Date()
	g.add(r.SrcIP, " - - [")
	g.two(day)
	g.add("/", month.String()[:3], "/")
	g.num(int64(year))
	g.add(":")
	g.clock(local)
	method := "GET"
	if r.Action == "post" {
		method = "POST"
	}
	g.add(` +0900] "`, method, " ", path, ` HTTP/1.1" `, status, " ")
	g.num(int64(g.rng.IntN(60_000)))
	g.add(` "https://`, g.domains[0], `/" "`, g.often(g.agents), `"`)
}
