package provider

import "time"

// What objects of several types share of their lifecycle.

const (
	deletionRetain = "retain"
	deletionClear  = "clear"
	deletionDelete = "delete"

	defaultShopWriteTimeout = 5 * time.Minute
	defaultShopReadTimeout  = 2 * time.Minute

	// importUntouched marks, in private state, an imported object that was not changed yet: that its
	// first configuration gives a version to a write-only secret is no reason to write it, nor are
	// the first triggers of a rotation a reason to rotate.
	importUntouched = "import_untouched"
)
