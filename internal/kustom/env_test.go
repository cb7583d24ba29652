package kustom_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox/sandboxtest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport/transporttest"
)

const (
	fjellsport = "M00412871"
	kaffebonna = "M00537204"
	oldKey     = "5f0c7f0a-4f0e-4a38-9d5e-2a3f6c1b7e01"
	adminToken = "fake-portal-token-admin"
	maxRetries = 2

	storeKeys = "/stores/{merchant_id}/credentials"
	storeKey  = "/stores/{merchant_id}/credentials/{credential_id}"
	keyList   = "/credentials"
)

var noon = time.Date(2026, time.March, 10, 12, 0, 0, 0, time.UTC)

// testEnv is a sandbox behind a loopback server, and clients of it. All share one clock.
type testEnv struct {
	t        *testing.T
	clock    *clocktest.Fake
	box      *sandbox.Sandbox
	server   *sandbox.Server
	portal   *kustom.Portal
	merchant *kustom.Merchant
}

// newTestEnv fails the test, when it ends, if a request broke the contract.
func newTestEnv(t *testing.T, seed sandbox.Seed, o sandbox.Options) *testEnv {
	t.Helper()
	env := &testEnv{t: t, clock: clocktest.New(noon)}
	o.Clock = env.clock
	// The server stops before the check, so that no request comes after it.
	t.Cleanup(func() {
		for _, v := range env.box.Violations() {
			t.Errorf("violation: %v", v)
		}
	})
	env.box, env.server = sandboxtest.Start(t, seed, o)
	env.portal = env.as(adminToken)
	env.merchant = kustom.NewMerchant(newClient(t, env.clock, env.server.APIURL()))
	return env
}

func threeShops(t *testing.T, o sandbox.Options) *testEnv {
	t.Helper()
	return newTestEnv(t, sandbox.ThreeShops(), o)
}

func token(value string) transport.Bearer {
	return func() (string, error) { return value, nil }
}

func newClient(t *testing.T, c clock.Clock, base string) *transport.Client {
	t.Helper()
	return transporttest.NewClient(t, base, transport.Options{
		API: "portal", MaxRetries: maxRetries, Timeout: time.Second, Clock: c, Problem: kustom.Problem,
	})
}

// portalOf returns a client of a portal whose answers come from handler.
func portalOf(t *testing.T, c clock.Clock, handler http.HandlerFunc) *kustom.Portal {
	t.Helper()
	srv := httptest.NewServer(handler)
	t.Cleanup(srv.Close)
	return kustom.NewPortal(newClient(t, c, srv.URL), token(adminToken))
}

// portalAnswering returns a client of a portal that answers every request with this JSON.
func portalAnswering(body string) *kustom.Portal {
	answer := transporttest.Answer{Status: http.StatusOK, ContentType: transport.JSON, Body: body}
	return kustom.NewPortal(fuzzClient(clocktest.New(noon), answer), token(adminToken))
}

// as returns a client of the portal for a user.
func (env *testEnv) as(userToken string) *kustom.Portal {
	env.t.Helper()
	return kustom.NewPortal(newClient(env.t, env.clock, env.server.PortalURL()), token(userToken))
}

// newKeys returns the keys of a store that the client generated.
func (env *testEnv) newKeys(merchantID string) []sandbox.Key {
	var made []sandbox.Key
	for _, k := range env.box.Keys(merchantID) {
		if k.CreatedBy == "ops@agency.example" && !k.CreatedAt.Before(noon) {
			made = append(made, k)
		}
	}
	return made
}

// key generates a key of Fjellsport in the sandbox.
func (env *testEnv) key() sandbox.Key {
	env.t.Helper()
	key, err := env.box.GenerateKey(fjellsport, "")
	if err != nil {
		env.t.Fatal(err)
	}
	return key
}

// cancelAt returns a context that is cancelled when such a request arrives. The request itself continues.
func (env *testEnv) cancelAt(method, template string) context.Context {
	env.t.Helper()
	ctx, cancel := context.WithCancel(env.t.Context())
	env.t.Cleanup(cancel)
	env.box.Arm(sandbox.Fault{API: sandbox.Portal, Method: method, Template: template, Match: func(sandbox.Request) bool {
		cancel()
		return false
	}})
	return ctx
}

// idempotencyKeys returns the Idempotency-Keys that were sent, in order of their first use.
func (env *testEnv) idempotencyKeys() []string {
	var keys []string
	seen := map[string]bool{}
	for _, r := range env.box.Requests() {
		if r.Method == http.MethodPost && !seen[r.IdempotencyKey] {
			seen[r.IdempotencyKey] = true
			keys = append(keys, r.IdempotencyKey)
		}
	}
	return keys
}

func isNoKey(err error) bool {
	_, ok := errors.AsType[*kustom.NoKeyError](err)
	return ok
}

// orphanOf returns the orphan that an error reports, or nil.
func orphanOf(err error) *kustom.OrphanError {
	orphan, _ := errors.AsType[*kustom.OrphanError](err)
	return orphan
}
