//go:build !linux

package control

import "net"

// peerAllowed trusts the file mode of the socket and the token.
func peerAllowed(net.Conn) bool { return true }
