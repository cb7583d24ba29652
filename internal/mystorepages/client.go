// Package mystorepages is the client of Mystore for users who have a login and no access token. It controls a
// browser that does what Mystore's guide tells people to do on the pages of each shop's control panel.
//
// A control panel is on its shop's own domain (documented by Mystore), so the address identifies the shop.
// No public picture shows it. The client assumes what no vendor documents, and finds targets by structure where it
// can.
package mystorepages

import (
	"context"
	"net/url"
	"regexp"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
	"github.com/storefront-iac/terraform-provider-kustom/internal/vendortext"
)

// Name is the site's name.
const Name = "Mystore"

// Access is the way into a shop's admin: a session, or a login. If both are set, the session is tried first.
type Access struct {
	Session *browser.Session
	Login   *Login
}

// Login is what the user types to sign in.
type Login struct {
	Email, Password string
	// CodeSeed is the seed of one-time codes for an authenticator app; empty if the site asks for none.
	CodeSeed string
}

// String keeps a login out of logs and messages (I2).
func (Login) String() string { return "(a login)" }

// GoString keeps a login out of logs and messages (I2).
func (Login) GoString() string { return "(a login)" }

// Options configure a [Client].
type Options struct {
	Browser *browser.Browser
	// Address returns the URL of a shop's control panel, or an error that says why it is unknown.
	Address func(shop string) (*url.URL, error)
	// Access returns the way into a shop's admin, or an error that says why there is none.
	Access func(shop string) (Access, error)
	// Labels override words of [Table]. Taught are the elements that users have pointed at. Either may be nil.
	Labels map[string]string
	Taught *browser.TaughtElements
	// Places remembers where earlier runs found shops' credentials. The zero value remembers nothing.
	Places Places
	// Clock gives the time for one-time codes. It must be the real time.
	Clock clock.Clock
}

// Client is the client of Mystore's pages. It is safe for concurrent use.
type Client struct {
	Options

	mu    sync.Mutex
	shops map[string]*shop
	// addresses holds the address of each shop's credentials, by shop.
	addresses sync.Map
	// shows holds the shops whose pages have shown a Kustom ID.
	shows sync.Map
	codes codes
}

// shop is the account of a shop's admin.
type shop struct {
	site    *browser.Site
	access  Access
	account *browser.Account
	// turn is held while signing in, so that one goroutine signs in for all.
	turn *semaphore.Weighted
	// signedIn counts the sign-ins.
	signedIn int
	// refused says why the login was refused. Only the holder of turn may use it.
	refused *SignInError
}

// New returns a client of Mystore's pages. It starts nothing until it is used.
func New(o Options) *Client {
	return &Client{Options: o, shops: map[string]*shop{}}
}

// secretPattern finds Kustom's and Klarna's secrets, because a page may repeat what was typed. It is compiled
// at its first use.
var secretPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(vendortext.SecretForm) })

// DefaultURL returns the address of the control panel of a shop without its own domain (documented by Mystore).
// With a domain, the address is https://www.<domain>/kontrollpanel.
func DefaultURL(shop string) string { return "https://www." + shop + ".mystore4.no/kontrollpanel" }

// Site returns a shop's control panel as a site for a browser. Taught may be nil.
func Site(address *url.URL, labels map[string]string, taught *browser.TaughtElements) *browser.Site {
	words := browser.NewWords(Table(), labels).Taught(taught)
	return &browser.Site{
		Name: Name, URL: address, Words: words, Secret: secretPattern(),
		SignIn: []browser.Target{words.Field(labelPassword), words.Field(labelCode)},
		Inside: []browser.Target{words.Action(labelSignedIn)}, Changing: []browser.Target{updateTarget(words)},
	}
}

// account returns the account of a shop.
func (c *Client) account(name string) (*shop, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if found, ok := c.shops[name]; ok {
		return found, nil
	}
	address, err := c.Address(name)
	if err != nil {
		return nil, err
	}
	access, err := c.Access(name)
	if err != nil {
		return nil, err
	}
	var session browser.Session
	if access.Session != nil {
		session = *access.Session
	}
	site := Site(address, c.Labels, c.Taught)
	made := &shop{site: site, access: access, account: browser.NewAccount(site, session), turn: semaphore.NewWeighted(1)}
	c.shops[name] = made
	return made, nil
}

// visit calls do with a tab of its own. If the site asks to sign in and the login is known, visit signs in and
// calls do again. Do must not have changed anything by then.
func (c *Client) visit(ctx context.Context, name string, do func(*visit) error) error {
	s, err := c.account(name)
	if err != nil {
		return err
	}
	account, signedIn := c.current(s)
	err = c.visitAs(ctx, name, s.site, account, do)
	if !browser.IsKind(err, browser.SignedOut) || s.access.Login == nil || transport.IsUncertain(err) {
		return err
	}
	if err := c.signInOnce(ctx, name, s, signedIn); err != nil {
		return err
	}
	account, _ = c.current(s)
	return c.visitAs(ctx, name, s.site, account, do)
}

// current returns the present account of the shop, and how often the shop was signed in to.
func (c *Client) current(s *shop) (*browser.Account, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return s.account, s.signedIn
}

// visitAs calls do with a tab of an account.
func (c *Client) visitAs(ctx context.Context, name string, site *browser.Site, account *browser.Account, do func(*visit) error) error {
	return c.Browser.Visit(ctx, account, func(v *browser.Visit) error { return do(&visit{Visit: v, client: c, site: site, shop: name}) })
}

// look is visit for reads, which can be repeated if the browser dies.
func (c *Client) look(ctx context.Context, name string, do func(*visit) error) error {
	return browser.Reread(func() error { return c.visit(ctx, name, do) })
}

// visit is one tab's path through the control panel of one shop.
type visit struct {
	*browser.Visit
	client *Client
	site   *browser.Site
	shop   string
}
