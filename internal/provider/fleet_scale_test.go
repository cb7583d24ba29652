package provider_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

const (
	thousand = 1000
	// latency is the time until each answer of the vendors.
	latency = 30 * time.Millisecond
	// fleetConcurrency is the default of max_concurrency.
	fleetConcurrency = 32
	keysPerPage      = 100
)

// meter sends requests as the provider's own pool does, and counts connections and concurrent requests.
type meter struct {
	pool *http.Transport

	mu               sync.Mutex
	connections      int
	underWay, atOnce int
}

func newMeter() *meter {
	m := &meter{pool: transport.NewPool()}
	dial := m.pool.DialContext
	m.pool.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		m.mu.Lock()
		m.connections++
		m.mu.Unlock()
		return dial(ctx, network, address)
	}
	return m
}

// RoundTrip implements [http.RoundTripper].
func (m *meter) RoundTrip(req *http.Request) (*http.Response, error) {
	m.mu.Lock()
	m.underWay++
	m.atOnce = max(m.atOnce, m.underWay)
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.underWay--
	}()
	return m.pool.RoundTrip(req)
}

// mustKeepRateLimits expects no 429 that the test has not armed itself.
func mustKeepRateLimits(t *testing.T, requests []sandbox.Request) {
	t.Helper()
	for _, r := range requests {
		if r.Status == http.StatusTooManyRequests && !r.Fault {
			t.Errorf("I6: %s %s was rate-limited", r.Method, r.Path)
		}
	}
}

// The following tests measure real time, so they are not parallel.

// TestFleet_ReusesConnections switches shops over a network, and counts the connections.
func TestFleet_ReusesConnections(t *testing.T) {
	const shops = 200
	seed := sandbox.FleetSeed(shops)
	m := newMeter()
	r := newTestEnv(t, testEnvOptions{
		inProcess: true, way: waysAPIs, seed: &seed, clock: clock.System{}, carrier: m, sandbox: sandbox.Options{Latency: latency, Unchecked: true},
	})
	r.useExample(t, wayFleet, seed)
	r.mustApply(t)
	r.mustBeEmpty(t)
	r.mustBeRight(t, seed, 0)
	mustKeepRateLimits(t, r.sandbox.Requests())
	// One more request may list keys.
	if m.atOnce > fleetConcurrency+1 || m.atOnce < fleetConcurrency/2 {
		t.Errorf("%d requests were under way at once, want about %d", m.atOnce, fleetConcurrency)
	}
	if m.connections > 2*m.atOnce {
		t.Errorf("%d connections were opened for %d requests at once", m.connections, m.atOnce)
	}
}

// TestAccFleet_GoesOnAfterInterrupt presses Ctrl-C during the switch of many shops. The run begins no more shops, and finishes
// or undoes the begun ones. The state has the finished shops, and the next run switches the others.
func TestAccFleet_GoesOnAfterInterrupt(t *testing.T) {
	const shops, after, limit = 300, 90, 10 * time.Second
	seed := sandbox.FleetSeed(shops)
	w := newTestEnv(t, testEnvOptions{seed: &seed, external: true, sandbox: sandbox.Options{Latency: latency, Unchecked: true}})
	w.useExample(t, wayFleet, seed)
	f := newFleetShops(w.sandbox.Sandbox, seed)
	f.inState = func(t *testing.T) map[string]map[string]any {
		shops, keys := map[string]map[string]any{}, w.keysInState(t)
		for _, shop := range seed.Shops {
			shops[shop.Name] = keys[shop.MerchantID]
		}
		return shops
	}
	generated := func() int {
		return len(slices.DeleteFunc(f.box.Requests(), func(r sandbox.Request) bool { return !generatedKey(r) }))
	}
	apply := w.start(t, "apply", "-auto-approve", "-input=false", "-no-color")
	apply.await(t, func() bool { return generated() >= after })
	apply.interrupt(t)
	pressed := time.Now()
	r := apply.wait(t)
	took := time.Since(pressed)
	if took > limit {
		t.Errorf("I6: Terraform ended %v after the interrupt", took)
	}
	late := slices.DeleteFunc(f.box.Requests(), func(r sandbox.Request) bool {
		return r.Method != http.MethodPost || r.Time.Sub(pressed) < time.Second
	})
	if len(late) > 0 {
		t.Errorf("I6: %d keys were generated more than a second after the interrupt", len(late))
	}
	done, keys := f.mustFitState(t), len(f.keys())
	if done < after/2 || done > shops*2/3 {
		t.Errorf("%d shops are done", done)
	}
	mustSay(t, r, "The run was interrupted. Run again. The next run continues from there.")
	before := generated()
	w.mustApply(t)
	if more := generated() - before; more != shops-done {
		t.Errorf("the next run generated %d keys, want one for each of the %d other shops", more, shops-done)
	}
	mustKeepRateLimits(t, f.box.Requests())
	w.mustBeEmpty(t)
	f.mustBeDone(t)
	summarize(t, fmt.Sprintf("fleet of %d shops interrupted: ended after %.1f s with %d shops done and %d keys to be deleted\n",
		shops, took.Seconds(), done, keys-shops))
}

// mustFitState expects that each shop holds its key in the state. A shop with no key or a last_error in the state must hold its
// legacy key. No store may have a Kustom key that no shop holds. It returns the number of switched shops.
func (f *fleetShops) mustFitState(t *testing.T) (done int) {
	t.Helper()
	inState := f.inState(t)
	for i, shop := range f.seed.Shops {
		want := shop.KustomID
		if is := inState[shop.Name]; is["last_error"] == nil && is["username"] != nil {
			want = fmt.Sprint(is["username"])
			done++
		}
		if held := f.holds(t, shop.Name); held != want {
			t.Errorf("I4: shop %s holds %s, want %s", shop.Name, held, want)
		}
		if err := f.box.Working(shop.Name); err != nil {
			t.Errorf("I1: %v", err)
		}
		for _, key := range f.box.Keys(f.seed.Stores[i].MerchantID) {
			if key.Host == kustomHost && key.Username != want {
				t.Errorf("I3: no shop holds the key %s", key.Username)
			}
		}
	}
	f.mustHaveNoViolation(t)
	return done
}
