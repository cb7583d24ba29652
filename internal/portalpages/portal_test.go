package portalpages_test

import (
	"context"
	"errors"
	"log"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/portalpages"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

const (
	fjellsport = "M00412871"
	kaffebonna = "M00537204"
	admin      = "ops@agency.example"
)

// group is the browser that all tests share.
var group browser.Group

func TestMain(m *testing.M) {
	code := m.Run()
	if err := group.Close(); err != nil {
		log.Print(err)
		code = 1
	}
	os.Exit(code)
}

// bench is a sandbox, and the portal's pages of it as one of its users sees them.
type bench struct {
	*portalpages.Portal
	*sandbox.Sandbox
	server *sandbox.Server
}

type setup struct {
	seed    sandbox.Seed
	options sandbox.Options
	labels  map[string]string
	timeout time.Duration
	tabs    int
	group   *browser.Group
	dir     string
}

func newBench(t *testing.T, o setup) *bench {
	t.Helper()
	if _, err := browser.Find("", false); err != nil {
		t.Skipf("%v: on Debian and Ubuntu, apt-get install chromium", err)
	}
	if o.seed.Stores == nil {
		o.seed = sandbox.ThreeShops()
	}
	if o.timeout == 0 {
		o.timeout = 20 * time.Second
	}
	if o.group == nil {
		o.group = &group
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
	session, err := browser.ParseSession(server.PagesEnv()["KUSTOM_PORTAL_SESSION"])
	if err != nil {
		t.Fatal(err)
	}
	address, err := url.Parse(server.PortalPagesURL())
	if err != nil {
		t.Fatal(err)
	}
	return &bench{Sandbox: s, server: server, Portal: portalpages.New(portalpages.Options{
		Browser: browser.New(o.group, browser.Options{Timeout: o.timeout, MaxTabs: o.tabs, DebugDir: o.dir}), URL: address, Labels: o.labels, Clock: clock.System{},
		Session: func() (browser.Session, error) { return session, nil },
	})}
}

func (b *bench) list(t *testing.T, merchantID string) []kustom.Key {
	t.Helper()
	var all []kustom.Key
	for key, err := range b.Portal.Keys(t.Context(), merchantID) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, key)
	}
	return all
}

func TestKeys(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	keys := b.list(t, kaffebonna)
	want := b.Sandbox.Keys(kaffebonna)
	if len(keys) != len(want) {
		t.Fatalf("%d keys, want %d", len(keys), len(want))
	}
	for i, key := range keys {
		if key.Username != want[i].Username || key.CredentialID != want[i].CredentialID || key.Host != want[i].Host ||
			!key.CreatedAt.Equal(want[i].CreatedAt) || key.MerchantID != kaffebonna || key.Secret != "" {
			t.Errorf("key %+v, want %+v", key, want[i])
		}
	}
	if all := b.list(t, ""); len(all) != 4 {
		t.Errorf("%d keys in all stores, want 4", len(all))
	}
}

func TestGenerateAndDiscard(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{options: sandbox.Options{Pending: 2}})
	key, err := b.Generate(t.Context(), fjellsport, "terraform: fjellsport")
	if err != nil {
		t.Fatal(err)
	}
	made := b.Sandbox.Keys(fjellsport)[1]
	if key.Username != made.Username || key.Secret != made.Secret || key.CredentialID != made.CredentialID || !b.Made(key.CredentialID) {
		t.Errorf("made %s, want %s", key.Username, made.Username)
	}
	if err := b.Discard(t.Context(), kustom.Orphan{MerchantID: fjellsport, CredentialID: key.CredentialID}); err != nil {
		t.Fatal(err)
	}
	if keys := b.Sandbox.Keys(fjellsport); len(keys) != 1 || keys[0].Username == key.Username {
		t.Errorf("left are %v", keys)
	}
	if v := b.Violations(); len(v) > 0 {
		t.Error(v)
	}
}

func TestEndpointStatusAndStores(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	got, err := b.Portal.EndpointStatus(t.Context(), fjellsport)
	if err != nil {
		t.Fatal(err)
	}
	want, err := b.Sandbox.EndpointStatus(fjellsport)
	if err != nil {
		t.Fatal(err)
	}
	if got.ActionRequired != want.ActionRequired || len(got.Services) != len(want.Services) {
		t.Fatalf("%+v, want %+v", got, want)
	}
	for i, service := range got.Services {
		w := want.Services[i]
		if service.Service != w.Service || service.Host != w.Host || !service.LastUsedAt.Equal(*w.LastUsedAt) || *service.ActionRequired != *w.ActionRequired {
			t.Errorf("%+v, want %+v", service, w)
		}
	}
	var names []string
	for store, err := range b.Stores(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, store.MerchantID+" "+store.Name+" "+store.Website)
	}
	if want := []string{
		"M00412871 Fjellsport https://fjellsport.example", "M00537204 Kaffebønna https://kaffebonna.example", "M00698335 Ull og Tre https://ullogtre.example",
	}; !slices.Equal(names, want) {
		t.Errorf("the stores are %q", names)
	}
}

// TestFaults: whatever goes wrong while a key is made, either there is one whose secret is known, or
// none is left behind, or the error says so (I3).
func TestFaults(t *testing.T) {
	t.Parallel()
	const generate = "/stores/{merchant_id}/integrations/generate"
	const popup = "/stores/{merchant_id}/integrations/new/{credential_id}"
	for name, test := range map[string]struct {
		fault  sandbox.Fault
		labels map[string]string
		// made says that there is a key in the end.
		made bool
		kind browser.Kind
	}{
		"signed out before":         {fault: sandbox.Fault{Template: generate, Method: "GET", Kind: sandbox.FaultSignOut}, kind: browser.SignedOut},
		"signed out at the click":   {fault: sandbox.Fault{Template: generate, Method: "POST", Kind: sandbox.FaultSignOut}, kind: browser.SignedOut},
		"the dialog stays":          {fault: sandbox.Fault{Template: generate, Method: "POST", Kind: sandbox.FaultStay, Times: 1}},
		"works, the dialog stays":   {fault: sandbox.Fault{Template: generate, Method: "POST", Kind: sandbox.FaultWorkThenStay, Times: 1}, made: true},
		"lost answer":               {fault: sandbox.Fault{Template: generate, Method: "POST", Kind: sandbox.FaultLoseAnswer, Times: 1}, made: true},
		"lost popup":                {fault: sandbox.Fault{Template: popup, Method: "GET", Kind: sandbox.FaultLoseAnswer, Times: 1}, made: true},
		"slow":                      {fault: sandbox.Fault{Template: generate, Kind: sandbox.FaultDelay, Latency: time.Second}, made: true},
		"renamed":                   {fault: sandbox.Fault{Kind: sandbox.FaultRename, Rename: map[string]string{"Generate new": "New credential"}}, kind: browser.NotFound},
		"renamed, with an override": {fault: sandbox.Fault{Kind: sandbox.FaultRename, Rename: map[string]string{"Generate new": "New credential"}}, labels: map[string]string{"generate_new": "New credential"}, made: true},
		"503":                       {fault: sandbox.Fault{Template: "/", Kind: sandbox.FaultAnswer, Status: 503, Times: 1}, made: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, setup{labels: test.labels, timeout: 3 * time.Second})
			test.fault.API = sandbox.PortalPages
			armed := b.Arm(test.fault)
			key, err := b.Generate(t.Context(), fjellsport, "terraform: fjellsport")
			if armed.Fired() == 0 {
				t.Fatal("the fault never happened")
			}
			armed.Disarm()
			var orphan *kustom.OrphanError
			left := 1
			switch {
			case test.made && err != nil:
				t.Fatal(err)
			case test.made:
				left = 2
				if made := b.Sandbox.Keys(fjellsport); made[len(made)-1].Secret != key.Secret {
					t.Error("the secret is not the new key's")
				}
			case err == nil:
				t.Fatal("there is no error")
			case test.kind != "" && !browser.IsKind(err, test.kind):
				t.Errorf("the error is %v, want %s", err, test.kind)
			case errors.As(err, &orphan):
				t.Logf("remembered: %v", err)
				return
			}
			if keys := b.Sandbox.Keys(fjellsport); len(keys) != left {
				t.Errorf("%d keys, want %d: %v", len(keys), left, err)
			}
			if v := b.Violations(); len(v) > 0 {
				t.Error(v)
			}
		})
	}
}

func TestLookalikes(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{seed: sandbox.ThreeShops().WithLookalikes()})
	before := b.Sandbox.Keys(fjellsport)
	if len(before) < 2 || !strings.HasPrefix(before[1].Username, before[0].Username) && !strings.HasPrefix(before[0].Username, before[1].Username) {
		t.Fatalf("no key looks like another: %v", before)
	}
	if err := b.Discard(t.Context(), kustom.Orphan{MerchantID: fjellsport, CredentialID: before[1].CredentialID}); err != nil {
		t.Fatal(err)
	}
	after := b.Sandbox.Keys(fjellsport)
	if slices.ContainsFunc(after, func(k sandbox.Key) bool { return k.CredentialID == before[1].CredentialID }) || len(after) != len(before)-1 {
		t.Errorf("left are %v", after)
	}
}

var _ = context.Background
