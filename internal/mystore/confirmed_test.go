package mystore_test

import (
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
)

// A mask may hide the end of an ID only. What has the form of an ID is one.
func TestIsMasked_SeesPartsOfIDs(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]bool{
		"": false, "M00123456-aB3dE": false, "K123_4f6c": false, "d0a1f6b2-6b3e-4c37-9a60-0b6f3d1c2e55": false, "M1-x": false,
		"M1-xyxxx": false, "by hand": false,
		"*****": true, "••••": true, "xxxxx": true, "M00123456-*****": true, "M00123456-aB•••": true, "M00123456-xxxxx": true,
		"M00123456-XXXXX": true, "M00123456-aB…": true, "M00123456-aB...": true, "M001…-aB3dE": true,
	} {
		if got := mystore.IsMasked(id); got != want {
			t.Errorf("%q: %t", id, got)
		}
	}
}
