//go:build unix

package browser

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// checkOwner returns an error if a file or folder does not belong to the user, or if others have a right that
// is in forbidden.
func checkOwner(_ string, info fs.FileInfo, forbidden fs.FileMode) error {
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return errUnknownOwner
	}
	if uid := os.Geteuid(); int(owner.Uid) != uid {
		return fmt.Errorf("it belongs to the user with the ID %d, but the provider runs as %d", owner.Uid, uid)
	}
	if given := info.Mode().Perm(); given&forbidden != 0 {
		return fmt.Errorf("other users have access to it (its mode is %#o)", given)
	}
	return nil
}
