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

// client is an HTTP client that keeps cookies and follows redirects, as a browser does. It connects to this machine
// whatever the host.
type client struct {
	t      *testing.T
	env    *testEnv
	http   *http.Client
	header http.Header
}

// got is an answer to a client.
type got struct {
	status int
	url    *url.URL
	header http.Header
	body   string
}

func (env *testEnv) client() *client {
	env.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		env.t.Fatal(err)
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	}}
	env.t.Cleanup(transport.CloseIdleConnections)
	return &client{t: env.t, env: env, http: &http.Client{Jar: jar, Transport: transport, Timeout: time.Minute}, header: http.Header{}}
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

// boot returns the data that the script of a document starts with.
func (g got) boot(t *testing.T) portalBoot {
	t.Helper()
	_, rest, _ := strings.Cut(g.body, `id="boot">`)
	text, _, _ := strings.Cut(rest, "</script>")
	return readJSON[portalBoot](t, text)
}

// signedIn returns a client that has opened a page with a session, and sends the page's CSRF token as its script does.
func (env *testEnv) signedIn(address string, err error) *client {
	env.t.Helper()
	if err != nil {
		env.t.Fatal(err)
	}
	c := env.client()
	c.header.Set("X-CSRF-Token", c.get(address).boot(env.t).CSRF)
	return c
}

// portalAs returns a client that is signed in to the portal.
func (env *testEnv) portalAs(email string) *client {
	env.t.Helper()
	path, err := env.s.PortalLink(email, "/")
	return env.signedIn(env.srv.URL()+path, err)
}

// shopAs returns a client that is signed in to a shop.
func (env *testEnv) shopAs(shop string) *client {
	env.t.Helper()
	path, err := env.s.MystoreLink(shop, "/extensions")
	return env.signedIn(ShopURL(env.srv.URL(), shop)+path, err)
}

// ask calls an endpoint of the portal's pages as their script does.
func (c *client) ask(method, path string) got {
	c.t.Helper()
	return c.send(method, c.env.srv.PortalPagesURL()+path, "application/json", "")
}

// save saves a pair as the page of a shop does.
func (c *client) save(shop, id, secret string) got {
	c.t.Helper()
	pair, err := json.Marshal(map[string]string{"kustom_id": id, "kustom_secret": secret})
	if err != nil {
		c.t.Fatal(err)
	}
	address := c.env.srv.MystoreAdminURL(shop) + "/data/extensions/" + KlarnaCheckoutV3 + "/credentials"
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

func TestPortalData_GeneratesListsAndDeletesKeys(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	c := env.portalAs(admin)
	made := c.ask("POST", keysData).want(t, 201)
	key := env.s.Keys(fjellsport)[1]
	made.want(t, 201, key.Username, key.Secret)
	list := c.ask("GET", keysData).want(t, 200, fjellsportK, key.Username, `"total":2`)
	if strings.Contains(list.body, "kco_") {
		t.Errorf("the list has a password in it: %s", list.body)
	}
	c.ask("GET", keysData+"/"+key.Username+"/password").want(t, 404)
	c.ask("DELETE", keysData+"/"+key.Username).want(t, 200)
	c.ask("DELETE", keysData+"/"+key.Username).want(t, 404)
	env.wantViolations()
	c.ask("DELETE", keysData+"/"+fjellsportK).want(t, 200)
	env.wantViolations(ViolationKeyInUse, ViolationShopStopped)
	env.wantNoSecrets()
}

func TestPortalData_ListsTenKeysPerPage(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{KeyLimit: 30})
	for range 20 {
		if _, err := env.s.GenerateKey(fjellsport, ""); err != nil {
			t.Fatal(err)
		}
	}
	c := env.portalAs(admin)
	for page, want := range map[string]int{"1": 10, "2": 10, "3": 1, "4": 1, "0": 10, "x": 10} {
		body := readJSON[keysBody](t, c.ask("GET", keysData+"?page="+page).want(t, 200).body)
		if len(body.Keys) != want || body.Total != 21 || body.Pages != 3 {
			t.Errorf("page %s has %d of %d keys, and there are %d pages", page, len(body.Keys), body.Total, body.Pages)
		}
	}
}

func TestPortalData_ShowsPasswordOnceKeyIsActive(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{Pending: 2})
	c := env.portalAs(admin)
	made := c.ask("POST", keysData).want(t, 202)
	key := env.s.Keys(fjellsport)[1]
	path := keysData + "/" + key.Username + "/password"
	first := c.ask("GET", path).want(t, 202)
	env.portalAs(admin).ask("GET", path).want(t, 404)
	if strings.Contains(made.body+first.body, key.Secret) {
		t.Error("the password is shown before the key is active")
	}
	c.ask("GET", path).want(t, 201, key.Secret)
	c.ask("GET", path).want(t, 404)
}

func TestPortalData_RefusesFullStore(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{KeyLimit: 1})
	env.portalAs(admin).ask("POST", keysData).want(t, 409, "The store has reached the maximum number of API keys.")
}

func TestPortalData_NeedsAdministratorOfStore(t *testing.T) {
	seed := ThreeShops()
	seed.Users[0].Stores = []string{kaffebonna}
	env := newTestEnv(t, seed, Options{})
	c := env.portalAs(admin)
	for _, call := range [][2]string{{"GET", keysData}, {"POST", keysData}, {"DELETE", keysData + "/" + fjellsportK}, {"GET", "/data/stores/" + fjellsport + "/endpoints"}} {
		c.ask(call[0], call[1]).want(t, 404)
	}
	if stores := c.ask("GET", "/data/stores").want(t, 200, kaffebonna).body; strings.Contains(stores, fjellsport) {
		t.Errorf("the stores are %s", stores)
	}
	staff := env.portalAs(trainee)
	staff.ask("GET", "/data/session").want(t, 200, `"admin":false`)
	for _, path := range []string{"/data/stores", keysData, "/data/endpoints"} {
		staff.ask("GET", path).want(t, 403)
	}
	env.wantViolations()
}

func TestPortalData_DismissesWarningPerUserAndStore(t *testing.T) {
	seed := ThreeShops()
	seed.Users = append(seed.Users, User{Token: "fake-portal-token-other", Email: "other@agency.example"})
	env := newTestEnv(t, seed, Options{})
	of := func(store string) string { return "/data/stores/" + store + "/endpoints" }
	c := env.portalAs(admin)
	c.ask("GET", of(fjellsport)).want(t, 200, `"service":"Checkout"`, `"action":"api.kustom.co"`)
	c.ask("POST", of(fjellsport)+"/dismissal").want(t, 200)
	c.ask("GET", of(fjellsport)).want(t, 200, `"action_required":false`, `"services":[]`)
	c.ask("GET", of(kaffebonna)).want(t, 200, `"action_required":true`)
	env.portalAs("other@agency.example").ask("GET", of(fjellsport)).want(t, 200, `"action_required":true`)
	if status, err := env.s.EndpointStatus(fjellsport); err != nil || !status.ActionRequired {
		t.Errorf("the dismissal has changed the status: %v, %v", status, err)
	}
}

func TestPortalData_NeedsSessionAndCSRFToken(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	c := env.portalAs(admin)
	c.header.Del("X-CSRF-Token")
	c.ask("POST", keysData).want(t, 403)
	env.client().ask("GET", keysData).want(t, 401)
	if keys := env.s.Keys(fjellsport); len(keys) != 1 {
		t.Errorf("there are %d keys", len(keys))
	}
}

func TestPortal_ForbidsCachesAndFrames(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	c := env.portalAs(admin)
	for _, g := range []got{c.get(env.srv.PortalPagesURL() + "/integrations/api"), c.ask("GET", keysData)} {
		if g.header.Get("Cache-Control") != "no-store" || !strings.Contains(g.header.Get("Content-Security-Policy"), "frame-ancestors 'self'") {
			t.Errorf("%s has %v", g.url, g.header)
		}
	}
	c.get(env.srv.PortalPagesURL()+"/nothing").want(t, 404)
}

func TestPortal_SwitchToProductionIsViolation(t *testing.T) {
	env := newTestEnv(t, playground(), Options{})
	env.portalAs(admin).get(env.srv.PortalPagesURL() + "/switch-environment")
	env.wantViolations(ViolationLeftEnvironment)
}

func TestPortal_LanguageIsEnglishUntilChosen(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	c := env.portalAs(admin)
	c.header.Set("Accept-Language", "nb-NO")
	page := env.srv.PortalPagesURL() + "/"
	if word := c.get(page).boot(t).Words["Stores"]; word != "Stores" {
		t.Errorf("the word is %q", word)
	}
	c.send("POST", env.srv.PortalPagesURL()+"/data/language", "application/json", `{"lang":"nb"}`).want(t, 200)
	if word := c.get(page).boot(t).Words["Stores"]; word != "Butikker" {
		t.Errorf("the word is %q", word)
	}
}

func TestSignIn_LinkWorksOnceUntilExpiry(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	site := otherOrigin(strings.TrimPrefix(env.srv.URL(), "http://")) + signInPagesPrefix
	mailed := func(email string) string {
		env.client().post(site+"/email", url.Values{"email": {email}, "target": {"//evil.example"}}).want(t, 200, "Check your email")
		link := regexp.MustCompile(signInPagesPrefix + `/link/\w+`).FindString(env.client().get(site + "/mailbox").body)
		return strings.TrimPrefix(link, signInPagesPrefix)
	}
	if link := mailed("nobody@nowhere.example"); link != "" {
		t.Errorf("an unknown user gets the link %s", link)
	}
	link := mailed(strings.ToUpper(admin))
	if g := env.client().get(site+link).want(t, 200); g.url.String() != env.srv.PortalPagesURL()+"/" {
		t.Errorf("the link leads to %s", g.url)
	}
	env.client().get(site+link).want(t, 403, "Action Expired", "Try again")
	link = mailed(admin)
	env.clock.Advance(linkLife + time.Second)
	env.client().get(site+link).want(t, 403)
	env.client().get(site+"/broker").want(t, 200, "Access denied when authenticating")
	env.wantNoSecrets()
}

func TestSignIn_AsksForAddressAfterChoice(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	c := env.client()
	first := c.get(env.srv.PortalPagesURL()+"/integrations/api").want(t, 200, "Sign in with Microsoft", "Log in with magic link")
	if strings.Contains(first.body, `type="email"`) || first.url.Hostname() != "localhost" {
		t.Errorf("%s shows %s", first.url, first.body)
	}
	c.post(first.url.Scheme+"://"+first.url.Host+first.url.Path, url.Values{"target": {"/integrations/api"}}).want(t, 200, `type="email"`)
}

func TestPagesEnv_SignsInEverywhere(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	vars := env.srv.PagesEnv()
	admins, sessions := readJSON[map[string]string](t, vars["MYSTORE_ADMIN_URLS"]), readJSON[map[string]string](t, vars["MYSTORE_SESSIONS"])
	if vars["KUSTOM_PORTAL_PAGES_URL"] != env.srv.PortalPagesURL() || admins["fjellsport"] != env.srv.MystoreAdminURL("fjellsport") {
		t.Errorf("the addresses are %v", vars)
	}
	env.resume(vars["KUSTOM_PORTAL_SESSION"]).ask("GET", "/data/session").want(t, 200, admin)
	for shop, address := range admins {
		if g := env.resume(sessions[shop]).get(address+"/extensions").want(t, 200, "owner@"+shop); !strings.HasSuffix(g.url.Path, "/extensions") {
			t.Errorf("%s is redirected to %s", shop, g.url)
		}
	}
	for name := range vars {
		if strings.Contains(name, "TOKEN") {
			t.Errorf("the variables have %s", name)
		}
	}
	env.wantNoSecrets()
}

// resume returns a client with a session from its text.
func (env *testEnv) resume(line string) *client {
	env.t.Helper()
	session := parseSession(env.t, line)
	c := env.client()
	for _, k := range session.Cookies {
		c.http.Jar.SetCookies(&url.URL{Scheme: "http", Host: session.Host, Path: k.Path}, []*http.Cookie{{Name: k.Name, Value: k.Value, Path: k.Path}})
	}
	return c
}

func TestControlPanel_SessionIsForOneShop(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	sessions := readJSON[map[string]string](t, env.srv.PagesEnv()["MYSTORE_SESSIONS"])
	c := env.client()
	for _, k := range parseSession(t, sessions["fjellsport"]).Cookies {
		other, err := url.Parse(env.srv.MystoreAdminURL("kaffebonna"))
		if err != nil {
			t.Fatal(err)
		}
		c.http.Jar.SetCookies(other, []*http.Cookie{{Name: k.Name, Value: k.Value, Path: k.Path}})
	}
	if g := c.get(env.srv.MystoreAdminURL("kaffebonna")).want(t, 200, "Log in to the control panel"); !strings.HasSuffix(g.url.Path, "/login") {
		t.Errorf("the redirect leads to %s", g.url)
	}
	c.get(env.srv.MystoreAdminURL("nowhere")+"/login").want(t, 404)
	c.get(env.srv.URL()+mystorePagesPrefix+"/login").want(t, 404)
}

var csrfField = regexp.MustCompile(`name="csrf" value="(\w+)"`)

// signInTo fills in the form of a shop.
func (c *client) signInTo(shop, email, password string) got {
	c.t.Helper()
	address := c.env.srv.MystoreAdminURL(shop) + "/login"
	csrf := csrfField.FindStringSubmatch(c.get(address).body)
	if csrf == nil {
		c.t.Fatal("the page has no form")
	}
	return c.post(address, url.Values{"csrf": {csrf[1]}, "email": {email}, "password": {password}})
}

func TestControlPanel_SignInAsksForNoShop(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	c := env.client()
	page := c.get(env.srv.MystoreAdminURL("fjellsport")).want(t, 200, "Email address", "Forgotten password?")
	if fields := strings.Count(page.body, "<label"); fields != 2 {
		t.Errorf("there are %d fields: %s", fields, page.body)
	}
	c.signInTo("fjellsport", "owner@fjellsport.example", "wrong").want(t, 422, "The email address or the password is wrong.")
	c.signInTo("fjellsport", "owner@kaffebonna.example", "fake-mystore-password-kaffebonna").want(t, 422)
	c.signInTo("fjellsport", "owner@fjellsport.example", "fake-mystore-password-fjellsport").want(t, 200, "owner@fjellsport.example")
	c.post(env.srv.MystoreAdminURL("fjellsport")+"/login", url.Values{"email": {"owner@fjellsport.example"}}).want(t, 403)
	env.wantNoSecrets()
}

// codeSeed is the seed of the test vectors of RFC 6238.
const codeSeed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

func TestControlPanel_AsksForOneTimePassword(t *testing.T) {
	seed := ThreeShops()
	seed.Shops[0].Users = []ShopUser{{Email: "kari@fjellsport.example", Password: "fake-password", CodeSeed: codeSeed}}
	env := newTestEnv(t, seed, Options{})
	key, err := codeKey(codeSeed)
	if err != nil {
		t.Fatal(err)
	}
	c := env.client()
	page := c.signInTo("fjellsport", "kari@fjellsport.example", "fake-password").want(t, 200, "One-time password")
	enter := func(code string) got {
		return c.post(env.srv.MystoreAdminURL("fjellsport")+"/login/code", url.Values{"csrf": {csrfField.FindStringSubmatch(page.body)[1]}, "code": {code}})
	}
	enter("000000").want(t, 422, "The one-time password is wrong, or no longer valid.")
	c.get(env.srv.MystoreAdminURL("fjellsport")+"/extensions").want(t, 200, "Log in to the control panel")
	c.signInTo("fjellsport", "kari@fjellsport.example", "fake-password")
	page = c.get(env.srv.MystoreAdminURL("fjellsport") + "/login/code")
	enter(code(key, env.clock.Now().Add(-codePeriod))).want(t, 200, "kari@fjellsport.example")
	env.wantNoSecrets()
}

// The test vectors have eight digits. A code of six has their last six.
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

func TestControlPanel_SavesPairs(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	key := env.newKey(fjellsport)
	c := env.shopAs("fjellsport")
	c.save("fjellsport", key.Username, "").want(t, 422, "Fill in both Kustom ID and Kustom Secret, or neither.")
	c.save("fjellsport", key.Username+" ", key.Secret).want(t, 422, "There is white space around Kustom ID or Kustom Secret.")
	if shop, _ := env.s.Shop("fjellsport"); shop.KustomID != fjellsportK {
		t.Errorf("the shop holds %s", shop.KustomID)
	}
	c.save("fjellsport", key.Username, key.Secret).want(t, 200)
	page := c.get(env.srv.MystoreAdminURL("fjellsport")+"/extensions/"+KlarnaCheckoutV3+"/credentials").want(t, 200, key.Username)
	if strings.Contains(page.body, "kco_") {
		t.Error("the page has the secret in it")
	}
	env.wantViolations()
	c.save("fjellsport", "", "").want(t, 200)
	env.wantViolations(ViolationShopCleared)
	env.wantNoSecrets()
}

func TestControlPanel_HasCredentialsOfV3Only(t *testing.T) {
	seed := ThreeShops()
	seed.Shops[0].Extensions = []Extension{{ID: "klarna-checkout-v2", Name: "Klarna Checkout V2", Version: "2.9.3"}}
	env := newTestEnv(t, seed, Options{})
	c := env.shopAs("fjellsport")
	panel := env.srv.MystoreAdminURL("fjellsport")
	c.get(panel+"/extensions").want(t, 200, "Klarna Checkout V2", `"credentials":false`)
	c.get(panel+"/extensions/"+KlarnaCheckoutV3+"/credentials").want(t, 404)
	c.get(panel+"/extensions/klarna-checkout-v2/credentials").want(t, 404)
	c.save("fjellsport", "M00412871-x", "kco_live_api_x").want(t, 404)
}

func TestPages_InjectFaults(t *testing.T) {
	tests := map[string]struct {
		fault  Fault
		status int
		says   string
		keys   int
	}{
		"signed out":        {Fault{Kind: FaultSignOut}, 401, "", 1},
		"stays":             {Fault{Kind: FaultStay}, 200, `{"stay":true}`, 1},
		"works, then stays": {Fault{Kind: FaultWorkThenStay}, 200, `{"stay":true}`, 2},
		"answers":           {Fault{Kind: FaultAnswer, Status: 503}, 503, "", 1},
		"works, then drops": {Fault{Kind: FaultLoseAnswer}, 0, "", 2},
		"drops":             {Fault{Kind: FaultDrop}, 0, "", 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			env := newTestEnv(t, ThreeShops(), Options{})
			c := env.portalAs(admin)
			test.fault.API, test.fault.Method, test.fault.Template = PortalPages, "POST", "/data/stores/{merchant_id}/keys"
			armed := env.s.Arm(test.fault)
			g, err := c.try("POST", env.srv.PortalPagesURL()+keysData, "application/json", "")
			if g.status != test.status || (err != nil) != (test.status == 0) || !strings.Contains(g.body, test.says) {
				t.Errorf("the answer is %d %s, %v", g.status, g.body, err)
			}
			if keys := len(env.s.Keys(fjellsport)); keys != test.keys || armed.Fired() != 1 {
				t.Errorf("there are %d keys, and the fault happened %d times", keys, armed.Fired())
			}
		})
	}
}

func TestPages_FaultRenamesWord(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	env.s.Arm(Fault{API: PortalPages, Kind: FaultRename, Rename: map[string]string{"Generate new": "New credential"}})
	if word := env.portalAs(admin).get(env.srv.PortalPagesURL() + "/").boot(t).Words["Generate new"]; word != "New credential" {
		t.Errorf("the word is %q", word)
	}
}

func TestPages_AreDelayed(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{Pages: PagesOptions{Delay: 50 * time.Millisecond, Mutations: []string{"rows-late"}}})
	c := env.portalAs(admin)
	began := time.Now()
	c.ask("GET", keysData).want(t, 200)
	if took := time.Since(began); took < 750*time.Millisecond {
		t.Errorf("the rows are answered after %v", took)
	}

}

func TestWords_AreThoseOfPages(t *testing.T) {
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
			t.Errorf("a page uses the unknown word %q", word[1])
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
			t.Errorf("no page uses the word %q", word)
		}
	}
}
