package portalpages_test

import (
	"context"
	"errors"
	"net/url"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/browser/browsertest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/portalpages"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

const (
	fjellsport = "M00412871"
	kaffebonna = "M00537204"
)

const (
	// short is the timeout of a step in tests that wait for it. A step takes much less, even on a machine
	// that has a lot to do.
	short = 6 * time.Second
	long  = 60 * time.Second
)

// What the page's script asks for, and faults happen to.
const (
	dataKeys = "/data/stores/{merchant_id}/keys"
	dataKey  = dataKeys + "/{key_id}"
)

// shared is the browser of all tests that do not need one of their own.
var shared browsertest.Shared

func TestMain(m *testing.M) { os.Exit(shared.Run(m)) }

// setup is what a bench is made of. The zero value is three shops and a browser with time.
type setup struct {
	seed    sandbox.Seed
	options sandbox.Options
	labels  map[string]string
	timeout time.Duration
	tabs    int
	dir     string
}

// bench is a sandbox, and the portal's pages of it as one of its users sees them.
type bench struct {
	*portalpages.Portal
	*sandbox.Sandbox
	server *sandbox.Server
	setup  setup
	// waits counts the waits for a page, and quiet sums how long the pages had to stay the same for them.
	waits, quiet atomic.Int64
	// seeded is what keys there were in the beginning, by store.
	seeded map[string][]sandbox.Key
}

func newBench(t *testing.T, o setup) *bench {
	t.Helper()
	browsertest.Need(t)
	if o.seed.Stores == nil {
		o.seed = sandbox.ThreeShops()
	}
	if o.timeout == 0 {
		o.timeout = long
	}
	s, err := sandbox.New(o.seed, o.options)
	if err != nil {
		t.Fatal(err)
	}
	server, err := sandbox.Start(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	b := &bench{Sandbox: s, server: server, setup: o, seeded: map[string][]sandbox.Key{}}
	for _, store := range o.seed.Stores {
		b.seeded[store.MerchantID] = s.Keys(store.MerchantID)
	}
	b.signIn(t)
	return b
}

// signIn puts a client in place of the bench's, with a new session and nothing remembered, as another
// run of the provider has it.
func (b *bench) signIn(t *testing.T) {
	t.Helper()
	b.signInWith(t, b.server.PagesEnv()["KUSTOM_PORTAL_SESSION"])
}

func (b *bench) signInWith(t *testing.T, line string) {
	t.Helper()
	session, err := browser.ParseSession(line)
	if err != nil {
		t.Fatal(err)
	}
	address, err := url.Parse(b.server.PortalPagesURL())
	if err != nil {
		t.Fatal(err)
	}
	b.Portal = portalpages.New(portalpages.Options{
		Browser: browser.New(shared.Group(t), browser.Options{Timeout: b.setup.timeout, MaxTabs: b.setup.tabs, DebugDir: b.setup.dir, Observe: b.observe}),
		URL:     address, Labels: b.setup.labels, Clock: clock.System{},
		Session: func() (browser.Session, error) { return session, nil },
	})
}

// observe counts the waits for a page that ended well.
func (b *bench) observe(_ context.Context, r browser.Record) {
	if r.Kind == "" {
		b.waits.Add(1)
		b.quiet.Add(int64(r.Quiet))
	}
}

// waited returns how long pages had to stay the same since the last call.
func (b *bench) waited() time.Duration { return time.Duration(b.quiet.Swap(0)) }

// arm arms a fault of the portal's pages. When the test is over, it has to have happened.
func (b *bench) arm(t *testing.T, f sandbox.Fault) *sandbox.Armed {
	t.Helper()
	f.API = sandbox.PortalPages
	armed := b.Arm(f)
	t.Cleanup(func() {
		if armed.Fired() == 0 {
			t.Error("the fault has never happened")
		}
	})
	return armed
}

// all collects the keys of a store, or of all.
func (b *bench) all(t *testing.T, merchantID string) ([]kustom.Key, error) {
	t.Helper()
	var all []kustom.Key
	for key, err := range b.Portal.Keys(t.Context(), merchantID) {
		if err != nil {
			return nil, err
		}
		all = append(all, key)
	}
	return all, nil
}

// ids are the usernames of a store's keys in the sandbox.
func (b *bench) ids(merchantID string) []string { return idsOf(b.Sandbox.Keys(merchantID)) }

func idsOf(keys []sandbox.Key) []string {
	var all []string
	for _, key := range keys {
		all = append(all, key.Username)
	}
	return all
}

// left expects the store to have the keys that it had in the beginning, and so many more. No promise
// may have been broken.
func (b *bench) left(t *testing.T, merchantID string, more int) {
	t.Helper()
	now, before := b.ids(merchantID), idsOf(b.seeded[merchantID])
	if len(now) != len(before)+more || !slices.Equal(now[:min(len(before), len(now))], before) {
		t.Errorf("the store has the keys %v, want %v and %d more", now, before, more)
	}
	b.kept(t)
}

// kept expects no promise to have been broken.
func (b *bench) kept(t *testing.T) {
	t.Helper()
	if v := b.Violations(); len(v) > 0 {
		t.Error(v)
	}
}

// requests is how many requests there were for a page.
func (b *bench) requests(method, template string) int {
	return b.Count(sandbox.PortalPages, method, template)
}

// orphanOf returns the orphan that an error remembers, if it does.
func orphanOf(err error) (kustom.Orphan, bool) {
	var orphan *kustom.OrphanError
	if !errors.As(err, &orphan) {
		return kustom.Orphan{}, false
	}
	return orphan.Orphan, true
}

// isKind expects a failed step of a kind.
func isKind(t *testing.T, err error, kind browser.Kind) {
	t.Helper()
	if !browser.IsKind(err, kind) {
		t.Errorf("the error is %v, want a step that failed: %s", err, kind)
	}
}
