package mystorepages_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/browser/browsertest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystorepages"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

const (
	fjellsport = "fjellsport"
	kaffebonna = "kaffebonna"
)

const (
	// short is the timeout of a step in tests that wait for it. A step takes much less, even on a machine
	// that has a lot to do.
	short = 6 * time.Second
	long  = 60 * time.Second
)

// shared is the browser of all tests that do not need one of their own.
var shared browsertest.Shared

func TestMain(m *testing.M) { os.Exit(shared.Run(m)) }

// setup is what a bench is made of. The zero value is three shops, with sessions, and a browser with
// time.
type setup struct {
	seed    sandbox.Seed
	options sandbox.Options
	labels  map[string]string
	timeout time.Duration
	tabs    int
	dir     string
	lang    string
	// login is how to sign in; without one, a session has to do.
	login *mystorepages.Login
	// noSession says that there is none.
	noSession bool
}

// bench is a sandbox, and Mystore's pages of it.
type bench struct {
	*mystorepages.Client
	*sandbox.Sandbox
	server *sandbox.Server
	setup  setup
	// waits counts the waits for a page, and quiet sums how long the pages had to stay the same for them.
	waits, quiet atomic.Int64
}

func newBench(t *testing.T, o setup) *bench {
	t.Helper()
	browsertest.Need(t)
	if o.seed.Shops == nil {
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
	b := &bench{Sandbox: s, server: server, setup: o}
	b.signIn(t)
	return b
}

var errNoAccess = errors.New("there is no way into the shop")

// signIn puts a client in place of the bench's, with new sessions and nothing remembered, as another run
// of the provider has it.
func (b *bench) signIn(t *testing.T) {
	t.Helper()
	var lines map[string]string
	if err := json.Unmarshal([]byte(b.server.PagesEnv()["MYSTORE_SESSIONS"]), &lines); err != nil {
		t.Fatal(err)
	}
	sessions := map[string]browser.Session{}
	for shop, line := range lines {
		session, err := browser.ParseSession(line)
		if err != nil {
			t.Fatal(err)
		}
		if b.setup.lang != "" {
			session.Cookies = append(session.Cookies, browser.Cookie{Name: "lang", Value: b.setup.lang, Domain: session.Cookies[0].Domain, Path: "/"})
		}
		sessions[shop] = session
	}
	b.Client = mystorepages.New(mystorepages.Options{
		Browser: browser.New(shared.Group(t), browser.Options{Timeout: b.setup.timeout, MaxTabs: b.setup.tabs, DebugDir: b.setup.dir, Observe: b.observe}),
		Address: func(shop string) (*url.URL, error) { return url.Parse(b.server.MystoreAdminURL(shop)) },
		Labels:  b.setup.labels, Clock: clock.System{},
		Access: func(shop string) (mystorepages.Access, error) {
			access := mystorepages.Access{Login: b.setup.login}
			if session, ok := sessions[shop]; ok && !b.setup.noSession {
				access.Session = &session
			}
			if access == (mystorepages.Access{}) {
				return access, errNoAccess
			}
			return access, nil
		},
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

// arm arms a fault of Mystore's pages. When the test is over, it has to have happened.
func (b *bench) arm(t *testing.T, f sandbox.Fault) *sandbox.Armed {
	t.Helper()
	f.API = sandbox.MystorePages
	armed := b.Arm(f)
	t.Cleanup(func() {
		if armed.Fired() == 0 {
			t.Error("the fault has never happened")
		}
	})
	return armed
}

// shop is the shop as the sandbox has it.
func (b *bench) shop(t *testing.T, name string) sandbox.Shop {
	t.Helper()
	shop, ok := b.Shop(name)
	if !ok {
		t.Fatalf("there is no shop %s", name)
	}
	return shop
}

// holds expects a shop to hold a pair.
func (b *bench) holds(t *testing.T, shop, kustomID, kustomSecret string) {
	t.Helper()
	got := b.shop(t, shop)
	if got.KustomID != kustomID {
		t.Errorf("shop %s holds %q, want %q", shop, got.KustomID, kustomID)
	}
	if got.KustomSecret != kustomSecret {
		t.Errorf("shop %s holds another secret", shop)
	}
}

// untouched expects a shop to hold what it has been seeded with, as if nobody had written to it.
func (b *bench) untouched(t *testing.T, shop string) {
	t.Helper()
	for _, seeded := range b.setup.seed.Shops {
		if seeded.Name != shop {
			continue
		}
		b.holds(t, shop, seeded.KustomID, seeded.KustomSecret)
		if got := b.shop(t, shop); (got.UpdatedAt == nil) != (seeded.UpdatedAt == nil) || got.UpdatedAt != nil && !got.UpdatedAt.Equal(*seeded.UpdatedAt) {
			t.Errorf("shop %s was written to", shop)
		}
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

// newKey makes a key for a store that a shop may be given.
func (b *bench) newKey(t *testing.T, merchantID string) (username, secret string) {
	t.Helper()
	key, err := b.GenerateKey(merchantID, "by hand")
	if err != nil {
		t.Fatal(err)
	}
	return key.Username, key.Secret
}

// requests is how many requests there were for a page.
func (b *bench) requests(method, template string) int {
	return b.Count(sandbox.MystorePages, method, template)
}
