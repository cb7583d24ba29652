package sandbox

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// page is what a route has besides when it is a page.
type page struct {
	// open says that nobody has to be signed in.
	open bool
	// integrations says that the user's role has to see Integrations.
	integrations bool
	// again shows the dialog or form that a POST sends, as it is sent.
	again func(*Sandbox, *call) *answer
}

// Who sells what the pages belong to.
const (
	kustomBrand  = "Kustom Portal"
	mystoreBrand = "Mystore"
)

const htmlType = "text/html; charset=utf-8"

//go:embed pages
var pageFiles embed.FS

// loadPages parses the templates once per process, like the contract: each page within the frame.
var loadPages = sync.OnceValues(func() (map[string]*template.Template, error) {
	frame, err := template.ParseFS(pageFiles, "pages/frame.html", "pages/parts.html")
	if err != nil {
		return nil, fmt.Errorf("parsing the pages' frame: %w", err)
	}
	files, err := pageFiles.ReadDir("pages/content")
	if err != nil {
		return nil, fmt.Errorf("listing the pages: %w", err)
	}
	pages := make(map[string]*template.Template)
	for _, file := range files {
		t, err := template.Must(frame.Clone()).ParseFS(pageFiles, "pages/content/"+file.Name())
		if err != nil {
			return nil, fmt.Errorf("parsing a page: %w", err)
		}
		pages[strings.TrimSuffix(file.Name(), ".html")] = t
	}
	return pages, nil
})

// view is what a page is made from: what every page has, and its own Data.
type view struct {
	words
	page   string // the file in pages/content
	Vendor string // the class of the body
	Brand  string
	Base   string // the prefix of the vendor's pages
	Path   string
	Title  string
	CSRF   string
	User   string // the signed-in user's e-mail; empty when nobody is
	// Shown is the store or shop that the page is about.
	Shown  string
	Nav    []navLink
	Stores []storeOption
	// Tabs are the parts of a section.
	Tabs []navLink
	// Section is the part of a store's pages that this is, as the store selector has it.
	Section string
	// Dialog is the name of the dialog that is open.
	Dialog string
	Status string
	Alert  string
	Data   any

	hosts hosts
}

type navLink struct {
	Name    string
	Href    string
	Current bool
}

type storeOption struct {
	MerchantID string
	Name       string
	Selected   bool
}

func (v *view) render() ([]byte, error) {
	pages, err := loadPages()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := pages[v.page].ExecuteTemplate(&b, "frame.html", v); err != nil {
		return nil, fmt.Errorf("making the page %s: %w", v.page, err)
	}
	return b.Bytes(), nil
}

// When is a time as people read it.
func (v *view) When(t time.Time) string {
	if v.Lang == norwegian {
		return t.UTC().Format("02.01.2006 15:04")
	}
	return t.UTC().Format("2 Jan 2006, 15:04")
}

// Stamp is a time as programs read it. Two writes of Mystore's can be a nanosecond apart.
func (v *view) Stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// KustomHost is the host that a store's keys should belong to.
func (v *view) KustomHost() string { return v.hosts.kustom }

// Legacy reports whether a host is Klarna's.
func (v *view) Legacy(host string) bool { return host == v.hosts.legacy }

// serviceNames are the services as the portal calls them.
var serviceNames = map[string]string{
	serviceCheckout:        "Checkout",
	serviceOrderManagement: "Order management",
	"settlement":           "Settlement",
	"hosted_payment_page":  "Hosted payment page",
}

// ServiceName is what the portal calls a service.
func (v *view) ServiceName(service string) (string, error) { return v.W(serviceNames[service]) }

// newView starts the view of a call's page, whose title is a word.
func (c *call) newView(page, title string) *view {
	v := &view{
		words:  c.words(),
		page:   page,
		Vendor: "portal",
		Brand:  kustomBrand,
		Base:   c.mount.prefix,
		Path:   c.mount.prefix + c.path,
	}
	if c.mount.api == MystorePages {
		v.Vendor, v.Brand = "mystore", mystoreBrand
	}
	if c.session != nil {
		v.CSRF = c.session.csrf
	}
	v.Title = v.say(title)
	return v
}

// show answers with a page. A page may hold a secret, so nobody is to keep it.
func (c *call) show(status int, v *view) *answer {
	a := &answer{status: status, header: http.Header{}, contentType: htmlType, value: v}
	if c.http.URL.Query().Get("lang") == v.Lang {
		a.setCookie(langCookie, v.Lang, c.mount)
	}
	return a.guarded()
}

// guarded forbids that the page is kept, framed, or fed from anywhere else.
func (a *answer) guarded() *answer {
	return a.with("Cache-Control", "no-store").
		with("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; "+
			"form-action 'self'; base-uri 'none'; frame-ancestors 'none'").
		with("Referrer-Policy", "same-origin").
		with("X-Content-Type-Options", "nosniff")
}

func (a *answer) setCookie(name, value string, m *mount) {
	//nolint:gosec // it can't be Secure: the sandbox has no TLS
	cookie := http.Cookie{Name: name, Value: value, Path: m.prefix, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	a.header.Add("Set-Cookie", cookie.String())
}

// redirect leads to another of the vendor's pages; it is the answer to what a form has done.
func (c *call) redirect(path string) *answer {
	a := &answer{status: http.StatusSeeOther, header: http.Header{}}
	return a.with("Location", c.mount.prefix+path).with("Cache-Control", "no-store")
}

// refused is a page that says no.
func (c *call) refused(status int, title, message string) *answer {
	v := c.newView("error", title)
	v.Data = v.say(message)
	return c.show(status, v)
}

func (c *call) missing() *answer {
	return c.refused(http.StatusNotFound, "Not found", "There is no such page.")
}

// refusePage is what a page answers when something goes wrong that its vendor has no words for.
func refusePage(prefix, vendor, brand string) func(int, string, string) *answer {
	return func(status int, _, message string) *answer {
		v := &view{
			words: words{Lang: english}, page: "error", Vendor: vendor, Brand: brand,
			Base: prefix, Path: prefix + "/", Title: http.StatusText(status), Data: message,
		}
		a := &answer{status: status, header: http.Header{}, contentType: htmlType, value: v}
		return a.guarded()
	}
}

// admitPage leads everybody who is not signed in to the page where one does that, and holds forms to
// the session that they were made for.
func admitPage(s *Sandbox, c *call) *answer {
	if c.route == nil && c.breach.status == http.StatusNotFound {
		return c.missing()
	}
	if c.route == nil {
		return nil
	}
	if c.fault != nil && c.fault.Kind == FaultSignOut {
		s.endSession(c)
	}
	if !c.route.page.open && !c.session.signedIn() {
		return c.redirect("/sign-in")
	}
	if c.http.Method == http.MethodPost && (c.session == nil || c.form().Get("csrf") != c.session.csrf) {
		return c.refused(http.StatusForbidden, "Forbidden", "This form belongs to another session. Load the page again.")
	}
	if c.route.page.integrations && c.user.Role == RoleStaff {
		return c.refused(http.StatusForbidden, "You do not have access",
			"Request access via User Manager from your account administrator.")
	}
	if name := c.params["shop"]; name != "" && (c.tokenShop == nil || name != c.tokenShop.Name) {
		return c.refused(http.StatusForbidden, "You do not have access", "You are signed in to another shop.")
	}
	return nil
}

// handlePage does what the page does, or what the fault of pages says in its place.
func (s *Sandbox) handlePage(c *call) *answer {
	if c.fault == nil || c.route.page.again == nil {
		return c.route.handle(s, c)
	}
	switch c.fault.Kind {
	case FaultStay:
		return c.route.page.again(s, c)
	case FaultWorkThenStay:
		a := c.route.page.again(s, c)
		c.route.handle(s, c)
		return a
	default:
		return c.route.handle(s, c)
	}
}

// form is what was sent; what can't be read is as good as nothing.
func (c *call) form() url.Values {
	form, err := url.ParseQuery(string(c.body))
	if err != nil {
		return url.Values{}
	}
	return form
}

func (c *call) words() words {
	w := words{Lang: c.language()}
	if c.fault != nil && c.fault.Kind == FaultRename {
		w.rename = c.fault.Rename
	}
	return w
}

const langCookie = "lang"

// language is the one that was chosen last, or else the browser's.
func (c *call) language() string {
	chosen := c.http.URL.Query().Get("lang")
	if cookie, err := c.http.Cookie(langCookie); chosen == "" && err == nil {
		chosen = cookie.Value
	}
	if slices.Contains(languages, chosen) {
		return chosen
	}
	for _, wanted := range strings.Split(c.http.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(wanted), ";")
		primary, _, _ := strings.Cut(strings.ToLower(tag), "-")
		switch primary {
		case "nb", "nn", "no":
			return norwegian
		case "en":
			return english
		}
	}
	return english
}

// pagesHandler serves what all pages share, and leads from the bare addresses to the pages.
func pagesHandler(mux *http.ServeMux) {
	for _, name := range []string{"style.css", "pages.js"} {
		mux.HandleFunc("GET /pages/"+name, func(w http.ResponseWriter, r *http.Request) {
			http.ServeFileFS(w, r, pageFiles, "pages/"+name)
		})
	}
	for _, prefix := range []string{portalPagesPrefix, mystorePagesPrefix} {
		mux.Handle("GET "+prefix, http.RedirectHandler(prefix+"/", http.StatusSeeOther))
	}
}

// errNoSuchUser is what a sign-in for somebody unknown ends with.
var errNoSuchUser = errors.New("there is no such user who can sign in")
