package app

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// syncMarks are folder names of services that copy files while a database writes to them. Companies append to them:
// "OneDrive - みどり精工", "Dropbox-会社".
var syncMarks = []string{
	"onedrive", "dropbox", "google drive", "googledrive", "マイドライブ", "icloud", "icloud drive", "iclouddrive", "mobile documents", "cloudstorage", "box sync",
	"creative cloud files", "nextcloud", "owncloud", "synologydrive", "synology drive", "cloudstation", "pcloud", "pcloud drive", "pclouddrive", "syncthing", "resilio sync",
	"seafile", "megasync", "tresorit", "proton drive",
}

// wholeMarks are such names that are also words: only the bare name counts.
var wholeMarks = []string{"box", "mega"}

// syncLeavings are what services leave in the root of a folder that they copy, whatever it is called.
var syncLeavings = []struct{ name, service string }{
	{".stfolder", "Syncthing"},
	{".sync/ID", "Resilio Sync"},
	{".nextcloudsync.log", "Nextcloud"},
	{".owncloudsync.log", "ownCloud"},
	{".SynologyWorkingDirectory", "Synology Drive"},
	{".dropbox.cache", "Dropbox"},
}

// announced are the folders that OneDrive names in the environment of every process; people may have moved them to
// any name.
func announced(env func(string) string) []string {
	var out []string
	for _, name := range []string{"OneDrive", "OneDriveCommercial", "OneDriveConsumer"} {
		if dir := env(name); dir != "" {
			out = append(out, dir)
		}
	}
	return out
}

// syncService names the sync service that copies path, "" for none.
func syncService(path string, synced []string) string {
	for part := range strings.SplitSeq(filepath.ToSlash(path), "/") {
		p := strings.ToLower(part)
		if slices.Contains(wholeMarks, p) {
			return part
		}
		for _, mark := range syncMarks {
			if p == mark || strings.HasPrefix(p, mark+" ") || strings.HasPrefix(p, mark+"-") {
				return part
			}
		}
	}
	for _, root := range synced {
		if inside(path, root) {
			return root
		}
	}
	for dir := path; ; dir = filepath.Dir(dir) {
		for _, l := range syncLeavings {
			if _, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(l.name))); err == nil {
				return l.service
			}
		}
		if filepath.Dir(dir) == dir {
			return ""
		}
	}
}

// inside says whether path is root or lies below it; Windows knows no case.
func inside(path, root string) bool {
	fold := func(s string) string {
		return strings.ToLower(strings.TrimRight(filepath.ToSlash(filepath.Clean(s)), "/"))
	}
	p, r := fold(path), fold(root)
	return r != "" && (p == r || strings.HasPrefix(p, r+"/"))
}
