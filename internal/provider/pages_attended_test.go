package provider_test

import (
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser/browsertest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// attendedShop is a connection of a shop with Klarna's key, over the pages, with somebody who attends.
type attendedShop struct {
	*vendors
	*core
	shop      sandbox.Shop
	attendant *browsertest.Attendant
}

// newAttendedShop has somebody press the button that choose returns for a question.
func newAttendedShop(t *testing.T, choose func(question string) string) *attendedShop {
	t.Helper()
	seed := klarnasForm(loneShop())
	a := &attendedShop{vendors: newVendorsBy(t, waysPages, seed, sandbox.Options{}), attendant: &browsertest.Attendant{Choose: choose}}
	a.shop = a.vendors.shop(t, seed.Shops[0].Name)
	a.core = &core{
		provider: newProvider(provider.Options{
			Version: "test", Clock: a.clock, Getenv: func(name string) string { return a.env[name] }, Attendant: a.attendant.Attend,
		}, waysPages),
		settings: map[string]any{"browser": map[string]any{"attended": true}},
		chains:   connections(seed), state: map[string]instance{}, deposed: map[string][]instance{}, tainted: map[string]bool{},
	}
	return a
}

// wantAsked expects exactly these buttons to have been asked about, in this order, each on a page of the store or the
// shop.
func (a *attendedShop) wantAsked(t *testing.T, want ...string) {
	t.Helper()
	questions, errs := a.attendant.Questions()
	if len(errs) > 0 {
		t.Errorf("answering: %v", errs)
	}
	var got []string
	for _, question := range questions {
		lines := strings.Split(strings.TrimSpace(question), "\n")
		i := slices.Index(lines, "Button")
		if i < 0 || i+1 == len(lines) {
			t.Fatalf("the question is %q", question)
		}
		got = append(got, lines[i+1])
		if !strings.Contains(question, a.shop.MerchantID) && !strings.Contains(question, "shop "+a.shop.Name) {
			t.Errorf("the question does not say which store or shop:\n%s", question)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("it asked about %q, want %q", got, want)
	}
}

// TestPagesAttended: each click that changes something waits for the person's OK, and the shop is switched.
func TestPagesAttended(t *testing.T) {
	t.Parallel()
	a := newAttendedShop(t, func(string) string { return "OK" })
	if _, err := a.plan(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.wantAsked(t)
	if err := a.apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.wantAsked(t, "Generate new", "Update ID and Secret", "Delete API Key", "Confirm")
	a.wantWorking(t, a.shop.Name)
	if keys := a.Keys(a.shop.MerchantID); len(keys) != 1 || keys[0].Username == a.shop.KustomID {
		t.Errorf("the store has %d keys", len(keys))
	}
}

// TestPagesAttendedStop: what the person stops is not clicked, the shop keeps its key, and a later run goes on.
func TestPagesAttendedStop(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		stopAt string
		asked  []string
	}{
		"before the key":   {"Generate new", []string{"Generate new"}},
		"before the write": {"Update ID and Secret", []string{"Generate new", "Update ID and Secret", "Delete API Key", "Confirm"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stopping atomic.Bool
			stopping.Store(true)
			a := newAttendedShop(t, func(question string) string {
				if stopping.Load() && strings.Contains(question, test.stopAt) {
					return "Stop"
				}
				return "OK"
			})
			if err := a.apply(t.Context()); err == nil || !strings.Contains(err.Error(), "because you said Stop") {
				t.Errorf("the error is %v", err)
			}
			a.wantAsked(t, test.asked...)
			a.wantWorking(t, a.shop.Name)
			if got := a.vendors.shop(t, a.shop.Name).KustomID; got != a.shop.KustomID {
				t.Errorf("the shop holds %s, want %s", got, a.shop.KustomID)
			}
			if keys := a.Keys(a.shop.MerchantID); len(keys) != 1 {
				t.Errorf("the store has %d keys", len(keys))
			}
			stopping.Store(false)
			if err := a.apply(t.Context()); err != nil {
				t.Fatal(err)
			}
			a.wantWorking(t, a.shop.Name)
		})
	}
}

// TestAttendedNeedsAScreen: the run ends before anything is planned, and says why.
func TestAttendedNeedsAScreen(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		env    map[string]string
		failed bool
	}{
		"none":    {nil, true},
		"X11":     {map[string]string{"DISPLAY": ":1"}, false},
		"Wayland": {map[string]string{"WAYLAND_DISPLAY": "wayland-0"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := provider.New(provider.Options{Version: "test", Getenv: func(name string) string { return test.env[name] }})()
			server, err := provider.NewServer(p, false)
			if err != nil {
				t.Fatal(err)
			}
			schemas, err := schemasOnce()
			if err != nil {
				t.Fatal(err)
			}
			config, err := newDynamic(schemas.Provider.ValueType(), map[string]any{"browser": map[string]any{"attended": true}})
			if err != nil {
				t.Fatal(err)
			}
			resp, err := server.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{Config: config})
			if err != nil {
				t.Fatal(err)
			}
			failed := test.failed && runtime.GOOS == "linux" // Elsewhere, nothing tells.
			if got := errorsOf(resp.Diagnostics); (got != "") != failed || failed && !strings.Contains(got, "This machine has no screen") {
				t.Errorf("the errors are %q", got)
			}
		})
	}
}
