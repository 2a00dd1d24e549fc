package app

import "syscall"

// networkKind names the network file system that holds path, "" when it is local.
// Numbers: linux/magic.h.
func networkKind(path string) string {
	var st syscall.Statfs_t
	if syscall.Statfs(path, &st) != nil {
		return ""
	}
	switch uint32(st.Type) { // the magic is 32 bits wide whatever the field's type
	case 0x6969:
		return "NFS"
	case 0xFF534D42, 0xFE534D42, 0x517B:
		return "SMB"
	case 0x01021997:
		return "9P"
	case 0x5346414F:
		return "AFS"
	default:
		return ""
	}
}
