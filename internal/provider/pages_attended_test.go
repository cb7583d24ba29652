package provider_test

import (
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/browser/browsertest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// attendedShop is a connection of a shop with Klarna's key, over the pages, with somebody who attends.
type attendedShop struct {
	*vendors
	w         *testEnv
	shop      sandbox.Shop
	attendant *browsertest.Attendant
}

// newAttendedShop has somebody press the button that choose returns for a question.
func newAttendedShop(t *testing.T, choose func(question string) string) *attendedShop {
	t.Helper()
	seed := klarnasForm(loneShop())
	a := &attendedShop{vendors: newVendorsBy(t, waysPages, seed, sandbox.Options{}), attendant: &browsertest.Attendant{Choose: choose}}
	a.shop = a.vendors.shop(t, seed.Shops[0].Name)
	a.w = a.commands(t, provider.Options{Attendant: a.attendant.Attend})
	a.w.useExample(t, wayConnection, seed)
	a.w.configure(t, "browser { attended = true }")
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

// TestPagesAttended_AsksBeforeEachChange asks the user before each click that changes something. The shop gets its key.
func TestPagesAttended_AsksBeforeEachChange(t *testing.T) {
	t.Parallel()
	a := newAttendedShop(t, func(string) string { return "OK" })
	if got := a.w.terraform(t, "plan"); got.code != 0 {
		t.Fatal(got.output)
	}
	a.wantAsked(t)
	a.w.mustApply(t)
	a.wantAsked(t, "Generate new", "Update ID and Secret", "Delete API Key", "Confirm")
	a.wantWorking(t, a.shop.Name)
	if keys := a.Keys(a.shop.MerchantID); len(keys) != 1 || keys[0].Username == a.shop.KustomID {
		t.Errorf("the store has %d keys", len(keys))
	}
}

// TestPagesAttended_StopChangesNothing stops at a question. The browser does not click, the shop keeps its key, and a later run
// continues.
func TestPagesAttended_StopChangesNothing(t *testing.T) {
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
			if got := a.w.apply(t); got.code == 0 || !strings.Contains(got.output, "because you said Stop") {
				t.Errorf("the error is %s", got.output)
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
			a.w.mustApply(t)
			a.wantWorking(t, a.shop.Name)
		})
	}
}

// TestPagesAttended_NeedsScreen expects an error before the plan if there is no screen.
func TestPagesAttended_NeedsScreen(t *testing.T) {
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
			v := &vendors{way: waysAPIs, env: test.env, clock: clocktest.New(time.Time{})}
			w := v.commands(t, provider.Options{Sessions: browser.SessionStore{Dir: t.TempDir()}})
			w.write(t, "main.tf", keyOnly)
			w.configure(t, "browser { attended = true }")
			says := w.terraform(t, "plan").output
			failed := test.failed && runtime.GOOS == "linux" // Elsewhere, nothing tells.
			if strings.Contains(says, "This machine has no screen") != failed {
				t.Errorf("it says %s", says)
			}
		})
	}
}
