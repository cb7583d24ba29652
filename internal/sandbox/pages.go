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

// PagesOptions configure the vendors' pages. The zero value shows the pages as on the pictures of March 2026, without
// delay.
type PagesOptions struct {
	// Developers names the menu group of the API page Developers, as accounts have it since September 2026, instead
	// of Integrations.
	Developers bool
	// Delay is the time of each answer to a page's script, by the real clock. Meanwhile, the page shows a skeleton.
	Delay time.Duration
	// ConsentGiven leaves out the question about cookies.
	ConsentGiven bool
	// Mutations has names from [Mutations].
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

// Mutate replaces the mutations of the pages.
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

// page has the properties of a route that is a page.
type page struct {
	// open says that the page needs no sign-in.
	open bool
	// admin says that the user's role must allow API keys.
	admin bool
	// data says that a script requests it, and not a browser's navigation.
	data bool
	// again answers a POST if a fault keeps the page as it is.
	again func(*Sandbox, *call) *answer
}

const htmlType = "text/html; charset=utf-8"

//go:embed pages
var pageFiles embed.FS

// loadPages parses the templates once per process.
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
	Boot   any // the script's initial data

	// The fields of a plain page.
	Page  string
	Alert string
	Again string // the target of Try again
	Data  any
}

func (v *view) render() ([]byte, error) {
	pages, err := loadPages()
	if err != nil {
		return nil, fmt.Errorf("parse the pages: %w", err)
	}
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, v.file, v); err != nil {
		return nil, fmt.Errorf("make the page %s: %w", v.file, err)
	}
	return b.Bytes(), nil
}

// bootData is the initial data of every script.
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

// shell returns the document of a page that a script fills.
func (s *Sandbox) shell(c *call, title, script string, boot any) *answer {
	return c.show(http.StatusOK, &view{words: s.words(c), file: "shell.html", Title: title, Script: script, Boot: boot})
}

// plain returns a page without a script.
func (s *Sandbox) plain(c *call, page, title string) *view {
	v := &view{words: s.words(c), file: "plain.html", Page: page, Base: c.mount.prefix}
	v.Title = v.say(title)
	if c.session != nil {
		v.CSRF = c.session.csrf
	}
	return v
}

// show answers with a document. It may hold a secret, so it must not be cached.
func (c *call) show(status int, v *view) *answer {
	return guarded(&answer{status: status, header: http.Header{}, contentType: htmlType, value: v})
}

// sendData answers a page's script.
func (c *call) sendData(status int, value any) *answer {
	return guarded(&answer{status: status, header: http.Header{}, contentType: "application/json", value: value})
}

// scriptError is the error for a page's script. Error is one word.
type scriptError struct {
	Error string `json:"error"`
}

func (c *call) refuseScript(status int, word string) *answer {
	return c.sendData(status, scriptError{word})
}

// done reports success to a page's script.
func (c *call) done() *answer { return c.sendData(http.StatusOK, map[string]bool{"done": true}) }

// stay keeps the page as it is.
func (s *Sandbox) stay(c *call) *answer {
	return c.sendData(http.StatusOK, map[string]bool{"stay": true})
}

// guarded forbids caching, framing, and content from other origins.
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

// redirect redirects to another page of the same mount.
func (c *call) redirect(path string) *answer { return c.redirectTo(c.mount.prefix + path) }

func (c *call) redirectTo(address string) *answer {
	a := &answer{status: http.StatusSeeOther, header: http.Header{}}
	return a.with("Location", address).with("Cache-Control", "no-store")
}

// missing is the answer for something that does not exist, or is invisible to the user.
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

// refusePage is the answer of a page without a vendor's own words.
func refusePage(status int, _, message string) *answer {
	v := &view{words: words{Lang: english}, file: "plain.html", Page: "error", Title: http.StatusText(status), Data: message}
	return guarded(&answer{status: status, header: http.Header{}, contentType: htmlType, value: v})
}

// admitPage redirects visitors without a session to the sign-in, and accepts forms and scripts only from their own
// session.
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
		return c.sendData(http.StatusUnauthorized, struct{}{})
	}
	return c.redirectTo(c.mount.signIn(c))
}

// forged reports whether a form or script does not belong to the session that sends it.
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

// handlePage does the work of the page, or what the fault says instead.
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

// form returns the submitted form; empty if it can't be read.
func (c *call) form() url.Values {
	form, err := url.ParseQuery(string(c.body))
	if err != nil {
		return url.Values{}
	}
	return form
}

// pageDelay returns the delay of an answer to a page's script. It takes the lock.
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

// lateRows is the delay of the rows with the mutation rows-late.
const lateRows = 700 * time.Millisecond

const langCookie = "lang"

// language returns the last chosen language, or else English in the portal and the browser's language at a shop.
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

// words returns the words of the call's pages, after mutations and faults.
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

// otherOrigin returns the same server under another name of this machine, which is another origin for a browser.
// Without another name, it returns host.
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

// pagesHandler serves the shared files of the pages, and redirects from the bare addresses to the pages.
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

// errNoSuchUser says that a user is unknown or cannot sign in.
var errNoSuchUser = errors.New("there is no such user who can sign in")
