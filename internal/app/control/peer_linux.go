package control

import (
	"net"
	"os"
	"syscall"
)

// peerAllowed says whether the process at the other end belongs to the same user or to root. A connection that
// is no Unix socket, or cannot tell, has the token alone.
func peerAllowed(conn net.Conn) bool {
	unix, ok := conn.(*net.UnixConn)
	if !ok {
		return true
	}
	raw, err := unix.SyscallConn()
	if err != nil {
		return false
	}
	allowed := false
	err = raw.Control(func(fd uintptr) {
		cred, cerr := syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
		allowed = cerr == nil && (cred.Uid == 0 || int(cred.Uid) == os.Getuid())
	})
	return err == nil && allowed
}
