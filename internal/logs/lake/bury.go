package lake

// superseded lists the files that a merged one replaces or a tombstone names, and takes the numbers they used.
func (l *Lake) superseded() (gone map[uint64]bool) {
	gone = map[uint64]bool{}
	for _, f := range l.files {
		for _, id := range f.Replaces {
			gone[id] = true
		}
	}
	for i := range l.tombs {
		t := &l.tombs[i]
		for j, id := range t.IDs {
			if f := l.files[id]; f != nil && !l.fits(t, j, f) {
				l.alarms["tombstone "+f.Name] = "a tombstone names the file that is not for it"
				continue
			}
			gone[id] = true
			l.nextID = max(l.nextID, id+1)
		}
		for _, r := range t.Ranges {
			l.next[t.Source] = max(l.next[t.Source], r.Last+1)
		}
	}
	return gone
}

// bury removes files that a merged one replaces or a tombstone names, and gives those that could not be removed.
// Afterwards lingering holds the identities of all.
func (l *Lake) bury() (stuck map[uint64]bool) {
	stuck = map[uint64]bool{}
	l.undoHalves()
	for id := range l.superseded() {
		l.lingering[id] = true
		f := l.files[id]
		if f == nil {
			continue
		}
		delete(l.files, id)
		if err := l.removeFile(f); err != nil {
			l.alarm("remove", f.Name, err)
			stuck[id] = true
		}
	}
	return stuck
}

// fits says whether a tombstone is for a file: nobody signed for the tombstone as a whole, and who makes one by hand
// must not have another file removed with it. The files are read again from the folder, or nobody else is there.
func (l *Lake) fits(t *Tombstone, i int, f *sealed) bool {
	if i >= len(t.Names) || i >= len(t.SHA256) || t.Names[i] != f.Name || len(f.Sources) != 1 || f.Sources[0].Name != t.Source {
		return false
	}
	sum := f.SHA256
	if sum == "" { // the catalogue was made anew
		file, err := l.fs.Open(f.path)
		if err != nil {
			return false
		}
		defer func() { _ = file.Close() }()
		if sum, err = sumFile(file); err != nil {
			return false
		}
	}
	return sum == t.SHA256[i]
}
