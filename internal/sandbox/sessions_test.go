package sandbox

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func parseSession(t *testing.T, line string) browserSession {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(line)
	if err != nil {
		t.Fatal(err)
	}
	return readJSON[browserSession](t, string(data))
}

func TestSignIn_StartsNewSession(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	c := env.client()
	panel, err := url.Parse(env.srv.MystoreAdminURL("fjellsport"))
	if err != nil {
		t.Fatal(err)
	}
	c.get(panel.String() + "/login")
	before := c.http.Jar.Cookies(panel)[0].Value
	c.signInTo("fjellsport", "owner@fjellsport.example", "fake-mystore-password-fjellsport").want(t, 200)
	if after := c.http.Jar.Cookies(panel)[0].Value; before == after {
		t.Error("the session from before the sign-in is signed in")
	}
	if env.s.sessions[before] != nil {
		t.Error("the session from before the sign-in is still valid")
	}
}

func TestLinks_NeedKnownUser(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	if _, err := env.s.PortalLink("former@agency.example", "/"); err == nil {
		t.Error("PortalLink returns a link for an unknown user")
	}
	if _, err := env.s.MystoreLink("nowhere", "/"); err == nil {
		t.Error("MystoreLink returns a link for an unknown shop")
	}
	path, err := env.s.MystoreLink("fjellsport", "/")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(env.s.Secrets(), path[strings.LastIndex(path, "/")+1:]) {
		t.Error("the token in the link is not among the secrets")
	}
	env.client().get(ShopURL(env.srv.URL(), "kaffebonna")+path).want(t, 200, "Log in to the control panel")
	env.client().get(ShopURL(env.srv.URL(), "fjellsport")+path).want(t, 200, "owner@fjellsport.example")
}

func TestTour_NamesPages(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	tour := env.srv.Tour()
	if len(tour) != 4 {
		t.Fatalf("the tour is %q", tour)
	}
	link := func(line string) string { return line[strings.LastIndex(line, "http"):] }
	env.client().get(link(tour[0])).want(t, 200, "Mailbox")
	env.client().get(link(tour[1])).want(t, 200, "portal.js")
	env.client().get(link(tour[3])).want(t, 200, "mystore.js", "owner@fjellsport.example")
	empty := newTestEnv(t, Seed{}, Options{})
	if tour := empty.srv.Tour(); len(tour) != 0 {
		t.Errorf("without stores and shops, the tour is %q", tour)
	}
}

func TestNew_RefusesInvalidShopUser(t *testing.T) {
	tests := map[string]ShopUser{
		"no e-mail":   {Password: "x"},
		"no password": {Email: "a@env.example"},
		"no base32":   {Email: "a@env.example", Password: "x", CodeSeed: "not 189"},
	}
	for name, user := range tests {
		seed := ThreeShops()
		seed.Shops[0].Users = []ShopUser{user}
		if _, err := New(seed, Options{}); err == nil || (user.CodeSeed != "" && strings.Contains(err.Error(), user.CodeSeed)) {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
}
