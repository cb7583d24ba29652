// Package check checks whether a switch would find everything that it needs at the vendors, and prints what it sees.
// It changes nothing.
//
// It knows nothing about Terraform.
package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystorepages"
	"github.com/storefront-iac/terraform-provider-kustom/internal/portalpages"
)

// Scope is what a check covers: Kustom Portal, the merchant API and the shops.
type Scope struct {
	Environment kustom.Environment
	Portal      Portal
	// PortalAccess says for the user whether the check uses the portal's API or pages, and their address.
	PortalAccess string
	Merchant     Merchant
	// MerchantURL is the base URL of the merchant API.
	MerchantURL string
	Shops       []Shop
	// Expected has the merchant ID that each shop should have, by shop; nil if unknown.
	Expected map[string]string
	// Advise returns the text of an error, with advice.
	Advise func(error) string
}

// Portal is Kustom Portal, by its API or its pages.
type Portal interface {
	// Stores yields the stores that the user can see.
	Stores(ctx context.Context) iter.Seq2[kustom.Store, error]
	// Examine reads a store's keys and the other elements of its page.
	Examine(ctx context.Context, merchantID string) (portalpages.Examined, error)
}

// Merchant is Kustom's merchant API.
type Merchant interface {
	// CheckRejectsInvented returns nil if the API rejects invented credentials.
	CheckRejectsInvented(ctx context.Context, e kustom.Environment) error
}

// Shop is a shop, by Mystore's API or its pages.
type Shop struct {
	Name string
	// Access says for the user whether the check uses Mystore's API or the shop's pages, and their address.
	Access string
	// Host is the host of its control panel; empty if unknown.
	Host string
	// Examine reads the shop's credentials and the other elements of its page.
	Examine func(context.Context) (mystorepages.Examined, error)
}

// Run checks a scope and prints the findings. It reports whether a switch would find everything that it needs.
func Run(ctx context.Context, s Scope, p *Printer) bool {
	r := &run{Scope: s, out: p, ready: true, directory: newDirectory(), holders: map[string]string{}}
	for _, shop := range s.Shops {
		p.hide(shop.Name)
	}
	r.checkPortal(ctx)
	r.checkMerchant(ctx)
	r.checkShops(ctx)
	p.end(r.ready)
	return r.ready
}

// run is one check in progress.
type run struct {
	Scope
	out   *Printer
	ready bool
	// user is the signed-in portal user, once printed.
	user string
	directory
	// holders has the first shop with a key of each store, by merchant ID.
	holders map[string]string
}

// fail prints an error and what to do about it. What names the thing that could not be read.
func (r *run) fail(what string, err error) {
	r.ready = false
	var step *browser.StepError
	if !errors.As(err, &step) {
		r.out.line("failed", "%s: %s", what, r.Advise(err))
		return
	}
	if step.Kind == browser.NotFound && len(step.Wanted) > 0 {
		// Other things may be missing only because of the first one.
		r.out.finding(step.Site, browser.Finding{Target: step.Wanted[0], Nearest: step.Nearest})
	}
	r.out.failure(step, what, r.Advise(err))
}

// printFindings prints what was found on a page.
func (r *run) printFindings(site string, findings []browser.Finding) {
	for _, f := range findings {
		r.ready = r.out.finding(site, f) && r.ready
	}
}

// checkPortal checks Kustom Portal.
func (r *run) checkPortal(ctx context.Context) {
	r.out.heading("%s (%s), by %s", portalpages.Name, r.Environment, r.PortalAccess)
	var stores []kustom.Store
	for store, err := range r.Portal.Stores(ctx) {
		if err != nil {
			r.fail("the list of stores", err)
			return
		}
		stores = append(stores, store)
		r.names[store.MerchantID] = store.Name
		r.out.hide(store.Name)
	}
	r.isRead = true
	r.out.line("found", "%d %s", len(stores), noun(len(stores), "store", "stores"))
	if len(stores) == 0 {
		r.ready = false
		r.out.line("failed", "the signed-in user can't see any store")
		return
	}
	r.checkKeys(ctx, stores)
}

// concurrency is the maximum number of stores that are read at once.
const concurrency = 4

// answer is the result of examining a store.
type answer struct {
	examined portalpages.Examined
	err      error
}

// checkKeys reads the keys of each store, and prints them in the order of the stores.
func (r *run) checkKeys(ctx context.Context, stores []kustom.Store) {
	answers := make([]chan answer, len(stores))
	for i := range answers {
		answers[i] = make(chan answer, 1)
	}
	var group errgroup.Group
	group.SetLimit(concurrency)
	go func() {
		for i, store := range stores {
			group.Go(func() error {
				examined, err := r.Portal.Examine(ctx, store.MerchantID)
				answers[i] <- answer{examined, err}
				return nil
			})
		}
	}()
	for i, store := range stores {
		got := <-answers[i]
		if got.err != nil {
			r.fail("the keys of "+r.storeName(store.MerchantID), got.err)
			continue
		}
		r.printKeys(store, got.examined)
	}
}

// printKeys prints the keys of a store, and once the signed-in user.
func (r *run) printKeys(store kustom.Store, got portalpages.Examined) {
	if r.user == "" {
		r.user = cmp.Or(got.User, "a user whose address the page does not show")
		r.out.hide(got.User)
		r.out.line("found", "signed in as %s, who can see API keys", r.user)
	}
	r.printFindings(portalpages.Name, got.Findings)
	for _, key := range got.Keys {
		r.listed[key.Username] = store.MerchantID
	}
	r.out.line("found", "%s has %s", r.storeName(store.MerchantID), describeKeys(got.Keys))
}

// checkMerchant checks the merchant API.
func (r *run) checkMerchant(ctx context.Context) {
	r.out.heading("Kustom's merchant API, at %s", r.MerchantURL)
	if err := r.Merchant.CheckRejectsInvented(ctx, r.Environment); err != nil {
		r.fail("whether it refuses a wrong secret", err)
		return
	}
	r.out.line("found", "it refuses a wrong secret, so a key that it accepts works")
}

// checkShops checks each shop.
func (r *run) checkShops(ctx context.Context) {
	if len(r.Shops) == 0 {
		r.ready = false
		r.out.heading("Shops")
		r.out.line("failed", "no shop is known. Run terraform-provider-kustom login --mystore with the shop's name, or "+
			"set MYSTORE_TOKENS")
	}
	for _, shop := range r.Shops {
		r.out.heading("Shop %s, by %s", shop.Name, shop.Access)
		got, err := shop.Examine(ctx)
		if err != nil {
			r.fail("shop "+shop.Name, err)
			continue
		}
		r.checkShop(shop.Name, got)
	}
	for _, shop := range r.missingShops() {
		r.ready = false
		r.out.heading("Shop %s", shop)
		r.out.line("failed", "there is no session and no token for it. Run terraform-provider-kustom login --mystore %s", shop)
	}
}

// missingShops returns the expected shops without a token or session.
func (r *run) missingShops() []string {
	var missing []string
	for shop := range r.Expected {
		if !slices.ContainsFunc(r.Shops, func(s Shop) bool { return s.Name == shop }) {
			missing = append(missing, shop)
		}
	}
	slices.Sort(missing)
	return missing
}

// checkShop prints what a shop holds, and the contradictions between the shop and the store of its key.
func (r *run) checkShop(name string, got mystorepages.Examined) {
	if got.User != "" {
		r.out.hide(got.User)
		r.out.line("found", "signed in as %s", got.User)
	}
	r.printFindings(mystorepages.Name, got.Findings)
	if !got.Extension.Active {
		r.ready = false
		r.out.line("failed", "Klarna Checkout V3 is not active")
	}
	id := got.Holds.KustomID
	switch {
	case !got.Shown:
		r.out.line("note", "the page does not show which Kustom ID the shop has, if it has one. After a switch, the old key stays until the new one is used")
		return
	case id == "":
		r.out.line("found", "the shop has no Kustom ID")
		return
	case kustom.FormOf(id) == kustom.UsernameOther || kustom.FindSecret(id) != "":
		r.ready = false
		r.out.line("failed", "the shop's Kustom ID is malformed, and is not shown here: it may be the secret")
		return
	}
	r.out.line("found", "Kustom ID %s%s, of %s", id, r.legacyNote(id), r.ownerOf(id))
	for _, mismatch := range r.mismatches(name, id) {
		r.ready = false
		r.out.mismatch(mismatch)
	}
}

// describeKeys returns the number of keys and their names.
func describeKeys(keys []kustom.Key) string {
	if len(keys) == 0 {
		return "no key"
	}
	const maxKeys = 5
	var names []string
	for _, key := range keys[:min(len(keys), maxKeys)] {
		name := key.Username
		if key.LastUsedAt != nil {
			name += " (last used " + key.LastUsedAt.UTC().Format("2006-01-02") + ")"
		}
		if key.Origin().Owner == kustom.OwnerKlarna {
			name += " (a Klarna key)"
		}
		names = append(names, name)
	}
	slices.Sort(names)
	text := fmt.Sprintf("%d %s: %s", len(keys), noun(len(keys), "key", "keys"), strings.Join(names, ", "))
	if more := len(keys) - maxKeys; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
