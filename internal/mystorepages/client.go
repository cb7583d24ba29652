// Package mystorepages is the client of Mystore for users who have a login and no access token: it does on
// the pages of each shop's control panel, in a browser, what Mystore's guide tells people to do there.
//
// A control panel is on its shop's own domain (documented by Mystore), so the address says which shop it is.
// No picture of it is public: what is not documented is assumed, and found by structure where that is possible.
package mystorepages

import (
	"context"
	"net/url"
	"regexp"
	"sync"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
	"github.com/storefront-iac/terraform-provider-kustom/internal/vendortext"
)

// Name is what the site is called.
const Name = "Mystore"

// Access is how somebody gets into a shop's admin: with a session, or with what is typed to sign in. A
// session is tried first where both are there.
type Access struct {
	Session *browser.Session
	Login   *Login
}

// Login is what is typed to sign in.
type Login struct {
	Email, Password string
	// CodeSeed is the seed of one-time codes, as an authenticator app is given it; empty where none is
	// asked for.
	CodeSeed string
}

// String keeps a login out of logs and messages (I2).
func (Login) String() string { return "(a login)" }

// GoString keeps a login out of logs and messages (I2).
func (Login) GoString() string { return "(a login)" }

// Options are what a [Client] is made of.
type Options struct {
	Browser *browser.Browser
	// Address returns where a shop's control panel begins, or why that is not known.
	Address func(shop string) (*url.URL, error)
	// Access returns how to get into a shop's admin, or why there is no way.
	Access func(shop string) (Access, error)
	// Labels override words of [Table], and Lessons are what people have pointed at; nil is nothing.
	Labels  map[string]string
	Lessons *browser.Lessons
	// Places remembers where shops' credentials were found by earlier runs; the zero value has none.
	Places Places
	// Clock tells the time for one-time codes. They are the clock's of the world, not of a test.
	Clock clock.Clock
}

// Client is the client of Mystore's pages. It is safe for concurrent use.
type Client struct {
	Options

	mu    sync.Mutex
	shops map[string]*shop
	// addresses holds, by shop, where its credentials were found.
	addresses sync.Map
	// shows holds the shops whose pages have shown a Kustom ID.
	shows sync.Map
	codes codes
}

// shop is who visits a shop's admin.
type shop struct {
	site    *browser.Site
	access  Access
	visitor *browser.Visitor
	// turn is held by who signs in: one does it for all.
	turn chan struct{}
	// signedIn counts how often somebody has.
	signedIn int
	// refused says that the login was not taken, and how. It is the turn's.
	refused *SignInError
}

// New returns a client of Mystore's pages. Nothing is started until it is used.
func New(o Options) *Client {
	return &Client{Options: o, shops: map[string]*shop{}}
}

// secretPattern finds Kustom's and Klarna's secrets: a page may repeat what was typed. It is compiled when it is first
// used.
var secretPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(vendortext.SecretForm) })

// DefaultURL is the address of a shop's control panel before the shop has a domain of its own, which
// Mystore documents. With a domain, it is https://www.<domain>/kontrollpanel.
func DefaultURL(shop string) string { return "https://www." + shop + ".mystore4.no/kontrollpanel" }

// Site is a shop's control panel as a site to be visited. Lessons may be nil.
func Site(address *url.URL, labels map[string]string, lessons *browser.Lessons) *browser.Site {
	words := browser.NewWords(Table(), labels).Taught(lessons)
	return &browser.Site{
		Name: Name, URL: address, Words: words, Secret: secretPattern(),
		SignIn: []browser.Thing{words.Field(labelPassword), words.Field(labelCode)},
		Inside: []browser.Thing{words.Action(labelSignedIn)}, Changing: []browser.Thing{updateThing(words)},
	}
}

// visitor returns who visits a shop.
func (c *Client) visitor(name string) (*shop, error) {
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
	site := Site(address, c.Labels, c.Lessons)
	made := &shop{site: site, access: access, visitor: browser.NewVisitor(site, session), turn: make(chan struct{}, 1)}
	c.shops[name] = made
	return made, nil
}

// visit does something in a tab of its own. Where the site asks to sign in and it is known how, that is
// done first, and then the thing. Do must not have changed anything by then.
func (c *Client) visit(ctx context.Context, name string, do func(*visit) error) error {
	s, err := c.visitor(name)
	if err != nil {
		return err
	}
	visitor, signedIn := c.current(s)
	err = c.once(ctx, name, s.site, visitor, do)
	if !browser.IsKind(err, browser.SignedOut) || s.access.Login == nil || transport.IsUncertain(err) {
		return err
	}
	if err := c.signInOnce(ctx, name, s, signedIn); err != nil {
		return err
	}
	visitor, _ = c.current(s)
	return c.once(ctx, name, s.site, visitor, do)
}

// current returns who visits the shop now, and how often somebody has signed in to it.
func (c *Client) current(s *shop) (*browser.Visitor, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return s.visitor, s.signedIn
}

func (c *Client) once(ctx context.Context, name string, site *browser.Site, visitor *browser.Visitor, do func(*visit) error) error {
	tab, err := c.Browser.Open(ctx, visitor)
	if err != nil {
		return err
	}
	defer tab.Close()
	return do(&visit{Tab: tab, client: c, site: site, words: site.Words, shop: name})
}

// look is visit for what changes nothing, and so can be done again when the browser dies of it.
func (c *Client) look(ctx context.Context, name string, do func(*visit) error) error {
	err := c.visit(ctx, name, do)
	if browser.IsKind(err, browser.Died) {
		err = c.visit(ctx, name, do)
	}
	return err
}

// visit is a walk through the control panel of one shop, in one tab.
type visit struct {
	*browser.Tab
	client *Client
	site   *browser.Site
	words  browser.Words
	shop   string
	// page is where this is, in words.
	page string
}

func (v *visit) step(do string) browser.Step { return browser.Step{Page: v.page, Do: do} }

const (
	// settled is how long what a page shows has to stay the same before it counts.
	settled = time.Second
	// settledEmpty is the same of what is concluded from an absence.
	settledEmpty = 3 * time.Second
)
