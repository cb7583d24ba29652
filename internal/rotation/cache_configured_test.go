package rotation_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// An apply of hundreds of objects reaches most of them before the object of the unreadable shop. Until then, it uses
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
		note    func(*rotation.Shops)
		// own and other say whether keys of the stores M1 and M2 may be deleted.
		own, other bool
	}{
		"no object names a store":      {project: "folder", own: blocks, other: blocks},
		"one store":                    {plan: configuredFor("M1"), project: "folder", own: blocks, other: releases},
		"two stores":                   {plan: configuredFor("M1", "M2"), project: "folder", own: blocks, other: blocks},
		"two workspaces, a store each": {plan: configuredFor("M1"), again: configuredFor("M2"), project: "folder", own: blocks, other: blocks},
		"a store, and it may change its store": {
			plan:    func(s *rotation.Shops) { configuredFor("M1")(s); s.NoteStoreChange("dead") },
			project: "folder", own: blocks, other: blocks,
		},
		"one store, a day ago":            {plan: configuredFor("M1"), later: 24 * time.Hour, project: "folder", own: blocks, other: blocks},
		"one store, in another folder":    {plan: configuredFor("M1"), project: "elsewhere", own: blocks, other: blocks},
		"one store, in an unknown folder": {plan: configuredFor("M1"), own: blocks, other: blocks},
		"this run names another store": {
			plan: configuredFor("M2"), project: "folder", note: configuredFor("M1"), own: blocks, other: releases,
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := newLocalCache(t).Dir
			synctest.Test(t, func(t *testing.T) {
				s := newFakeShops(map[string]string{"a": "M1-new", "b": "M2-new", "dead": "M1-old"})
				s.before = failDead
				run := func(project string) *rotation.Shops {
					return rotation.NewShops(rotation.Options{
						Shops: s, Clock: clock.System{}, Names: s.names, Cache: rotation.LocalCache{Dir: dir, Project: project},
					})
				}
				for _, note := range []func(*rotation.Shops){c.plan, c.again} {
					planned := run("folder")
					_, _ = planned.Credentials(t.Context(), "dead")
					if note != nil {
						note(planned)
					}
				}
				time.Sleep(c.later)
				shops := run(c.project)
				if c.note != nil {
					c.note(shops)
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

// configuredFor returns a function that notes the stores that the unreadable shop is configured for.
func configuredFor(stores ...string) func(*rotation.Shops) {
	return func(s *rotation.Shops) {
		for _, store := range stores {
			s.NoteConfigured("dead", store, "")
		}
	}
}
