package rotation_test

import (
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// Another run may be about to install a key that it has just generated. That does not hold for a key that a shop of
// this walk has held.
func TestDeleteIfUnused_WaitsForYoungKeys(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		username string
		waits    bool
	}{
		"of another run":           {"M1-young", true},
		"that this walk took away": {"M1-old", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			young := m1(test.username)
			young.LastUsedAt = nil
			young.CreatedAt = noon.Add(-6 * time.Second)
			env := newTestEnv(t, map[string]string{"a": "M1-old"}, young)
			if _, err := env.engine.Shops.Credentials(t.Context(), "a"); err != nil {
				t.Fatal(err)
			}
			if _, err := env.engine.Shops.Install(t.Context(), "a", rotation.Pair{Username: "M1-new", Secret: kustom.NewSecret("s")}); err != nil {
				t.Fatal(err)
			}
			if err := env.engine.DeleteIfUnused(t.Context(), orphan(young.Username), 0); err != nil {
				t.Fatal(err)
			}
			if age := env.clock.Now().Sub(young.CreatedAt); age >= rotation.PropagationDelay != test.waits {
				t.Errorf("the key was deleted %v after it was made", age)
			}
		})
	}
}
