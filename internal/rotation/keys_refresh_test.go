package rotation_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// If a listing of all stores takes many requests, each store is listed by itself, and a slow one delays no other.
func TestFresh_SlowStoreDelaysNoOther(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		stores, asked int
		byPages       bool
	}{
		"a large account":             {stores: 1000, asked: 20},
		"pages, one load for a store": {stores: 5, asked: 3, byPages: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				portal := newLargePortal(clock.System{}, test.stores)
				portal.byPages = test.byPages
				keys := rotation.NewKeys(portal, clock.System{})
				if _, err := keys.Of(t.Context(), nil); err != nil {
					t.Fatal(err)
				}
				time.Sleep(rotation.FreshFor)
				slow := keyOf(0).MerchantID
				portal.before = func(kind, about string, _ int) error {
					if kind == listCall && about == slow {
						time.Sleep(time.Hour)
					}
					if kind == listCall && about == "" {
						t.Error("all keys were listed")
					}
					return nil
				}
				begun := time.Now()
				var done sync.WaitGroup
				for i := range test.asked {
					done.Go(func() {
						if _, err := keys.Fresh(t.Context(), keyOf(i).MerchantID); err != nil {
							t.Error(err)
						}
						if took := time.Since(begun); took > 0 && i > 0 {
							t.Errorf("store %d waited for %v", i, took)
						}
					})
				}
				done.Wait()
			})
		})
	}
}
