// Package portalpages is the client of Kustom Portal for users who have a login and no API token. It controls a
// browser that does what Kustom's guide tells people to do on the portal's pages.
//
// The knowledge of the pages comes from public sources (see [Table]). Their HTML is not public. So the package
// finds elements by structure first, such as a key's row by its Key ID, and then by words. If something differs
// from what is known, it stops before the click.
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

// Name is the site's name.
const Name = "Kustom Portal"

// Options configure a [Portal].
type Options struct {
	Browser *browser.Browser
	// URL is the base URL of the portal's pages.
	URL *url.URL
	// Session returns the user's session, or an error that says why there is none.
	Session func() (browser.Session, error)
	// Labels override words of [Table]. Taught are the elements that users have pointed at. Either may be nil.
	Labels map[string]string
	Taught *browser.TaughtElements
	// Clock measures waits for the portal.
	Clock clock.Clock
}

// Portal is the client of the portal's pages. It is safe for concurrent use.
//
// The pages identify a key by its store and its username. So [kustom.Key.CredentialID] is the username, and
// description, host and creator are unknown.
type Portal struct {
	Options
	site *browser.Site
	// account returns the account that all tabs belong to.
	account func() (*browser.Account, error)
	// generated holds the usernames of the keys that this client generated.
	generated sync.Map
	// turns holds a lock for each merchant ID. Only one goroutine at a time generates a key for a store, because a
	// new key is identified by comparison with the earlier ones.
	turns sync.Map
	// apiPage is the address where the API page was found.
	mu      sync.Mutex
	apiPage *url.URL
}

// New returns a client of the portal's pages. It starts nothing until it is used.
func New(o Options) *Portal {
	p := &Portal{Options: o, site: Site(o.URL, o.Labels, o.Taught)}
	p.account = sync.OnceValues(func() (*browser.Account, error) {
		session, err := o.Session()
		if err != nil {
			return nil, err
		}
		return browser.NewAccount(p.site, session), nil
	})
	return p
}

// Site returns the portal as a site for a browser. Taught may be nil.
func Site(address *url.URL, labels map[string]string, taught *browser.TaughtElements) *browser.Site {
	words := browser.NewWords(Table(), labels).Taught(taught)
	return &browser.Site{
		Name: Name, URL: address, Words: words, Secret: secretPattern(), Never: neverClicked(),
		SignIn: []browser.Target{words.Action(labelSignIn)}, Inside: []browser.Target{words.Action(labelSignedIn)},
		Changing: []browser.Target{words.Action(labelGenerateNew).Before(nouns()...), words.Action(labelDeleteKey).Before(nouns()...)},
	}
}

// Ready returns an error if there is no session.
func (p *Portal) Ready() error {
	_, err := p.account()
	return err
}

// SupportsDescriptions reports whether a key can have a description. The pages support none.
func (p *Portal) SupportsDescriptions() bool { return false }

// ListsBeforeDeletion reports that a deletion always loads the page and reads its list first.
func (p *Portal) ListsBeforeDeletion() bool { return true }

// ListsByStore reports that no page lists the keys of several stores.
func (p *Portal) ListsByStore() bool { return true }

// CleanupTime is how long a cleanup may take, such as the deletion of a key that no shop got.
func (p *Portal) CleanupTime() time.Duration { return cleanupTimeout + p.Browser.ApprovalTime() }

// Generated reports whether p generated the key. Such a key may be about to be installed in a shop.
func (p *Portal) Generated(credentialID string) bool {
	_, ok := p.generated.Load(credentialID)
	return ok
}

// NoStoreError says that the portal's user can't see a store: the whole list of stores was read.
type NoStoreError struct{ MerchantID string }

// Error implements error.
func (e *NoStoreError) Error() string { return "the portal offers no store " + e.MerchantID }

// NoAccessError says that the portal refuses to show the keys to its user. Only the portal's own statement
// counts: a menu without the item proves nothing about rights.
type NoAccessError struct{}

// Error implements error.
func (e *NoAccessError) Error() string { return "the portal does not show API keys to this user" }

// visit calls a function with a tab of its own.
func (p *Portal) visit(ctx context.Context, do func(*visit) error) error {
	account, err := p.account()
	if err != nil {
		return err
	}
	return p.Browser.Visit(ctx, account, func(v *browser.Visit) error { return do(&visit{Visit: v, portal: p}) })
}

// look is visit for reads, which can be repeated if the browser dies.
func (p *Portal) look(ctx context.Context, do func(*visit) error) error {
	return browser.Reread(func() error { return p.visit(ctx, do) })
}

// visit is one tab's path through the portal.
type visit struct {
	*browser.Visit
	portal *Portal
	// at is what the API page showed when it was opened, until a store is chosen.
	at place
	// before is the page as it was right before a key is deleted.
	before *browser.Page
	// lines is what the page said right before a key was requested.
	lines []string
	// single reports that the list that was read last has one page.
	single bool
}

// apiPageURL returns where the API page was found before, or the portal's start page.
func (p *Portal) apiPageURL() *url.URL {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.apiPage != nil {
		return p.apiPage
	}
	return p.URL
}

func (p *Portal) setAPIPageURL(address *url.URL) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.apiPage = address
}

// open loads the API page: from its known address, or by the menu.
func (v *visit) open(ctx context.Context) error {
	v.Page = "the API page"
	step := v.Step("open the API page")
	if err := v.Load(ctx, step, v.portal.apiPageURL()); err != nil {
		return err
	}
	var found *url.URL
	v.at = place{}
	group, api := v.Words.Action(labelGroup).InMenu("tools"), v.Words.Action(labelAPI).InMenu("key", "keys", "credentials", "access", "settings")
	route := browser.Route{
		Goal: func(p *browser.Page) error {
			if v.refuses(p) {
				return &NoAccessError{}
			}
			found = p.URL
			return v.isAPIPage(p)
		},
		Steps: append(browser.Openers(), browser.WalkStep{Target: group}, browser.WalkStep{Target: api}),
		Shows: func(p *browser.Page) any {
			at, err := v.place(p)
			if err != nil || at.Selector == nil {
				// The list of stores may still appear.
				v.at = place{}
				return nil
			}
			v.at = at
			return at
		},
	}
	if err := v.Walk(ctx, step, route); err != nil {
		return err
	}
	address := *found
	// The query may hold what is chosen on the page. It is chosen anew each time.
	address.RawQuery, address.Fragment = "", ""
	v.portal.setAPIPageURL(&address)
	return nil
}

// refuses reports whether the portal says that the user may not see the page.
func (v *visit) refuses(p *browser.Page) bool { return p.Has(v.Words.Text(labelNoAccess)) }

// isAPIPage returns nil on the page with a store's keys: it has the button that generates one, or the columns of
// the list.
func (v *visit) isAPIPage(p *browser.Page) error {
	if p.Has(v.generateNew()) || p.Has(v.Words.Text(labelKeyID)) && p.Has(v.Words.Text(labelCreated)) {
		return nil
	}
	// As long as no store is chosen, there is no list.
	for _, e := range p.Find(v.Words.Text(labelAPI)) {
		if e.Closest(func(at *browser.Element) bool { return at.HasRole("heading") }) != nil && p.Has(v.Words.Choice(labelStores)) {
			return nil
		}
	}
	return &browser.AbsentError{Targets: []browser.Target{v.generateNew()}}
}

func (v *visit) generateNew() browser.Target {
	return v.Words.Action(labelGenerateNew).Before(nouns()...)
}

// environment returns the portal API's name for the environment of a store; empty if its merchant ID does not
// show it.
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

// isKeyOf reports whether a text is the username of a key of the store.
func isKeyOf(text, merchantID string) bool {
	store, ok := kustom.StoreOf(text)
	return ok && store == merchantID
}

// isUsername reports whether a text is the username of any key.
func isUsername(text string) bool {
	return !strings.Contains(text, " ") && kustom.FormOf(text) != kustom.UsernameOther
}
