package provider_test

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// hiddenID has the shops' pages never show a Kustom ID.
func hiddenID() sandbox.Options {
	return sandbox.Options{Pages: sandbox.PagesOptions{Mutations: []string{"id-not-shown"}}}
}

// pagesPair is a key and the shop that it is for, over the pages. A change of campaign rotates the key.
type pagesPair struct {
	*vendors
	*core
	shop     sandbox.Shop
	campaign string
}

// newPagesPair starts vendors with one shop, which has Klarna's key.
func newPagesPair(t *testing.T, o sandbox.Options) *pagesPair {
	t.Helper()
	seed := klarnasForm(loneShop())
	p := &pagesPair{vendors: newVendorsBy(t, waysPages, seed, o), campaign: "1"}
	p.shop = p.vendors.shop(t, seed.Shops[0].Name)
	chains := pairs(seed)
	chains[0][0].config = func(map[string]tftypes.Value) map[string]any {
		return map[string]any{"merchant_id": p.shop.MerchantID, "rotate_when_changed": map[string]any{"campaign": p.campaign}}
	}
	p.core = &core{
		provider: newProvider(provider.Options{
			Version: "test", Clock: p.clock, CacheDir: t.TempDir(), Getenv: func(name string) string { return p.env[name] },
		}, waysPages),
		chains: chains, state: map[string]instance{}, deposed: map[string][]instance{}, tainted: map[string]bool{},
	}
	return p
}

// mustApply applies, and expects nothing to be left to do.
func (p *pagesPair) mustApply(t *testing.T) {
	t.Helper()
	if err := p.apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.wantNoChange(t)
}

func (p *pagesPair) wantNoChange(t *testing.T) {
	t.Helper()
	planned, err := p.plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(planned.changed) > 0 {
		t.Errorf("the plan changes %q", planned.changed)
	}
}

// TestPagesPairOfShopThatHidesItsKey: the shop gets its key, and no key that it may use is deleted (I1). The next run
// deletes the old one once the portal shows that the shop uses the new one.
func TestPagesPairOfShopThatHidesItsKey(t *testing.T) {
	t.Parallel()
	p := newPagesPair(t, hiddenID())
	p.mustApply(t)
	first := p.vendors.shop(t, p.shop.Name).KustomID
	if first == p.shop.KustomID {
		t.Fatal("the shop has not got a new key")
	}
	p.wantWorking(t, p.shop.Name)

	p.clock.Advance(time.Hour)
	p.campaign = "2"
	const says = "may use it, but does not show its Kustom ID"
	if err := p.apply(t.Context()); err == nil || !strings.Contains(err.Error(), first) || !strings.Contains(err.Error(), says) {
		t.Errorf("the rotation says %v, want %q of key %s", err, says, first)
	}
	p.wantWorking(t, p.shop.Name)
	if second := p.vendors.shop(t, p.shop.Name).KustomID; second == first {
		t.Error("the shop was not rotated")
	}
	for _, username := range []string{p.shop.KustomID, first} {
		p.key(t, p.shop.MerchantID, username)
	}
	p.wantCount(t, 2, sandbox.Mystore, "PATCH", "")

	p.clock.Advance(time.Hour)
	if err := p.PlaceOrder(p.shop.Name); err != nil {
		t.Fatal(err)
	}
	p.mustApply(t)
	p.wantWorking(t, p.shop.Name)
	for _, key := range p.Keys(p.shop.MerchantID) {
		if key.Username == first {
			t.Error("the shop is seen to use its new key, and the one before it is left")
		}
	}
}

// TestPagesPairOfKlarnasKey imports the key that the shop has, and replaces it: its form tells that it is Klarna's.
func TestPagesPairOfKlarnasKey(t *testing.T) {
	t.Parallel()
	p := newPagesPair(t, sandbox.Options{})
	p.discover = discoverKeys(loneShop())
	p.mustApply(t)
	p.wantWorking(t, p.shop.Name)
	keys := p.Keys(p.shop.MerchantID)
	if len(keys) != 1 || keys[0].Username != p.vendors.shop(t, p.shop.Name).KustomID || keys[0].Username == p.shop.KustomID {
		t.Errorf("the store has %d keys", len(keys))
	}
}

// TestPagesPairChangedByHand: another ID is put right. What the page does not show, nobody can see.
func TestPagesPairChangedByHand(t *testing.T) {
	t.Parallel()
	p := newPagesPair(t, sandbox.Options{})
	p.mustApply(t)
	ours := p.vendors.shop(t, p.shop.Name)
	if err := p.Install(p.shop.Name, ours.KustomID, "kco_live_api_wrong"); err != nil {
		t.Fatal(err)
	}
	p.wantNoChange(t)
	if err := clearShop(p.vendors, ours); err != nil {
		t.Fatal(err)
	}
	p.wantNoChange(t)
	other, err := p.GenerateKey(p.shop.MerchantID, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Install(p.shop.Name, other.Username, other.Secret); err != nil {
		t.Fatal(err)
	}
	p.mustApply(t)
	p.wantWorking(t, p.shop.Name)
	if got := p.vendors.shop(t, p.shop.Name).KustomID; got != ours.KustomID {
		t.Errorf("the shop holds %s, want %s", got, ours.KustomID)
	}
}

// TestPagesVerifyCredentials verifies over pages, which show neither hosts nor when a shop was changed.
func TestPagesVerifyCredentials(t *testing.T) {
	t.Parallel()
	both := examplePair.with(exampleShop)
	t.Run("shown", func(t *testing.T) {
		t.Parallel()
		v := newVendorsBy(t, waysPages, exampleSeed(), sandbox.Options{})
		got := v.act(t, verifyAction, both)
		got.wantProblems(t, "invoke")
		got.wantProgress(t, "Shop nettbutikk holds M00123456-aB3dE.", "M00123456-aB3dE exists.", "Everything that was checked is right.")
		v.wantOnlyReads(t)
	})
	t.Run("hidden", func(t *testing.T) {
		t.Parallel()
		v := newVendorsBy(t, waysPages, exampleSeed(), hiddenID())
		got := v.act(t, verifyAction, both)
		got.wantProblems(t, "invoke", problem{"shop", "Shop does not show its key", "can't tell an empty field from a hidden ID"})
		got.wantProgress(t, "Kustom's merchant API accepts M00123456-aB3dE with its secret.")
		v.wantOnlyReads(t)
	})
}
