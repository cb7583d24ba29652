package provider_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/tfversion"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

const verifyAction = "kustom_verify_credentials"

var (
	examplePair = values{"kustom_id": exampleUsername, "kustom_secret": exampleSecret}
	exampleShop = values{"shop": "nettbutikk"}
)

// TestVerifyCredentials_TellsWhatItFinds verifies a shop, a pair of ID and secret, and both.
func TestVerifyCredentials_TellsWhatItFinds(t *testing.T) {
	const (
		read   = "Reading what shop nettbutikk holds."
		holds  = "Shop nettbutikk holds M00123456-aB3dE, since 2026-10-01T08:00:00Z."
		looks  = "Looking for M00123456-aB3dE among the API keys of store M00123456 in Kustom Portal."
		exists = "M00123456-aB3dE exists, and belongs to api.kustom.co."
		proves = "Proving M00123456-aB3dE at Kustom's merchant API."
		found  = ": 404 Not Found"
		proven = "Kustom's merchant API accepts M00123456-aB3dE with its secret."
		done   = "All checks passed."
	)
	tests := map[string]struct {
		config values
		// unset are variables that it must do without.
		unset    []string
		progress []string
		// proofs counts the invented credentials too.
		proofs int
	}{
		"shop and pair": {config: examplePair.with(exampleShop), progress: []string{read, holds, looks, exists, proves, found, proven, done}, proofs: 2},
		"shop":          {config: exampleShop, unset: []string{"KUSTOM_API_URL"}, progress: []string{read, holds, looks, exists, done}},
		"pair":          {config: examplePair, unset: []string{"KUSTOM_PORTAL_TOKEN", "MYSTORE_TOKENS"}, progress: []string{proves, found, proven, done}, proofs: 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVendors(t, exampleSeed(), sandbox.Options{})
			for _, variable := range test.unset {
				delete(v.env, variable)
			}
			got := v.act(t, verifyAction, test.config)
			got.wantProblems(t, "invoke")
			got.wantProgress(t, test.progress...)
			v.wantNoSecrets(t, got)
			v.wantCount(t, test.proofs, sandbox.Merchant, http.MethodGet, orderCall)
			v.wantOnlyReads(t)
			v.wantViolations(t)
		})
	}
}

// TestVerifyCredentials_ClearsSwitchStatus proves a new key in a store whose status is still that of
// its old one.
func TestVerifyCredentials_ClearsSwitchStatus(t *testing.T) {
	t.Parallel()
	v := newVendors(t, sandbox.ThreeShops(), sandbox.Options{PropagationDelay: 10 * time.Second})
	key := v.mustGenerate("M00412871", "")
	got := v.act(t, verifyAction, values{"kustom_id": key.Username, "kustom_secret": key.Secret})
	got.wantProblems(t, "invoke")
	// The key has not reached every node at first.
	got.wantProgress(t, ": 401 Unauthorized", ": 404 Not Found", "accepts "+key.Username)
	status, err := v.EndpointStatus("M00412871")
	if err != nil {
		t.Fatal(err)
	}
	if checkout := status.Services[0]; checkout.ActionRequired != nil {
		t.Errorf("the checkout's status is %+v", checkout)
	}
	v.wantNoSecrets(t, got)
}

func TestVerifyCredentials_NamesWhatIsWrong(t *testing.T) {
	install := func(id, secret string) func(*testing.T, *vendors) {
		return func(_ *testing.T, v *vendors) { v.mustInstall("nettbutikk", id, secret) }
	}
	arm := func(f sandbox.Fault) func(*testing.T, *vendors) {
		return func(_ *testing.T, v *vendors) { v.Arm(f) }
	}
	firewall := sandbox.Fault{API: sandbox.Merchant, Status: http.StatusForbidden, ContentType: "text/html", Body: "<h1>Blocked</h1>"}
	tests := map[string]struct {
		config  values
		prepare func(*testing.T, *vendors)
		want    []problem
	}{
		"pair refused": {
			config: examplePair.with(values{"kustom_secret": "kco_live_api_lost"}),
			want: []problem{{"kustom_id", "Credentials not verified", "rejects this Kustom ID (M00123456-aB3dE) with this Kustom Secret. " +
				"Check that ID and secret belong to the same key"}},
		},
		"region firewall": {
			config: examplePair, prepare: arm(firewall),
			want: []problem{{"", "Credentials not verified", "accepts no requests from this region. Nobody checked the credentials. Run from a machine in a supported region, such as Europe. "}},
		},
		"merchant API unreachable": {
			config: examplePair, prepare: func(_ *testing.T, v *vendors) { v.env["KUSTOM_API_URL"] = "http://127.0.0.1:1" },
			want: []problem{{"", "Credentials not verified", "answer of Kustom's merchant API was inconclusive. Run again. If the error comes again, check the network and api_url. "}},
		},
		"shop holds another ID": {
			config:  examplePair.with(exampleShop),
			prepare: func(_ *testing.T, v *vendors) { v.byHand("nettbutikk", exampleStore) },
			want:    []problem{{"kustom_id", "The shop has another Kustom ID", "Shop nettbutikk takes payments with the Kustom ID M00123456-"}},
		},
		"key was deleted": {
			config:  exampleShop,
			prepare: func(_ *testing.T, v *vendors) { v.mustDeleteKey(exampleStore, "7a3c0c1e-5b1e-4a49-9d0e-0c8f0f6e2b11") },
			want:    []problem{{"shop", "The shop's key does not exist", "Shop nettbutikk has the Kustom ID M00123456-aB3dE, but store M00123456 has no such API key"}},
		},
		"key of Klarna's": {
			config: values{"shop": "fjellsport"},
			want: []problem{{
				"shop", "The shop's key belongs to another host",
				"Shop fjellsport takes payments with M00412871-qT7vA. This key belongs to api.klarna.com, not to api.kustom.co.",
			}},
		},
		"two mistakes": {
			config: examplePair.with(values{"shop": "butikk", "kustom_secret": "kco_live_api_lost"}),
			want: []problem{
				{"shop", "The shop has no credentials", "Shop butikk has Klarna Checkout V3, but no Kustom ID"},
				{"kustom_id", "Credentials not verified", "rejects this Kustom ID"},
			},
		},
		"ID and secret swapped in the shop": {
			config: exampleShop, prepare: install(exampleSecret, "M00123456-zY9xW"),
			want: []problem{{"shop", "The shop's Kustom ID is malformed", "Perhaps ID and secret are swapped. It is not shown here, because it may be the secret."}},
		},
		"ID without a secret in the shop": {
			config: exampleShop,
			prepare: arm(sandbox.Fault{
				API: sandbox.Mystore, Template: credentialsCall, Status: http.StatusOK, ContentType: "application/vnd.api+json",
				Body: `{"data":{"type":"extension-credentials","id":"klarna-checkout-v3","attributes":{"kustom_id":"M00123456-aB3dE","secret_set":false,"updated_at":null}}}`,
			}),
			want: []problem{{"shop", "The shop has no Kustom Secret", "Shop nettbutikk has the Kustom ID M00123456-aB3dE, but no secret"}},
		},
		"another store's key that nobody can see": {
			config: exampleShop, prepare: install("M00777777-aaaaa", exampleSecret),
			want: []problem{{"shop", "Credentials not verified", "can't see such a store."}},
		},
		"no Klarna Checkout V3": {
			config: exampleShop, prepare: func(t *testing.T, v *vendors) { uninstall(t, v.Sandbox) },
			want: []problem{{"shop", "Credentials not verified", "Shop nettbutikk has no Klarna Checkout V3."}},
		},
		"no token for the shop": {
			config: values{"shop": "nabobutikk"},
			want:   []problem{{"shop", "Credentials not verified", "The provider has no Mystore token for shop nabobutikk."}},
		},
		"no portal token": {
			config: exampleShop, prepare: func(_ *testing.T, v *vendors) { delete(v.env, "KUSTOM_PORTAL_TOKEN") },
			want: []problem{{"", "Credentials not verified", "The provider's portal_token is not set."}},
		},
		"portal in trouble": {
			config: exampleShop, prepare: arm(sandbox.Fault{API: sandbox.Portal, Status: http.StatusBadGateway}),
			want: []problem{{"", "Credentials not verified", "returned a server error (502). Run again in a few minutes."}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVendors(t, exampleWithThreeShops(), sandbox.Options{})
			if test.prepare != nil {
				test.prepare(t, v)
			}
			got := v.act(t, verifyAction, test.config)
			got.wantProblems(t, "invoke", test.want...)
			for _, d := range got.problems {
				if strings.Contains(d.Detail, "verify = false") || strings.Contains(d.Detail, "Nothing was written") {
					t.Errorf("the advice is not for an action: %s", d.Detail)
				}
			}
			if got.progress[len(got.progress)-1] == "All checks passed." {
				t.Error("it says that everything is right")
			}
			v.wantNoSecrets(t, got, "kco_live_api_lost")
			v.wantOnlyReads(t)
			v.wantViolations(t)
		})
	}
}

// TestVerifyCredentials_ChecksValuesThatAreKnownLate gives values only to the invocation that the plan did not know.
func TestVerifyCredentials_ChecksValuesThatAreKnownLate(t *testing.T) {
	t.Parallel()
	v := newVendors(t, exampleSeed(), sandbox.Options{})
	s := v.actionServer(t)
	s.plan(t, verifyAction, values{"shop": unknown, "kustom_id": unknown, "kustom_secret": unknown}).wantProblems(t, "plan")
	swapped := values{"kustom_id": exampleSecret, "kustom_secret": exampleUsername}
	got := s.invoke(t, verifyAction, swapped)
	got.wantProblems(t, "invoke", problem{"kustom_id", "Kustom ID and Kustom Secret are swapped", ""})
	v.wantNoSecrets(t, got)
	other := s.invoke(t, verifyAction, values{"kustom_id": "PM00123456-aB3dE", "kustom_secret": "kco_test_api_x"})
	other.wantProblems(t, "invoke", problem{"kustom_id", "The key belongs to the playground environment", ""})
	v.wantNoRequests(t)
}

// TestVerifyCredentials_LooksAgainAtEachInvocation changes the shop by hand between two invocations.
func TestVerifyCredentials_LooksAgainAtEachInvocation(t *testing.T) {
	t.Parallel()
	v := newVendors(t, exampleSeed(), sandbox.Options{})
	s := v.actionServer(t)
	s.invoke(t, verifyAction, exampleShop).wantProblems(t, "invoke")
	v.release(t, "nettbutikk")
	s.invoke(t, verifyAction, exampleShop).wantProblems(t, "invoke", problem{"shop", "The shop has no credentials", ""})
}

// TestVerifyCredentials_KeepsItsTimeout gives the proof less time than a new key can need.
func TestVerifyCredentials_KeepsItsTimeout(t *testing.T) {
	t.Parallel()
	v := newVendors(t, exampleSeed(), sandbox.Options{})
	start := v.clock.Now()
	got := v.act(t, verifyAction, examplePair.with(values{"kustom_secret": "kco_live_api_lost", "timeout": "10s"}))
	got.wantProblems(t, "invoke", problem{"kustom_id", "Credentials not verified", "rejects this Kustom ID"})
	if took := v.clock.Now().Sub(start); took < time.Second || took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}

// TestAccVerifyCredentials_FollowsChange runs the published example in which new credentials trigger the action.
func TestAccVerifyCredentials_FollowsChange(t *testing.T) {
	t.Parallel()
	seed := sandbox.ThreeShops()
	w := newTestEnv(t, testEnvOptions{seed: &seed, sandbox: sandbox.Options{PropagationDelay: 5 * time.Second}})
	w.skipBelow(t, tfversion.Version1_14_0)
	w.useExample(t, "verify-after-change", seed)
	applied := w.mustApply(t)
	for _, shop := range seed.Shops {
		now, _ := w.sandbox.Shop(shop.Name)
		for _, says := range []string{"Shop " + shop.Name + " holds " + now.KustomID, "Kustom's merchant API accepts " + now.KustomID} {
			if !strings.Contains(applied.output, says) {
				t.Errorf("nothing said %q:\n%s", says, applied.output)
			}
		}
	}
	if n := leaks(applied.output, w.sandbox.Secrets()); n > 0 {
		t.Errorf("the output has %d secrets:\n%s", n, applied.output)
	}
	w.mustBeEmpty(t)
	w.sandbox.ResetRequests()
	again := w.terraform(t, "apply", "-invoke=action.kustom_verify_credentials.shop", "-auto-approve", "-input=false", "-no-color")
	// One more than there are shops: the invented credentials is tried once in a run.
	if again.code != 0 || w.sandbox.Count(sandbox.Merchant, http.MethodGet, orderCall) != len(seed.Shops)+1 {
		t.Errorf("exit code %d:\n%s", again.code, again.output)
	}
	if n := leaks(again.output, w.sandbox.Secrets()); n > 0 {
		t.Errorf("the output has %d secrets:\n%s", n, again.output)
	}
	// The example leaves the old keys in the portal.
	w.mustBeRight(t, seed, len(seed.Shops))
}
