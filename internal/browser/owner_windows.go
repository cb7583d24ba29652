package browser

import (
	"errors"
	"io/fs"
	"unsafe"

	"golang.org/x/sys/windows"
)

// checkOwner returns an error unless a file or folder belongs to the user and its access list names only the
// user, the system and its administrators. The latter two can read everything anyway.
func checkOwner(name string, _ fs.FileInfo, _ fs.FileMode) error {
	const wanted = windows.OWNER_SECURITY_INFORMATION | windows.DACL_SECURITY_INFORMATION
	security, err := windows.GetNamedSecurityInfo(name, windows.SE_FILE_OBJECT, wanted)
	if err != nil {
		return err
	}
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return err
	}
	owner, _, err := security.Owner()
	if err != nil {
		return err
	}
	if !isTrusted(owner, user.User.Sid) {
		return errors.New("it belongs to another user")
	}
	list, _, err := security.DACL()
	if err != nil {
		return err
	}
	return checkAccess(list, user.User.Sid)
}

// checkAccess returns an error if an access list allows anybody but the user, the system and administrators.
func checkAccess(list *windows.ACL, user *windows.SID) error {
	if list == nil {
		return errors.New("all users have access to it")
	}
	for i := range uint32(list.AceCount) {
		var entry *windows.ACCESS_ALLOWED_ACE
		if err := windows.GetAce(list, i, &entry); err != nil {
			return err
		}
		if entry.Header.AceType != windows.ACCESS_ALLOWED_ACE_TYPE {
			continue
		}
		who := (*windows.SID)(unsafe.Pointer(&entry.SidStart)) //nolint:gosec // The entry ends with the identifier.
		if !isTrusted(who, user) {
			return errors.New("other users have access to it")
		}
	}
	return nil
}

// isTrusted reports whether an identifier is the user's, the system's or the administrators'.
func isTrusted(who, user *windows.SID) bool {
	return who.Equals(user) || who.IsWellKnown(windows.WinLocalSystemSid) || who.IsWellKnown(windows.WinBuiltinAdministratorsSid) ||
		who.IsWellKnown(windows.WinCreatorOwnerSid) || who.IsWellKnown(windows.WinCreatorOwnerRightsSid)
}
