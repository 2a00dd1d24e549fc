package event

// Promoted are the native keys that get a column of their own in the lake, under their native names: those that Sigma
// rules ask for most, and that an office looks up by hand. Other keys are read from Raw again.
//
// The list is part of the file format: add at the end only. A file written before a key was added has no column for
// it, and the lake says so (see lake), so that the key is read from Raw there.
var Promoted = []string{
	"Image", "CommandLine", "ParentImage", "ParentCommandLine", "OriginalFileName", "User", "TargetObject",
	"TargetFilename", "Details", "ImageLoaded", "Hashes", "LogonType", "IpAddress", "TargetUserName",
	"SubjectUserName", "ServiceName", "ScriptBlockText", "Channel", "Provider_Name", "NewProcessName",
	"ProcessName", "WorkstationName", "DestinationIp", "DestinationHostname", "QueryName", "ImagePath",
	"GrantedAccess", "PipeName",
}

// promotedAt has the place of each key of Promoted, by promotedSlot. A key that shares the slot of one before it stands in
// the next free slot.
var promotedAt = func() (t [256]uint8) {
	for place, name := range Promoted {
		slot := promotedSlot(name)
		for t[slot] != 0 {
			slot++
		}
		t[slot] = uint8(place + 1)
	}
	return t
}()

func promotedSlot(name string) uint8 {
	n := len(name)
	return name[0]*7 + name[n-1]*31 + name[n/2]*67 + uint8(n)*13
}

// PlaceOf is the place of a key in Promoted, -1 for none. Each line asks for each of its keys, which shows where a map
// answers.
func PlaceOf(name string) int {
	if name == "" {
		return -1
	}
	for slot := promotedSlot(name); ; slot++ {
		place := int(promotedAt[slot]) - 1
		if place < 0 || Promoted[place] == name {
			return place
		}
	}
}
