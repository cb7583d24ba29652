package sandbox

import (
	"slices"
	"strings"
	"testing"
)

const (
	admin   = "ops@agency.example"
	trainee = "trainee@agency.example"

	fjellsportK = "M00412871-qT7vA"
	// keyCells are the cells of the table of keys, which is the last one.
	keyCells = "div.card > div > table td"
)

// portalAt opens a page of the portal in a browser that is signed in, and refuses the cookies.
func (env *testEnv) portalAt(target string) *tab {
	env.t.Helper()
	p := newTab(env.t)
	path, err := env.s.PortalLink(admin, target)
	if err != nil {
		env.t.Fatal(err)
	}
	p.open(env.srv.URL() + path)
	p.press("Necessary only")
	return p
}

// apiPage clicks through to the API page, and waits for its rows.
func (env *testEnv) apiPage() *tab {
	env.t.Helper()
	p := env.portalAt("/")
	p.press("Integrations")
	p.press("API")
	p.until(find(keyCells, "") + ".length")
	return p
}

func TestPortal_GeneratesAndDeletesKey(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	p := env.apiPage()
	// The browser's time zone is that of Oslo.
	want := []string{fjellsportK, "12 Apr 2021 10:30", "2 Mar 2026 11:41", "–", "Open menu"}
	if got := p.texts(keyCells); !slices.Equal(got, want) {
		t.Errorf("the cells are %q", got)
	}
	p.press("Generate new")
	p.until(find("[role=dialog]", "") + ".length")
	keys := env.s.Keys(fjellsport)
	if len(keys) != 2 || !strings.Contains(p.text("[role=dialog]"), keys[1].Username+" Password "+keys[1].Secret) {
		t.Errorf("the popup is %q", p.text("[role=dialog]"))
	}
	if reachable := p.texts("h1, h2, nav, table"); !slices.Equal(reachable, []string{"Kustom API Key generated"}) {
		t.Errorf("outside the popup, %q can be reached", reachable)
	}
	p.pressNth("[role=dialog] button", "Close", 0)
	p.until(find(keyCells, "") + ".length === 10")
	if err := env.s.Install("fjellsport", keys[1].Username, keys[1].Secret); err != nil {
		t.Fatal(err)
	}
	p.pressNth("[aria-haspopup=menu]", "Open menu", 0)
	p.press("Delete API Key")
	p.press("Confirm")
	p.until(find("p", "1 result") + ".length")
	if left := env.s.Keys(fjellsport); len(left) != 1 || left[0].Username != keys[1].Username {
		t.Errorf("the keys are %v", left)
	}
	env.wantViolations()
}

func TestPortal_ListsStoresWhileListIsOpen(t *testing.T) {
	env := newTestEnv(t, FleetSeed(300), Options{})
	p := env.apiPage()
	if options := p.texts("[role=option]"); len(options) != 0 {
		t.Fatalf("there are %d options before the list is open", len(options))
	}
	p.pressNth("button[role=combobox]", "", 0)
	p.until(find("[role=option]", "") + ".length === 300")
	p.enter("M00500250")
	p.until(find("[role=option]", "") + ".length === 1")
	p.press("Shop 250 – M00500250")
	p.until(find("td", env.s.Keys("M00500250")[0].Username) + ".length")
	if options := p.texts("[role=option]"); len(options) != 0 {
		t.Errorf("there are %d options after the choice", len(options))
	}
	if got := p.text("button[role=combobox]"); got != "Shop 250 – M00500250" {
		t.Errorf("the choice is %q", got)
	}
}

func TestPortal_HidesAPIKeysFromStaff(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	path, err := env.s.PortalLink(trainee, "/")
	if err != nil {
		t.Fatal(err)
	}
	p := newTab(t)
	p.open(env.srv.URL() + path)
	p.until(find("nav button", "Orders") + ".length")
	if groups := p.texts("nav button"); slices.Contains(groups, "Integrations") {
		t.Errorf("the menu is %q", groups)
	}
}

func TestSignIn_ByMagicLinkFromAnotherOrigin(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	p := newTab(t)
	p.open(env.srv.PortalPagesURL() + "/integrations/api")
	if host := eval[string](p, "location.hostname"); host != "localhost" {
		t.Fatalf("sign-in is on %s", host)
	}
	p.press("Log in with magic link")
	p.until(`document.activeElement?.id === "username"`)
	p.enter(admin)
	p.press("Send")
	p.until(find("h1", "Check your email") + ".length")
	p.open(otherOrigin(strings.TrimPrefix(env.srv.URL(), "http://")) + signInPagesPrefix + "/mailbox")
	p.press("Log in to Kustom Portal")
	p.until(find("h1", "API") + ".length")
	if at := eval[string](p, "location.href"); at != env.srv.PortalPagesURL()+"/integrations/api" {
		t.Errorf("the link leads to %s", at)
	}
}

func TestControlPanel_SavesPairAtHostOfShop(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	key := env.newKey(fjellsport)
	p := newTab(t)
	p.open(env.srv.MystoreAdminURL("fjellsport"))
	p.pressNth("input", "", 0)
	p.enter("owner@fjellsport.example\tfake-mystore-password-fjellsport\r")
	p.press("Extensions")
	p.press("Your extensions")
	p.pressNth("input[type=search]", "", 0)
	p.enter("klarna")
	p.until(find("h3", "") + ".length === 1")
	p.press("Credentials")
	p.pressNth("input", "", 0)
	eval[bool](p, `(document.activeElement.select(), true)`)
	p.enter(key.Username + "\t" + key.Secret)
	p.press("Update ID and Secret")
	p.until(find("li", "The credentials have been updated.") + ".length")
	if shop, _ := env.s.Shop("fjellsport"); shop.KustomID != key.Username || shop.KustomSecret != key.Secret {
		t.Errorf("the shop holds %s", shop.KustomID)
	}
	env.wantViolations()
}
