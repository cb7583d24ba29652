package provider_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
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
// same time.
func TestFleet_WaitsSideBySide(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const hundreds = 300
		seed := sandbox.FleetSeed(hundreds)
		migrate := func(arm func(*sandbox.Sandbox)) (time.Duration, *memoryFleet) {
			f := newMemoryFleet(t, seed, sandbox.Options{Latency: distance, Unchecked: true})
			arm(f.sandbox)
			began := time.Now()
			f.mustApply(t, nil)
			took := time.Since(began)
			for _, r := range f.sandbox.Requests() {
				if r.Status == http.StatusTooManyRequests && !r.Fault {
					t.Errorf("%s %s was refused: the provider was too fast", r.Method, r.Path)
				}
			}
			return took, f
		}
		took, _ := migrate(func(*sandbox.Sandbox) {})
		longer, f := migrate(func(s *sandbox.Sandbox) {
			// Always the same requests are refused: how long it takes depends on how often one is in a row.
			dice := &chance{seed: 1, seen: map[string]int{}}
			dice.arm(s, 20, []sandbox.Fault{
				{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"1"}}},
				{Status: http.StatusServiceUnavailable},
			}, func(sandbox.Request) bool { return true })
		})
		var asked time.Duration
		for _, r := range f.sandbox.Requests() {
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

// TestFleet_IsFrugal migrates a thousand shops, and counts the requests of that and of a plan after it.
func TestFleet_IsFrugal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newMemoryFleet(t, sandbox.FleetSeed(thousand), sandbox.Options{Latency: distance, Unchecked: true})
		if failed := f.apply(t, nil); len(failed) > 0 {
			t.Fatal(failed)
		}
		migrating := len(f.sandbox.Requests())
		// The keys are listed for the plan and again for the apply, after a few stores asked for by themselves.
		const few = 3
		pages := len(f.seed.Stores) / keysPerPage
		// The plan reads each shop once. The apply takes seven requests for each: it reads the shop and makes, proves,
		// installs, reads back and deletes a key, and one more for its part of the listings, which shops share, before an
		// installation, after it, and after a deletion. One request more shows that a made-up pair is refused.
		if migrating > (1+7)*thousand+2*(pages+few)+1 {
			t.Errorf("migrating %d shops takes %d requests", thousand, migrating)
		}
		f.sandbox.ResetRequests()
		if plan := f.plan(t, nil); !plan.Empty() || plan.Failed() {
			t.Errorf("something is left to do: %v", plan.Errors)
		}
		planning := len(f.sandbox.Requests())
		if planning*100 > thousand*105 {
			t.Errorf("planning %d shops takes %d requests", thousand, planning)
		}
		summarize(t, fmt.Sprintf("fleet of %d shops: %.2f requests per migrated shop, %.2f per planned one\n",
			thousand, float64(migrating)/thousand, float64(planning)/thousand))
	})
}

// memoryFleet is one fleet that has all shops of a sandbox, without a network or a Terraform. In a bubble of
// [synctest], nothing but waiting takes time for it.
type memoryFleet struct {
	sandbox  *sandbox.Sandbox
	seed     sandbox.Seed
	driver   *tfdriver.Driver
	start    tfdriver.Start
	settings tfdriver.Values
	state    *tfdriver.State
}

func newMemoryFleet(t *testing.T, seed sandbox.Seed, o sandbox.Options) *memoryFleet {
	t.Helper()
	o.Clock = clock.System{}
	s, err := sandbox.New(seed, o)
	if err != nil {
		t.Fatal(err)
	}
	env := s.Env("http://127.0.0.1")
	p := newProvider(provider.Options{
		Version: "test", Clock: clock.System{}, RoundTripper: inMemory{s}, Getenv: func(name string) string { return env[name] },
	}, waysAPIs)
	f := &memoryFleet{sandbox: s, seed: seed, state: tfdriver.NewState()}
	f.start = func(string) (tfdriver.Server, tfdriver.Values, error) {
		server, err := provider.NewServer(p, false)
		return server, f.settings, err
	}
	server, _, err := f.start("")
	if err != nil {
		t.Fatal(err)
	}
	if f.driver, err = tfdriver.New(t.Context(), server); err != nil {
		t.Fatal(err)
	}
	return f
}

// apply gives all shops keys, which triggers rotate when they change, and returns what went wrong.
func (f *memoryFleet) apply(t *testing.T, triggers any) []string {
	t.Helper()
	plan := f.plan(t, triggers)
	if plan.Failed() {
		return plan.Errors
	}
	state, result := f.driver.Apply(t.Context(), plan)
	f.state = state
	return result.Errors
}

func (f *memoryFleet) plan(t *testing.T, triggers any) *tfdriver.Plan {
	t.Helper()
	shops := map[string]any{}
	for _, shop := range f.seed.Shops {
		shops[shop.Name] = map[string]any{"merchant_id": shop.MerchantID, "rotate_when_changed": triggers}
	}
	config := tfdriver.Config{{Address: fleetAddress, Values: tfdriver.Values{"shops": shops}}}
	return f.driver.Plan(t.Context(), config, f.state, f.start, tfdriver.Options{})
}

// mustApply applies without an error. Then every shop takes orders with the one key that its store has, which
// is the one in the state, and nothing is left to do.
func (f *memoryFleet) mustApply(t *testing.T, triggers any) {
	t.Helper()
	if failed := f.apply(t, triggers); len(failed) > 0 {
		t.Fatal(failed)
	}
	for _, shop := range f.seed.Shops {
		if err := f.sandbox.PlaceOrder(shop.Name); err != nil {
			t.Errorf("shop %s takes no orders: %v", shop.Name, err)
		}
		now, _ := f.sandbox.Shop(shop.Name)
		if got := f.inState(shop.Name, "username"); got != now.KustomID {
			t.Errorf("shop %s holds %s, in the state is %s", shop.Name, now.KustomID, got)
		}
		if failed := f.inState(shop.Name, "last_error"); failed != "" {
			t.Errorf("shop %s: %s", shop.Name, failed)
		}
		if keys := f.sandbox.Keys(shop.MerchantID); len(keys) != 1 || keys[0].Username != now.KustomID {
			t.Errorf("store %s has %d keys", shop.MerchantID, len(keys))
		}
	}
	if plan := f.plan(t, triggers); !plan.Empty() || plan.Failed() {
		t.Errorf("something is left to do: %v", plan.Errors)
	}
	if v := f.sandbox.Violations(); len(v) > 0 {
		t.Error(v)
	}
}

// inState is what the state says of a shop.
func (f *memoryFleet) inState(shop, attribute string) string {
	fleet := f.state.Current[fleetAddress]
	if fleet == nil {
		return ""
	}
	return fleet.Text("shops", shop, attribute)
}

// troubled counts the shops of which the state says that something went wrong.
func (f *memoryFleet) troubled() int {
	return len(slices.DeleteFunc(slices.Clone(f.seed.Shops), func(shop sandbox.Shop) bool { return f.inState(shop.Name, "last_error") == "" }))
}

// inMemory carries requests to a sandbox without a network.
type inMemory struct{ to *sandbox.Sandbox }

// RoundTrip implements [http.RoundTripper].
func (m inMemory) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	defer func() {
		switch p := recover(); {
		case p == nil:
		case errors.Is(asError(p), http.ErrAbortHandler):
			resp, err = nil, io.ErrUnexpectedEOF
		default:
			panic(p)
		}
	}()
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
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	resp = recorder.Result()
	resp.Request = req
	return resp, nil
}

func asError(p any) error {
	err, _ := p.(error)
	return err
}
