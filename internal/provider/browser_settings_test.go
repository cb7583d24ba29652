package provider

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystorepages"
	"github.com/storefront-iac/terraform-provider-kustom/internal/portalpages"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

const (
	portalHost = "portal.kustom.co"
	// pagesSecret is in every secret of these tests, and must be in no message.
	pagesSecret = "s3cret"
)

func loginType() types.ObjectType {
	return types.ObjectType{AttrTypes: map[string]attr.Type{"email": types.StringType, "password": types.StringType, "code_seed": types.StringType}}
}

func loginObject(email, password string) attr.Value {
	return types.ObjectValueMust(loginType().AttrTypes, map[string]attr.Value{
		"email": types.StringValue(email), "password": types.StringValue(password), "code_seed": types.StringNull(),
	})
}

func loginMap(logins map[string]attr.Value) types.Map { return types.MapValueMust(loginType(), logins) }

// withBrowser is a provider block with an empty browser block.
func withBrowser(change func(*browserModel)) providerModel {
	m := emptyModel()
	m.Browser = &browserModel{Labels: types.MapNull(types.StringType), MystoreLogins: types.MapNull(loginType())}
	if change != nil {
		change(m.Browser)
	}
	return m
}

func sessionLine(t *testing.T, host, cookie string) string {
	t.Helper()
	line, err := browser.Session{Host: host, Cookies: []browser.Cookie{{Name: "id", Value: cookie}}}.Line()
	if err != nil {
		t.Fatal(err)
	}
	return line
}

func keepSession(t *testing.T, keep browser.SessionStore, account, host, cookie string) {
	t.Helper()
	if _, _, err := keep.Save(account, browser.Session{Host: host, Cookies: []browser.Cookie{{Name: "id", Value: cookie}}}); err != nil {
		t.Fatal(err)
	}
}

func pagesOf(t *testing.T, m providerModel, env map[string]string, keep browser.SessionStore) *pages {
	t.Helper()
	return newPages(mustResolve(t, m, env), Options{Sessions: keep, Browsers: new(browser.Group)})
}

// TestPages_PreferVariablesSessionOfPortal prefers the session of the variable to the saved one. Each is for its own host only.
func TestPages_PreferVariablesSessionOfPortal(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		// variable and kept are the hosts of the sessions that there are.
		variable, kept string
		playground     bool
		want           string
	}{
		"the variable":              {variable: portalHost, want: "variable"},
		"the kept one":              {kept: portalHost, want: "kept"},
		"the variable before that":  {variable: portalHost, kept: portalHost, want: "variable"},
		"none":                      {want: "nobody has signed in to Kustom Portal"},
		"one of another host":       {kept: "portal.playground.kustom.co", want: "nobody has signed in to Kustom Portal"},
		"the playground's":          {kept: "portal.playground.kustom.co", playground: true, want: "kept"},
		"the variable of another":   {variable: "portal.playground.kustom.co", kept: portalHost, want: "belongs to portal.playground.kustom.co, not to portal.kustom.co"},
		"the variable of no portal": {variable: "portal.kustom.co.evil.example", want: "belongs to portal.kustom.co.evil.example"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keep, env := browser.SessionStore{Dir: t.TempDir()}, map[string]string{}
			if test.variable != "" {
				env[envPortalSession] = sessionLine(t, test.variable, "variable")
			}
			if test.kept != "" {
				keepSession(t, keep, "", test.kept, "kept")
			}
			if test.playground {
				env[envEnvironment] = "playground"
			}
			session, err := pagesOf(t, withBrowser(nil), env, keep).sessionOfPortal()
			if err != nil {
				if !strings.Contains(err.Error(), test.want) {
					t.Errorf("the error is %v, want %s", err, test.want)
				}
				return
			}
			if len(session.Cookies) != 1 || session.Cookies[0].Value != test.want {
				t.Errorf("it is another session than the one that is wanted: %s", test.want)
			}
		})
	}
}

// hostOf is where the control panel of a shop without a domain is.
func hostOf(shop string) string { return "www." + shop + ".mystore4.no" }

// TestPages_FindAdminOfShop prefers an address of the block to one of the variable, and that to the default.
func TestPages_FindAdminOfShop(t *testing.T) {
	t.Parallel()
	env := map[string]string{envMystoreAdmins: `{"a": "https://www.a.example/kontrollpanel"}`}
	p := pagesOf(t, withBrowser(nil), env, browser.SessionStore{})
	for shop, want := range map[string]string{"a": "https://www.a.example/kontrollpanel", "b": "https://www.b.mystore4.no/kontrollpanel"} {
		if got, err := p.admin(shop); err != nil || got.String() != want {
			t.Errorf("%s: %v (%v), want %s", shop, got, err, want)
		}
	}
	p = pagesOf(t, withBrowser(func(m *browserModel) {
		m.MystoreAdmins = types.MapValueMust(types.StringType, map[string]attr.Value{"a": types.StringValue("https://a.block.example/k")})
	}), env, browser.SessionStore{})
	if got, err := p.admin("a"); err != nil || got.String() != "https://a.block.example/k" {
		t.Errorf("with a block: %v (%v)", got, err)
	}
	for _, bad := range []string{`[]`, `{"a/b": "https://a.example"}`, `{"a": "http://a.example"}`, `{"a": "x"}`} {
		if _, problems := resolveWith(withBrowser(nil), map[string]string{envMystoreAdmins: bad}); len(problems) == 0 {
			t.Errorf("%s is accepted", bad)
		}
	}
}

// TestPages_PreferSessionToLogin prefers a session of the variable to a saved one. A login is for expired sessions. Logins of
// the block replace those of the variable.
func TestPages_PreferSessionToLogin(t *testing.T) {
	t.Parallel()
	keep := browser.SessionStore{Dir: t.TempDir()}
	keepSession(t, keep, "both", hostOf("both"), "kept")
	keepSession(t, keep, "kept", hostOf("kept"), "kept")
	keepSession(t, keep, "elsewhere", "admin.other.example", "kept")
	env := map[string]string{
		envMystoreSessions: fmt.Sprintf(`{"both": %q, "variable": %q, "strange": %q}`, sessionLine(t, hostOf("both"), "variable"),
			sessionLine(t, hostOf("variable"), "variable"), sessionLine(t, "other.example", "variable")),
		envMystoreLogins: `{"kept": {"email": "variable@example.com", "password": "p", "code_seed": "JBSWY3DP"}, "login": {"email": "variable@example.com", "password": "p"}}`,
	}
	describe := func(p *pages, shop string) string {
		access, err := p.access(shop)
		if err != nil {
			var none *noSessionError
			return fmt.Sprintf("error (none: %v): %v", errors.As(err, &none), err)
		}
		var parts []string
		if access.Session != nil {
			parts = append(parts, "session "+access.Session.Cookies[0].Value)
		}
		if access.Login != nil {
			parts = append(parts, "login "+access.Login.Email+" "+access.Login.CodeSeed)
		}
		return strings.Join(parts, ", ")
	}
	p := pagesOf(t, withBrowser(nil), env, keep)
	for shop, want := range map[string]string{
		"both": "session variable", "variable": "session variable", "kept": "session kept, login variable@example.com JBSWY3DP",
		"login": "login variable@example.com ", "elsewhere": "error (none: true): nobody has signed in to shop elsewhere",
		"nobody": "error (none: true): nobody has signed in to shop nobody", "strange": "error (none: false): the session for shop strange belongs to other.example, not to www.strange.mystore4.no",
	} {
		if got := describe(p, shop); got != want {
			t.Errorf("%s: %q, want %q", shop, got, want)
		}
	}
	if shops, err := p.shops(); err != nil || !slices.Equal(shops, []string{"both", "kept", "login", "strange", "variable"}) {
		t.Errorf("the shops are %q (%v)", shops, err)
	}

	p = pagesOf(t, withBrowser(func(m *browserModel) {
		m.MystoreLogins = loginMap(map[string]attr.Value{"block": loginObject("block@example.com", "p")})
	}), env, keep)
	if got := describe(p, "block"); got != "login block@example.com " {
		t.Errorf("the block's login is %q", got)
	}
	if got := describe(p, "login"); !strings.HasPrefix(got, "error (none: true)") {
		t.Errorf("the variable's login is taken beside the block's: %q", got)
	}
}

// TestPages_UnknownLoginsBlockOnlyTheirShops expects an error only for a shop without a session.
func TestPages_UnknownLoginsBlockOnlyTheirShops(t *testing.T) {
	t.Parallel()
	keep := browser.SessionStore{Dir: t.TempDir()}
	keepSession(t, keep, "kept", hostOf("kept"), "kept")
	for name, logins := range map[string]types.Map{
		"the map":   types.MapUnknown(loginType()),
		"a login":   loginMap(map[string]attr.Value{"late": types.ObjectUnknown(loginType().AttrTypes)}),
		"its parts": loginMap(map[string]attr.Value{"late": types.ObjectValueMust(loginType().AttrTypes, map[string]attr.Value{"email": types.StringValue("a"), "password": types.StringUnknown(), "code_seed": types.StringNull()})}),
	} {
		p := pagesOf(t, withBrowser(func(m *browserModel) { m.MystoreLogins = logins }), map[string]string{envMystoreLogins: `{"late": {"email": "a", "password": "p"}}`}, keep)
		var unknown *unknownError
		if _, err := p.access("late"); !errors.As(err, &unknown) {
			t.Errorf("%s: the error is %v", name, err)
		}
		if _, err := p.access("kept"); err != nil {
			t.Errorf("%s: the shop with a session has %v", name, err)
		}
	}
}

// TestResolve_QuotesNoBrowserSecret expects errors about malformed sessions and logins to quote nothing of them (I2).
func TestResolve_QuotesNoBrowserSecret(t *testing.T) {
	t.Parallel()
	line := sessionLine(t, hostOf("a"), pagesSecret)
	noSession := "s3cret-that-is-no-session"
	for name, test := range map[string]struct {
		env    map[string]string
		logins map[string]attr.Value
		at     string
	}{
		"portal session":              {env: map[string]string{envPortalSession: noSession}, at: "browser"},
		"portal session, JSON":        {env: map[string]string{envPortalSession: `{"host": "s3cret"}`}, at: "browser"},
		"portal session, cut off":     {env: map[string]string{envPortalSession: line[:len(line)-9]}, at: "browser"},
		"shop sessions, not JSON":     {env: map[string]string{envMystoreSessions: line}, at: "browser"},
		"shop sessions, a list":       {env: map[string]string{envMystoreSessions: `["s3cret"]`}, at: "browser"},
		"shop sessions, null":         {env: map[string]string{envMystoreSessions: `null`}, at: "browser"},
		"shop sessions, no session":   {env: map[string]string{envMystoreSessions: `{"fjellsport": "` + noSession + `"}`}, at: "browser"},
		"shop sessions, no shop":      {env: map[string]string{envMystoreSessions: `{"s3cret shop": "` + line + `"}`}, at: "browser"},
		"logins' variable, not JSON":  {env: map[string]string{envMystoreLogins: noSession}, at: "browser.mystore_logins"},
		"logins' variable, no object": {env: map[string]string{envMystoreLogins: `{"fjellsport": "s3cret"}`}, at: "browser.mystore_logins"},
		"logins' variable, no e-mail": {env: map[string]string{envMystoreLogins: `{"fjellsport": {"password": "s3cret"}}`}, at: "browser.mystore_logins"},
		"logins, no password":         {logins: map[string]attr.Value{"fjellsport": loginObject("s3cret@example.com", "")}, at: "browser.mystore_logins"},
		"logins, no shop":             {logins: map[string]attr.Value{"kco_live_api_s3cret": loginObject("a", "s3cret")}, at: "browser.mystore_logins"},
	} {
		m := withBrowser(func(m *browserModel) {
			if test.logins != nil {
				m.MystoreLogins = loginMap(test.logins)
			}
		})
		_, problems := resolveWith(m, test.env)
		if len(problems) != 1 || problems[0].attribute != test.at {
			t.Errorf("%s: refused are %+v", name, problems)
		}
		for value := range maps.Values(test.env) {
			if text := fmt.Sprintf("%+v", problems); strings.Contains(text, pagesSecret) || len(value) > 4 && strings.Contains(text, value) {
				t.Errorf("%s: the problem quotes it", name)
			}
		}
		if strings.Contains(fmt.Sprintf("%+v", problems), pagesSecret) {
			t.Errorf("%s: the problem quotes it", name)
		}
	}
}

// TestPages_NameFileOfUnreadableSession expects an error that names the file and quotes nothing of it.
func TestPages_NameFileOfUnreadableSession(t *testing.T) {
	t.Parallel()
	keep := browser.SessionStore{Dir: t.TempDir()}
	keepSession(t, keep, "", portalHost, "kept")
	file := filepath.Join(keep.Dir, portalHost+".session")
	if err := os.WriteFile(file, []byte(pagesSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := pagesOf(t, withBrowser(nil), nil, keep).sessionOfPortal()
	if err == nil || !strings.Contains(err.Error(), file) || strings.Contains(err.Error(), pagesSecret) {
		t.Errorf("the error is %v", err)
	}
}

// TestLogin_PrintsNoPassword prints a login with each verb, as a log or an error may (I2).
func TestLogin_PrintsNoPassword(t *testing.T) {
	t.Parallel()
	login := mystorepages.Login{Email: pagesSecret, Password: pagesSecret, CodeSeed: pagesSecret}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(verb, login); strings.Contains(text, pagesSecret) {
			t.Errorf("%s prints %s", verb, text)
		}
	}
}

// TestBackend_WarnsRootOfBrowser expects one warning if root may start a browser: root's browser has no sandbox.
func TestBackend_WarnsRootOfBrowser(t *testing.T) {
	t.Parallel()
	tokens := map[string]string{envPortalToken: "token", envMystoreTokens: `{"butikk": "token"}`}
	sessions := map[string]string{envPortalToken: "token", envMystoreSessions: fmt.Sprintf(`{"butikk": %q}`, sessionLine(t, hostOf("butikk"), "a"))}
	for name, test := range map[string]struct {
		model providerModel
		env   map[string]string
		root  bool
		want  int
	}{
		"root":                       {withBrowser(nil), nil, true, 1},
		"another user":               {withBrowser(nil), nil, false, 0},
		"root without a browser":     {emptyModel(), nil, true, 0},
		"root with tokens for all":   {withBrowser(nil), tokens, true, 0},
		"root with a shop's session": {withBrowser(nil), sessions, true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBackend(mustResolve(t, test.model, test.env), Options{Browsers: new(browser.Group)}.withDefaults())
			var diags diag.Diagnostics
			b.warnOfRoot(test.root, &diags)
			if diags.WarningsCount() != test.want || diags.HasError() {
				t.Fatalf("the diagnostics are %v", diags)
			}
			if test.want > 0 && !strings.Contains(diags[0].Detail(), "Run Terraform as another user") {
				t.Errorf("it says %s", diags[0].Detail())
			}
		})
	}
}

// TestSites_MaskEverySecret expects the same form of a secret in both sites. Mystore's package can't import Kustom's.
func TestSites_MaskEverySecret(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{
		portalpages.Site(new(url.URL), nil, nil).Secret.String(), mystorepages.Site(new(url.URL), nil, nil).Secret.String(),
	} {
		if pattern != kustom.SecretForm {
			t.Errorf("a site masks %s, want %s", pattern, kustom.SecretForm)
		}
	}
}

// TestShopRouter_HasCleanupTimeOfPages gives a cleanup the time of the shop's own way: a page takes longer than an API.
func TestShopRouter_HasCleanupTimeOfPages(t *testing.T) {
	t.Parallel()
	pages := new(mystorepages.Client)
	router := shopRouter{api: new(mystore.Client), pages: pages, byPages: func(shop string) bool { return shop == "by-pages" }}
	for shop, want := range map[string]time.Duration{"by-pages": pages.CleanupTime("by-pages"), "by-api": 0} {
		var service rotation.ShopService = router
		slow, ok := service.(rotation.SlowShopService)
		if !ok || slow.CleanupTime(shop) != want {
			t.Errorf("shop %s: slow %t, want %s", shop, ok, want)
		}
	}
}
