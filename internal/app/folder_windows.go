package app

import (
	"path/filepath"
	"strings"

	"golang.org/x/sys/windows"
)

// networkKind names the kind of network drive that holds path, "" when it is local.
func networkKind(path string) string {
	volume := filepath.VolumeName(path)
	if strings.HasPrefix(volume, `\\`) {
		return "UNC"
	}
	root, err := windows.UTF16PtrFromString(volume + `\`)
	if err != nil {
		return ""
	}
	if windows.GetDriveType(root) == windows.DRIVE_REMOTE {
		return "SMB"
	}
	return ""
}
