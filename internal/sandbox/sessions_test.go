package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// resume is a visitor with the session of one line.
func (b *bench) resume(line string) *visitor {
	b.t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(line)
	if err != nil {
		b.t.Fatal(err)
	}
	var kept browserSession
	if err := json.Unmarshal(data, &kept); err != nil {
		b.t.Fatal(err)
	}
	v := b.visitor()
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range kept.Cookies {
		jar.SetCookies(&url.URL{Scheme: "http", Host: kept.Host, Path: c.Path}, []*http.Cookie{{Name: c.Name, Value: c.Value, Path: c.Path}})
	}
	v.client.Jar = jar
	return v
}

func TestPagesEnv(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	env := b.srv.PagesEnv()
	want := map[string]string{
		"KUSTOM_ENVIRONMENT":      "production",
		"KUSTOM_API_URL":          b.srv.URL() + "/merchant",
		"KUSTOM_PORTAL_PAGES_URL": b.srv.URL() + "/pages/portal",
		"MYSTORE_PAGES_URL":       b.srv.URL() + "/pages/mystore",
	}
	for name, value := range want {
		if env[name] != value {
			t.Errorf("%s is %q, want %q", name, env[name], value)
		}
	}
	for name := range env {
		if strings.Contains(name, "TOKEN") {
			t.Errorf("there is %s", name)
		}
	}
	b.resume(env["KUSTOM_PORTAL_SESSION"]).open(env["KUSTOM_PORTAL_PAGES_URL"]+keysPath).at(200, "Integrations")
	var shops map[string]string
	if err := json.Unmarshal([]byte(env["MYSTORE_SESSIONS"]), &shops); err != nil {
		t.Fatal(err)
	}
	for _, shop := range []string{"fjellsport", "kaffebonna", "ullogtre"} {
		b.resume(shops[shop]).open(env["MYSTORE_PAGES_URL"]+"/"+shop+"/extensions").at(200, "Extensions")
	}
	// The session of one vendor is nothing to the other, whatever the cookie is called.
	other := b.resume(strings.Clone(env["KUSTOM_PORTAL_SESSION"]))
	u, err := url.Parse(env["MYSTORE_PAGES_URL"])
	if err != nil {
		t.Fatal(err)
	}
	value := other.client.Jar.Cookies(&url.URL{Scheme: "http", Host: u.Host, Path: portalPagesPrefix})[0].Value
	other.client.Jar.SetCookies(u, []*http.Cookie{{Name: mystoreCookie, Value: value, Path: mystorePagesPrefix}})
	other.mystore("/").at(200, "Sign in")
	b.wantNoSecrets()
	b.wantViolations()
}

func TestSessionsAreNew(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	v := b.visitor().mystore("/sign-in")
	base, err := url.Parse(b.srv.MystorePagesURL())
	if err != nil {
		t.Fatal(err)
	}
	before := v.client.Jar.Cookies(base)[0].Value
	v.signInToShop("fjellsport", "fake-mystore-password-fjellsport").at(200, "Home")
	after := v.client.Jar.Cookies(base)[0].Value
	if before == after {
		t.Error("whoever knew the session before is signed in with it")
	}
	if b.s.sessions[before] != nil {
		t.Error("the session before is still one")
	}
}

func TestLinksForNobody(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	if _, err := b.s.PortalLink("former@agency.example", "/"); err == nil {
		t.Error("a link for somebody who can't sign in")
	}
	if _, err := b.s.MystoreLink("nowhere", "/"); err == nil {
		t.Error("a link to no shop")
	}
	path, err := b.s.PortalLink(admin, "/")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(b.s.Secrets(), path[strings.LastIndex(path, "/")+1:]) {
		t.Error("what is in the link is no secret")
	}
	b.visitor().open(b.srv.URL()+strings.Replace(path, portalPagesPrefix, mystorePagesPrefix, 1)).at(403, "Sign in")
	b.visitor().open(b.srv.URL()+path).at(200, "Home")
}

func TestTour(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	tour := b.srv.Tour()
	if len(tour) != 4 {
		t.Fatalf("the tour is %q", tour)
	}
	link := func(line string) string { return line[strings.LastIndex(line, "http"):] }
	b.visitor().open(link(tour[1])).at(200, "Home")
	b.visitor().open(link(tour[3])).at(200, "Home")
	empty := newBench(t, Seed{}, Options{})
	if tour := empty.srv.Tour(); len(tour) != 0 {
		t.Errorf("where there is nothing to see, the tour is %q", tour)
	}
}

func TestShopUsersAreChecked(t *testing.T) {
	tests := map[string]ShopUser{
		"no e-mail":   {Password: "x"},
		"no password": {Email: "a@b.example"},
		"no base32":   {Email: "a@b.example", Password: "x", CodeSeed: "not 189"},
	}
	for name, user := range tests {
		seed := ThreeShops()
		seed.Shops[0].Users = []ShopUser{user}
		if _, err := New(seed, Options{}); err == nil || (user.CodeSeed != "" && strings.Contains(err.Error(), user.CodeSeed)) {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
}
