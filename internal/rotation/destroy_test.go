package rotation_test

import (
	"slices"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// With create_before_destroy, the destroyed object no longer owns the shop.
func TestClearShop_LeavesShopOfAnotherObject(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*testEnv, *rotation.Record){
		"no change":                 nil,
		"another key, by hand":      func(env *testEnv, _ *rotation.Record) { env.shops.set("a", "M1-hand") },
		"the same key, saved again": func(env *testEnv, r *rotation.Record) { env.shops.set("a", r.Username) },
		"another object's key": func(env *testEnv, _ *rotation.Record) {
			_, _ = env.connect(config(), &rotation.Record{MerchantID: "M1"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"), m1("M1-hand"))
			var record rotation.Record
			env.mustConnect(config(), &record)
			env.newRun()
			if change != nil {
				change(env, &record)
			}
			holds := env.shops.holds("a")
			cleared, err := env.engine.ClearShop(t.Context(), "a", record)
			if err != nil || cleared != (change == nil) {
				t.Errorf("cleared: %t, error %v", cleared, err)
			}
			if cleared {
				holds = ""
			}
			env.wantHolds("a", holds)
		})
	}
}

// The shop keeps the recorded key, unless another object of the run has installed another one. The recorded key is
// then no longer in use.
func TestStopManaging_ReturnsRemainingKeys(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"), m1("M1-other"), m1("M1-lost"))
	record := rotation.Record{MerchantID: "M1", CredentialID: "id-M1-old", Username: "M1-old"}
	record.Memory.OtherKeys = []string{"M1-other", "M1-lost"}
	if err := env.engine.DeleteLeftovers(t.Context(), []kustom.Orphan{orphan("M1-lost")}); err != nil {
		t.Fatal(err)
	}
	if left := env.engine.StopManaging("a", record); left.InstalledKey != "" || !slices.Equal(left.OtherKeys, []string{"M1-other"}) {
		t.Errorf("it returns %+v", left)
	}
	env.newRun()
	var next rotation.Record
	env.mustConnect(config(), &next)
	if left := env.engine.StopManaging("a", record); left.InstalledKey != next.Username {
		t.Errorf("it returns %+v, and the shop has %s", left, next.Username)
	}
	if err := env.engine.Shops.CheckUnused(t.Context(), orphan("M1-old"), time.Time{}); err != nil {
		t.Errorf("the replaced key is in use: %v", err)
	}
	wantInUse(t, env.engine.Shops.CheckUnused(t.Context(), orphan(next.Username), time.Time{}))
}
