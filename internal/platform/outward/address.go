package outward

import "net/netip"

// kind is what an IP address stands for.
type kind int

const (
	public kind = iota
	private
	loopback
	never
)

// Address space by use. Source: IANA special-purpose address registries (RFC 6890) and the pages of the
// cloud vendors on their metadata services; retrieved 2026-11-26.
var (
	privateSpace = prefixes(
		"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", // RFC 1918
		"100.64.0.0/10", // shared by customers of a carrier, RFC 6598; VPNs use it as well
		"198.18.0.0/15", // benchmarks, RFC 2544
		"fc00::/7",      // unique local, RFC 4193
	)
	neverSpace = prefixes(
		"0.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.51.100.0/24", "203.0.113.0/24",
		"224.0.0.0/4", "240.0.0.0/4",
		"100.100.100.200/32", "168.63.129.16/32", "fd00:ec2::254/128", "fd20:ce::254/128", // metadata of clouds that lies elsewhere
		"fe80::/10", "fec0::/10", "ff00::/8",
		"64:ff9b:1::/48", // NAT64 with a prefix of the network's own, RFC 8215: where the IPv4 part stands is not known
		"100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16",
	)
	globalIPv6 = netip.MustParsePrefix("2000::/3") // all that has been given out, RFC 4291
	nat64      = netip.MustParsePrefix("64:ff9b::/96")
	sixToFour  = netip.MustParsePrefix("2002::/16")
)

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		out[i] = netip.MustParsePrefix(text)
	}
	return out
}

// kindOf sees through the ways in which IPv6 carries an IPv4 address: mapped, NAT64 and 6to4.
func kindOf(ip netip.Addr) kind {
	ip = ip.WithZone("").Unmap()
	switch {
	case !ip.IsValid():
		return never
	case ip.IsLoopback():
		return loopback
	case within(neverSpace, ip):
		return never
	case within(privateSpace, ip):
		return private
	case ip.Is4():
		return public
	case nat64.Contains(ip):
		b := ip.As16()
		return kindOf(netip.AddrFrom4([4]byte(b[12:16])))
	case sixToFour.Contains(ip):
		b := ip.As16()
		return kindOf(netip.AddrFrom4([4]byte(b[2:6])))
	case globalIPv6.Contains(ip):
		return public
	}
	return never
}

func within(space []netip.Prefix, ip netip.Addr) bool {
	for _, p := range space {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}
