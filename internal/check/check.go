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
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystorepages"
	"github.com/storefront-iac/terraform-provider-kustom/internal/portalpages"
)

// Subject is the object of a check: Kustom Portal, the merchant API and the shops.
type Subject struct {
	Environment kustom.Environment
	Portal      Portal
	// PortalWay and MerchantAt describe for the user how the two are reached.
	PortalWay, MerchantAt string
	Merchant              Merchant
	Shops                 []Shop
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
	// Refuses returns nil if the API rejects a made-up username and secret.
	Refuses(ctx context.Context, e kustom.Environment) error
}

// Shop is a shop, by Mystore's API or its pages.
type Shop struct {
	Name string
	// Way describes for the user how the shop is reached.
	Way string
	// Host is the host of its control panel; empty if unknown.
	Host string
	// Examine reads the shop's credentials and the other elements of its page.
	Examine func(context.Context) (mystorepages.Examined, error)
}

// Run checks a subject and prints the findings. It reports whether a switch would find everything that it needs.
func Run(ctx context.Context, s Subject, t *Teller) bool {
	r := &run{Subject: s, tell: t, ready: true, listed: map[string]string{}, names: map[string]string{}, holders: map[string]string{}}
	for _, shop := range s.Shops {
		t.hide(shop.Name)
	}
	r.portal(ctx)
	r.merchant(ctx)
	r.shops(ctx)
	t.end(r.ready)
	return r.ready
}

// run is one check.
type run struct {
	Subject
	tell  *Teller
	ready bool
	// user is the signed-in portal user, once printed.
	user string
	// seen says that the list of stores could be read.
	seen bool
	// listed has the merchant ID of each key that the portal lists. names has the name of each store. holders has the
	// first shop with a key of each store.
	listed, names, holders map[string]string
}

// failed prints an error: what is missing, and what to do.
func (r *run) failed(what string, err error) {
	r.ready = false
	var step *browser.StepError
	if !errors.As(err, &step) {
		r.tell.line("failed", "%s: %s", what, r.Advise(err))
		return
	}
	if step.Kind == browser.NotFound && len(step.Wanted) > 0 {
		// Other things may be missing only because of the first one.
		r.tell.finding(step.Site, browser.Finding{Target: step.Wanted[0], Nearest: step.Nearest})
	}
	r.tell.failure(step, what, r.Advise(err))
}

// findings prints what was found on a page.
func (r *run) findings(site string, findings []browser.Finding) {
	for _, f := range findings {
		r.ready = r.tell.finding(site, f) && r.ready
	}
}

// portal checks Kustom Portal.
func (r *run) portal(ctx context.Context) {
	r.tell.heading("%s (%s), by %s", portalpages.Name, r.Environment, r.PortalWay)
	var stores []kustom.Store
	for store, err := range r.Portal.Stores(ctx) {
		if err != nil {
			r.failed("the list of stores", err)
			return
		}
		stores = append(stores, store)
		r.names[store.MerchantID] = store.Name
		r.tell.hide(store.Name)
	}
	r.seen = true
	r.tell.line("found", "%d %s", len(stores), noun(len(stores), "store", "stores"))
	if len(stores) == 0 {
		r.ready = false
		r.tell.line("failed", "the signed-in user can't see any store")
		return
	}
	r.keys(ctx, stores)
}

// concurrency is how many stores are read at once.
const concurrency = 4

// answer is the result of examining a store.
type answer struct {
	examined portalpages.Examined
	err      error
}

// keys reads the keys of each store, and prints them in the order of the stores.
func (r *run) keys(ctx context.Context, stores []kustom.Store) {
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
			r.failed("the keys of "+r.store(store.MerchantID), got.err)
			continue
		}
		r.storeKeys(store, got.examined)
	}
}

func (r *run) storeKeys(store kustom.Store, got portalpages.Examined) {
	if r.user == "" {
		r.user = cmp.Or(got.User, "a user whose address the page does not show")
		r.tell.hide(got.User)
		r.tell.line("found", "signed in as %s, who may see API keys", r.user)
	}
	r.findings(portalpages.Name, got.Findings)
	for _, key := range got.Keys {
		r.listed[key.Username] = store.MerchantID
	}
	r.tell.line("found", "%s has %s", r.store(store.MerchantID), describeKeys(got.Keys))
}

// store returns the name of a store for the user.
func (r *run) store(merchantID string) string {
	if name := r.names[merchantID]; name != "" {
		return "store " + merchantID + " (" + name + ")"
	}
	return "store " + merchantID
}

// merchant checks the merchant API.
func (r *run) merchant(ctx context.Context) {
	r.tell.heading("Kustom's merchant API, at %s", r.MerchantAt)
	if err := r.Merchant.Refuses(ctx, r.Environment); err != nil {
		r.failed("whether it refuses a wrong secret", err)
		return
	}
	r.tell.line("found", "it refuses a wrong secret, so a key that it accepts works")
}

// shops checks each shop.
func (r *run) shops(ctx context.Context) {
	if len(r.Shops) == 0 {
		r.ready = false
		r.tell.heading("Shops")
		r.tell.line("failed", "none is known: sign in with terraform-provider-kustom login --mystore and the shop's name, or set MYSTORE_TOKENS")
	}
	for _, shop := range r.Shops {
		r.tell.heading("Shop %s, by %s", shop.Name, shop.Way)
		got, err := shop.Examine(ctx)
		if err != nil {
			r.failed("shop "+shop.Name, err)
			continue
		}
		r.shop(shop.Name, got)
	}
	for _, shop := range r.missingShops() {
		r.ready = false
		r.tell.heading("Shop %s", shop)
		r.tell.line("failed", "there is no session and no token for it: sign in with terraform-provider-kustom login --mystore %s", shop)
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

func (r *run) shop(name string, got mystorepages.Examined) {
	if got.User != "" {
		r.tell.hide(got.User)
		r.tell.line("found", "signed in as %s", got.User)
	}
	r.findings(mystorepages.Name, got.Findings)
	if !got.Extension.Active {
		r.ready = false
		r.tell.line("failed", "Klarna Checkout V3 is not active")
	}
	id := got.Holds.KustomID
	switch {
	case !got.Shown:
		r.tell.line("note", "the page does not show which Kustom ID the shop has, if it has one. After a switch, the old key stays until the new one is used")
		return
	case id == "":
		r.tell.line("found", "the shop has no Kustom ID")
		return
	case kustom.FormOf(id) == kustom.UsernameOther || kustom.FindSecret(id) != "":
		r.ready = false
		r.tell.line("failed", "the shop's Kustom ID is malformed, and is not shown here: it may be the secret")
		return
	}
	r.tell.line("found", "Kustom ID %s%s, of %s", id, r.described(id), r.ownerOf(id))
	for _, mismatch := range r.mismatches(name, id) {
		r.ready = false
		r.tell.mismatch(mismatch)
	}
}

// described returns a note about a legacy key. It is empty if the portal's list is unknown.
func (r *run) described(id string) string {
	if !r.seen {
		return ""
	}
	_, listed := r.listed[id]
	if kustom.Legacy(kustom.KeyFacts{Username: id, Listed: listed}).Owner == kustom.OwnerKlarna {
		return ", a key of Klarna's that you must switch"
	}
	return ""
}

// ownerOf describes the store of a key.
func (r *run) ownerOf(id string) string {
	merchantID := r.storeOf(id)
	if merchantID == "" {
		return "an unknown store: neither its form nor the portal shows it"
	}
	if _, listed := r.listed[id]; !listed && r.seen {
		return r.store(merchantID) + " by its form; the portal does not list it"
	}
	return r.store(merchantID)
}

// storeOf returns the store of a key: by the portal's list, or else by the key's form.
func (r *run) storeOf(id string) string {
	if merchantID, ok := r.listed[id]; ok {
		return merchantID
	}
	merchantID, _ := kustom.StoreOf(id)
	return merchantID
}

// api is the portal by its API, which has no page to examine.
type api struct{ keys portalKeys }

// portalKeys has the methods that the API and the pages of the portal share.
type portalKeys interface {
	Stores(ctx context.Context) iter.Seq2[kustom.Store, error]
	Keys(ctx context.Context, merchantID string) iter.Seq2[kustom.Key, error]
}

// ByAPI returns the portal by its API.
func ByAPI(keys portalKeys) Portal { return api{keys} }

// Stores implements [Portal].
func (a api) Stores(ctx context.Context) iter.Seq2[kustom.Store, error] { return a.keys.Stores(ctx) }

// Examine implements [Portal].
func (a api) Examine(ctx context.Context, merchantID string) (portalpages.Examined, error) {
	examined := portalpages.Examined{User: "the owner of the portal's token"}
	for key, err := range a.keys.Keys(ctx, merchantID) {
		if err != nil {
			return portalpages.Examined{}, err
		}
		examined.Keys = append(examined.Keys, key)
	}
	return examined, nil
}

// shopService has the methods that the API and the pages of Mystore share.
type shopService interface {
	Credentials(ctx context.Context, shop string) (mystore.Credentials, error)
	Extension(ctx context.Context, shop string) (mystore.Extension, error)
}

// ShopByAPI returns a shop by Mystore's API. Host is the host of its control panel.
func ShopByAPI(name, way, host string, service shopService) Shop {
	return Shop{Name: name, Way: way, Host: host, Examine: func(ctx context.Context) (mystorepages.Examined, error) {
		extension, err := service.Extension(ctx, name)
		if err != nil {
			return mystorepages.Examined{}, err
		}
		holds, err := service.Credentials(ctx, name)
		return mystorepages.Examined{Holds: holds, Shown: true, Extension: extension}, err
	}}
}

// describeKeys returns the number of keys and their names.
func describeKeys(keys []kustom.Key) string {
	if len(keys) == 0 {
		return "no key"
	}
	const most = 5
	var names []string
	for _, key := range keys[:min(len(keys), most)] {
		name := key.Username
		if key.LastUsedAt != nil {
			name += " (last used " + key.LastUsedAt.UTC().Format("2006-01-02") + ")"
		}
		if key.Origin().Owner == kustom.OwnerKlarna {
			name += " (Klarna's)"
		}
		names = append(names, name)
	}
	slices.Sort(names)
	text := fmt.Sprintf("%d %s: %s", len(keys), noun(len(keys), "key", "keys"), strings.Join(names, ", "))
	if more := len(keys) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
