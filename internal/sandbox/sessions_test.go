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

func TestPagesEnv_MakesNewSessions(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	c := b.client()
	panel, err := url.Parse(b.srv.MystoreAdminURL("fjellsport"))
	if err != nil {
		t.Fatal(err)
	}
	c.get(panel.String() + "/login")
	before := c.http.Jar.Cookies(panel)[0].Value
	c.signInTo("fjellsport", "owner@fjellsport.example", "fake-mystore-password-fjellsport").want(t, 200)
	if after := c.http.Jar.Cookies(panel)[0].Value; before == after {
		t.Error("whoever knew the session before is signed in with it")
	}
	if b.s.sessions[before] != nil {
		t.Error("the session before is still one")
	}
}

func TestLinks_NeedKnownUser(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	if _, err := b.s.PortalLink("former@agency.example", "/"); err == nil {
		t.Error("a link for somebody who can't sign in")
	}
	if _, err := b.s.MystoreLink("nowhere", "/"); err == nil {
		t.Error("a link to no shop")
	}
	path, err := b.s.MystoreLink("fjellsport", "/")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(b.s.Secrets(), path[strings.LastIndex(path, "/")+1:]) {
		t.Error("what is in the link is no secret")
	}
	b.client().get(ShopURL(b.srv.URL(), "kaffebonna")+path).want(t, 200, "Log in to the control panel")
	b.client().get(ShopURL(b.srv.URL(), "fjellsport")+path).want(t, 200, "owner@fjellsport.example")
}

func TestTour_NamesPages(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	tour := b.srv.Tour()
	if len(tour) != 4 {
		t.Fatalf("the tour is %q", tour)
	}
	link := func(line string) string { return line[strings.LastIndex(line, "http"):] }
	b.client().get(link(tour[0])).want(t, 200, "Mailbox")
	b.client().get(link(tour[1])).want(t, 200, "portal.js")
	b.client().get(link(tour[3])).want(t, 200, "mystore.js", "owner@fjellsport.example")
	empty := newBench(t, Seed{}, Options{})
	if tour := empty.srv.Tour(); len(tour) != 0 {
		t.Errorf("where there is nothing to see, the tour is %q", tour)
	}
}

func TestNew_RefusesInvalidShopUser(t *testing.T) {
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
