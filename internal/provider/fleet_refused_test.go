package provider_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/tfdriver"
)

// TestFleet_WaitsSideBySide migrates hundreds of shops, and as many others whose vendors refuse one request in
// twenty, for being one too many or for a fault of their own. What the vendors ask to wait, the shops wait at the
// same time. Nothing but waiting takes time here: a sleep ends when nobody has anything else to do.
func TestFleet_WaitsSideBySide(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		took, _ := migrateInMemory(t, func(*sandbox.Sandbox) {})
		longer, s := migrateInMemory(t, func(s *sandbox.Sandbox) {
			// Always the same requests are refused: how long it takes depends on how often one is in a row.
			dice := &chance{seed: 1, seen: map[string]int{}}
			dice.arm(s, 20, []sandbox.Fault{
				{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"1"}}},
				{Status: http.StatusServiceUnavailable},
			}, func(sandbox.Request) bool { return true })
		})
		var asked time.Duration
		for _, r := range s.Requests() {
			if r.Status == http.StatusTooManyRequests {
				asked += time.Second
			}
		}
		t.Logf("%d shops in %v; with %v that the vendors ask to wait, %v", hundreds, took, asked, longer)
		if asked < hundreds/8*time.Second {
			t.Errorf("the vendors asked to wait %v only", asked)
		}
		// What was refused is looked at again when the vendors' lag is over, for all shops at once.
		if longer-took > rotation.PropagationDelay+asked/3 {
			t.Errorf("it took %v longer", longer-took)
		}
	})
}

const hundreds = 300

// inMemory carries requests to a sandbox without a network.
type inMemory struct{ to *sandbox.Sandbox }

// RoundTrip implements [http.RoundTripper].
func (m inMemory) RoundTrip(req *http.Request) (*http.Response, error) {
	in := req.Clone(req.Context())
	in.Host = req.URL.Host
	if in.Body == nil {
		in.Body = http.NoBody
	}
	recorder := httptest.NewRecorder()
	m.to.ServeHTTP(recorder, in)
	if err := in.Body.Close(); err != nil {
		return nil, err
	}
	resp := recorder.Result()
	resp.Request = req
	return resp, nil
}

// migrateInMemory switches hundreds of shops, which one fleet has, and returns how long that took.
func migrateInMemory(t *testing.T, arm func(*sandbox.Sandbox)) (time.Duration, *sandbox.Sandbox) {
	t.Helper()
	seed := sandbox.FleetSeed(hundreds)
	s, err := sandbox.New(seed, sandbox.Options{Clock: clock.System{}, Latency: distance, Unchecked: true})
	if err != nil {
		t.Fatal(err)
	}
	env := s.Env("http://127.0.0.1")
	p := newProvider(provider.Options{
		Version: "test", Clock: clock.System{}, RoundTripper: inMemory{s}, Getenv: func(name string) string { return env[name] },
	}, waysAPIs)
	start := func(string) (tfdriver.Server, tfdriver.Values, error) {
		server, err := provider.NewServer(p, false)
		return server, nil, err
	}
	server, _, err := start("")
	if err != nil {
		t.Fatal(err)
	}
	d, err := tfdriver.New(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	shops := map[string]any{}
	for _, shop := range seed.Shops {
		shops[shop.Name] = map[string]any{"merchant_id": shop.MerchantID}
	}
	config := tfdriver.Config{{Address: fleetAddress, Values: tfdriver.Values{"shops": shops}}}
	arm(s)
	began := time.Now()
	plan := d.Plan(t.Context(), config, tfdriver.NewState(), start, tfdriver.Options{})
	if plan.Failed() {
		t.Fatal(plan.Errors)
	}
	_, result := d.Apply(t.Context(), plan)
	took := time.Since(began)
	if result.Failed() {
		t.Fatal(result.Errors)
	}
	for _, r := range s.Requests() {
		if r.Status == http.StatusTooManyRequests && !r.Fault {
			t.Errorf("%s %s was refused: the provider was too fast", r.Method, r.Path)
		}
	}
	mustBeSwitched(t, s, seed)
	return took, s
}

// mustBeSwitched expects every shop to work with a key of Kustom's, and no key of Klarna's to be left.
func mustBeSwitched(t *testing.T, s *sandbox.Sandbox, seed sandbox.Seed) {
	t.Helper()
	for _, shop := range seed.Shops {
		if err := s.Working(shop.Name); err != nil {
			t.Errorf("shop %s takes no payments: %v", shop.Name, err)
		}
		if keys := s.Keys(shop.MerchantID); len(keys) != 1 || keys[0].Host != kustomHost {
			t.Errorf("store %s has %d keys", shop.MerchantID, len(keys))
		}
	}
}
