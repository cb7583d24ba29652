package browser_test

import (
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
)

// cookieSite is a site that shows the user of a cookie, and signs in any user.
func cookieSite(t *testing.T) *site {
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

// mustLoad loads a page whose status has this text.
func mustLoad(t *testing.T, tab *browser.Tab, s *site, path, text string) {
	t.Helper()
	if err := tab.Load(t.Context(), step(), s.address(t, path)); err != nil {
		t.Fatal(err)
	}
	wantText(t, tab, "status", text)
}

func TestAccount_SharesCookiesOnlyAmongItsTabs(t *testing.T) {
	t.Parallel()
	s := cookieSite(t)
	b := browser.New(shared.Group(t), browser.Options{Timeout: long})
	anne, bob := browser.NewAccount(s.Site, browser.Session{}), browser.NewAccount(s.Site, browser.Session{})
	anneA, bobA, anneB := s.tab(t, b, anne), s.tab(t, b, bob), s.tab(t, b, anne)
	mustLoad(t, anneA, s, "/sign-in/anne", "welcome")
	mustLoad(t, anneB, s, "/", "anne")
	mustLoad(t, bobA, s, "/", "nobody")
	mustLoad(t, bobA, s, "/sign-in/bob", "welcome")
	mustLoad(t, anneA, s, "/", "anne")
	wantText(t, anneA, "note", "stored anne")
}

func TestAccount_KeepsSessionForNextTab(t *testing.T) {
	t.Parallel()
	s := cookieSite(t)
	b := browser.New(shared.Group(t), browser.Options{Timeout: long})
	account := browser.NewAccount(s.Site, browser.Session{})
	tab, err := b.Open(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	mustLoad(t, tab, s, "/sign-in/anne", "welcome")
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
		t.Errorf("the account's session differs from the tab's: %d cookies, %d stored", len(kept.Cookies), len(kept.Storage))
	}
	// A tab without a page knows nothing about the storage.
	tab, err = b.Open(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	tab.Close()
	if kept := account.Session(); !reflect.DeepEqual(kept, want) {
		t.Errorf("a tab without a page changes the session: %d cookies, %d stored", len(kept.Cookies), len(kept.Storage))
	}
	next := s.tab(t, b, account)
	mustLoad(t, next, s, "/", "anne")
	wantText(t, next, "note", "stored anne")
}

func TestTab_SessionExcludesOtherHosts(t *testing.T) {
	t.Parallel()
	s, other := cookieSite(t), cookieSite(t)
	b := browser.New(shared.Group(t), browser.Options{Timeout: long})
	session := browser.Session{Host: s.Site.URL.Host, Cookies: []browser.Cookie{
		{Name: "sid", Value: "anne", Domain: s.Site.URL.Hostname(), Path: "/"},
		{Name: "sid", Value: "other", Domain: "other.example", Path: "/"},
	}}
	tab := s.tab(t, b, browser.NewAccount(s.Site, session))
	mustLoad(t, tab, s, "/", "anne")
	got, err := tab.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Cookies, session.Cookies[:1]) {
		t.Errorf("the session has %d cookies, want only the first", len(got.Cookies))
	}
	away, err := url.Parse(byOtherHost(other) + "/sign-in/bob")
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
