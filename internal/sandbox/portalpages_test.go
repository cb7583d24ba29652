package sandbox

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

const (
	admin       = "ops@agency.example"
	storePath   = "/stores/" + fjellsport
	keysPath    = storePath + "/integrations"
	deletePath  = keysPath + "/keys/5f0c7f0a-4f0e-4a38-9d5e-2a3f6c1b7e01/delete"
	fjellsportK = "M00412871-qT7vA"
)

func (v *visitor) portal(path string) *visitor {
	v.t.Helper()
	return v.open(v.b.srv.PortalPagesURL() + path)
}

func TestPortalHome(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	v := b.signedIn(admin).at(200, "Home")
	if got := textOf(v.get("region", "Store shown")); got != "Fjellsport (M00412871)" {
		t.Errorf("the store shown is %q", got)
	}
	if got := v.text("banner"); !strings.Contains(got, admin) {
		t.Errorf("the banner is %q", got)
	}
	want := "Action required Some services are still using Klarna endpoints. Follow this guide to switch your setup to Kustom."
	if got := v.text("alert"); got != want {
		t.Errorf("the alert is %q", got)
	}
	key, err := b.s.GenerateKey(fjellsport, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.s.Install("fjellsport", key.Username, key.Secret); err != nil {
		t.Fatal(err)
	}
	if err := b.s.PlaceOrder("fjellsport"); err != nil {
		t.Fatal(err)
	}
	if got := v.portal("/").at(200, "Home").text("alert"); got != "" {
		t.Errorf("after the switch the alert is %q", got)
	}
}

// TestStoreSelector: it keeps the section, and offers and shows what the user can see.
func TestStoreSelector(t *testing.T) {
	seed := ThreeShops()
	seed.Users[0].Stores = []string{kaffebonna, fjellsport}
	b := newBench(t, seed, Options{})
	v := b.signedIn(admin)
	for _, section := range []string{sectionHome, sectionIntegrations, sectionAPI} {
		v.portal(storePath+section).press("Show", "Store", kaffebonna)
		if want := portalPagesPrefix + "/stores/" + kaffebonna + section; v.url.Path != want {
			t.Errorf("it leads to %s, want %s", v.url.Path, want)
		}
		if got := textOf(v.get("region", "Store shown")); got != "Kaffebønna (M00537204)" {
			t.Errorf("the store shown is %q", got)
		}
	}
	if got := textOf(v.get("combobox", "Store")); got != "Fjellsport (M00412871) Kaffebønna (M00537204)" {
		t.Errorf("the stores are %q", got)
	}
	for _, path := range []string{
		"/stores/M00698335", "/stores/M00698335/integrations", "/stores/M00698335/integrations/api",
		"/stores/M00698335/integrations/generate", "/stores?store=M00698335", "/stores?store=" + fjellsport + "&section=//evil.example",
		"/nothing", storePath + "/nothing", keysPath + "/keys/nothing/delete",
	} {
		v.portal(path).at(404, "")
	}
	b.wantViolations()
}

func TestPortalKeysPage(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	v := b.signedIn(admin).portal("/stores/"+kaffebonna+"/integrations").at(200, "Integrations")
	want := [][]string{
		{"Username", "Key ID", "Description", "Host", "Created", "Last used", "Actions"},
		{"M00537204-xM2pE", "81c4a9d6-0b7c-4c55-8a3b-94f1d0e2c702", "mystore: kaffebonna", "api.klarna.com", "1 Sep 2022, 13:05", "2 Mar 2026, 09:58", "⋮ Delete API key"},
		{"M00537204-b9LkC", "c2d96b1f-7e44-4a1d-b0a9-6e8f53a7d903", "test by hand", "api.klarna.com", "30 Aug 2022, 07:49", "Never", "⋮ Delete API key"},
	}
	if got := v.rows("API keys"); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the keys are %q", got)
	}
	var times []string
	for n := range v.doc.Descendants() {
		if n.Data == "time" {
			times = append(times, attribute(n, "datetime"))
		}
	}
	if want := []string{"2022-09-01T13:05:22Z", "2026-03-02T09:58:03Z", "2022-08-30T07:49:10Z"}; !slices.Equal(times, want) {
		t.Errorf("the times are %q", times)
	}
}

func TestPortalAPIPage(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	v := b.signedIn(admin).portal(keysPath).follow("link", "API").at(200, "API")
	want := [][]string{
		{"Service", "Host", "Last used", "Action required"},
		{"Checkout", "api.klarna.com", "2 Mar 2026, 10:41", "Switch endpoint to api.kustom.co"},
		{"Order management", "api.klarna.com", "2 Mar 2026, 11:05", "Switch endpoint to api.kustom.co"},
	}
	if got := v.rows("Endpoints"); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the endpoints are %q", got)
	}
}

// TestKeysArePaged: every key is on one page, in order, also when one on an earlier page is deleted.
func TestKeysArePaged(t *testing.T) {
	const many = 250
	b := newBench(t, ThreeShops(), Options{KeyLimit: many})
	for range many - 1 {
		if _, err := b.s.GenerateKey(fjellsport, ""); err != nil {
			t.Fatal(err)
		}
	}
	var want, got []string
	for _, k := range b.s.Keys(fjellsport) {
		want = append(want, k.Username)
	}
	v := b.signedIn(admin).portal(keysPath)
	for pages := 1; pages <= 3; pages++ {
		for _, row := range v.at(200, "Integrations").rows("API keys")[1:] {
			got = append(got, row[0])
		}
		if pages == 1 {
			if err := b.s.DeleteKey(fjellsport, b.s.Keys(fjellsport)[0].CredentialID); err != nil {
				t.Fatal(err)
			}
		}
		if pages < 3 {
			v.follow("link", "Next page")
		}
	}
	if len(v.found("link", "Next page")) != 0 {
		t.Error("there are more pages")
	}
	if !slices.Equal(got, want) {
		t.Errorf("the pages have %d keys, want %d", len(got), len(want))
	}
}

func TestNoKeysYet(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	if err := b.s.DeleteKey(fjellsport, b.s.Keys(fjellsport)[0].CredentialID); err != nil {
		t.Fatal(err)
	}
	v := b.signedIn(admin).portal(keysPath).at(200, "Integrations")
	if !strings.Contains(v.source, "No API keys yet") || len(v.found("table", "API keys")) != 0 {
		t.Errorf("the page is %s", v.source)
	}
}

// TestSecretIsServedOnce: to the session that made the key, and never again.
func TestSecretIsServedOnce(t *testing.T) {
	for _, pending := range []int{0, 1} {
		t.Run(fmt.Sprint("pending ", pending), func(t *testing.T) {
			b := newBench(t, ThreeShops(), Options{Pending: pending})
			v, other := b.signedIn(admin), b.signedIn(admin)
			v.portal(keysPath).follow("link", "Generate new").press("Generate")
			popup := v.url.String()
			secret := b.s.Keys(fjellsport)[1].Secret
			if other.open(popup).at(200, "Integrations"); strings.Contains(other.source, secret) {
				t.Error("another session is shown the secret")
			}
			if pending > 0 {
				if strings.Contains(v.source, secret) || len(v.found("dialog", "Your new API key")) > 0 {
					t.Errorf("there is nothing to wait for: %s", v.source)
				}
				v.open(popup)
			}
			v.get("dialog", "Your new API key")
			if got := attribute(v.get("textbox", "Kustom Secret"), "value"); got != secret {
				t.Errorf("the secret is %q", got)
			}
			for range 2 {
				if v.open(popup).at(200, "Integrations"); strings.Contains(v.source, secret) || v.url.Path != portalPagesPrefix+keysPath {
					t.Errorf("a reload shows %s: %s", v.url, v.source)
				}
			}
			path := "/stores/" + fjellsport + "/credentials/" + b.s.Keys(fjellsport)[1].CredentialID
			if body := b.portal(http.MethodGet, path, "", adminHeader()).body; strings.Contains(body, secret) {
				t.Error("the API shows the secret as well")
			}
			b.wantViolations()
			b.wantNoSecrets()
		})
	}
}

func TestGenerateRefused(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{KeyLimit: 1})
	v := b.signedIn(admin).portal(keysPath).follow("link", "Generate new")
	v.press("Generate", "Description", "ærlig").at(422, "")
	if got := v.text("alert"); !strings.HasPrefix(got, "A description is up to 100 letters") {
		t.Errorf("the alert is %q", got)
	}
	v.press("Generate", "Description", "fine").at(409, "")
	if got := v.text("alert"); got != "The store has 1 keys, and can't have more" {
		t.Errorf("the alert is %q", got)
	}
	if got := attribute(v.get("textbox", "Description"), "value"); got != "fine" {
		t.Errorf("what was typed became %q", got)
	}
	if got := len(b.s.Keys(fjellsport)); got != 1 {
		t.Errorf("there are %d keys", got)
	}
	b.wantViolations()
}

// TestDeleteIsConfirmed: nothing is deleted before the button of the dialog, and Cancel deletes nothing.
func TestDeleteIsConfirmed(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	v := b.signedIn(admin).portal(keysPath).openMenu("Actions for "+fjellsportK).follow("menuitem", "Delete API key")
	if got := textOf(v.get("dialog", "Delete API key")); !strings.Contains(got, fjellsportK+" of Fjellsport (M00412871)") {
		t.Errorf("the dialog is %q", got)
	}
	for _, hidden := range []string{"Generate new", "Sign out", "Actions for " + fjellsportK} {
		if len(v.found("button", hidden))+len(v.found("link", hidden)) > 0 {
			t.Errorf("%q can be used while the dialog is open", hidden)
		}
	}
	if v.get("region", "Store shown"); len(b.s.Keys(fjellsport)) != 1 {
		t.Fatal("the key is gone already")
	}
	v.follow("button", "Cancel").at(200, "Integrations")
	if len(b.s.Keys(fjellsport)) != 1 {
		t.Error("Cancel deleted the key")
	}
	v.portal(deletePath).press("Delete").at(200, "Integrations")
	if len(b.s.Keys(fjellsport)) != 0 {
		t.Error("the key is still there")
	}
	v.portal(deletePath).at(404, "Not found")
	b.wantViolations(ViolationKeyInUse, ViolationShopStopped)
}

// TestIntegrationsNeedARole: nothing of them is shown to somebody else, and nothing done for them.
func TestIntegrationsNeedARole(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	v := b.signedIn("trainee@agency.example").at(200, "Home")
	if len(v.found("link", "Integrations")) != 0 || strings.Contains(v.source, "API keys") {
		t.Errorf("the page is %s", v.source)
	}
	_, _, form := v.formOf("Sign out")
	for _, rt := range portalPagesMount().routes {
		if !rt.page.integrations {
			continue
		}
		path := strings.NewReplacer("{merchant_id}", fjellsport, "{credential_id}", b.s.Keys(fjellsport)[0].CredentialID).Replace(rt.template)
		v.send(rt.method, b.srv.PortalPagesURL()+path, form).at(403, "You do not have access")
		if !strings.Contains(v.source, "Request access via User Manager from your account administrator") {
			t.Errorf("the page is %s", v.source)
		}
	}
	if got := len(b.s.Keys(fjellsport)); got != 1 {
		t.Errorf("there are %d keys", got)
	}
	b.wantViolations()
}

func TestMagicLink(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	v := b.visitor().portal("/").at(200, "Sign in")
	v.portal("/mailbox").at(200, "Mailbox")
	if !strings.Contains(v.source, "No mail yet") {
		t.Errorf("the mailbox is %s", v.source)
	}
	for _, email := range []string{"nobody@agency.example", "former@agency.example", "trainee@agency.example", " OPS@agency.example"} {
		v.portal("/sign-in").press("Send magic link", "Email", email).at(200, "Check your email")
	}
	links := v.follow("link", "Open the mailbox").at(200, "Mailbox").found("link", "Sign in to Kustom Portal")
	if len(links) != 2 {
		t.Fatalf("there are %d mails", len(links))
	}
	newest := attribute(links[0], "href")
	if got := v.open(newest).at(200, "Home").text("banner"); !strings.Contains(got, admin) {
		t.Errorf("signed in as %q", got)
	}
	second := b.visitor().open(b.srv.URL()+newest).at(403, "Sign in")
	if got := second.text("alert"); got != "The link has been used, or is too old." {
		t.Errorf("the alert is %q", got)
	}
	second.portal("/").at(200, "Sign in")
	b.clock.Advance(linkLife + 1)
	second.open(attribute(links[1], "href")).at(403, "Sign in")
	b.wantViolations()
	b.wantNoSecrets()
}

// TestPortalSessionEnds: afterwards no page shows anything, and no form does anything.
func TestPortalSessionEnds(t *testing.T) {
	ends := map[string]func(b *bench, v *visitor){
		"signed out": func(_ *bench, v *visitor) { v.press("Sign out") },
		"expired":    func(b *bench, _ *visitor) { b.s.EndSessions() },
		"fault":      func(b *bench, _ *visitor) { b.s.Arm(Fault{API: PortalPages, Times: 1, Kind: FaultSignOut}) },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, ThreeShops(), Options{})
			v := b.signedIn(admin).portal(keysPath)
			v.portal(deletePath)
			_, action, form := v.formOf("Delete")
			end(b, v.portal(keysPath))
			v.send(http.MethodPost, action, form).at(200, "Sign in")
			v.portal(keysPath).at(200, "Sign in")
			if got := len(b.s.Keys(fjellsport)); got != 1 {
				t.Errorf("there are %d keys", got)
			}
		})
	}
}

// TestFormsBelongToASession: no POST of either vendor's does anything without the session's token.
func TestFormsBelongToASession(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	path := strings.NewReplacer("{merchant_id}", fjellsport, "{credential_id}", b.s.Keys(fjellsport)[0].CredentialID,
		"{shop}", "fjellsport", "{extension_id}", KlarnaCheckoutV3)
	visitors := map[string]*visitor{PortalPages: b.signedIn(admin), MystorePages: b.atShop("fjellsport")}
	_, _, foreign := b.signedIn(admin).formOf("Sign out")
	posts := 0
	for _, m := range []*mount{portalPagesMount(), mystorePagesMount()} {
		for _, rt := range m.routes {
			if rt.method != http.MethodPost {
				continue
			}
			posts++
			for _, form := range []url.Values{{}, {"csrf": {""}}, foreign} {
				visitors[m.api].send(http.MethodPost, b.srv.URL()+m.prefix+path.Replace(rt.template), form).at(403, "Forbidden")
			}
		}
	}
	if posts != 9 {
		t.Errorf("%d forms were tried", posts)
	}
	if shop, _ := b.s.Shop("fjellsport"); len(b.s.Keys(fjellsport)) != 1 || shop.KustomID != fjellsportK {
		t.Error("a form was obeyed")
	}
	visitors[PortalPages].portal("/").at(200, "Home")
	b.wantViolations()
}

func TestPagesAreLogged(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	v := b.signedIn(admin)
	b.s.ResetRequests()
	v.portal(keysPath).follow("link", "Generate new").press("Generate").press("Done")
	v.portal(storePath + "/nothing")
	b.atShop("fjellsport").follow("link", "Bring")
	var got []string
	for _, r := range b.s.Requests() {
		got = append(got, fmt.Sprintf("%s %s %s [%s%s] %s %d", r.API, r.Method, r.Template, r.MerchantID, r.Shop, r.Caller, r.Status))
	}
	const of = " [M00412871] ops@agency.example "
	want := []string{
		"portal pages GET /stores/{merchant_id}/integrations" + of + "200",
		"portal pages GET /stores/{merchant_id}/integrations/generate" + of + "200",
		"portal pages POST /stores/{merchant_id}/integrations/generate" + of + "303",
		"portal pages GET /stores/{merchant_id}/integrations/new/{credential_id}" + of + "200",
		"portal pages POST /stores/{merchant_id}/integrations/new/{credential_id}" + of + "303",
		"portal pages GET /stores/{merchant_id}/integrations" + of + "200",
		"portal pages GET  [] ops@agency.example 404",
		"mystore pages GET /sign-in/{token} []  303",
		"mystore pages GET /{shop}/extensions [fjellsport] fjellsport 200",
		"mystore pages GET /{shop}/extensions/{extension_id} [fjellsport] fjellsport 200",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the log is\n%s", strings.Join(got, "\n"))
	}
	if n := b.s.Count(Portal, "", "") + b.s.Count(Mystore, "", ""); n != 0 {
		t.Errorf("%d of them count as calls of the APIs", n)
	}
	b.wantNoSecrets()
}

func TestLookalikes(t *testing.T) {
	plain := ThreeShops()
	b := newBench(t, plain.WithLookalikes(), Options{})
	rows := b.signedIn(admin).portal(keysPath).rows("API keys")
	if len(rows) != 3 || rows[1][0] != fjellsportK || rows[2][0] != fjellsportK+"2" || rows[2][1] == rows[1][1] || rows[2][5] != "Never" {
		t.Errorf("the keys are %q", rows)
	}
	if len(plain.Stores[0].Keys) != 1 {
		t.Error("the seed itself was changed")
	}
}
