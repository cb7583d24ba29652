package mystorepages_test

import (
	"errors"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/mystorepages"
)

func TestSignIn_UsesLogin(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{noSession: true, login: &mystorepages.Login{Email: "owner@kaffebonna.example", Password: "fake-mystore-password-kaffebonna"}})
	holds, err := b.Credentials(t.Context(), kaffebonna)
	if err != nil || holds.KustomID != b.shop(t, kaffebonna).KustomID {
		t.Errorf("the shop is taken to hold %q: %v", holds.KustomID, err)
	}
}

func TestSignIn_TriesWrongPasswordOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{noSession: true, login: &mystorepages.Login{Email: "owner@kaffebonna.example", Password: "wrong"}})
	var refused *mystorepages.SignInError
	for range 2 {
		if _, err := b.Credentials(t.Context(), kaffebonna); !errors.As(err, &refused) {
			t.Errorf("the error is %v", err)
		}
	}
	if n := b.requests("POST", "/login"); n != 1 {
		t.Errorf("the password was sent %d times, want once", n)
	}
}
