package sandbox

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// TestSessionsOfOneVendor: the session of one vendor is nothing to the other, whatever the cookie is called.
func TestSessionsOfOneVendor(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	path, err := b.s.PortalLink(admin, "/")
	if err != nil {
		t.Fatal(err)
	}
	v := b.visitor().open(b.srv.URL()+path).at(200, "Home")
	portal, err := url.Parse(b.srv.PortalPagesURL())
	if err != nil {
		t.Fatal(err)
	}
	mystore, err := url.Parse(b.srv.MystorePagesURL())
	if err != nil {
		t.Fatal(err)
	}
	value := v.client.Jar.Cookies(portal)[0].Value
	v.client.Jar.SetCookies(mystore, []*http.Cookie{{Name: mystoreCookie, Value: value, Path: mystorePagesPrefix}})
	v.mystore("/").at(200, "Sign in")
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
