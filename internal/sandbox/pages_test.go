package sandbox

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// visitor is somebody with a browser: it follows links by their names and fills in forms by their
// labels.
type visitor struct {
	t      *testing.T
	b      *bench
	client *http.Client
	lang   string
	// What is shown now.
	status int
	header http.Header
	url    *url.URL
	source string
	doc    *html.Node
	menu   string // the id of the menu that is open
}

func (b *bench) visitor() *visitor {
	b.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return &visitor{t: b.t, b: b, client: &http.Client{Jar: jar, Timeout: time.Minute}, lang: "en"}
}

// signedIn is a visitor of the portal as the user of that e-mail address.
func (b *bench) signedIn(email string) *visitor {
	b.t.Helper()
	path, err := b.s.PortalLink(email, "/")
	if err != nil {
		b.t.Fatal(err)
	}
	v := b.visitor()
	v.open(b.srv.URL() + path)
	return v
}

// atShop is a visitor of a shop's pages.
func (b *bench) atShop(shop string) *visitor {
	b.t.Helper()
	path, err := b.s.MystoreLink(shop, "/"+shop+"/extensions")
	if err != nil {
		b.t.Fatal(err)
	}
	v := b.visitor()
	v.open(b.srv.URL() + path)
	return v
}

func (v *visitor) open(target string) *visitor {
	v.t.Helper()
	return v.send(http.MethodGet, target, nil)
}

func (v *visitor) send(method, target string, form url.Values) *visitor {
	v.t.Helper()
	if err := v.try(v.t.Context(), method, target, form); err != nil {
		v.t.Fatal(err)
	}
	return v
}

func (v *visitor) try(ctx context.Context, method, target string, form url.Values) error {
	r, err := http.NewRequestWithContext(ctx, method, v.resolve(target), strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Accept-Language", v.lang)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := v.client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	source, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	doc, err := html.Parse(strings.NewReader(string(source)))
	if err != nil {
		return err
	}
	v.status, v.header, v.url, v.source, v.doc = resp.StatusCode, resp.Header, resp.Request.URL, string(source), doc
	v.menu = ""
	return nil
}

func (v *visitor) resolve(target string) string {
	v.t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		v.t.Fatal(err)
	}
	if v.url == nil {
		return u.String()
	}
	return v.url.ResolveReference(u).String()
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// all are the elements that can be met: not what is inert, and not what a closed menu has.
func (v *visitor) all(wanted func(*html.Node) bool) []*html.Node {
	var found []*html.Node
	for n := range v.doc.Descendants() {
		if n.Type == html.ElementNode && wanted(n) && !v.out(n) {
			found = append(found, n)
		}
	}
	return found
}

func (v *visitor) out(n *html.Node) bool {
	for ; n != nil; n = n.Parent {
		if has(n, "inert") || (has(n, "popover") && attribute(n, "id") != v.menu) {
			return true
		}
	}
	return false
}

// openMenu opens the menu that belongs to a button.
func (v *visitor) openMenu(button string) *visitor {
	v.t.Helper()
	v.menu = attribute(v.get("button", button), "popovertarget")
	return v
}

// role is that of an element, as far as these pages need it.
func role(n *html.Node) string {
	if r := attribute(n, "role"); r != "" {
		return r
	}
	switch n.Data {
	case "a":
		return "link"
	case "button", "dialog":
		return n.Data
	case "h1", "h2":
		return "heading"
	case "select":
		return "combobox"
	case "section":
		return "region"
	case "nav":
		return "navigation"
	case "ul":
		return "list"
	case "header":
		return "banner"
	case "input":
		switch attribute(n, "type") {
		case "hidden":
			return ""
		case "search":
			return "searchbox"
		default:
			return "textbox"
		}
	}
	return ""
}

// name is an element's accessible name.
func (v *visitor) name(n *html.Node) string {
	if label := attribute(n, "aria-label"); label != "" {
		return label
	}
	id := attribute(n, "aria-labelledby")
	for d := range v.doc.Descendants() {
		if d.Type != html.ElementNode {
			continue
		}
		if (id != "" && attribute(d, "id") == id) ||
			(d.Data == "label" && has(n, "id") && attribute(d, "for") == attribute(n, "id")) {
			return textOf(d)
		}
	}
	return textOf(n)
}

func (v *visitor) found(wantedRole, name string) []*html.Node {
	return v.all(func(n *html.Node) bool { return role(n) == wantedRole && v.name(n) == name })
}

// get is the one element of that role and name.
func (v *visitor) get(wantedRole, name string) *html.Node {
	v.t.Helper()
	found := v.found(wantedRole, name)
	if len(found) != 1 {
		v.t.Fatalf("%s has %d times %s %q:\n%s", v.url, len(found), wantedRole, name, v.source)
	}
	return found[0]
}

func (v *visitor) follow(wantedRole, name string) *visitor {
	v.t.Helper()
	return v.open(attribute(v.get(wantedRole, name), "href"))
}

// press sends the button's form, with what the labels' fields are to hold.
func (v *visitor) press(name string, fields ...string) *visitor {
	v.t.Helper()
	method, action, form := v.formOf(name)
	for i := 0; i < len(fields); i += 2 {
		found := v.all(func(n *html.Node) bool {
			return (n.Data == "input" || n.Data == "select") && v.name(n) == fields[i]
		})
		if len(found) != 1 {
			v.t.Fatalf("%s has %d fields %q:\n%s", v.url, len(found), fields[i], v.source)
		}
		form.Set(attribute(found[0], "name"), fields[i+1])
	}
	if method == "get" {
		return v.open(action + "?" + form.Encode())
	}
	return v.send(http.MethodPost, action, form)
}

// formOf is the form that a button sends, as it was filled in by the page.
func (v *visitor) formOf(button string) (method, action string, form url.Values) {
	v.t.Helper()
	n := v.get("button", button)
	for n.Data != "form" {
		if n = n.Parent; n == nil {
			v.t.Fatalf("the button %q is in no form", button)
		}
	}
	form = url.Values{}
	for d := range n.Descendants() {
		if d.Data == "input" && has(d, "name") {
			form.Set(attribute(d, "name"), attribute(d, "value"))
		}
	}
	return attribute(n, "method"), attribute(n, "action"), form
}

// rows are the cells of the table of that name, by row.
func (v *visitor) rows(name string) [][]string {
	v.t.Helper()
	var rows [][]string
	for n := range v.get("table", name).Descendants() {
		if n.Data != "tr" {
			continue
		}
		var cells []string
		for c := range n.ChildNodes() {
			if c.Type == html.ElementNode {
				cells = append(cells, textOf(c))
			}
		}
		rows = append(rows, cells)
	}
	return rows
}

func (v *visitor) text(wantedRole string) string {
	var texts []string
	for _, n := range v.all(func(n *html.Node) bool { return role(n) == wantedRole }) {
		texts = append(texts, textOf(n))
	}
	return strings.Join(texts, "\n")
}

// at checks the status and the title, and that the page is sound.
func (v *visitor) at(status int, title string) *visitor {
	v.t.Helper()
	headings := v.all(func(n *html.Node) bool { return n.Data == "h1" })
	if v.status != status || (title != "" && (len(headings) != 1 || textOf(headings[0]) != title)) {
		v.t.Fatalf("%s is %d, want %d with the title %q:\n%s", v.url, v.status, status, title, v.source)
	}
	v.sound()
	return v
}

// sound: nothing that can be used lacks a name, no two elements have one id, nothing is loaded from
// elsewhere.
func (v *visitor) sound() {
	v.t.Helper()
	ids := map[string]bool{}
	for n := range v.doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if id := attribute(n, "id"); id != "" {
			if ids[id] {
				v.t.Errorf("%s has the id %q twice", v.url, id)
			}
			ids[id] = true
		}
		if slices.Contains([]string{"link", "button", "combobox", "textbox", "searchbox", "dialog", "region", "navigation", "table", "menu"}, role(n)) && v.name(n) == "" {
			v.t.Errorf("%s has a %s without a name", v.url, role(n))
		}
		for _, name := range []string{"href", "src", "action"} {
			if target := attribute(n, name); strings.Contains(target, "//") {
				v.t.Errorf("%s leads out, to %s", v.url, target)
			}
		}
	}
	if strings.Contains(v.source, "ZgotmplZ") {
		v.t.Errorf("%s has a value that the template does not trust", v.url)
	}
	if got := v.header.Get("Cache-Control"); got != "no-store" {
		v.t.Errorf("%s may be kept: %q", v.url, got)
	}
}

// TestSwitchByPages goes through the guide as a person does, and the sandbox sees what it sees when it
// is done through the APIs.
func TestSwitchByPages(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{Pending: 2})
	portal := b.signedIn("ops@agency.example").at(200, "Home")
	portal.follow("link", "Integrations").at(200, "Integrations")
	portal.follow("link", "Generate new").press("Generate", "Description", "terraform: fjellsport")
	for range 2 {
		if got := portal.text("status"); got != "Wait while the key is created" {
			t.Fatalf("the status is %q", got)
		}
		portal.open(portal.url.String())
	}
	portal.get("dialog", "Your new API key")
	id := attribute(portal.get("textbox", "Kustom ID"), "value")
	secret := attribute(portal.get("textbox", "Kustom Secret"), "value")
	portal.press("Done").at(200, "Integrations")

	shop := b.atShop("fjellsport").at(200, "Extensions")
	shop.follow("link", "Klarna Checkout V3").at(200, "Klarna Checkout V3")
	shop.follow("link", "Credentials").at(200, "Credentials")
	shop.press("Update ID and Secret", "Kustom ID", id, "Kustom Secret", secret).at(200, "Credentials")
	if got := shop.text("status"); got != "ID and Secret updated" {
		t.Errorf("the status is %q", got)
	}
	if got := attribute(shop.get("textbox", "Kustom ID"), "value"); got != id {
		t.Errorf("the shop has %q, want %q", got, id)
	}

	portal.openMenu("Actions for M00412871-qT7vA").follow("menuitem", "Delete API key")
	portal.get("dialog", "Delete API key")
	portal.press("Delete").at(200, "Integrations")
	if got := portal.text("status"); got != "API key M00412871-qT7vA deleted" {
		t.Errorf("the status is %q", got)
	}

	if rows := portal.rows("API keys"); len(rows) != 2 || rows[1][0] != id || rows[1][3] != "api.kustom.co" {
		t.Errorf("the list is %v", rows)
	}
	keys := b.s.Keys(fjellsport)
	if len(keys) != 1 || keys[0].Username != id || keys[0].Secret != secret || text(keys[0].Description) != "terraform: fjellsport" {
		t.Errorf("the keys are %+v", keys)
	}
	if err := b.s.Working("fjellsport"); err != nil {
		t.Error(err)
	}
	b.wantViolations()
	b.wantNoSecrets()
}

// TestPageFaults: what an API can suffer, pages can.
func TestPageFaults(t *testing.T) {
	tests := map[string]struct {
		fault  Fault
		worked bool
		check  func(v *visitor, err error)
	}{
		"answer": {
			fault: Fault{Status: 503},
			check: func(v *visitor, _ error) { v.at(503, "Service Unavailable") },
		},
		"lose the answer": {
			fault: Fault{Kind: FaultLoseAnswer}, worked: true,
			check: func(v *visitor, err error) {
				if err == nil {
					v.t.Errorf("there is an answer: %s", v.source)
				}
			},
		},
		"delay": {
			fault: Fault{Kind: FaultDelay, Latency: time.Millisecond}, worked: true,
			check: func(v *visitor, _ error) { v.at(200, "Integrations") },
		},
		"stay": {
			fault: Fault{Kind: FaultStay},
			check: func(v *visitor, _ error) { v.at(200, "").get("dialog", "Delete API key") },
		},
		"work, then stay": {
			fault: Fault{Kind: FaultWorkThenStay}, worked: true,
			check: func(v *visitor, _ error) { v.at(200, "").get("dialog", "Delete API key") },
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, ThreeShops(), Options{})
			v := b.signedIn(admin).portal(deletePath)
			_, action, form := v.formOf("Delete")
			test.fault.API, test.fault.Method, test.fault.Times = PortalPages, http.MethodPost, 1
			test.fault.Template = "/stores/{merchant_id}/integrations/keys/{credential_id}/delete"
			armed := b.s.Arm(test.fault)
			test.check(v, v.try(t.Context(), http.MethodPost, action, form))
			if got := len(b.s.Keys(fjellsport)) == 0; got != test.worked || armed.Fired() != 1 {
				t.Errorf("the key is gone: %t, want %t; fired %d times", got, test.worked, armed.Fired())
			}
		})
	}
}

// TestDialogStays: also that of a new key, which does not show its secret again.
func TestDialogStays(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	v := b.signedIn(admin).portal(keysPath).follow("link", "Generate new")
	armed := b.s.Arm(Fault{API: PortalPages, Method: http.MethodPost, Kind: FaultStay})
	v.press("Generate", "Description", "once more").get("dialog", "Generate a new API key")
	if got := attribute(v.get("textbox", "Description"), "value"); got != "once more" || len(b.s.Keys(fjellsport)) != 1 {
		t.Errorf("what was typed became %q, and there are %d keys", got, len(b.s.Keys(fjellsport)))
	}
	armed.Disarm()
	v.press("Generate")
	b.s.Arm(Fault{API: PortalPages, Method: http.MethodPost, Kind: FaultStay})
	v.press("Done").get("dialog", "Your new API key")
	if got := attribute(v.get("textbox", "Kustom Secret"), "value"); got != "" {
		t.Errorf("the secret is shown again: %q", got)
	}
	shop := b.atShop("fjellsport").mystore(credentialsPath)
	b.s.Arm(Fault{API: MystorePages, Kind: FaultStay})
	shop.press("Update ID and Secret", "Kustom ID", "", "Kustom Secret", "").at(200, "Credentials")
	if got := attribute(shop.get("textbox", "Kustom ID"), "value"); got != fjellsportK || shop.text("status") != "" {
		t.Errorf("the page has %q and says %q", got, shop.text("status"))
	}
}

// TestWordsChange: in every language, and only on the pages that the fault is for.
func TestWordsChange(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	v := b.signedIn(admin)
	b.s.Arm(Fault{API: PortalPages, Kind: FaultRename, Rename: map[string]string{"Generate new": "Add API Key", "Integrations": "Connections"}})
	v.portal(keysPath).at(200, "Connections").get("link", "Add API Key")
	v.portal(keysPath+"?lang=nb").at(200, "Connections").get("link", "Add API Key")
	b.atShop("fjellsport").at(200, "Extensions")
}

func TestPagesAreGuarded(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	v := b.visitor().portal("/sign-in")
	policy := v.header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "form-action 'self'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy is %q", policy)
		}
	}
	cookie := v.header.Get("Set-Cookie")
	if !strings.Contains(cookie, "Path=/pages/portal; HttpOnly; SameSite=Lax") {
		t.Errorf("the cookie is %q", cookie)
	}
	for _, prefix := range []string{portalPagesPrefix, mystorePagesPrefix} {
		b.visitor().open(b.srv.URL()+prefix).at(200, "Sign in")
		b.visitor().send(http.MethodPut, b.srv.URL()+prefix+"/sign-in", nil).at(405, "Method Not Allowed")
	}
	b.wantViolations()
	v.open(b.srv.MystorePagesURL() + "/sign-in?kustom_secret=kco_live_api_none")
	b.wantViolations(ViolationSecretInURL)
}

func TestPagesLoadWhatIsThere(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	v := b.visitor().portal("/sign-in")
	for _, n := range v.all(func(n *html.Node) bool { return n.Data == "script" || attribute(n, "rel") == "stylesheet" }) {
		res := b.must(http.MethodGet, b.srv.URL()+attribute(n, "src")+attribute(n, "href"), "", http.Header{})
		res.want(t, http.StatusOK)
		if kind := res.header.Get("Content-Type"); !strings.HasPrefix(kind, "text/css") && !strings.HasPrefix(kind, "text/javascript") {
			t.Errorf("it is %q", kind)
		}
	}
}
