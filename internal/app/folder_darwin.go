package app

import "syscall"

// networkKind names the network file system that holds path, "" when it is local.
func networkKind(path string) string {
	var st syscall.Statfs_t
	if syscall.Statfs(path, &st) != nil {
		return ""
	}
	var name []byte
	for _, c := range st.Fstypename {
		if c == 0 {
			break
		}
		name = append(name, byte(c))
	}
	switch string(name) {
	case "nfs", "smbfs", "afpfs", "webdav":
		return string(name)
	default:
		return ""
	}
}
