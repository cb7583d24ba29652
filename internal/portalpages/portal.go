// Package portalpages is the client of Kustom Portal for users who have a login and no API token: it does
// on the portal's pages, in a browser, what Kustom's guide tells people to do there.
//
// What is known of the pages comes from public sources (see [Table]); nobody outside Kustom knows how they
// are written. So things are found by structure first, such as a key's row by its Key ID, and then by words,
// and what is not as known stops before the click.
package portalpages

import (
	"context"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// Name is what the site is called.
const Name = "Kustom Portal"

// Options are what a [Portal] is made of.
type Options struct {
	Browser *browser.Browser
	// URL is where the portal's pages begin.
	URL *url.URL
	// Session returns the session of the user to act as, or why there is none.
	Session func() (browser.Session, error)
	// Labels override words of [Table], and Lessons are what people have pointed at; nil is nothing.
	Labels  map[string]string
	Lessons *browser.Lessons
	// Clock measures waits for the portal.
	Clock clock.Clock
}

// Portal is the client of the portal's pages. It is safe for concurrent use.
//
// A key is known there by its store and its username alone: [kustom.Key.CredentialID] is the username, and
// description, host and creator are not known.
type Portal struct {
	Options
	site  *browser.Site
	words browser.Words
	// visitor returns the one visitor that all tabs belong to.
	visitor func() (*browser.Visitor, error)
	// made holds the usernames of the keys that were made through this client.
	made sync.Map
	// turns holds, by merchant ID, the turn of whoever makes a key for the store: which key was made is
	// known by its not having been there before.
	turns sync.Map
	// apiPage is where the API page was found.
	mu      sync.Mutex
	apiPage *url.URL
}

// New returns a client of the portal's pages. Nothing is started until it is used.
func New(o Options) *Portal {
	p := &Portal{Options: o, site: Site(o.URL, o.Labels, o.Lessons)}
	p.words = p.site.Words
	p.visitor = sync.OnceValues(func() (*browser.Visitor, error) {
		session, err := o.Session()
		if err != nil {
			return nil, err
		}
		return browser.NewVisitor(p.site, session), nil
	})
	return p
}

// Site is the portal as a site to be visited. Lessons may be nil.
func Site(address *url.URL, labels map[string]string, lessons *browser.Lessons) *browser.Site {
	words := browser.NewWords(Table(), labels).Taught(lessons)
	return &browser.Site{
		Name: Name, URL: address, Words: words, Secret: secretPattern(), Never: neverClicked(),
		SignIn: []browser.Thing{words.Action(labelSignIn)}, Inside: []browser.Thing{words.Action(labelSignedIn)},
		Changing: []browser.Thing{words.Action(labelGenerateNew).Before(nouns()...), words.Action(labelDeleteKey).Before(nouns()...)},
	}
}

// Ready tells whether there is a session to act with.
func (p *Portal) Ready() error {
	_, err := p.visitor()
	return err
}

// DescribesKeys tells whether a key can be given a description: on the pages, it can't.
func (p *Portal) DescribesKeys() bool { return false }

// ListsBeforeDeletion tells that a key is only deleted on a page that has just been loaded, and lists it.
func (p *Portal) ListsBeforeDeletion() bool { return true }

// ListsByStore tells that no page lists the keys of several stores.
func (p *Portal) ListsByStore() bool { return true }

// Made tells whether p has made the key itself. Such a key may be on its way into a shop that does
// not hold it yet.
func (p *Portal) Made(credentialID string) bool {
	_, made := p.made.Load(credentialID)
	return made
}

// NoStoreError says that the portal's user can't see a store: the list of stores was read to its end.
type NoStoreError struct{ MerchantID string }

// Error implements error.
func (e *NoStoreError) Error() string { return "the portal offers no store " + e.MerchantID }

// NoAccessError says that the portal refuses to show the keys to its user. It is only what the portal says
// itself: that a menu lacks an item is no proof of missing rights.
type NoAccessError struct{}

// Error implements error.
func (e *NoAccessError) Error() string { return "the portal does not show API keys to this user" }

// visit does something in a tab of its own.
func (p *Portal) visit(ctx context.Context, do func(*visit) error) error {
	visitor, err := p.visitor()
	if err != nil {
		return err
	}
	tab, err := p.Browser.Open(ctx, visitor)
	if err != nil {
		return err
	}
	defer tab.Close()
	return do(&visit{Tab: tab, portal: p, words: p.words})
}

// look is visit for what changes nothing, and so can be done again when the browser dies of it.
func (p *Portal) look(ctx context.Context, do func(*visit) error) error {
	err := p.visit(ctx, do)
	if browser.IsKind(err, browser.Died) {
		err = p.visit(ctx, do)
	}
	return err
}

// visit is a walk through the portal in one tab.
type visit struct {
	*browser.Tab
	portal *Portal
	words  browser.Words
	// page is where this is, in words.
	page string
	// before is the page as it was right before a key is deleted.
	before *browser.Page
	// lines is what the page said right before it is asked for a key.
	lines []string
	// single says that the list that was read last has one page.
	single bool
}

const (
	// settled is how long a list has to stay the same before it counts: rows may come after the table.
	settled = time.Second
	// settledEmpty is the same of an empty one: apps show an empty list before they show a full one.
	settledEmpty = 3 * time.Second
)

func (v *visit) step(do string) browser.Step { return browser.Step{Page: v.page, Do: do} }

// known returns where the API page was found before, or where the portal begins.
func (p *Portal) known() *url.URL {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.apiPage != nil {
		return p.apiPage
	}
	return p.URL
}

func (p *Portal) remember(address *url.URL) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.apiPage = address
}

// open loads the API page: from where it was found before, or else by the menu.
func (v *visit) open(ctx context.Context) error {
	v.page = "the API page"
	step := v.step("open the API page")
	if err := v.Load(ctx, step, v.portal.known()); err != nil {
		return err
	}
	var found *url.URL
	group, api := v.words.Action(labelGroup).InMenu("tools"), v.words.Action(labelAPI).InMenu("key", "keys", "credentials", "access", "settings")
	route := browser.Route{
		Goal: func(p *browser.Page) error {
			if v.refuses(p) {
				return &NoAccessError{}
			}
			found = p.URL
			return v.isAPIPage(p)
		},
		Moves: append(browser.Openers(), browser.Move{Thing: group}, browser.Move{Thing: api}),
	}
	if err := v.Walk(ctx, step, route); err != nil {
		return err
	}
	address := *found
	// What is chosen on the page may be in its query, and is chosen anew each time.
	address.RawQuery, address.Fragment = "", ""
	v.portal.remember(&address)
	return nil
}

// refuses tells whether the portal says that the user may not see the page.
func (v *visit) refuses(p *browser.Page) bool { return p.Has(v.words.Text(labelNoAccess)) }

// isAPIPage returns nil on the page that lists the keys of a store: it can make one, or has the columns of
// the list.
func (v *visit) isAPIPage(p *browser.Page) error {
	if p.Has(v.generateNew()) || p.Has(v.words.Text(labelKeyID)) && p.Has(v.words.Text(labelCreated)) {
		return nil
	}
	// While no store is chosen, there is no list.
	for _, e := range p.Find(v.words.Text(labelAPI)) {
		if e.Closest(func(at *browser.Element) bool { return at.HasRole("heading") }) != nil && p.Has(v.words.Choice(labelStores)) {
			return nil
		}
	}
	return &browser.AbsentError{Things: []browser.Thing{v.generateNew()}}
}

func (v *visit) generateNew() browser.Thing {
	return v.words.Action(labelGenerateNew).Before(nouns()...)
}

// environment is what the portal's API calls the environment of a store; empty where its merchant ID does
// not tell.
func environment(merchantID string) string {
	of, ok := kustom.MerchantID(merchantID).Environment()
	switch {
	case !ok:
		return ""
	case of == kustom.Playground:
		return "test"
	}
	return "live"
}

// isOf tells whether a text is the username of a key of the store.
func isOf(text, merchantID string) bool {
	store, ok := kustom.StoreOf(text)
	return ok && store == merchantID
}

// isUsername tells whether a text is the username of any key.
func isUsername(text string) bool {
	return !strings.Contains(text, " ") && kustom.FormOf(text) != kustom.UsernameOther
}
