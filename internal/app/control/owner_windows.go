package control

import (
	"fmt"

	"golang.org/x/sys/windows"
)

// ownerOnly lets the system, administrators and the owner read the file, and nobody else: below ProgramData
// every user of the machine may read what is made there.
func ownerOnly(name string) error {
	sd, err := windows.SecurityDescriptorFromString("D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;OW)")
	if err != nil {
		return fmt.Errorf("describe who may read: %w", err)
	}
	dacl, _, err := sd.DACL()
	if err != nil {
		return fmt.Errorf("list who may read: %w", err)
	}
	err = windows.SetNamedSecurityInfo(name, windows.SE_FILE_OBJECT,
		windows.DACL_SECURITY_INFORMATION|windows.PROTECTED_DACL_SECURITY_INFORMATION, nil, nil, dacl, nil)
	if err != nil {
		return fmt.Errorf("set who may read: %w", err)
	}
	return nil
}
