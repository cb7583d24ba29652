package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const keysData = "/data/stores/" + fjellsport + "/keys"

// client is a browser without a screen: it keeps cookies, goes where it is led, and takes every host that
// ends in localhost for this machine.
type client struct {
	t      *testing.T
	b      *bench
	http   *http.Client
	header http.Header
}

// got is what a client is answered.
type got struct {
	status int
	url    *url.URL
	header http.Header
	body   string
}

func (b *bench) client() *client {
	b.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.t.Fatal(err)
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	}}
	b.t.Cleanup(transport.CloseIdleConnections)
	return &client{t: b.t, b: b, http: &http.Client{Jar: jar, Transport: transport, Timeout: time.Minute}, header: http.Header{}}
}

func (c *client) try(method, address, contentType, body string) (got, error) {
	r, err := http.NewRequestWithContext(c.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		return got{}, err
	}
	r.Header = c.header.Clone()
	r.Header.Set("Content-Type", contentType)
	resp, err := c.http.Do(r)
	if err != nil {
		return got{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	return got{resp.StatusCode, resp.Request.URL, resp.Header, string(data)}, err
}

func (c *client) send(method, address, contentType, body string) got {
	c.t.Helper()
	g, err := c.try(method, address, contentType, body)
	if err != nil {
		c.t.Fatal(err)
	}
	return g
}

func (c *client) get(address string) got {
	c.t.Helper()
	return c.send(http.MethodGet, address, "", "")
}

func (c *client) post(address string, form url.Values) got {
	c.t.Helper()
	return c.send(http.MethodPost, address, "application/x-www-form-urlencoded", form.Encode())
}

// boot is what the script of a document starts from.
func (g got) boot(t *testing.T) portalBoot {
	t.Helper()
	_, rest, _ := strings.Cut(g.body, `id="boot">`)
	text, _, _ := strings.Cut(rest, "</script>")
	return readJSON[portalBoot](t, text)
}

// portalAs is a client that is signed in to the portal, as the page's script is.
func (b *bench) portalAs(email string) *client {
	b.t.Helper()
	path, err := b.s.PortalLink(email, "/")
	if err != nil {
		b.t.Fatal(err)
	}
	c := b.client()
	c.header.Set("X-CSRF-Token", c.get(b.srv.URL()+path).boot(b.t).CSRF)
	return c
}

// shopAs is a client that is signed in to a shop, as the page's script is.
func (b *bench) shopAs(shop string) *client {
	b.t.Helper()
	path, err := b.s.MystoreLink(shop, "/extensions")
	if err != nil {
		b.t.Fatal(err)
	}
	c := b.client()
	c.header.Set("X-CSRF-Token", c.get(ShopURL(b.srv.URL(), shop)+path).boot(b.t).CSRF)
	return c
}

// ask calls the portal's own endpoint as its script does.
func (c *client) ask(method, path string) got {
	c.t.Helper()
	return c.send(method, c.b.srv.PortalPagesURL()+path, "application/json", "")
}

// save saves a pair as the page of a shop does.
func (c *client) save(shop, id, secret string) got {
	c.t.Helper()
	pair, err := json.Marshal(map[string]string{"kustom_id": id, "kustom_secret": secret})
	if err != nil {
		c.t.Fatal(err)
	}
	address := c.b.srv.MystoreAdminURL(shop) + "/data/extensions/" + KlarnaCheckoutV3 + "/credentials"
	return c.send(http.MethodPost, address, "application/json", string(pair))
}

func (g got) want(t *testing.T, status int, parts ...string) got {
	t.Helper()
	if g.status != status {
		t.Errorf("%s is answered with %d, want %d: %s", g.url, g.status, status, g.body)
	}
	for _, part := range parts {
		if !strings.Contains(g.body, part) {
			t.Errorf("%s lacks %q: %s", g.url, part, g.body)
		}
	}
	return g
}

func TestPortalData_MakesShowsAndDeletesKeys(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	c := b.portalAs(admin)
	made := c.ask("POST", keysData).want(t, 201)
	key := b.s.Keys(fjellsport)[1]
	made.want(t, 201, key.Username, key.Secret)
	list := c.ask("GET", keysData).want(t, 200, fjellsportK, key.Username, `"total":2`)
	if strings.Contains(list.body, "kco_") {
		t.Errorf("the list has a password in it: %s", list.body)
	}
	c.ask("GET", keysData+"/"+key.Username+"/password").want(t, 404)
	c.ask("DELETE", keysData+"/"+key.Username).want(t, 200)
	c.ask("DELETE", keysData+"/"+key.Username).want(t, 404)
	b.wantViolations()
	c.ask("DELETE", keysData+"/"+fjellsportK).want(t, 200)
	b.wantViolations(ViolationKeyInUse, ViolationShopStopped)
	b.wantNoSecrets()
}

func TestPortalData_PagesOfTen(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{KeyLimit: 30})
	for range 20 {
		if _, err := b.s.GenerateKey(fjellsport, ""); err != nil {
			t.Fatal(err)
		}
	}
	c := b.portalAs(admin)
	for page, want := range map[string]int{"1": 10, "2": 10, "3": 1, "4": 1, "0": 10, "x": 10} {
		body := readJSON[keysBody](t, c.ask("GET", keysData+"?page="+page).want(t, 200).body)
		if len(body.Keys) != want || body.Total != 21 || body.Pages != 3 {
			t.Errorf("page %s has %d of %d keys, and there are %d pages", page, len(body.Keys), body.Total, body.Pages)
		}
	}
}

func TestPortalData_PendingKeyShowsItsPasswordLater(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{Pending: 2})
	c := b.portalAs(admin)
	made := c.ask("POST", keysData).want(t, 202)
	key := b.s.Keys(fjellsport)[1]
	path := keysData + "/" + key.Username + "/password"
	first := c.ask("GET", path).want(t, 202)
	b.portalAs(admin).ask("GET", path).want(t, 404)
	if strings.Contains(made.body+first.body, key.Secret) {
		t.Error("the password is told before the key is active")
	}
	c.ask("GET", path).want(t, 201, key.Secret)
	c.ask("GET", path).want(t, 404)
}

func TestPortalData_RefusesAFullStore(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{KeyLimit: 1})
	b.portalAs(admin).ask("POST", keysData).want(t, 409, "The store has reached the maximum number of API keys.")
}

func TestPortalData_IsForAdminsOfTheStore(t *testing.T) {
	seed := ThreeShops()
	seed.Users[0].Stores = []string{kaffebonna}
	b := newBench(t, seed, Options{})
	c := b.portalAs(admin)
	for _, call := range [][2]string{{"GET", keysData}, {"POST", keysData}, {"DELETE", keysData + "/" + fjellsportK}, {"GET", "/data/stores/" + fjellsport + "/endpoints"}} {
		c.ask(call[0], call[1]).want(t, 404)
	}
	if stores := c.ask("GET", "/data/stores").want(t, 200, kaffebonna).body; strings.Contains(stores, fjellsport) {
		t.Errorf("the stores are %s", stores)
	}
	staff := b.portalAs(trainee)
	staff.ask("GET", "/data/session").want(t, 200, `"admin":false`)
	for _, path := range []string{"/data/stores", keysData, "/data/endpoints"} {
		staff.ask("GET", path).want(t, 403)
	}
	b.wantViolations()
}

func TestPortalData_WarningIsDismissedPerUserAndStore(t *testing.T) {
	seed := ThreeShops()
	seed.Users = append(seed.Users, User{Token: "fake-portal-token-other", Email: "other@agency.example"})
	b := newBench(t, seed, Options{})
	of := func(store string) string { return "/data/stores/" + store + "/endpoints" }
	c := b.portalAs(admin)
	c.ask("GET", of(fjellsport)).want(t, 200, `"service":"Checkout"`, `"action":"api.kustom.co"`)
	c.ask("POST", of(fjellsport)+"/dismissal").want(t, 200)
	c.ask("GET", of(fjellsport)).want(t, 200, `"action_required":false`, `"services":[]`)
	c.ask("GET", of(kaffebonna)).want(t, 200, `"action_required":true`)
	b.portalAs("other@agency.example").ask("GET", of(fjellsport)).want(t, 200, `"action_required":true`)
	if status, err := b.s.EndpointStatus(fjellsport); err != nil || !status.ActionRequired {
		t.Errorf("to dismiss the warning has changed what is so: %v, %v", status, err)
	}
}

func TestPortalData_IsHeldToItsSession(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	c := b.portalAs(admin)
	c.header.Del("X-CSRF-Token")
	c.ask("POST", keysData).want(t, 403)
	b.client().ask("GET", keysData).want(t, 401)
	if keys := b.s.Keys(fjellsport); len(keys) != 1 {
		t.Errorf("there are %d keys", len(keys))
	}
}

func TestPortal_NothingIsKeptOrFramedByOthers(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	c := b.portalAs(admin)
	for _, g := range []got{c.get(b.srv.PortalPagesURL() + "/integrations/api"), c.ask("GET", keysData)} {
		if g.header.Get("Cache-Control") != "no-store" || !strings.Contains(g.header.Get("Content-Security-Policy"), "frame-ancestors 'self'") {
			t.Errorf("%s has %v", g.url, g.header)
		}
	}
	c.get(b.srv.PortalPagesURL()+"/nothing").want(t, 404)
}

func TestPortal_SwitchToProductionIsJudged(t *testing.T) {
	b := newBench(t, playground(), Options{})
	b.portalAs(admin).get(b.srv.PortalPagesURL() + "/switch-environment")
	b.wantViolations(ViolationLeftEnvironment)
}

func TestPortal_LanguageIsEnglishUntilChosen(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	c := b.portalAs(admin)
	c.header.Set("Accept-Language", "nb-NO")
	page := b.srv.PortalPagesURL() + "/"
	if word := c.get(page).boot(t).Words["Stores"]; word != "Stores" {
		t.Errorf("the word is %q", word)
	}
	c.send("POST", b.srv.PortalPagesURL()+"/data/language", "application/json", `{"lang":"nb"}`).want(t, 200)
	if word := c.get(page).boot(t).Words["Stores"]; word != "Butikker" {
		t.Errorf("the word is %q", word)
	}
}

func TestSignIn_LinkWorksOnceAndInTime(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	site := otherOrigin(strings.TrimPrefix(b.srv.URL(), "http://")) + signInPagesPrefix
	mailed := func(email string) string {
		b.client().post(site+"/email", url.Values{"email": {email}, "target": {"//evil.example"}}).want(t, 200, "Check your email")
		link := regexp.MustCompile(signInPagesPrefix + `/link/\w+`).FindString(b.client().get(site + "/mailbox").body)
		return strings.TrimPrefix(link, signInPagesPrefix)
	}
	if link := mailed("nobody@nowhere.example"); link != "" {
		t.Errorf("nobody is sent %s", link)
	}
	link := mailed(strings.ToUpper(admin))
	if g := b.client().get(site+link).want(t, 200); g.url.String() != b.srv.PortalPagesURL()+"/" {
		t.Errorf("it leads to %s", g.url)
	}
	b.client().get(site+link).want(t, 403, "Action Expired", "Try again")
	link = mailed(admin)
	b.clock.Advance(linkLife + time.Second)
	b.client().get(site+link).want(t, 403)
	b.client().get(site+"/broker").want(t, 200, "Access denied when authenticating")
	b.wantNoSecrets()
}

func TestSignIn_AsksForTheAddressAfterTheChoice(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	c := b.client()
	first := c.get(b.srv.PortalPagesURL()+"/integrations/api").want(t, 200, "Sign in with Microsoft", "Log in with magic link")
	if strings.Contains(first.body, `type="email"`) || first.url.Hostname() != "localhost" {
		t.Errorf("%s shows %s", first.url, first.body)
	}
	c.post(first.url.Scheme+"://"+first.url.Host+first.url.Path, url.Values{"target": {"/integrations/api"}}).want(t, 200, `type="email"`)
}

func TestPagesEnv_SignsInEverywhere(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	env := b.srv.PagesEnv()
	admins, sessions := readJSON[map[string]string](t, env["MYSTORE_ADMIN_URLS"]), readJSON[map[string]string](t, env["MYSTORE_SESSIONS"])
	if env["KUSTOM_PORTAL_PAGES_URL"] != b.srv.PortalPagesURL() || admins["fjellsport"] != b.srv.MystoreAdminURL("fjellsport") {
		t.Errorf("the addresses are %v", env)
	}
	b.resume(env["KUSTOM_PORTAL_SESSION"]).ask("GET", "/data/session").want(t, 200, admin)
	for shop, address := range admins {
		if g := b.resume(sessions[shop]).get(address+"/extensions").want(t, 200, "owner@"+shop); !strings.HasSuffix(g.url.Path, "/extensions") {
			t.Errorf("%s is led to %s", shop, g.url)
		}
	}
	for name := range env {
		if strings.Contains(name, "TOKEN") {
			t.Errorf("there is %s", name)
		}
	}
	b.wantNoSecrets()
}

// resume is a client with the session of one line.
func (b *bench) resume(line string) *client {
	b.t.Helper()
	kept := parseSession(b.t, line)
	c := b.client()
	for _, k := range kept.Cookies {
		c.http.Jar.SetCookies(&url.URL{Scheme: "http", Host: kept.Host, Path: k.Path}, []*http.Cookie{{Name: k.Name, Value: k.Value, Path: k.Path}})
	}
	return c
}

func TestControlPanel_SessionIsOneShopsOnly(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	sessions := readJSON[map[string]string](t, b.srv.PagesEnv()["MYSTORE_SESSIONS"])
	c := b.client()
	for _, k := range parseSession(t, sessions["fjellsport"]).Cookies {
		other, err := url.Parse(b.srv.MystoreAdminURL("kaffebonna"))
		if err != nil {
			t.Fatal(err)
		}
		c.http.Jar.SetCookies(other, []*http.Cookie{{Name: k.Name, Value: k.Value, Path: k.Path}})
	}
	if g := c.get(b.srv.MystoreAdminURL("kaffebonna")).want(t, 200, "Log in to the control panel"); !strings.HasSuffix(g.url.Path, "/login") {
		t.Errorf("it is led to %s", g.url)
	}
	c.get(b.srv.MystoreAdminURL("nowhere")+"/login").want(t, 404)
	c.get(b.srv.URL()+mystorePagesPrefix+"/login").want(t, 404)
}

var csrfField = regexp.MustCompile(`name="csrf" value="(\w+)"`)

// signInTo fills in the form of a shop.
func (c *client) signInTo(shop, email, password string) got {
	c.t.Helper()
	address := c.b.srv.MystoreAdminURL(shop) + "/login"
	csrf := csrfField.FindStringSubmatch(c.get(address).body)
	if csrf == nil {
		c.t.Fatal("the page has no form")
	}
	return c.post(address, url.Values{"csrf": {csrf[1]}, "email": {email}, "password": {password}})
}

func TestControlPanel_SignInAsksForNoShop(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	c := b.client()
	page := c.get(b.srv.MystoreAdminURL("fjellsport")).want(t, 200, "Email address", "Forgotten password?")
	if fields := strings.Count(page.body, "<label"); fields != 2 {
		t.Errorf("there are %d fields: %s", fields, page.body)
	}
	c.signInTo("fjellsport", "owner@fjellsport.example", "wrong").want(t, 422, "The email address or the password is wrong.")
	c.signInTo("fjellsport", "owner@kaffebonna.example", "fake-mystore-password-kaffebonna").want(t, 422)
	c.signInTo("fjellsport", "owner@fjellsport.example", "fake-mystore-password-fjellsport").want(t, 200, "owner@fjellsport.example")
	c.post(b.srv.MystoreAdminURL("fjellsport")+"/login", url.Values{"email": {"owner@fjellsport.example"}}).want(t, 403)
	b.wantNoSecrets()
}

// codeSeed is the one of RFC 6238's own vectors.
const codeSeed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

func TestControlPanel_AsksForACodeWhereItIsOn(t *testing.T) {
	seed := ThreeShops()
	seed.Shops[0].Users = []ShopUser{{Email: "kari@fjellsport.example", Password: "fake-password", CodeSeed: codeSeed}}
	b := newBench(t, seed, Options{})
	key, err := codeKey(codeSeed)
	if err != nil {
		t.Fatal(err)
	}
	c := b.client()
	page := c.signInTo("fjellsport", "kari@fjellsport.example", "fake-password").want(t, 200, "One-time password")
	enter := func(code string) got {
		return c.post(b.srv.MystoreAdminURL("fjellsport")+"/login/code", url.Values{"csrf": {csrfField.FindStringSubmatch(page.body)[1]}, "code": {code}})
	}
	enter("000000").want(t, 422, "The one-time password is wrong, or no longer valid.")
	c.get(b.srv.MystoreAdminURL("fjellsport")+"/extensions").want(t, 200, "Log in to the control panel")
	c.signInTo("fjellsport", "kari@fjellsport.example", "fake-password")
	page = c.get(b.srv.MystoreAdminURL("fjellsport") + "/login/code")
	enter(code(key, b.clock.Now().Add(-codePeriod))).want(t, 200, "kari@fjellsport.example")
	b.wantNoSecrets()
}

// TestCode_MatchesRFC6238 has RFC 6238's own vectors, whose last six digits are those of a code of six.
func TestCode_MatchesRFC6238(t *testing.T) {
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

func TestControlPanel_SavesPairsAndIsJudged(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	key := b.newKey(fjellsport)
	c := b.shopAs("fjellsport")
	c.save("fjellsport", key.Username, "").want(t, 422, "Fill in both Kustom ID and Kustom Secret, or neither.")
	c.save("fjellsport", key.Username+" ", key.Secret).want(t, 422, "There is white space around Kustom ID or Kustom Secret.")
	if shop, _ := b.s.Shop("fjellsport"); shop.KustomID != fjellsportK {
		t.Errorf("the shop holds %s", shop.KustomID)
	}
	c.save("fjellsport", key.Username, key.Secret).want(t, 200)
	page := c.get(b.srv.MystoreAdminURL("fjellsport")+"/extensions/"+KlarnaCheckoutV3+"/credentials").want(t, 200, key.Username)
	if strings.Contains(page.body, "kco_") {
		t.Error("the page has the secret in it")
	}
	b.wantViolations()
	c.save("fjellsport", "", "").want(t, 200)
	b.wantViolations(ViolationShopCleared)
	b.wantNoSecrets()
}

func TestControlPanel_HasCredentialsOfV3Only(t *testing.T) {
	seed := ThreeShops()
	seed.Shops[0].Extensions = []Extension{{ID: "klarna-checkout-v2", Name: "Klarna Checkout V2", Version: "2.9.3"}}
	b := newBench(t, seed, Options{})
	c := b.shopAs("fjellsport")
	panel := b.srv.MystoreAdminURL("fjellsport")
	c.get(panel+"/extensions").want(t, 200, "Klarna Checkout V2", `"credentials":false`)
	c.get(panel+"/extensions/"+KlarnaCheckoutV3+"/credentials").want(t, 404)
	c.get(panel+"/extensions/klarna-checkout-v2/credentials").want(t, 404)
	c.save("fjellsport", "M00412871-x", "kco_live_api_x").want(t, 404)
}

func TestPages_FaultsHappen(t *testing.T) {
	tests := map[string]struct {
		fault  Fault
		status int
		says   string
		keys   int
	}{
		"signed out":       {Fault{Kind: FaultSignOut}, 401, "", 1},
		"stays":            {Fault{Kind: FaultStay}, 200, `{"stay":true}`, 1},
		"works and stays":  {Fault{Kind: FaultWorkThenStay}, 200, `{"stay":true}`, 2},
		"answers":          {Fault{Kind: FaultAnswer, Status: 503}, 503, "", 1},
		"works, and drops": {Fault{Kind: FaultLoseAnswer}, 0, "", 2},
		"drops":            {Fault{Kind: FaultDrop}, 0, "", 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, ThreeShops(), Options{})
			c := b.portalAs(admin)
			test.fault.API, test.fault.Method, test.fault.Template = PortalPages, "POST", "/data/stores/{merchant_id}/keys"
			armed := b.s.Arm(test.fault)
			g, err := c.try("POST", b.srv.PortalPagesURL()+keysData, "application/json", "")
			if g.status != test.status || (err != nil) != (test.status == 0) || !strings.Contains(g.body, test.says) {
				t.Errorf("it is answered with %d %s, %v", g.status, g.body, err)
			}
			if keys := len(b.s.Keys(fjellsport)); keys != test.keys || armed.Fired() != 1 {
				t.Errorf("there are %d keys, and the fault happened %d times", keys, armed.Fired())
			}
		})
	}
}

func TestPages_FaultRenamesAWord(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	b.s.Arm(Fault{API: PortalPages, Kind: FaultRename, Rename: map[string]string{"Generate new": "New credential"}})
	if word := b.portalAs(admin).get(b.srv.PortalPagesURL() + "/").boot(t).Words["Generate new"]; word != "New credential" {
		t.Errorf("the word is %q", word)
	}
}

func TestPages_AreDelayed(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{Pages: PagesOptions{Delay: 50 * time.Millisecond, Mutations: []string{"rows-late"}}})
	c := b.portalAs(admin)
	began := time.Now()
	c.ask("GET", keysData).want(t, 200)
	if took := time.Since(began); took < 750*time.Millisecond {
		t.Errorf("the rows come after %v", took)
	}
	if _, err := New(ThreeShops(), Options{Pages: PagesOptions{Delay: -1}}); err == nil {
		t.Error("a negative delay is no error")
	}
}

// The table has exactly the words that the pages ask for.
func TestWords_AreAllThere(t *testing.T) {
	var source strings.Builder
	for _, file := range []string{"ui.js", "portal.js", "mystore.js", "plain.html"} {
		data, err := pageFiles.ReadFile("pages/" + file)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(data)
	}
	asked := regexp.MustCompile(`(?:\bt\(|\.W )"((?:[^"\\]|\\.)+)"`)
	for _, word := range asked.FindAllStringSubmatch(source.String(), -1) {
		if _, ok := bokmaal[word[1]]; !ok {
			t.Errorf("a page asks for %q", word[1])
		}
	}
	inGo := []string{
		somethingWrong, "Access denied when authenticating", "Action Expired", "Fill in both Kustom ID and Kustom Secret, or neither.",
		"The email address or the password is wrong.", "The one-time password is wrong, or no longer valid.",
		"The store has reached the maximum number of API keys.", "There is no other environment here.",
		"There is white space around Kustom ID or Kustom Secret.", "This form belongs to another session. Load the page again.",
		"You do not have access",
	}
	for _, name := range serviceNames {
		inGo = append(inGo, name)
	}
	for word := range bokmaal {
		if !strings.Contains(source.String(), fmt.Sprintf("%q", word)) && !slices.Contains(inGo, word) {
			t.Errorf("no page asks for %q", word)
		}
	}
}
