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
