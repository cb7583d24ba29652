package rotation_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// A list of all stores takes as many page loads as there are stores.
func TestFresh_ListsStoresOneByOneByPages(t *testing.T) {
	t.Parallel()
	var keys []kustom.Key
	stores := []string{"M1", "M2", "M3", "M4", "M5"}
	for _, id := range stores {
		keys = append(keys, kustom.Key{MerchantID: id, CredentialID: "id-" + id, Username: id + "-old", CreatedAt: noon})
	}
	env := newTestEnv(t, map[string]string{"a": "M1-old"}, keys...)
	e := rotation.New(rotation.Options{
		Portal: listingPortal{env.portal}, Shops: env.shops, Merchant: env.merchant, Clock: env.clock, Names: env.shops.names,
	})
	for _, err := range e.Keys.Keys(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
	}
	env.clock.Advance(rotation.FreshFor)
	env.portal.before = func(kind, about string, _ int) error {
		if kind == listCall && about == "" {
			t.Error("all stores are listed")
		}
		return nil
	}
	before := env.portal.calls[listCall]
	asked := stores[:3]
	err := rotation.Concurrently(t.Context(), freshOf(e, asked)...)
	if n := env.portal.calls[listCall] - before; err != nil || n != len(asked) {
		t.Errorf("%d lists, error %v", n, err)
	}
}

// freshOf returns functions that list stores with Fresh.
func freshOf(e *rotation.Engine, stores []string) []func(context.Context) error {
	var calls []func(context.Context) error
	for _, id := range stores {
		calls = append(calls, func(ctx context.Context) error {
			_, err := e.Keys.Fresh(ctx, id)
			return err
		})
	}
	return calls
}

func TestFresh_SlowStoreDelaysNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		portal := newLargePortal(clock.System{}, 1000)
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
		for i := range 20 {
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
}
