package kustom_test

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// manyKeys is one store with n keys.
func manyKeys(n int) sandbox.Seed {
	seed := sandbox.FleetSeed(1)
	first := seed.Stores[0].Keys[0]
	for i := 2; i <= n; i++ {
		key := first
		key.CredentialID = fmt.Sprintf("00000000-0000-4000-8000-%012d", i)
		key.Username = fmt.Sprintf("%s-g%04x", seed.Stores[0].MerchantID, i)
		key.Secret = fmt.Sprintf("kco_live_api_fake%036d", i)
		seed.Stores[0].Keys = append(seed.Stores[0].Keys, key)
	}
	seed.Users[0].Token = adminToken
	return seed
}

func TestKeys_ReadsPages_I7(t *testing.T) {
	t.Parallel()
	seed := sandbox.FleetSeed(250)
	seed.Users[0].Token = adminToken
	env := newTestEnv(t, seed, sandbox.Options{})
	seen := map[string]bool{}
	for key, err := range env.portal.Keys(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if seen[key.CredentialID] {
			t.Errorf("key %s was listed twice", key.CredentialID)
		}
		seen[key.CredentialID] = true
	}
	if len(seen) != 250 || len(env.box.Requests()) != 3 {
		t.Errorf("%d keys were listed in %d requests", len(seen), len(env.box.Requests()))
	}
}

func TestKeys_ReadsOneStore_I7(t *testing.T) {
	t.Parallel()
	env := threeShops(t, sandbox.Options{})
	var usernames []string
	for range 2 { // The sequence can be iterated again.
		usernames = nil
		for key, err := range env.portal.Keys(t.Context(), kaffebonna) {
			if err != nil {
				t.Fatal(err)
			}
			usernames = append(usernames, key.Username)
		}
	}
	if len(usernames) != 2 || len(env.box.Requests()) != 2 {
		t.Errorf("%v were listed in %d requests", usernames, len(env.box.Requests()))
	}
}

func TestKeys_StopsWithCaller_I7(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, manyKeys(250), sandbox.Options{})
	for _, err := range env.portal.Keys(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	if n := len(env.box.Requests()); n != 1 {
		t.Errorf("%d pages were read for one key", n)
	}
}

func TestKeys_EndsAtFirstError(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, manyKeys(150), sandbox.Options{})
	env.box.Arm(sandbox.Fault{Template: keyList, Skip: 1, Status: http.StatusForbidden})
	keys, failures := 0, 0
	for _, err := range env.portal.Keys(t.Context(), "") {
		if err == nil {
			keys++
			continue
		}
		failures++
		if !transport.IsStatus(err, http.StatusForbidden) {
			t.Errorf("the error is %v", err)
		}
	}
	if keys != 100 || failures != 1 {
		t.Errorf("there were %d keys and %d errors", keys, failures)
	}
}

func TestKey_HasAllFields(t *testing.T) {
	t.Parallel()
	env := threeShops(t, sandbox.Options{})
	key, err := env.portal.Key(t.Context(), fjellsport, oldKey)
	if err != nil {
		t.Fatal(err)
	}
	used := time.Date(2026, time.March, 2, 10, 41, 17, 0, time.UTC)
	if key.LastUsedAt == nil || !key.LastUsedAt.Equal(used) {
		t.Errorf("it was last used at %v", key.LastUsedAt)
	}
	key.LastUsedAt = nil
	want := kustom.Key{
		CredentialID: oldKey, MerchantID: fjellsport, Username: "M00412871-qT7vA", Environment: "live",
		Host: "api.klarna.com", Status: "ACTIVE", CreatedBy: "kari@fjellsport.example",
		CreatedAt: time.Date(2021, time.April, 12, 8, 30, 0, 0, time.UTC),
	}
	if key != want {
		t.Errorf("the key is %+v, want %+v", key, want)
	}
}

// The portal's pages do not show every field. They may show an expiry.
func TestKey_HasOptionalFields(t *testing.T) {
	t.Parallel()
	env := threeShops(t, sandbox.Options{HideHost: true, KeyLifetime: time.Hour})
	made, err := env.generate(t.Context())
	env.wantOne(made, err)
	key, err := env.portal.Key(t.Context(), fjellsport, made.CredentialID)
	if err != nil {
		t.Fatal(err)
	}
	if key.Host != "" || key.ExpiresAt == nil || !key.ExpiresAt.Equal(key.CreatedAt.Add(time.Hour)) {
		t.Errorf("the host is %q, the expiry %v", key.Host, key.ExpiresAt)
	}
	if origin := key.Origin(); origin.Owner != kustom.OwnerKustom {
		t.Errorf("its origin is %+v", origin)
	}
}

func TestReady_NeedsToken(t *testing.T) {
	t.Parallel()
	missing := errors.New("portal_token is not set")
	env := threeShops(t, sandbox.Options{})
	if err := env.portal.Ready(); err != nil {
		t.Error(err)
	}
	p := kustom.NewPortal(newClient(t, env.clock, "http://127.0.0.1:1"), func() (string, error) { return "", missing })
	if err := p.Ready(); !errors.Is(err, missing) {
		t.Errorf("the error is %v", err)
	}
	if _, err := p.Generate(t.Context(), kustom.Request{MerchantID: fjellsport, Description: "x"}); !errors.Is(err, missing) || orphanOf(err) != nil {
		t.Errorf("the error is %v", err)
	}
}

// The provider replaces a key that is gone, so only a conclusive answer may report that (I3).
func TestKey_IsGoneOnlyWhenSure_I3(t *testing.T) {
	t.Parallel()
	get := sandbox.Fault{API: sandbox.Portal, Method: http.MethodGet, Template: storeKey}
	list := sandbox.Fault{API: sandbox.Portal, Method: http.MethodGet, Template: keyList}
	with := func(f sandbox.Fault, status int, body string) sandbox.Fault {
		f.Status, f.Body = status, body
		if body != "" {
			f.ContentType = transport.JSON
		}
		return f
	}
	html := func(f sandbox.Fault, status int) sandbox.Fault {
		f.Status, f.ContentType, f.Body = status, "text/html", "<h1>Maintenance</h1>"
		return f
	}
	tests := map[string]struct {
		id     string
		token  string
		faults []sandbox.Fault
		// found and gone say what the answer proves. If neither is set, Key fails with another error.
		found, gone bool
	}{
		"exists":                    {id: oldKey, found: true},
		"gone":                      {id: "00000000-0000-4000-8000-000000000000", gone: true},
		"a wrong 404":               {id: oldKey, faults: []sandbox.Fault{with(get, 404, "")}, found: true},
		"404 from a proxy":          {id: oldKey, faults: []sandbox.Fault{html(get, 404)}, found: true},
		"store not visible":         {id: oldKey, token: "fake-portal-token-one"},
		"not an administrator":      {id: oldKey, token: "fake-portal-token-staff"},
		"token expired":             {id: oldKey, token: "fake-portal-token-expired"},
		"404 and the list fails":    {id: oldKey, faults: []sandbox.Fault{with(get, 404, ""), with(list, 500, "")}},
		"404 and the list is empty": {id: oldKey, faults: []sandbox.Fault{with(get, 404, ""), with(list, 200, `{}`)}},
		"404 and the list is null":  {id: oldKey, faults: []sandbox.Fault{with(get, 404, ""), with(list, 200, `null`)}},
		"404 and the list is HTML":  {id: oldKey, faults: []sandbox.Fault{with(get, 404, ""), html(list, 200)}},
		"an empty key":              {id: oldKey, faults: []sandbox.Fault{with(get, 200, `{}`)}},
		"another key":               {id: oldKey, faults: []sandbox.Fault{with(get, 200, `{"credential_id":"other","merchant_id":"M00412871","username":"M00412871-other"}`)}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, p := faultyPortal(t, test.token, test.faults)
			key, err := p.Key(t.Context(), fjellsport, test.id)
			if test.found && (err != nil || key.CredentialID != test.id) {
				t.Errorf("the key is %+v, error %v", key, err)
			}
			if !test.found && (err == nil || isNoKey(err) != test.gone) {
				t.Errorf("the key is %+v, error %v", key, err)
			}
		})
	}
}

// After a 404, the client reads the list to its end.
func TestKey_IsFoundOnLaterPage_I3(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, manyKeys(150), sandbox.Options{})
	last := env.box.Keys("M00500001")[149]
	env.box.Arm(sandbox.Fault{Method: http.MethodGet, Template: storeKey, Status: http.StatusNotFound})
	if key, err := env.portal.Key(t.Context(), "M00500001", last.CredentialID); err != nil || key.Username != last.Username {
		t.Errorf("the key is %+v, error %v", key, err)
	}
}

// faultyPortal returns a sandbox of stores without shops, with faults, and its portal for a user: the administrator by default.
func faultyPortal(t *testing.T, userToken string, faults []sandbox.Fault) (*testEnv, *kustom.Portal) {
	t.Helper()
	seed := sandbox.ThreeShops()
	seed.Shops = nil
	seed.Users = append(seed.Users, sandbox.User{Token: "fake-portal-token-one", Email: "one@shop.example", Stores: []string{kaffebonna}})
	env := newTestEnv(t, seed, sandbox.Options{})
	for _, f := range faults {
		env.box.Arm(f)
	}
	return env, env.as(cmp.Or(userToken, adminToken))
}

func TestDelete_ConfirmsKeyIsGone_I3(t *testing.T) {
	t.Parallel()
	del := sandbox.Fault{API: sandbox.Portal, Method: http.MethodDelete, Template: storeKey, Times: 1}
	kind := func(k sandbox.FaultKind) sandbox.Fault { f := del; f.Kind = k; return f }
	status := func(status, times int) sandbox.Fault { f := del; f.Status, f.Times = status, times; return f }
	// A gateway answers with a page in place of the API.
	page := del
	page.Times, page.Status, page.ContentType, page.Body = 0, http.StatusOK, "text/html", "<h1>Sign in</h1>"
	tests := map[string]struct {
		id     string
		token  string
		faults []sandbox.Fault
		fails  bool
	}{
		"plain":                  {id: oldKey},
		"gone already":           {id: "00000000-0000-4000-8000-000000000000"},
		"answer lost":            {id: oldKey, faults: []sandbox.Fault{kind(sandbox.FaultLoseAnswer)}},
		"dropped":                {id: oldKey, faults: []sandbox.Fault{kind(sandbox.FaultDrop)}},
		"503 at first":           {id: oldKey, faults: []sandbox.Fault{status(503, 1)}},
		"throttled at first":     {id: oldKey, faults: []sandbox.Fault{status(429, 2)}},
		"a wrong 404, once":      {id: oldKey, faults: []sandbox.Fault{status(404, 1)}},
		"a wrong 404, always":    {id: oldKey, faults: []sandbox.Fault{status(404, 0)}, fails: true},
		"404, store not visible": {id: oldKey, token: "fake-portal-token-one", fails: true},
		"not an administrator":   {id: oldKey, token: "fake-portal-token-staff", fails: true},
		"500, always":            {id: oldKey, faults: []sandbox.Fault{status(500, 0)}, fails: true},
		"a sign-in page":         {id: oldKey, faults: []sandbox.Fault{page}, fails: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env, p := faultyPortal(t, test.token, test.faults)
			err := p.Delete(t.Context(), fjellsport, test.id)
			if (err != nil) != test.fails {
				t.Errorf("the error is %v", err)
			}
			left := len(env.box.Keys(fjellsport)) > 0
			if err == nil && left && test.id == oldKey {
				t.Error("Delete succeeded, and the key still exists")
			}
		})
	}
}

// The 404 may come from a replica that does not have the new key yet, and the list may lack the key for the same reason.
func TestDelete_Returns404ForOwnNewKey(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, sandbox.ThreeShops(), sandbox.Options{})
	key, err := env.portal.Generate(t.Context(), kustom.Request{MerchantID: fjellsport})
	if err != nil {
		t.Fatal(err)
	}
	env.box.Arm(sandbox.Fault{API: sandbox.Portal, Method: http.MethodDelete, Template: storeKey, Times: 1, Status: http.StatusNotFound})
	if err := env.portal.Delete(t.Context(), fjellsport, key.CredentialID); !transport.IsStatus(err, http.StatusNotFound) {
		t.Errorf("the error is %v", err)
	}
	if err := env.portal.Delete(t.Context(), fjellsport, key.CredentialID); err != nil {
		t.Error(err)
	}
}
