package mystorepages_test

import (
	"errors"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/mystorepages"
)

func TestSignIn_UsesLogin(t *testing.T) {
	t.Parallel()
	e := newEnv(t, setup{login: &mystorepages.Login{Email: "owner@kaffebonna.example", Password: "fake-mystore-password-kaffebonna"}})
	holds, err := e.Credentials(t.Context(), kaffebonna)
	if err != nil || holds.KustomID != e.shop(t, kaffebonna).KustomID {
		t.Errorf("the Kustom ID is read as %q: %v", holds.KustomID, err)
	}
}

func TestSignIn_TriesWrongPasswordOnce(t *testing.T) {
	t.Parallel()
	e := newEnv(t, setup{login: &mystorepages.Login{Email: "owner@kaffebonna.example", Password: "wrong"}})
	var refused *mystorepages.SignInError
	for range 2 {
		if _, err := e.Credentials(t.Context(), kaffebonna); !errors.As(err, &refused) {
			t.Errorf("the error is %v", err)
		}
	}
	if n := e.RequestCount("POST", "/login"); n != 1 {
		t.Errorf("the password was sent %d times, want once", n)
	}
}
