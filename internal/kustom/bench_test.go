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

// bench is a sandbox behind a loopback server, and clients of it. All share one clock.
type bench struct {
	t        *testing.T
	clock    *clocktest.Fake
	box      *sandbox.Sandbox
	portal   *kustom.Portal
	merchant *kustom.Merchant
}

// newBench fails the test, when it ends, if a request broke the contract.
func newBench(t *testing.T, seed sandbox.Seed, o sandbox.Options) *bench {
	t.Helper()
	b := &bench{t: t, clock: clocktest.New(noon)}
	o.Clock = b.clock
	box, err := sandbox.New(seed, o)
	if err != nil {
		t.Fatal(err)
	}
	b.box = box
	srv, err := sandbox.Start(box)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		for _, v := range box.Violations() {
			t.Errorf("violation: %v", v)
		}
	})
	b.portal = kustom.NewPortal(newClient(t, b.clock, srv.PortalURL()), token(adminToken))
	b.merchant = kustom.NewMerchant(newClient(t, b.clock, srv.APIURL()))
	return b
}

func threeShops(t *testing.T, o sandbox.Options) *bench {
	t.Helper()
	return newBench(t, sandbox.ThreeShops(), o)
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

// as returns the portal's client for another user.
func (b *bench) as(userToken string) *kustom.Portal {
	b.t.Helper()
	srv, err := sandbox.Start(b.box)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = srv.Close() })
	return kustom.NewPortal(newClient(b.t, b.clock, srv.PortalURL()), token(userToken))
}

// made returns the keys of a store that were not in the seed.
func (b *bench) made(merchantID string) []sandbox.Key {
	var made []sandbox.Key
	for _, k := range b.box.Keys(merchantID) {
		if k.CreatedBy == "ops@agency.example" && !k.CreatedAt.Before(noon) {
			made = append(made, k)
		}
	}
	return made
}

// key returns a new key of Fjellsport, which was not made by the client.
func (b *bench) key() sandbox.Key {
	b.t.Helper()
	key, err := b.box.GenerateKey(fjellsport, "")
	if err != nil {
		b.t.Fatal(err)
	}
	return key
}

// cancelAt cancels the returned context the moment a request of that kind arrives; the request
// itself goes on.
func (b *bench) cancelAt(method, template string) context.Context {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	b.t.Cleanup(cancel)
	b.box.Arm(sandbox.Fault{API: sandbox.Portal, Method: method, Template: template, Match: func(sandbox.Request) bool {
		cancel()
		return false
	}})
	return ctx
}

// intentions returns the Idempotency-Keys that were sent, in order of their first use.
func (b *bench) intentions() []string {
	var keys []string
	seen := map[string]bool{}
	for _, r := range b.box.Requests() {
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
