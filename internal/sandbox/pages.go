package sandbox

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// PagesOptions says how the vendors' pages behave. The zero value is the pages as the pictures of March
// 2026 show them, without delay.
type PagesOptions struct {
	// Developers calls the menu group of the API page Developers, as accounts have it since September
	// 2026, in place of Integrations.
	Developers bool
	// Delay is what each answer to a page's script takes, by the real clock: what a page shows meanwhile
	// is a skeleton.
	Delay time.Duration
	// ConsentGiven leaves out the question about cookies, as if it had been answered before.
	ConsentGiven bool
	// Mutations are names of [Mutations]: changes of the pages that a vendor could make.
	Mutations []string
}

func (o PagesOptions) check() error {
	if o.Delay < 0 {
		return errors.New("the delay of the pages is negative")
	}
	for _, name := range o.Mutations {
		if !slices.ContainsFunc(mutations, func(m Mutation) bool { return m.Name == name }) {
			return fmt.Errorf("the pages have no mutation %q", name)
		}
	}
	return nil
}

// Mutate changes the pages from now on: to those with these mutations, and to the ones of today without any.
func (s *Sandbox) Mutate(names ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.options.Pages
	o.Mutations = names
	if err := o.check(); err != nil {
		return err
	}
	s.options.Pages = o
	return nil
}

func (o PagesOptions) mutated(name string) bool { return slices.Contains(o.Mutations, name) }

// page is what a route has besides when it is a page.
type page struct {
	// open says that nobody has to be signed in.
	open bool
	// admin says that the user's role has to see API keys.
	admin bool
	// data says that a page's script asks, and not a person's browser for a document.
	data bool
	// again is what a POST is answered with when a fault says that the page stays as it is.
	again func(*Sandbox, *call) *answer
}

const htmlType = "text/html; charset=utf-8"

//go:embed pages
var pageFiles embed.FS

// loadPages parses the templates once per process, like the contract.
var loadPages = sync.OnceValues(func() (*template.Template, error) {
	return template.ParseFS(pageFiles, "pages/*.html")
})

// view is a document: the shell of a page that a script fills, or a plain page.
type view struct {
	words
	file   string
	Title  string
	Base   string // the prefix of the mount
	CSRF   string
	Script string
	Boot   any // what the script starts from

	// Of a plain page.
	Page  string
	Alert string
	Again string // where Try again leads
	Data  any
}

func (v *view) render() ([]byte, error) {
	pages, err := loadPages()
	if err != nil {
		return nil, fmt.Errorf("parsing the pages: %w", err)
	}
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, v.file, v); err != nil {
		return nil, fmt.Errorf("making the page %s: %w", v.file, err)
	}
	return b.Bytes(), nil
}

// bootData is what the script of every page starts from.
type bootData struct {
	Base      string            `json:"base"`
	SignIn    string            `json:"signIn"`
	Lang      string            `json:"lang"`
	CSRF      string            `json:"csrf"`
	Words     map[string]string `json:"words"`
	Months    []string          `json:"months"`
	Mutations []string          `json:"mutations"`
}

func (s *Sandbox) boot(c *call, signIn string) bootData {
	w := s.words(c)
	b := bootData{
		Base: c.mount.prefix, SignIn: signIn, Lang: w.Lang, Words: w.all(), Months: months[w.Lang],
		Mutations: append([]string{}, s.options.Pages.Mutations...),
	}
	if c.session != nil {
		b.CSRF = c.session.csrf
	}
	return b
}

// shell is the document of a page that a script fills.
func (s *Sandbox) shell(c *call, title, script string, boot any) *answer {
	return c.show(http.StatusOK, &view{words: s.words(c), file: "shell.html", Title: title, Script: script, Boot: boot})
}

// plain is a page without a script.
func (s *Sandbox) plain(c *call, page, title string) *view {
	v := &view{words: s.words(c), file: "plain.html", Page: page, Base: c.mount.prefix}
	v.Title = v.say(title)
	if c.session != nil {
		v.CSRF = c.session.csrf
	}
	return v
}

// show answers with a document. It may hold a secret, so nobody is to keep it.
func (c *call) show(status int, v *view) *answer {
	return guarded(&answer{status: status, header: http.Header{}, contentType: htmlType, value: v})
}

// tell answers a page's script.
func (c *call) tell(status int, value any) *answer {
	return guarded(&answer{status: status, header: http.Header{}, contentType: "application/json", value: value})
}

// scriptError is what a page's script is told when it can't have what it asked for; Error is a word.
type scriptError struct {
	Error string `json:"error"`
}

func (c *call) refuseScript(status int, word string) *answer {
	return c.tell(status, scriptError{word})
}

// done tells a page's script that its work is done.
func (c *call) done() *answer { return c.tell(http.StatusOK, map[string]bool{"done": true}) }

// stay tells a page's script nothing: the page stays as it is.
func (s *Sandbox) stay(c *call) *answer { return c.tell(http.StatusOK, map[string]bool{"stay": true}) }

// guarded forbids that an answer is kept, framed by others, or fed from anywhere else.
func guarded(a *answer) *answer {
	return a.with("Cache-Control", "no-store").
		with("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; "+
			"frame-src 'self'; base-uri 'none'; frame-ancestors 'self'").
		with("Referrer-Policy", "same-origin").
		with("X-Content-Type-Options", "nosniff")
}

func (a *answer) setCookie(name, value, path string) {
	//nolint:gosec // it can't be Secure: the sandbox has no TLS
	cookie := http.Cookie{Name: name, Value: value, Path: path, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	a.header.Add("Set-Cookie", cookie.String())
}

// redirect leads to another page of the same mount.
func (c *call) redirect(path string) *answer { return c.redirectTo(c.mount.prefix + path) }

func (c *call) redirectTo(address string) *answer {
	a := &answer{status: http.StatusSeeOther, header: http.Header{}}
	return a.with("Location", address).with("Cache-Control", "no-store")
}

// missing answers for what does not exist, for this user at least.
func (s *Sandbox) missing(c *call) *answer {
	if c.route != nil && c.route.page.data {
		return c.refuseScript(http.StatusNotFound, "This page could not be found.")
	}
	return s.refused(c, http.StatusNotFound, "This page could not be found.")
}

func (s *Sandbox) refused(c *call, status int, message string) *answer {
	v := s.plain(c, "error", message)
	v.Data = http.StatusText(status)
	return c.show(status, v)
}

// refusePage is what a page answers when something goes wrong that its vendor has no words for.
func refusePage(status int, _, message string) *answer {
	v := &view{words: words{Lang: english}, file: "plain.html", Page: "error", Title: http.StatusText(status), Data: message}
	return guarded(&answer{status: status, header: http.Header{}, contentType: htmlType, value: v})
}

// admitPage leads everybody who is not signed in to the page where one does that, and holds forms and
// scripts to the session that they were made for.
func admitPage(s *Sandbox, c *call) *answer {
	if c.route == nil {
		if c.breach.status == http.StatusNotFound {
			return s.missing(c)
		}
		return nil
	}
	if c.fault != nil && c.fault.Kind == FaultSignOut {
		s.endSession(c)
	}
	p := c.route.page
	if !p.open && !c.session.signedIn() {
		return s.askToSignIn(c)
	}
	if c.http.Method != http.MethodGet && c.mount.forged(c) {
		return s.refused(c, http.StatusForbidden, "This form belongs to another session. Load the page again.")
	}
	if p.admin && c.user.Role == RoleStaff {
		return c.refuseScript(http.StatusForbidden, "You do not have access")
	}
	return nil
}

func (s *Sandbox) askToSignIn(c *call) *answer {
	if c.route.page.data {
		return c.tell(http.StatusUnauthorized, struct{}{})
	}
	return c.redirectTo(c.mount.signIn(c))
}

// forged reports whether a form or a script is not of the session that sends it.
func (m *mount) forged(c *call) bool {
	if m.sessionless {
		return false
	}
	sent := c.http.Header.Get("X-CSRF-Token")
	if !c.route.page.data {
		sent = c.form().Get("csrf")
	}
	return c.session == nil || sent != c.session.csrf
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

// pageDelay is what an answer to a page's script takes. It takes the lock by itself.
func (s *Sandbox) pageDelay(c *call) time.Duration {
	if c.route == nil || !c.route.page.data {
		return 0
	}
	s.mu.Lock()
	pages := s.options.Pages
	s.mu.Unlock()
	delay := pages.Delay
	if pages.mutated("rows-late") && c.route.method == http.MethodGet && strings.HasSuffix(c.route.template, "/keys") {
		delay += lateRows
	}
	return delay
}

// lateRows is how much later the rows come than the rest, with the mutation rows-late.
const lateRows = 700 * time.Millisecond

const langCookie = "lang"

// language is the one that was chosen last, or else English in the portal and the browser's at a shop.
func (c *call) language() string {
	if cookie, err := c.http.Cookie(langCookie); err == nil && slices.Contains(languages, cookie.Value) {
		return cookie.Value
	}
	if c.mount.api == PortalPages {
		return english
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

// words are those of the call's pages, with what the mutations and a fault make of them.
func (s *Sandbox) words(c *call) words {
	w := words{Lang: c.language(), mutations: s.options.Pages.Mutations}
	if s.options.Pages.mutated("norwegian") {
		w.Lang = norwegian
	}
	if c.fault != nil && c.fault.Kind == FaultRename {
		w.rename = c.fault.Rename
	}
	return w
}

// otherOrigin is the same server under another name of this machine: another origin for a browser.
// Where the server has no other name, it is the same one.
func otherOrigin(host string) string {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = host, ""
	}
	switch name {
	case "127.0.0.1":
		name = "localhost"
	case "localhost":
		name = "127.0.0.1"
	}
	if port == "" {
		return "http://" + name
	}
	return "http://" + net.JoinHostPort(name, port)
}

// pagesHandler serves what all pages share, and leads from the bare addresses to the pages.
func pagesHandler(mux *http.ServeMux) {
	for _, name := range []string{"style.css", "ui.js", "portal.js", "mystore.js"} {
		mux.HandleFunc("GET /pages/"+name, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
			http.ServeFileFS(w, r, pageFiles, "pages/"+name)
		})
	}
	for _, prefix := range []string{portalPagesPrefix, signInPagesPrefix, mystorePagesPrefix} {
		mux.Handle("GET "+prefix, http.RedirectHandler(prefix+"/", http.StatusSeeOther))
	}
}

// errNoSuchUser is what a sign-in for somebody unknown ends with.
var errNoSuchUser = errors.New("there is no such user who can sign in")
