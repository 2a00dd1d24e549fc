package app

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

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
	case 0x00C36400:
		return "Ceph"
	case 0x65735546: // FUSE: a disk of this computer or a cloud, the mount tells
		mounts, err := os.ReadFile("/proc/self/mountinfo")
		if err != nil {
			return ""
		}
		return fuseKind(string(mounts), path)
	default:
		return ""
	}
}

// remoteFuse are the file systems in user space whose files lie elsewhere; the others (NTFS, exFAT, encryption) are
// disks of this computer.
var remoteFuse = []string{
	"sshfs", "rclone", "s3fs", "gcsfuse", "google-drive-ocamlfuse", "goofys", "geesefs", "davfs", "davfs2", "curlftpfs", "ceph-fuse", "glusterfs", "smbnetfs",
	"gvfsd-fuse", "kio-fuse", "onedriver", "mount-s3", "blobfuse2", "juicefs", "pcloud", "vmhgfs-fuse",
}

// fuseKind names the remote file system in user space that holds path, by the lines of /proc/self/mountinfo; ""
// when it is local. Source: proc_pid_mountinfo(5).
func fuseKind(mounts, path string) string {
	best, kind := "", ""
	for line := range strings.SplitSeq(mounts, "\n") {
		left, right, ok := strings.Cut(line, " - ")
		fields := strings.Fields(left)
		if !ok || len(fields) < 5 {
			continue
		}
		// Spaces and the like stand there in octal.
		at := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(fields[4])
		rel, err := filepath.Rel(at, path)
		if err != nil || rel == ".." || strings.HasPrefix(rel, "../") || len(at) < len(best) {
			continue
		}
		best, kind = at, strings.Fields(right + " ")[0]
	}
	name, ok := strings.CutPrefix(kind, "fuse.")
	if !ok || !slices.Contains(remoteFuse, name) {
		return ""
	}
	return name
}
