package browser_test

import (
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
)

// whoami is a site that says who has which cookie, and signs in whoever asks for it.
func whoami(t *testing.T) *site {
	t.Helper()
	return serve(t, map[string]http.HandlerFunc{
		"/{$}": func(w http.ResponseWriter, r *http.Request) {
			who := "nobody"
			if cookie, err := r.Cookie("sid"); err == nil {
				who = cookie.Value
			}
			html(fmt.Sprintf(`<p role="status">%s</p><p role="note"></p><script>
				document.querySelector("[role=note]").textContent = "stored " + localStorage.getItem("who");
			</script>`, who))(w, r)
		},
		"/sign-in/{who}": func(w http.ResponseWriter, r *http.Request) {
			who := r.PathValue("who")
			http.SetCookie(w, &http.Cookie{Name: "sid", Value: who, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
			html(`<p role="status">welcome</p><script>localStorage.setItem("who", "`+who+`")</script>`)(w, r)
		},
	})
}

func load(t *testing.T, tab *browser.Tab, s *site, path, text string) {
	t.Helper()
	if err := tab.Load(t.Context(), step(), s.address(t, path)); err != nil {
		t.Fatal(err)
	}
	says(t, tab, "status", text)
}

func TestAccounts_DoNotShareCookiesAndTheTabsOfOneDo(t *testing.T) {
	t.Parallel()
	s := whoami(t)
	b := browser.New(shared.Group(t), browser.Options{Timeout: long})
	anne, bob := browser.NewAccount(s.Site, browser.Session{}), browser.NewAccount(s.Site, browser.Session{})
	anneA, bobA, anneB := s.tab(t, b, anne), s.tab(t, b, bob), s.tab(t, b, anne)
	load(t, anneA, s, "/sign-in/anne", "welcome")
	load(t, anneB, s, "/", "anne")
	load(t, bobA, s, "/", "nobody")
	load(t, bobA, s, "/sign-in/bob", "welcome")
	load(t, anneA, s, "/", "anne")
	says(t, anneA, "note", "stored anne")
}

func TestAccount_KeepsItsSessionForTheNextTab(t *testing.T) {
	t.Parallel()
	s := whoami(t)
	b := browser.New(shared.Group(t), browser.Options{Timeout: long})
	account := browser.NewAccount(s.Site, browser.Session{})
	tab, err := b.Open(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	load(t, tab, s, "/sign-in/anne", "welcome")
	inTab, err := tab.Session(t.Context())
	if err != nil {
		t.Error(err)
	}
	tab.Close()
	want := browser.Session{
		Host:    s.Site.URL.Host,
		Cookies: []browser.Cookie{{Name: "sid", Value: "anne", Domain: s.Site.URL.Hostname(), Path: "/", HTTPOnly: true, SameSite: "Lax"}},
		Storage: map[string]string{"who": "anne"},
	}
	if kept := account.Session(); !reflect.DeepEqual(kept, want) || !reflect.DeepEqual(inTab, want) {
		t.Errorf("the session is not the one of the tab: %d cookies, %d stored", len(kept.Cookies), len(kept.Storage))
	}
	// A tab that goes nowhere has nothing to say about the storage.
	tab, err = b.Open(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	tab.Close()
	if kept := account.Session(); !reflect.DeepEqual(kept, want) {
		t.Errorf("the session has changed in a tab that was nowhere: %d cookies, %d stored", len(kept.Cookies), len(kept.Storage))
	}
	next := s.tab(t, b, account)
	load(t, next, s, "/", "anne")
	says(t, next, "note", "stored anne")
}

func TestSession_HasNothingOfOtherHosts(t *testing.T) {
	t.Parallel()
	s, other := whoami(t), whoami(t)
	b := browser.New(shared.Group(t), browser.Options{Timeout: long})
	session := browser.Session{Host: s.Site.URL.Host, Cookies: []browser.Cookie{
		{Name: "sid", Value: "anne", Domain: s.Site.URL.Hostname(), Path: "/"},
		{Name: "sid", Value: "other", Domain: "other.example", Path: "/"},
	}}
	tab := s.tab(t, b, browser.NewAccount(s.Site, session))
	load(t, tab, s, "/", "anne")
	got, err := tab.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Cookies, session.Cookies[:1]) {
		t.Errorf("the session has %d cookies, want the first alone", len(got.Cookies))
	}
	away, err := url.Parse(elsewhere(other) + "/sign-in/bob")
	if err != nil {
		t.Fatal(err)
	}
	if err := tab.Load(t.Context(), step(), away); err != nil {
		t.Fatal(err)
	}
	if got, err := tab.Session(t.Context()); err != nil || got.Storage != nil {
		t.Errorf("the session has the storage of another host: %v", err)
	}
}
