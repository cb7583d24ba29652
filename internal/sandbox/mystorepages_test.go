package sandbox

import (
	"strings"
	"testing"
	"time"
)

// codeSeed is that of RFC 6238's test vectors, as authenticator apps take it.
const codeSeed = "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"

const credentialsPath = "/fjellsport/extensions/klarna-checkout-v3/credentials"

func (v *visitor) mystore(path string) *visitor {
	v.t.Helper()
	return v.open(v.b.srv.MystorePagesURL() + path)
}

func (v *visitor) signInToShop(store, password string) *visitor {
	v.t.Helper()
	return v.mystore("/sign-in").at(200, "Sign in").
		press("Sign in", "Store name", store, "Email", "owner@fjellsport.example", "Password", password)
}

func TestMystoreSignIn(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	v := b.visitor().mystore(credentialsPath).at(200, "Sign in")
	for _, wrong := range [][2]string{{"fjellsport", "guess"}, {"fjellsport", ""}, {"kaffebonna", "fake-mystore-password-fjellsport"}, {"nowhere", "x"}} {
		v.signInToShop(wrong[0], wrong[1]).at(422, "Sign in")
		if got := v.text("alert"); got != "The store name, e-mail or password is wrong." {
			t.Errorf("the alert is %q", got)
		}
	}
	v.signInToShop("Fjellsport", "fake-mystore-password-fjellsport").at(200, "Home")
	if got := textOf(v.get("region", "Store shown")); got != "fjellsport" {
		t.Errorf("the shop shown is %q", got)
	}
	v.mystore("/kaffebonna/extensions").at(403, "You do not have access")
	v.mystore("/sign-in/code").at(200, "Sign in")
	v.mystore("/").at(200, "Home").press("Sign out").at(200, "Sign in")
	v.mystore("/fjellsport").at(200, "Sign in")
	b.wantViolations()
	b.wantNoSecrets()
}

func TestMystoreCode(t *testing.T) {
	seed := ThreeShops()
	seed.Shops[0].Users = []ShopUser{{Email: "owner@fjellsport.example", Password: "fake-password", CodeSeed: codeSeed}}
	b := newBench(t, seed, Options{})
	key, err := codeKey(codeSeed)
	if err != nil {
		t.Fatal(err)
	}
	v := b.visitor().signInToShop("fjellsport", "fake-password").at(200, "One-time code")
	v.mystore("/fjellsport").at(200, "Sign in")
	v.mystore("/sign-in/code").at(200, "One-time code")
	now := b.clock.Now()
	for _, wrong := range []string{"", "12345", code(key, now.Add(-2*codePeriod)), code(key, now.Add(2*codePeriod))} {
		v.press("Continue", "Code", wrong).at(422, "One-time code")
		if got := v.text("alert"); got != "The code is wrong, or no longer valid." {
			t.Errorf("the alert is %q", got)
		}
	}
	v.press("Continue", "Code", code(key, now.Add(-codePeriod))).at(200, "Home")
	b.wantNoSecrets()
}

// TestCode has RFC 6238's own vectors, whose last six digits are those of a code of six.
func TestCode(t *testing.T) {
	key, err := codeKey(codeSeed)
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"} {
		if got := code(key, time.Unix(at, 0)); got != want {
			t.Errorf("at %d the code is %s, want %s", at, got, want)
		}
	}
}

func TestExtensionsPage(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	v := b.atShop("fjellsport").at(200, "Extensions")
	if got := textOf(v.get("list", "Your extensions")); got != "Klarna Checkout V3 Version 3.4.1 Bring Version 2.11.0" {
		t.Errorf("the extensions are %q", got)
	}
	v.press("Search", "Search", "checkout")
	if got := textOf(v.get("list", "Your extensions")); got != "Klarna Checkout V3 Version 3.4.1" {
		t.Errorf("found %q", got)
	}
	if v.press("Search", "Search", "nothing"); len(v.found("list", "Your extensions")) != 0 {
		t.Errorf("found %s", v.source)
	}
	v.mystore("/fjellsport/extensions").follow("link", "Bring").at(200, "Bring")
	if len(v.found("link", "Credentials")) != 0 || !strings.Contains(v.source, "Version 2.11.0") {
		t.Errorf("the page is %s", v.source)
	}
	v.mystore("/fjellsport/extensions/bring-shipping/credentials").at(404, "Not found")
}

// TestV2HasNoCredentials: what can't use Kustom is in the list, and no V3.
func TestV2HasNoCredentials(t *testing.T) {
	seed := ThreeShops()
	seed.Shops[0].Extensions = []Extension{{ID: "klarna-checkout-v2", Name: "Klarna Checkout V2", Version: "2.9.3"}}
	b := newBench(t, seed, Options{})
	v := b.atShop("fjellsport")
	if got := textOf(v.get("list", "Your extensions")); got != "Klarna Checkout V2 Version 2.9.3 · Not active" {
		t.Errorf("the extensions are %q", got)
	}
	if v.follow("link", "Klarna Checkout V2").at(200, "Klarna Checkout V2"); len(v.found("link", "Credentials")) != 0 {
		t.Errorf("the page is %s", v.source)
	}
	v.mystore(credentialsPath).at(404, "Not found")
	v.mystore("/fjellsport/extensions/klarna-checkout-v3").at(404, "Not found")
}

func TestCredentialsPage(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	key, err := b.s.GenerateKey(fjellsport, "")
	if err != nil {
		t.Fatal(err)
	}
	v := b.atShop("fjellsport").mystore(credentialsPath).at(200, "Credentials")
	if strings.Contains(v.source, "kco_") || attribute(v.get("textbox", "Kustom Secret"), "type") != "password" {
		t.Errorf("the page is %s", v.source)
	}
	if !strings.Contains(v.source, `Last updated <time datetime="2021-04-12T08:34:51Z">12 Apr 2021, 08:34</time>`) {
		t.Errorf("the page is %s", v.source)
	}
	for alert, pair := range map[string][2]string{
		"Fill in both Kustom ID and Kustom Secret, or neither.":   {key.Username, ""},
		"There is white space around Kustom ID or Kustom Secret.": {key.Username + " ", key.Secret},
	} {
		v.press("Update ID and Secret", "Kustom ID", pair[0], "Kustom Secret", pair[1]).at(422, "Credentials")
		if got := v.text("alert"); got != alert {
			t.Errorf("the alert is %q, want %q", got, alert)
		}
		if shop, _ := b.s.Shop("fjellsport"); shop.KustomID != fjellsportK {
			t.Errorf("it was saved: %s", shop.KustomID)
		}
	}
	v.press("Update ID and Secret", "Kustom ID", key.Username, "Kustom Secret", key.Secret).at(200, "Credentials")
	if shop, _ := b.s.Shop("fjellsport"); shop.KustomID != key.Username || shop.KustomSecret != key.Secret {
		t.Errorf("the shop has %s", shop.KustomID)
	}
	if strings.Contains(v.source, key.Secret) {
		t.Error("the secret is shown")
	}
	b.wantViolations()
	v.press("Update ID and Secret", "Kustom ID", "", "Kustom Secret", "").at(200, "Credentials")
	if shop, _ := b.s.Shop("fjellsport"); shop.KustomID != "" || shop.KustomSecret != "" {
		t.Errorf("the shop still has %s", shop.KustomID)
	}
	v.press("Update ID and Secret", "Kustom ID", "M00412871-none", "Kustom Secret", "kco_live_api_none")
	b.wantViolations(ViolationShopCleared, ViolationUnknownKey)
	b.wantNoSecrets()
}

func TestNeverUpdated(t *testing.T) {
	seed := ThreeShops()
	seed.Shops[0].KustomID, seed.Shops[0].KustomSecret, seed.Shops[0].UpdatedAt = "", "", nil
	b := newBench(t, seed, Options{})
	if v := b.atShop("fjellsport").mystore(credentialsPath).at(200, "Credentials"); !strings.Contains(v.source, "Not updated yet") {
		t.Errorf("the page is %s", v.source)
	}
}
