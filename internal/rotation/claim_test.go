package rotation_test

import (
	"errors"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

func TestClaim_RefusesShopInTwoObjects(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, nil)
	if err := errors.Join(env.engine.Claim("a", "connection"), env.engine.Claim("b", "connection")); err != nil {
		t.Fatal(err)
	}
	for _, shop := range []string{"a", "A"} {
		err := env.engine.Claim(shop, "fleet")
		if twice, ok := errors.AsType[*rotation.OwnedTwiceError](err); !ok || *twice != (rotation.OwnedTwiceError{Shop: shop, First: "connection", Second: "fleet"}) {
			t.Errorf("the error is %v", err)
		}
	}
	env.newRun()
	if err := env.engine.Claim("a", "fleet"); err != nil {
		t.Errorf("another run: %v", err)
	}
}
