package mystorepages_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystorepages"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

const (
	email    = "owner@fjellsport.example"
	password = "fake-mystore-password-fjellsport"
	codeSeed = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
)

// owner is the login that the sandbox gives the first shop.
func owner() *mystorepages.Login { return &mystorepages.Login{Email: email, Password: password} }

// withCode is the seed with a user of the first shop who needs a one-time code.
func withCode() sandbox.Seed {
	seed := sandbox.ThreeShops()
	seed.Shops[0].Users = []sandbox.ShopUser{{Email: email, Password: password, CodeSeed: codeSeed}}
	return seed
}

func TestSigningInTypesWhatAPersonWould(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		seed  sandbox.Seed
		login mystorepages.Login
		// message is what the error says; empty where there is none.
		message string
	}{
		"password":            {sandbox.ThreeShops(), *owner(), ""},
		"wrong password":      {sandbox.ThreeShops(), mystorepages.Login{Email: email, Password: "correct horse"}, "password is wrong"},
		"wrong address":       {sandbox.ThreeShops(), mystorepages.Login{Email: "a@b.example", Password: password}, "password is wrong"},
		"one-time code":       {withCode(), mystorepages.Login{Email: email, Password: password, CodeSeed: codeSeed}, ""},
		"as it is copied":     {withCode(), mystorepages.Login{Email: email, Password: password, CodeSeed: "jbsw y3dp ehpk 3pxp jbsw y3dp ehpk 3pxp"}, ""},
		"code without a seed": {withCode(), *owner(), "seed is not set"},
		"code of another":     {withCode(), mystorepages.Login{Email: email, Password: password, CodeSeed: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}, "The code is wrong"},
		"no seed at all":      {withCode(), mystorepages.Login{Email: email, Password: password, CodeSeed: "1189!"}, "can't be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, setup{seed: test.seed, noSession: true, login: &test.login})
			if test.message == "" {
				b.reads(t, fjellsport)
				b.reads(t, fjellsport)
			} else {
				_, err := b.Credentials(t.Context(), fjellsport)
				var refused *mystorepages.SignInError
				if !errors.As(err, &refused) || refused.Shop != fjellsport || !strings.Contains(err.Error(), test.message) {
					t.Errorf("the error is %v, want one that says %q", err, test.message)
				}
				for _, secret := range []string{test.login.Password, test.login.CodeSeed} {
					if secret != "" && strings.Contains(fmt.Sprint(err), secret) {
						t.Error("the error has what was typed")
					}
				}
			}
			if n := b.requests("POST", pageSignIn); n != 1 {
				t.Errorf("signed in %d times, want once", n)
			}
			b.untouched(t, fjellsport)
		})
	}
}

// TestManyTabsSignInOnce: both before there is a session and after it has expired; and a login that is
// not taken is not tried again, lest the user be locked out.
func TestManyTabsSignInOnce(t *testing.T) {
	t.Parallel()
	const tabs = 3
	for name, test := range map[string]struct {
		login *mystorepages.Login
		works bool
	}{
		"the right password": {owner(), true},
		"a wrong one":        {&mystorepages.Login{Email: email, Password: "correct horse"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, setup{login: test.login, tabs: tabs})
			b.reads(t, fjellsport)
			if n := b.requests("POST", pageSignIn); n != 0 {
				t.Errorf("signed in %d times, although there is a session", n)
			}
			b.EndSessions()
			var group sync.WaitGroup
			for range 2 * tabs {
				group.Go(func() {
					_, err := b.Credentials(t.Context(), fjellsport)
					var refused *mystorepages.SignInError
					if test.works && err != nil || !test.works && !errors.As(err, &refused) {
						t.Errorf("the error is %v", err)
					}
				})
			}
			group.Wait()
			if n := b.requests("POST", pageSignIn); n != 1 {
				t.Errorf("signed in %d times, want once", n)
			}
			b.kept(t)
		})
	}
}

func TestAnExpiredSessionWithoutALoginIsSaidToBe(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	b.reads(t, fjellsport)
	b.EndSessions()
	_, err := b.Credentials(t.Context(), fjellsport)
	isKind(t, err, browser.SignedOut)
	_, err = b.Client.Install(t.Context(), fjellsport, "M00412871-a", "kco_live_api_a")
	isKind(t, err, browser.SignedOut)
	if !transport.DidNothing(err) {
		t.Errorf("the error does not say that nothing was written: %v", err)
	}
	b.untouched(t, fjellsport)
}

// TestAWriteThatWasSignedOutOfIsNotRepeated: nobody knows what became of it.
func TestAWriteThatWasSignedOutOfIsNotRepeated(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{login: owner()})
	username, secret := b.newKey(t, "M00412871")
	b.arm(t, sandbox.Fault{Method: "POST", Template: pageCredentials, Kind: sandbox.FaultSignOut, Times: 1})
	_, err := b.Client.Install(t.Context(), fjellsport, username, secret)
	isKind(t, err, browser.SignedOut)
	if !transport.IsUncertain(err) {
		t.Errorf("the error is not uncertain: %v", err)
	}
	if n := b.requests("POST", pageCredentials); n != 1 {
		t.Errorf("%d writes, want 1", n)
	}
	b.untouched(t, fjellsport)
	if _, err := b.Client.Install(t.Context(), fjellsport, username, secret); err != nil {
		t.Fatal(err)
	}
	b.holds(t, fjellsport, username, secret)
}

// TestAWriteThatHasToSignInFirstDoes: before anything was written.
func TestAWriteThatHasToSignInFirstDoes(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{login: owner()})
	b.reads(t, fjellsport)
	b.EndSessions()
	username, secret := b.newKey(t, "M00412871")
	if _, err := b.Client.Install(t.Context(), fjellsport, username, secret); err != nil {
		t.Fatal(err)
	}
	b.holds(t, fjellsport, username, secret)
	b.kept(t)
}

func TestAShopThatThereIsNoWayIntoIsSaidToBe(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{noSession: true})
	if _, err := b.Credentials(t.Context(), fjellsport); !errors.Is(err, errNoAccess) {
		t.Errorf("the error is %v", err)
	}
	if n := len(b.Requests()); n != 0 {
		t.Errorf("%d requests were made", n)
	}
}

func TestALoginDoesNotPrint(t *testing.T) {
	t.Parallel()
	login := mystorepages.Login{Email: email, Password: password, CodeSeed: codeSeed}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(verb, mystorepages.Access{Login: &login}) + fmt.Sprintf(verb, login); strings.Contains(text, password) {
			t.Errorf("%s prints the login", verb)
		}
	}
}
