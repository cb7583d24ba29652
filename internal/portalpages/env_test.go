package portalpages_test

import (
	"errors"
	"net/url"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/browser/browsertest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/portalpages"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox/sandboxtest"
)

const (
	fjellsport = "M00412871"
	kaffebonna = "M00537204"
)

const (
	// short is the timeout of steps that a test expects to fail. Other steps take much less, even on a busy machine.
	short = 6 * time.Second
	long  = 60 * time.Second
)

// dataKeys are the requests of the page's script that faults are injected into.
const dataKeys = "/data/stores/{merchant_id}/keys"

// shared is the browser of all tests.
var shared browsertest.Shared

func TestMain(m *testing.M) { os.Exit(shared.Run(m)) }

// setup configures an env. The zero value has three shops and no short timeout.
type setup struct {
	seed    sandbox.Seed
	options sandbox.Options
	labels  map[string]string
	timeout time.Duration
	tabs    int
}

// env is a sandbox, and a client of its portal's pages.
type env struct {
	*portalpages.Portal
	*sandboxtest.Pages
	setup setup
	waits browsertest.Waits
	// seeded has the initial keys of each store.
	seeded map[string][]string
}

func newEnv(t *testing.T, o setup) *env {
	t.Helper()
	browsertest.Need(t)
	if o.seed.Stores == nil {
		o.seed = sandbox.ThreeShops()
	}
	if o.timeout == 0 {
		o.timeout = long
	}
	e := &env{Pages: sandboxtest.StartPages(t, sandbox.PortalPages, o.seed, o.options), setup: o, seeded: map[string][]string{}}
	for _, store := range o.seed.Stores {
		e.seeded[store.MerchantID] = e.usernames(store.MerchantID)
	}
	e.newClient(t)
	return e
}

// newClient replaces the client by one with a new session, as in another run of the provider.
func (e *env) newClient(t *testing.T) {
	t.Helper()
	session, err := browser.ParseSession(e.Server.PagesEnv()["KUSTOM_PORTAL_SESSION"])
	if err != nil {
		t.Fatal(err)
	}
	e.Portal = newPortal(t, e.Server.PortalPagesURL(), session, browser.Options{
		Timeout: e.setup.timeout, MaxTabs: e.setup.tabs, Observe: e.waits.Observe,
	}, e.setup.labels)
}

// newPortal returns a client of the pages at an address.
func newPortal(t *testing.T, address string, session browser.Session, o browser.Options, labels map[string]string) *portalpages.Portal {
	t.Helper()
	at, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	session.Host = at.Host
	return portalpages.New(portalpages.Options{
		Browser: browser.New(shared.Group(t), o), URL: at, Labels: labels, Clock: clock.System{},
		Session: func() (browser.Session, error) { return session, nil },
	})
}

// listKeys returns the keys of a store, or of all stores.
func (e *env) listKeys(t *testing.T, merchantID string) ([]kustom.Key, error) {
	t.Helper()
	var all []kustom.Key
	for key, err := range e.Keys(t.Context(), merchantID) {
		if err != nil {
			return nil, err
		}
		all = append(all, key)
	}
	return all, nil
}

// usernames returns the usernames of a store's keys in the sandbox.
func (e *env) usernames(merchantID string) []string {
	var all []string
	for _, key := range e.Sandbox.Keys(merchantID) {
		all = append(all, key.Username)
	}
	return all
}

// wantNewKeys expects the store to have its initial keys and n more, and no violation.
func (e *env) wantNewKeys(t *testing.T, merchantID string, n int) {
	t.Helper()
	now, before := e.usernames(merchantID), e.seeded[merchantID]
	if len(now) != len(before)+n || !slices.Equal(now[:min(len(before), len(now))], before) {
		t.Errorf("the store has the keys %v, want %v and %d more", now, before, n)
	}
	e.WantNoViolations(t)
}

// orphanOf returns the orphaned key of an error, if it has one.
func orphanOf(err error) (orphan kustom.Orphan, ok bool) {
	orphaned, ok := errors.AsType[*kustom.OrphanError](err)
	if !ok {
		return kustom.Orphan{}, false
	}
	return orphaned.Orphan, true
}
