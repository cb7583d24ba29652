package sandbox

import (
	"net/http"
	"testing"
	"time"
)

func (env *testEnv) remove(merchantID, credentialID string) {
	env.t.Helper()
	env.portal(http.MethodDelete, "/stores/"+merchantID+"/credentials/"+credentialID, "", adminHeader()).
		want(env.t, http.StatusNoContent)
}

// A switch in the guide's order breaks no invariant.
func TestViolations_NoneDuringSwitch(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{PropagationDelay: 5 * time.Second, Pending: 1})
	legacy := env.s.Keys(fjellsport)[0]
	made := env.generate()
	path := "/stores/" + fjellsport + "/credentials/" + made.text("credential_id")
	key := env.portal(http.MethodGet, path, "", adminHeader())
	env.clock.Advance(5 * time.Second)
	env.wantTry("that has propagated", key.text("username"), key.text("secret"), http.StatusNotFound)
	env.install("fjellsport", pairBody(key.text("username"), key.text("secret"))).want(t, http.StatusOK)
	env.remove(fjellsport, legacy.CredentialID)
	if err := env.s.Working("fjellsport"); err != nil {
		t.Error(err)
	}
	env.wantViolations()
}

func TestViolations_ReportBrokenInvariants(t *testing.T) {
	tests := map[string]struct {
		options Options
		act     func(env *testEnv, key Key)
		want    []ViolationKind
	}{
		"unknown key": {
			act:  func(env *testEnv, _ Key) { env.install("fjellsport", pairBody("M00412871-none", "kco_live_api_none")) },
			want: []ViolationKind{ViolationUnknownKey, ViolationShopStopped},
		},
		"wrong secret": {
			act:  func(env *testEnv, key Key) { env.install("fjellsport", pairBody(key.Username, "kco_live_api_none")) },
			want: []ViolationKind{ViolationWrongSecret, ViolationShopStopped},
		},
		"too early": {
			options: Options{PropagationDelay: time.Second},
			act:     func(env *testEnv, key Key) { env.install("fjellsport", pairBody(key.Username, key.Secret)) },
			want:    []ViolationKind{ViolationNotAccepted, ViolationShopStopped},
		},
		"a legacy key": {
			act: func(env *testEnv, _ Key) {
				legacy := env.s.Keys(fjellsport)[0]
				env.install("fjellsport", pairBody(legacy.Username, legacy.Secret))
			},
			want: []ViolationKind{ViolationNotAccepted},
		},
		"another store's key": {
			act:  func(env *testEnv, key Key) { env.install("kaffebonna", pairBody(key.Username, key.Secret)) },
			want: []ViolationKind{ViolationWrongStore, ViolationShopStopped},
		},
		"cleared": {
			act:  func(env *testEnv, _ Key) { env.install("fjellsport", pairBody(nil, nil)) },
			want: []ViolationKind{ViolationShopCleared},
		},
		"deleted in use": {
			act:  func(env *testEnv, _ Key) { env.remove(fjellsport, env.s.Keys(fjellsport)[0].CredentialID) },
			want: []ViolationKind{ViolationKeyInUse, ViolationShopStopped},
		},
		"deleted, in a shop that has stopped already": {
			act: func(env *testEnv, _ Key) {
				legacy := env.s.Keys(fjellsport)[0]
				if err := env.s.Install("fjellsport", legacy.Username, "kco_live_api_none"); err != nil {
					env.t.Fatal(err)
				}
				env.remove(fjellsport, legacy.CredentialID)
			},
			want: []ViolationKind{ViolationKeyInUse},
		},
		"unused key deleted": {
			act: func(env *testEnv, _ Key) { env.remove(kaffebonna, env.s.Keys(kaffebonna)[1].CredentialID) },
		},
		"refused pair": {
			act: func(env *testEnv, key Key) { env.install("fjellsport", pairBody(key.Username, " ")) },
		},
		"secret in the URL": {
			act: func(env *testEnv, key Key) {
				env.portal(http.MethodGet, "/credentials?merchant_id="+key.Secret, "", adminHeader())
			},
			want: []ViolationKind{ViolationSecretInURL, ViolationContract},
		},
		"token in the URL": {
			act: func(env *testEnv, _ Key) {
				env.portal(http.MethodGet, "/credentials?cursor=fake-portal-token-admin", "", adminHeader())
			},
			want: []ViolationKind{ViolationSecretInURL, ViolationContract},
		},
		"portal token sent to Mystore": {
			act: func(env *testEnv, _ Key) {
				env.mystore(http.MethodGet, credentials, "", headers(shopHeader("x"), "Authorization", "Bearer fake-portal-token-admin"))
			},
			want: []ViolationKind{ViolationMisdirectedToken},
		},
		"shop's token sent to the portal": {
			act: func(env *testEnv, _ Key) {
				env.portal(http.MethodGet, "/stores", "", portalHeader("fake-mystore-token-fjellsport"))
			},
			want: []ViolationKind{ViolationMisdirectedToken},
		},
		"by hand": {
			act: func(env *testEnv, _ Key) {
				if err := env.s.DeleteKey(fjellsport, env.s.Keys(fjellsport)[0].CredentialID); err != nil {
					env.t.Fatal(err)
				}
				if err := env.s.Install("kaffebonna", "", ""); err != nil {
					env.t.Fatal(err)
				}
				if err := env.s.UninstallExtension("ullogtre", KlarnaCheckoutV3); err != nil {
					env.t.Fatal(err)
				}
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			env := newTestEnv(t, ThreeShops(), test.options)
			key := env.newKey(fjellsport)
			test.act(env, key)
			env.wantViolations(test.want...)
			env.wantNoSecrets()
		})
	}
}

func TestWorking_NeedsAcceptedPair(t *testing.T) {
	tests := map[string]func(s *Sandbox) error{
		"no extension": func(s *Sandbox) error { return s.UninstallExtension("fjellsport", KlarnaCheckoutV3) },
		"not active": func(s *Sandbox) error {
			return s.InstallExtension("fjellsport", Extension{ID: KlarnaCheckoutV3, Name: "Klarna Checkout V3", Version: "3.5.0"})
		},
		"cleared":      func(s *Sandbox) error { return s.Install("fjellsport", "", "") },
		"wrong secret": func(s *Sandbox) error { return s.Install("fjellsport", s.Keys(fjellsport)[0].Username, "x") },
		"key deleted":  func(s *Sandbox) error { return s.DeleteKey(fjellsport, s.Keys(fjellsport)[0].CredentialID) },
		"other store": func(s *Sandbox) error {
			key := s.Keys(kaffebonna)[0]
			return s.Install("fjellsport", key.Username, key.Secret)
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			s := newTestEnv(t, ThreeShops(), Options{}).s
			if err := s.Working("fjellsport"); err != nil {
				t.Fatalf("the shop of the seed does not work: %v", err)
			}
			if err := change(s); err != nil {
				t.Fatal(err)
			}
			if err := s.Working("fjellsport"); err == nil {
				t.Error("the shop still works")
			}
			if err := s.PlaceOrder("fjellsport"); err == nil {
				t.Error("the shop still takes orders")
			}
		})
	}
}

func TestManualChanges_ReturnErrors(t *testing.T) {
	s := newTestEnv(t, ThreeShops(), Options{KeyLimit: 1}).s
	tests := map[string]error{
		"key in no store":        s.DeleteKey("M00999999", "x"),
		"no such key":            s.DeleteKey(fjellsport, "x"),
		"pair in no shop":        s.Install("nowhere", "a", "b"),
		"half a pair":            s.Install("fjellsport", "a", ""),
		"extension, no shop":     s.InstallExtension("nowhere", Extension{ID: "x"}),
		"no such extension":      s.UninstallExtension("fjellsport", "x"),
		"no extension, no shop":  s.UninstallExtension("nowhere", "x"),
		"working, no shop":       s.Working("nowhere"),
		"generate, limit":        second(s.GenerateKey(fjellsport, "")),
		"generate in no store":   second(s.GenerateKey("M00999999", "")),
		"endpoint status, store": second(s.EndpointStatus("M00999999")),
	}
	for name, err := range tests {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, ok := s.Shop("nowhere"); ok || s.Keys("M00999999") != nil {
		t.Errorf("an unknown shop or store was found")
	}
}

func second[T any](_ T, err error) error { return err }
