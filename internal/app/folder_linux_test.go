package app

import "testing"

func TestFuseKind(t *testing.T) {
	t.Parallel()
	const mounts = `22 28 0:21 / /proc rw,nosuid shared:12 - proc proc rw
28 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
60 28 0:50 / /home/sato/remote rw shared:30 - fuse.sshfs sato@host:/srv rw,user_id=1000
61 28 0:51 / /home/sato/my\040cloud rw shared:31 - fuse.rclone drive: rw
62 60 254:2 / /home/sato/remote/disk rw shared:32 - ext4 /dev/vdb1 rw
63 28 8:17 / /media/usb rw shared:33 - fuseblk /dev/sdb1 rw
64 28 0:52 / /home/sato/vault rw shared:34 - fuse.gocryptfs /home/sato/.vault rw
short line
`
	for path, want := range map[string]string{
		"/home/sato/remote":         "sshfs",
		"/home/sato/remote/a/b":     "sshfs",
		"/home/sato/remote2":        "",
		"/home/sato/remote/disk/x":  "",
		"/home/sato/my cloud/a":     "rclone",
		"/media/usb/kizuki":         "",
		"/home/sato/vault/kizuki":   "",
		"/home/sato/.local/share/k": "",
	} {
		if got := fuseKind(mounts, path); got != want {
			t.Errorf("%s lies on %q, want %q", path, got, want)
		}
	}
}

func TestAnnounced(t *testing.T) {
	t.Parallel()
	env := map[string]string{"OneDriveCommercial": `C:\Users\sato\OneDrive - みどり精工`, "HOME": "/home/sato"}
	got := announced(func(name string) string { return env[name] })
	if len(got) != 1 || got[0] != env["OneDriveCommercial"] {
		t.Errorf("announced folders are %q", got)
	}
}
