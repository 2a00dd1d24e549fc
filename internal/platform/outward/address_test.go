package outward

import (
	"net/netip"
	"testing"
)

func TestKindOf(t *testing.T) {
	t.Parallel()
	tests := []struct {
		want      kind
		addresses []string
	}{
		{public, []string{
			"1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "11.0.0.0", "223.255.255.255", "169.253.255.255", "169.255.0.0",
			"2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1",
		}},
		{private, []string{
			"10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.127.255.255", "198.19.0.1",
			"fd12:3456::1", "fc00::", "::ffff:10.0.0.1", "64:ff9b::10.1.2.3", "64:ff9b::c0a8:101", "2002:a00:1::", "fd00:ec2::253",
		}},
		{loopback, []string{"127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "64:ff9b::127.0.0.1", "2002:7f00:1::1", "::1%lo"}},
		{never, []string{
			"0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.0.1", "::ffff:169.254.169.254", "64:ff9b::169.254.169.254", "2002:a9fe:a9fe::1",
			"224.0.0.1", "239.255.255.255", "255.255.255.255", "240.0.0.1", "192.0.0.192", "192.0.2.1", "198.51.100.1", "203.0.113.1",
			"100.100.100.200", "168.63.129.16", "fd00:ec2::254", "fd20:ce::254",
			"::", "fe80::1", "fe80::1%eth0", "febf::1", "fec0::1", "ff02::1", "64:ff9b:1::10.0.0.1", "100::1", "2001:db8::1", "2001::1", "3fff::1",
			"::127.0.0.1", "::7f00:1", "::10.0.0.1", "4000::1", "64:ff9b::0.0.0.0", "::ffff:0.0.0.0", "::ffff:0:127.0.0.1",
		}},
	}
	for _, tc := range tests {
		for _, address := range tc.addresses {
			if got := kindOf(netip.MustParseAddr(address)); got != tc.want {
				t.Errorf("%s is %d, want %d", address, got, tc.want)
			}
		}
	}
	if kindOf(netip.Addr{}) != never {
		t.Error("no address is one to call")
	}
}

// FuzzKindOf holds what must be true of every address, however it is written.
func FuzzKindOf(f *testing.F) {
	f.Add([]byte{169, 254, 169, 254})
	f.Add(netip.MustParseAddr("64:ff9b::a9fe:a9fe").AsSlice())
	f.Add(netip.MustParseAddr("::ffff:7f00:1").AsSlice())
	f.Fuzz(func(t *testing.T, raw []byte) {
		ip, ok := netip.AddrFromSlice(raw)
		if !ok {
			return
		}
		got := kindOf(ip)
		if ip.Is4() && got != kindOf(netip.AddrFrom16(ip.As16())) {
			t.Errorf("%s is judged otherwise as a mapped address", ip)
		}
		plain := ip.Unmap()
		if got == public && (plain.IsPrivate() || plain.IsLoopback() || plain.IsLinkLocalUnicast() || plain.IsMulticast() || plain.IsUnspecified()) {
			t.Errorf("%s is open to all", ip)
		}
		if (plain.IsLinkLocalUnicast() || plain.IsMulticast() || plain.IsUnspecified()) && got != never {
			t.Errorf("%s can be called", ip)
		}
		if plain.IsPrivate() && got != private && got != never {
			t.Errorf("%s is not private", ip)
		}
	})
}
