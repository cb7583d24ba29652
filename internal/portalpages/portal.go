// Package portalpages is the client of Kustom Portal for those who have a login and no API token: it
// does on the portal's pages, in a browser, what Kustom's guide tells people to do there.
package portalpages

import (
	"context"
	"net/url"
	"strings"
	"sync"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
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
	// Labels override words of [Table].
	Labels map[string]string
	// Clock measures waits for the portal.
	Clock clock.Clock
}

// Portal is the client of the portal's pages. It is safe for concurrent use.
type Portal struct {
	Options
	site  *browser.Site
	words browser.Words
	// visitor returns the one visitor that all tabs belong to.
	visitor func() (*browser.Visitor, error)
	// made holds the IDs of the keys that were made through this client.
	made sync.Map
	// turns holds, by merchant ID, the turn of who makes a key for the store: which key was made is
	// known by its not having been there before.
	turns sync.Map
	// addresses holds, by merchant ID, where the store's keys were found.
	addresses sync.Map
}

// New returns a client of the portal's pages. Nothing is started until it is used.
func New(o Options) *Portal {
	p := &Portal{Options: o, site: Site(o.URL, o.Labels)}
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

// Site is the portal as a site to be visited.
func Site(address *url.URL, labels map[string]string) *browser.Site {
	words := browser.NewWords(Table(), labels)
	return &browser.Site{
		Name: Name, URL: address, Words: words, Secret: secretPattern,
		SignIn: []browser.Want{words.Want("textbox", labelEmail), words.Want("button", labelSendLink)},
	}
}

// SignedIn is what is on every page of somebody who is signed in.
func SignedIn(site *browser.Site) []browser.Want {
	return []browser.Want{site.Words.Want("button", labelSignOut)}
}

// Ready tells whether there is a session to act with.
func (p *Portal) Ready() error {
	_, err := p.visitor()
	return err
}

// Made tells whether p has made the key itself. Such a key may be on its way into a shop that does
// not hold it yet.
func (p *Portal) Made(credentialID string) bool {
	_, made := p.made.Load(credentialID)
	return made
}

// NoStoreError says that the portal's user can't see a store.
type NoStoreError struct{ MerchantID string }

// Error implements error.
func (e *NoStoreError) Error() string { return "the portal offers no store " + e.MerchantID }

// NoAccessError says that the portal's user can see a store, and not its keys.
type NoAccessError struct{ MerchantID string }

// Error implements error.
func (e *NoAccessError) Error() string {
	return "the portal has no Integrations for this user at store " + e.MerchantID
}

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
}

func (v *visit) step(do string, wants ...browser.Want) browser.Step {
	return browser.Step{Page: v.page, Do: do, Wants: wants, Refused: v.noAccess}
}

// reading is a step after which the page is read.
func (v *visit) reading(s browser.Step) browser.Step {
	s.Settled = true
	return s
}

// noAccess returns what the portal says to a user whose role does not see Integrations.
func (v *visit) noAccess(page *browser.Page) string {
	if heading := page.First("heading", v.words.Of(labelNoAccess)...); heading != nil {
		return heading.Name
	}
	return ""
}

// follow clicks the thing that is wanted, and returns the page on which all of next is.
func (v *visit) follow(ctx context.Context, do string, click browser.Want, next ...browser.Want) (*browser.Page, []*browser.Element, error) {
	return v.Follow(ctx, v.step(do, next...), click)
}

// enter opens the portal where it begins, and returns the store selector.
func (v *visit) enter(ctx context.Context) (*browser.Element, error) {
	v.page = "the first page"
	step := v.step("open the portal", v.words.Want("combobox", labelStore))
	if err := v.Load(ctx, step, v.portal.URL); err != nil {
		return nil, err
	}
	_, found, err := v.Await(ctx, step)
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// shown is the mark of the store that a page is about.
func (v *visit) shown(merchantID string) browser.Want {
	return v.words.Want("region", labelStoreShown).Saying(merchantID)
}

// home goes to the home page of a store, by the store selector. The error is a [*NoStoreError] where
// that does not have it.
func (v *visit) home(ctx context.Context, merchantID string) (*browser.Page, error) {
	selector, err := v.enter(ctx)
	if err != nil {
		return nil, err
	}
	option := storeOption(selector, merchantID)
	if option == nil {
		return nil, &NoStoreError{MerchantID: merchantID}
	}
	v.page = "the home page of store " + merchantID
	if !option.Selected {
		if err := v.choose(ctx, option); err != nil {
			return nil, err
		}
	}
	page, found, err := v.Await(ctx, v.step("find the store", v.shown(merchantID), v.words.Want("heading", labelHome)))
	if err != nil {
		return nil, err
	}
	if merchantIDIn(found[0].Text()) != merchantID {
		return nil, &unreadableError{v.page, "it is the page of another store"}
	}
	return page, nil
}

// choose chooses a store in the selector, and presses its button.
func (v *visit) choose(ctx context.Context, option *browser.Element) error {
	step := v.step("choose the store", v.words.Want("button", labelShow))
	if err := v.Choose(ctx, step, option); err != nil {
		return err
	}
	_, found, err := v.Await(ctx, step)
	if err != nil {
		return err
	}
	return v.Click(ctx, step, found[0])
}

// storeOption returns a store's option of the selector.
func storeOption(selector *browser.Element, merchantID string) *browser.Element {
	for _, option := range selector.All("option") {
		if merchantIDIn(option.Name) == merchantID {
			return option
		}
	}
	return nil
}

// integrations goes to a store's keys: where they were found before, or else by the menu.
func (v *visit) integrations(ctx context.Context, merchantID string) (*browser.Page, error) {
	if known, ok := v.portal.addresses.Load(merchantID); ok {
		address, _ := known.(*url.URL)
		v.page = "Integrations of store " + merchantID
		step := v.reading(v.step("open Integrations", v.keysOf(merchantID)...))
		if err := v.Load(ctx, step, address); err != nil {
			return nil, err
		}
		page, _, err := v.Await(ctx, step)
		if !browser.IsKind(err, browser.NotFound) {
			return page, v.refusal(err, merchantID)
		}
		v.portal.addresses.Delete(merchantID)
	}
	page, err := v.home(ctx, merchantID)
	if err != nil {
		return nil, err
	}
	if page.First("link", v.words.Of(labelIntegrations)...) == nil {
		return nil, &NoAccessError{MerchantID: merchantID}
	}
	v.page = "Integrations of store " + merchantID
	page, _, err = v.Follow(ctx, v.reading(v.step("open Integrations", v.keysOf(merchantID)...)), v.words.Want("link", labelIntegrations))
	if err != nil {
		return nil, v.refusal(err, merchantID)
	}
	v.portal.addresses.Store(merchantID, page.URL)
	return page, nil
}

// keysOf is what shows a store's keys, or that it has none.
func (v *visit) keysOf(merchantID string) []browser.Want {
	none := browser.Want{Role: "paragraph", Label: labelNoKeys}.Saying(v.words.Of(labelNoKeys)...)
	return []browser.Want{
		v.words.Want("heading", labelIntegrations), v.shown(merchantID), v.words.Want("table", labelKeys).Else(none),
	}
}

// refusal makes of a page that says no what it means.
func (v *visit) refusal(err error, merchantID string) error {
	if browser.IsKind(err, browser.Refused) {
		return &NoAccessError{MerchantID: merchantID}
	}
	return err
}

// environment is what the portal's API calls the environment of a host.
func environment(host string) string {
	if strings.Contains(host, ".playground.") {
		return "test"
	}
	return "live"
}
