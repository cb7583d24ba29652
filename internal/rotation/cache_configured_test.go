package rotation_test

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// An apply of hundreds of objects reaches most of them before the unreadable shop's own object. Until then, it uses
// what the plan has cached: for a day, in the same folder, and only if nothing else is known about the shop.
func TestGuard_UsesStoresThatPlanCached(t *testing.T) {
	t.Parallel()
	const blocks, releases = false, true
	for name, c := range map[string]struct {
		plan func(*rotation.Shops)
		// again is a second plan in the same folder.
		again func(*rotation.Shops)
		later time.Duration
		// project is the folder of the apply.
		project string
		told    func(*rotation.Shops)
		// own and other say whether keys of the stores M1 and M2 may be deleted.
		own, other bool
	}{
		"nobody has told anything":           {project: "folder", own: blocks, other: blocks},
		"the store":                          {plan: tell("M1"), project: "folder", own: blocks, other: releases},
		"two stores":                         {plan: tell("M1", "M2"), project: "folder", own: blocks, other: blocks},
		"another store in another workspace": {plan: tell("M1"), again: tell("M2"), project: "folder", own: blocks, other: blocks},
		"a store that it may leave": {
			plan:    func(s *rotation.Shops) { tell("M1")(s); s.NoteStoreChange("dead") },
			project: "folder", own: blocks, other: blocks,
		},
		"a day ago":                {plan: tell("M1"), later: 24 * time.Hour, project: "folder", own: blocks, other: blocks},
		"in another folder":        {plan: tell("M1"), project: "elsewhere", own: blocks, other: blocks},
		"where no folder is known": {plan: tell("M1"), own: blocks, other: blocks},
		"what this walk contradicts": {
			plan: tell("M2"), project: "folder", told: tell("M1"), own: blocks, other: releases,
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "shops")
			synctest.Test(t, func(t *testing.T) {
				s := newFakeShops(map[string]string{"a": "M1-new", "b": "M2-new", "dead": "M1-old"})
				s.before = failDead
				walk := func(project string) *rotation.Shops {
					return rotation.NewShops(rotation.Options{
						Shops: s, Clock: clock.System{}, Names: s.names, Cache: rotation.LocalCache{Dir: dir, Project: project},
					})
				}
				for _, told := range []func(*rotation.Shops){c.plan, c.again} {
					planned := walk("folder")
					_, _ = planned.Credentials(t.Context(), "dead")
					if told != nil {
						told(planned)
					}
				}
				time.Sleep(c.later)
				shops := walk(c.project)
				if c.told != nil {
					c.told(shops)
				}
				for store, want := range map[string]bool{"M1": c.own, "M2": c.other} {
					key := kustom.Orphan{MerchantID: store, CredentialID: "id-" + store, Username: store + "-old2"}
					if err := shops.CheckUnused(t.Context(), key, time.Time{}); (err == nil) != want {
						t.Errorf("the key of store %s: %v", store, err)
					}
				}
			})
		})
	}
}

// tell returns a function that names the stores that the unreadable shop is configured for.
func tell(stores ...string) func(*rotation.Shops) {
	return func(s *rotation.Shops) {
		for _, store := range stores {
			s.NoteConfigured("dead", store, "")
		}
	}
}
