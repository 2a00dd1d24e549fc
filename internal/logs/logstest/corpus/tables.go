package corpus

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"time"
)

// japan is the zone that devices write their times in.
var japan = time.FixedZone("JST", 9*60*60)

// tables are the names and addresses that lines are made of, each list with the most frequent first.
type tables struct {
	users, hosts, inside, outside, domains, paths, agents []string
	countries, services                                   []string
	ports                                                 [65536]string
}

func newTables(rng *rand.Rand) tables {
	t := tables{
		countries: []string{"Japan", "United States", "Japan", "Singapore", "Germany", "China", "Netherlands", "Reserved"},
		services:  []string{"HTTPS", "DNS", "HTTP", "SMB", "NTP", "LDAP", "SSH", "RDP", "SMTP", "tcp/8530"},
		agents: []string{
			"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0",
			"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0",
			"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
			"curl/8.9.1", "python-requests/2.32.3", "Go-http-client/2.0",
		},
	}
	family := []string{"sato", "suzuki", "takahashi", "tanaka", "ito", "watanabe", "yamamoto", "nakamura", "kobayashi", "kato", "yoshida", "yamada"}
	for i := range 300 {
		t.users = append(t.users, family[i%len(family)]+"."+string(rune('a'+i/len(family)))+strconv.Itoa(i%7))
	}
	for i := range 400 {
		kind := []string{"PC", "NOTE", "LINE", "SRV"}[i%4]
		t.hosts = append(t.hosts, fmt.Sprintf("%s-%04d", kind, 1000+i*7))
	}
	for i := range 800 {
		t.inside = append(t.inside, netip.AddrFrom4([4]byte{10, byte(20 + i%6), byte(i / 200), byte(10 + i%200)}).String())
	}
	for len(t.outside) < 20_000 {
		addr := netip.AddrFrom4([4]byte{byte(20 + rng.IntN(190)), byte(rng.IntN(256)), byte(rng.IntN(256)), byte(1 + rng.IntN(254))})
		if text := addr.String(); text != NeedleIP && !addr.IsPrivate() && !addr.IsLoopback() {
			t.outside = append(t.outside, text)
		}
	}
	words := []string{"parts", "supply", "portal", "mail", "cdn", "update", "edi", "drawing", "news", "login", "api", "static"}
	for i := range 600 {
		t.domains = append(t.domains, fmt.Sprintf("%s%d.%s", words[i%len(words)], i/len(words), []string{"example.co.jp", "example.com", "example.net"}[i%3]))
	}
	for i := range 500 {
		t.paths = append(t.paths, fmt.Sprintf("/%s/%s/%d", words[(i*5)%len(words)], words[(i*7+3)%len(words)], i*31%9973))
	}
	t.paths = append(t.paths, "/search?q=%E9%83%A8%E5%93%81", "/index.php?page=../../../../etc/passwd", "/wp-login.php")
	for i := range t.ports {
		t.ports[i] = strconv.Itoa(i)
	}
	return t
}

// often picks from a list, the first ones most often.
func (g *Generator) often(list []string) string {
	u := g.rng.Uint64() >> 44 // 20 bits; the third power of a number below 1 is near 0 most often
	return list[(u*u>>20)*u>>20*uint64(len(list))>>20]
}

// even picks from a list, each as often.
func (g *Generator) even(list []string) string { return list[g.rng.IntN(len(list))] }

// chance is true so many times in a thousand.
func (g *Generator) chance(inThousand int) bool { return g.rng.IntN(1000) < inThousand }

// highPort is the port that a client opens.
func (g *Generator) highPort() uint16 { return uint16(49152 + g.rng.IntN(16384)) }
