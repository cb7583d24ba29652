package provider_test

import (
	"strings"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// hiddenID has the shops' pages never show a Kustom ID.
func hiddenID() sandbox.Options {
	return sandbox.Options{Pages: sandbox.PagesOptions{Mutations: []string{"id-not-shown"}}}
}

// pagesPair is a key and the shop that it is for, over the pages.
type pagesPair struct {
	*vendors
	w    *testEnv
	shop sandbox.Shop
}

// newPagesPair starts vendors with one shop, which has Klarna's key.
func newPagesPair(t *testing.T, o sandbox.Options) *pagesPair {
	t.Helper()
	seed := klarnasForm(loneShop())
	p := &pagesPair{vendors: newVendorsBy(t, waysPages, seed, o)}
	p.shop = p.vendors.shop(t, seed.Shops[0].Name)
	p.w = p.commands(t, provider.Options{CacheDir: t.TempDir()})
	p.w.useExample(t, wayPair, seed)
	return p
}

// campaign gives the shop a key that is not imported; another campaign gives it another key.
func (p *pagesPair) campaign(t *testing.T, name string) {
	t.Helper()
	p.w.addToShops(t, wayPair, `rotate_when_changed = { campaign = "`+name+`" }`)
	p.w.removeImports(t)
}

// mustApply applies, and expects nothing to be left to do.
func (p *pagesPair) mustApply(t *testing.T) {
	t.Helper()
	p.w.mustApply(t)
	p.w.mustBeEmpty(t)
}

// TestPagesPair_DeletesNoKeyOfShopThatHidesIt rotates the key of a shop whose page hides its Kustom ID. No key that it may use
// is deleted (I1). The next run deletes the old key after the portal shows that the shop uses the new one.
func TestPagesPair_DeletesNoKeyOfShopThatHidesIt(t *testing.T) {
	t.Parallel()
	p := newPagesPair(t, hiddenID())
	p.campaign(t, "1")
	p.mustApply(t)
	first := p.vendors.shop(t, p.shop.Name).KustomID
	if first == p.shop.KustomID {
		t.Fatal("the shop has not got a new key")
	}
	p.wantWorking(t, p.shop.Name)

	p.clock.Advance(time.Hour)
	p.campaign(t, "2")
	const says = "may use it, but does not show its Kustom ID"
	if got := p.w.apply(t); got.code == 0 || !strings.Contains(got.output, first) || !strings.Contains(got.output, says) {
		t.Errorf("the rotation says %s, want %q of key %s", got.output, says, first)
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
	p.mustPlaceOrder(p.shop.Name)
	p.mustApply(t)
	p.wantWorking(t, p.shop.Name)
	for _, key := range p.Keys(p.shop.MerchantID) {
		if key.Username == first {
			t.Error("the shop is seen to use its new key, and the one before it is left")
		}
	}
}

// TestPagesPair_ReplacesKlarnasKey imports the key that the shop has, and replaces it: its form tells that it is Klarna's.
func TestPagesPair_ReplacesKlarnasKey(t *testing.T) {
	t.Parallel()
	p := newPagesPair(t, sandbox.Options{})
	p.mustApply(t)
	p.wantWorking(t, p.shop.Name)
	keys := p.Keys(p.shop.MerchantID)
	if len(keys) != 1 || keys[0].Username != p.vendors.shop(t, p.shop.Name).KustomID || keys[0].Username == p.shop.KustomID {
		t.Errorf("the store has %d keys", len(keys))
	}
}

// TestPagesPair_CorrectsChangesByHand corrects another Kustom ID. The page does not show other changes, so their plans are
// empty.
func TestPagesPair_CorrectsChangesByHand(t *testing.T) {
	t.Parallel()
	p := newPagesPair(t, sandbox.Options{})
	p.campaign(t, "1")
	p.mustApply(t)
	ours := p.vendors.shop(t, p.shop.Name)
	p.mustInstall(p.shop.Name, ours.KustomID, "kco_live_api_wrong")
	p.w.mustBeEmpty(t)
	p.mustInstall(p.shop.Name, "", "")
	p.w.mustBeEmpty(t)
	other := p.mustGenerate(p.shop.MerchantID, "")
	p.mustInstall(p.shop.Name, other.Username, other.Secret)
	p.mustApply(t)
	p.wantWorking(t, p.shop.Name)
	if got := p.vendors.shop(t, p.shop.Name).KustomID; got != ours.KustomID {
		t.Errorf("the shop holds %s, want %s", got, ours.KustomID)
	}
}

// TestPages_VerifyCredentials verifies over pages, which show neither hosts nor when a shop was changed.
func TestPages_VerifyCredentials(t *testing.T) {
	t.Parallel()
	both := examplePair.with(exampleShop)
	t.Run("shown", func(t *testing.T) {
		t.Parallel()
		v := newVendorsBy(t, waysPages, exampleSeed(), sandbox.Options{})
		got := v.act(t, verifyAction, both)
		got.wantProblems(t, "invoke")
		got.wantProgress(t, "Shop nettbutikk holds M00123456-aB3dE.", "M00123456-aB3dE exists.", "All checks passed.")
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
