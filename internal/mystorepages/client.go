// Package mystorepages is the client of Mystore for those who have a login and no access token: it does
// on the admin's pages, in a browser, what Mystore's guide tells people to do there.
package mystorepages

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"sync"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// URL is where the admin's pages begin. Mystore documents the admin, and not its address: it is assumed.
const URL = "https://admin.mystore.no"

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
	// URL is where the admin's pages begin.
	URL *url.URL
	// Access returns how to get into a shop's admin, or why there is no way.
	Access func(shop string) (Access, error)
	// Labels override words of [Table].
	Labels map[string]string
	// Clock tells the time for one-time codes. They are the clock's of the world, not of a test.
	Clock clock.Clock
}

// Client is the client of Mystore's pages. It is safe for concurrent use.
type Client struct {
	Options
	site  *browser.Site
	words browser.Words

	mu    sync.Mutex
	shops map[string]*shop
	// addresses holds, by shop, where its credentials were found.
	addresses sync.Map
}

// shop is who visits a shop's admin.
type shop struct {
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
	site := Site(o.URL, o.Labels)
	return &Client{Options: o, site: site, words: site.Words, shops: map[string]*shop{}}
}

// secretPattern finds Kustom's and Klarna's secrets: a page may repeat what was typed. They are another
// vendor's, of which nothing is known here otherwise; a test of the provider holds the pattern to the
// one of that vendor's client.
var secretPattern = regexp.MustCompile(`(?i)(kco|klarna)_(live|test)_api_\S+`)

// Site is Mystore's admin as a site to be visited.
func Site(address *url.URL, labels map[string]string) *browser.Site {
	words := browser.NewWords(Table(), labels)
	return &browser.Site{
		Name: Name, URL: address, Words: words, Secret: secretPattern,
		SignIn: []browser.Want{words.Want("textbox", labelShopName), words.Want("button", labelSignIn)},
	}
}

// SignedIn is what is on every page of somebody who is signed in to a shop.
func SignedIn(site *browser.Site, shop string) []browser.Want {
	return []browser.Want{site.Words.Want("button", labelSignOut), site.Words.Want("region", labelShown).Saying(shop)}
}

// visitor returns who visits a shop.
func (c *Client) visitor(name string) (*shop, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if found, ok := c.shops[name]; ok {
		return found, nil
	}
	access, err := c.Access(name)
	if err != nil {
		return nil, err
	}
	var session browser.Session
	if access.Session != nil {
		session = *access.Session
	}
	made := &shop{access: access, visitor: browser.NewVisitor(c.site, session), turn: make(chan struct{}, 1)}
	c.shops[name] = made
	return made, nil
}

// OtherShopError says that a session is another shop's.
type OtherShopError struct{ Shop string }

// Error implements error.
func (e *OtherShopError) Error() string {
	return "the session is not one of shop " + e.Shop
}

// visit does something in a tab of its own. Where the site asks to sign in and it is known how, that is
// done first, and then the thing. Do must not have changed anything by then.
func (c *Client) visit(ctx context.Context, name string, do func(*visit) error) error {
	s, err := c.visitor(name)
	if err != nil {
		return err
	}
	visitor, signedIn := c.current(s)
	err = c.once(ctx, name, visitor, do)
	if !browser.IsKind(err, browser.SignedOut) || s.access.Login == nil || transport.IsUncertain(err) {
		return err
	}
	if err := c.signInOnce(ctx, name, s, signedIn); err != nil {
		return err
	}
	visitor, _ = c.current(s)
	return c.once(ctx, name, visitor, do)
}

// current returns who visits the shop now, and how often somebody has signed in to it.
func (c *Client) current(s *shop) (*browser.Visitor, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return s.visitor, s.signedIn
}

func (c *Client) once(ctx context.Context, name string, visitor *browser.Visitor, do func(*visit) error) error {
	tab, err := c.Browser.Open(ctx, visitor)
	if err != nil {
		return err
	}
	defer tab.Close()
	return do(&visit{Tab: tab, client: c, words: c.words, shop: name})
}

// look is visit for what changes nothing, and so can be done again when the browser dies of it.
func (c *Client) look(ctx context.Context, name string, do func(*visit) error) error {
	err := c.visit(ctx, name, do)
	if browser.IsKind(err, browser.Died) {
		err = c.visit(ctx, name, do)
	}
	return err
}

// visit is a walk through the admin of one shop, in one tab.
type visit struct {
	*browser.Tab
	client *Client
	words  browser.Words
	shop   string
	// page is where this is, in words.
	page string
}

func (v *visit) step(do string, wants ...browser.Want) browser.Step {
	return browser.Step{Page: v.page, Do: do, Wants: wants}
}

// shown is the mark of the shop that a page is about.
func (v *visit) shown() browser.Want { return v.words.Want("region", labelShown).Saying(v.shop) }

// follow clicks the thing that is wanted, and returns the page on which all of next is.
func (v *visit) follow(ctx context.Context, do string, click browser.Want, next ...browser.Want) (*browser.Page, []*browser.Element, error) {
	return v.Follow(ctx, v.step(do, next...), click)
}

// enter opens the admin where it begins, and makes sure that it is the shop's.
func (v *visit) enter(ctx context.Context) error {
	v.page = "the first page of shop " + v.shop
	step := v.step("open the admin", v.words.Want("heading", labelHome), v.words.Want("region", labelShown))
	if err := v.Load(ctx, step, v.client.URL); err != nil {
		return err
	}
	_, found, err := v.Await(ctx, step)
	if err != nil {
		return err
	}
	if !browser.Mentions(found[1].Text(), v.shop) {
		return &OtherShopError{Shop: v.shop}
	}
	return nil
}

// unreadableError says that a page is not what it was taken for.
type unreadableError struct{ page, what string }

func (e *unreadableError) Error() string { return fmt.Sprintf("%s: %s", e.page, e.what) }
