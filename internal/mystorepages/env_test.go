package mystorepages_test

import (
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/browser/browsertest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystorepages"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox/sandboxtest"
)

const (
	fjellsport = "fjellsport"
	kaffebonna = "kaffebonna"
	// kaffebonnaStore is the merchant ID of kaffebonna.
	kaffebonnaStore = "M00537204"
)

const (
	// short is the timeout of steps that a test expects to fail. Other steps take much less, even on a busy machine.
	short = 6 * time.Second
	long  = 60 * time.Second
)

// shared is the browser of all tests.
var shared browsertest.Shared

func TestMain(m *testing.M) { os.Exit(shared.Run(m)) }

// setup configures an env. The zero value has sessions and no short timeout.
type setup struct {
	options sandbox.Options
	timeout time.Duration
	// login replaces the sessions, if it is not nil.
	login *mystorepages.Login
}

// env is a sandbox of three shops, and a client of their pages.
type env struct {
	*mystorepages.Client
	*sandboxtest.Pages
	setup setup
	waits browsertest.Waits
}

func newEnv(t *testing.T, o setup) *env {
	t.Helper()
	browsertest.Need(t)
	if o.timeout == 0 {
		o.timeout = long
	}
	e := &env{Pages: sandboxtest.StartPages(t, sandbox.MystorePages, sandbox.ThreeShops(), o.options), setup: o}
	e.newClient(t)
	return e
}

var errNoAccess = errors.New("the shop has no session and no login")

// newClient replaces the client by one with new sessions, as in another run of the provider.
func (e *env) newClient(t *testing.T) {
	t.Helper()
	var lines map[string]string
	if err := json.Unmarshal([]byte(e.Server.PagesEnv()["MYSTORE_SESSIONS"]), &lines); err != nil {
		t.Fatal(err)
	}
	e.Client = newClient(t, e.Server.MystoreAdminURL, func(shop string) (mystorepages.Access, error) {
		if e.setup.login != nil {
			return mystorepages.Access{Login: e.setup.login}, nil
		}
		line, ok := lines[shop]
		if !ok {
			return mystorepages.Access{}, errNoAccess
		}
		session, err := browser.ParseSession(line)
		return mystorepages.Access{Session: &session}, err
	}, browser.Options{Timeout: e.setup.timeout, Observe: e.waits.Observe})
}

func newClient(t *testing.T, address func(shop string) string, access func(shop string) (mystorepages.Access, error), o browser.Options) *mystorepages.Client {
	t.Helper()
	return mystorepages.New(mystorepages.Options{
		Browser: browser.New(shared.Group(t), o), Clock: clock.System{}, Access: access,
		Address: func(shop string) (*url.URL, error) { return url.Parse(address(shop)) },
	})
}

// shop returns the shop in the sandbox.
func (e *env) shop(t *testing.T, name string) sandbox.Shop {
	t.Helper()
	shop, ok := e.Shop(name)
	if !ok {
		t.Fatalf("there is no shop %s", name)
	}
	return shop
}

// wantPair expects a shop to have these credentials installed.
func (e *env) wantPair(t *testing.T, shop, kustomID, kustomSecret string) {
	t.Helper()
	got := e.shop(t, shop)
	if got.KustomID != kustomID {
		t.Errorf("shop %s has the ID %q, want %q", shop, got.KustomID, kustomID)
	}
	if got.KustomSecret != kustomSecret {
		t.Errorf("shop %s has another secret", shop)
	}
}

// generateKey generates a key in the sandbox.
func (e *env) generateKey(t *testing.T, merchantID string) (username, secret string) {
	t.Helper()
	key, err := e.GenerateKey(merchantID, "by hand")
	if err != nil {
		t.Fatal(err)
	}
	return key.Username, key.Secret
}
