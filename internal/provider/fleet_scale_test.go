package provider_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

const (
	thousand = 1000
	// distance is how long the vendors take for each answer.
	distance = 30 * time.Millisecond
	// fleetConcurrency is how many shops a fleet works on at once unless it says otherwise.
	fleetConcurrency = 32
	keysPerPage      = 100
)

// meter carries requests as the provider's own pool does, and counts connections and what is under way.
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

// distantFleet is a world with a fleet of n shops and vendors that are some way off, on a real clock.
func distantFleet(t *testing.T, n int, o testEnvOptions) *fleetEnv {
	t.Helper()
	seed := sandbox.FleetSeed(n)
	o.seed, o.clock = &seed, clock.System{}
	o.sandbox = sandbox.Options{Latency: distance, Unchecked: true}
	w := fleetIn(newTestEnv(t, o), seed)
	w.use(t)
	return w
}

// mustNotHaveHurried expects no refusal but those that the test itself has armed.
func (w *fleetEnv) mustNotHaveHurried(t *testing.T) {
	t.Helper()
	for _, r := range w.sandbox.Requests() {
		if r.Status == http.StatusTooManyRequests && !r.Fault {
			t.Errorf("I6: %s %s was refused: the provider was too fast", r.Method, r.Path)
		}
	}
}

// These two are about a thousand shops, so no other test of the package runs beside them.

// TestAccFleetThousand migrates a thousand shops, and counts the connections that this takes.
func TestAccFleetThousand(t *testing.T) {
	m := newMeter()
	w := distantFleet(t, thousand, testEnvOptions{carrier: m})
	// Nothing warns but that keys will be deleted.
	r := w.mustApply(t)
	if got := warningSummary.FindAllString(r.output, -1); !slices.Equal(got, []string{"Warning: API keys will be deleted"}) {
		t.Errorf("the warnings are %q:\n%s", got, r.output)
	}
	w.mustNotHaveHurried(t)
	w.mustBeEmpty(t)
	// One more may list keys.
	if m.atOnce > fleetConcurrency+1 || m.atOnce < fleetConcurrency/2 {
		t.Errorf("%d requests were under way at once, want about %d", m.atOnce, fleetConcurrency)
	}
	if m.connections > 2*m.atOnce {
		t.Errorf("%d connections were opened for %d requests at once", m.connections, m.atOnce)
	}
	w.mustBeDone(t)
}

// TestAccFleetInterrupted presses Ctrl-C in the middle of a thousand shops. No further shops are begun
// with, those under way are finished or undone, what is done is in the state, and the next run goes on
// from there.
func TestAccFleetInterrupted(t *testing.T) {
	const after, patience = 300, 10 * time.Second
	w := distantFleet(t, thousand, testEnvOptions{external: true})
	w.plan(t)
	made := func() int {
		return len(slices.DeleteFunc(w.sandbox.Requests(), func(r sandbox.Request) bool { return !makesKey(r) }))
	}
	apply := w.start(t, "apply", "-input=false", "-no-color", savedPlan)
	apply.await(t, func() bool { return made() >= after })
	apply.interrupt(t)
	pressed := time.Now()
	r := apply.wait(t)
	took := time.Since(pressed)
	if took > patience {
		t.Errorf("I6: Terraform ended %v after the interrupt", took)
	}
	late := slices.DeleteFunc(w.sandbox.Requests(), func(r sandbox.Request) bool {
		return r.Method != http.MethodPost || r.Time.Sub(pressed) < time.Second
	})
	if len(late) > 0 {
		t.Errorf("I6: %d keys were made more than a second after the interrupt", len(late))
	}
	done, keys := w.mustBeTrue(t), len(w.keys())
	if done < after/2 || done > thousand/2 {
		t.Errorf("%d shops are done", done)
	}
	if !strings.Contains(unwrapped(r.output), "The run was interrupted. Run again; it goes on from where it was.") {
		t.Errorf("nothing is said of the interrupt:\n%s", r.output)
	}
	before := made()
	w.mustApply(t)
	if more := made() - before; more != thousand-done {
		t.Errorf("the next run made %d keys, want one for each of the %d shops that were left", more, thousand-done)
	}
	w.mustNotHaveHurried(t)
	w.mustBeEmpty(t)
	w.mustBeDone(t)
	summarize(t, fmt.Sprintf("fleet of %d shops interrupted: ended after %.1f s with %d shops done and %d keys to be deleted\n",
		thousand, took.Seconds(), done, keys-thousand))
}

// mustBeTrue expects of each shop that the state has as done that it holds the key that is in the state, of
// each other that it holds the key that it had, and no key of Kustom's host that no shop holds. It
// returns how many are done.
func (w *fleetEnv) mustBeTrue(t *testing.T) (done int) {
	t.Helper()
	inState := w.inState(t)
	for i, shop := range w.seed.Shops {
		want := shop.KustomID
		if is := inState[shop.Name]; is["last_error"] == nil && is["username"] != nil {
			want = fmt.Sprint(is["username"])
			done++
		}
		if held := w.holds(t, shop.Name); held != want {
			t.Errorf("I4: shop %s holds %s, by the state %s", shop.Name, held, want)
		}
		if err := w.sandbox.Working(shop.Name); err != nil {
			t.Errorf("I1: %v", err)
		}
		for _, key := range w.sandbox.Keys(w.seed.Stores[i].MerchantID) {
			if key.Host == kustomHost && key.Username != want {
				t.Errorf("I3: nobody holds the key %s", key.Username)
			}
		}
	}
	mustHaveNoViolation(t, w.testEnv)
	return done
}
