package provider

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/agext/levenshtein"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
	"github.com/storefront-iac/terraform-provider-kustom/internal/vendortext"
)

// portalService is Kustom Portal, whichever way it is reached: by its API or by its pages.
type portalService interface {
	rotation.Portal
	EndpointStatus(ctx context.Context, merchantID string) (kustom.EndpointStatus, error)
}

// mystoreService is Mystore, whichever way it is reached.
type mystoreService interface {
	rotation.ShopService
	extensionService
}

// extensionService tells which Klarna Checkout a shop has.
type extensionService interface {
	Extension(ctx context.Context, shop string) (mystore.Extension, error)
}

// credentialsReader reads what a shop holds.
type credentialsReader interface {
	Credentials(ctx context.Context, shop string) (mystore.Credentials, error)
}

// backend is what a configured provider gives to its resources and data sources: the vendors, and
// what is known of the shops during one walk. Everything in it can be used whatever is configured;
// what lacks a setting returns a [*missingError] or an [*unknownError] when it is used.
type backend struct {
	settings
	version  string
	clock    clock.Clock
	portal   portalService
	merchant *kustom.Merchant
	mystore  mystoreService
	// redactor knows the secrets of the configuration and those that the vendors were sent.
	redactor *vendortext.Redactor
	// pages is nil where the vendors are only reached by their APIs.
	pages *pages
	// engine decides what becomes of shops and keys, and carries it out. It caches, for one walk, what it has read.
	engine *rotation.Engine
}

func newBackend(s settings, o Options) *backend {
	o.Clock = rotation.Yielding(o.Clock)
	b := &backend{settings: s, version: o.Version, clock: o.Clock, redactor: o.redactor}
	if b.redactor == nil {
		b.redactor = vendortext.NewRedactor()
	}
	s.teach(b.redactor)
	client := func(api, attribute string, base *url.URL, problem func([]byte) transport.Problem) *transport.Client {
		var unready error
		if base == nil {
			base, unready = new(url.URL), &unknownError{attribute: attribute}
		}
		return transport.New(transport.Options{
			API: api, BaseURL: base, ConfigError: unready,
			UserAgent:  "terraform-provider-kustom/" + o.Version,
			MaxRetries: s.maxRetries, Timeout: s.requestTimeout,
			Clock: o.Clock, RoundTripper: o.RoundTripper, Problem: problem, Redactor: b.redactor, Observe: observeExchange,
		})
	}
	b.portal = kustom.NewPortal(client("portal", "portal_url", s.portalURL, kustom.Problem), b.portalAuth)
	b.merchant = kustom.NewMerchant(client("merchant", "api_url", s.apiURL, kustom.Problem))
	b.mystore = mystore.New(client("mystore", "mystore_url", s.mystoreURL, mystore.Problem), o.Clock, b.shopToken)
	if b.pages = newPages(s, o); b.pages != nil {
		b.usePages()
	}
	b.engine = rotation.New(rotation.Options{
		Portal: b.portal, Shops: b.mystore, Merchant: b.merchant, Clock: o.Clock, Names: b.shopNames, SignedIn: b.onlySignedIn,
		Ignored: s.ignoredShops, Sightings: b.sightings(o.CacheDir), Requests: b.requests(o),
		Journal: o.journal,
	})
	return b
}

// sightings returns what is remembered of the shops of this Mystore.
func (b *backend) sightings(dir string) rotation.Sightings {
	if dir == "" || b.mystoreURL == nil {
		return rotation.Sightings{}
	}
	return rotation.Sightings{Dir: filepath.Join(dir, "shops", hostFolder(b.mystoreURL)), Project: project()}
}

// project tells the folder that Terraform runs in from others, without its name; it is empty where that is not known.
func project() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	sum := sha256.Sum256([]byte(dir))
	return hex.EncodeToString(sum[:8])
}

// requests returns what is remembered of the requests to this Kustom Portal.
func (b *backend) requests(o Options) rotation.Requests {
	if o.CacheDir == "" || b.portalURL == nil {
		return rotation.Requests{}
	}
	requests := o.Requests
	requests.Dir = filepath.Join(o.CacheDir, "requests", hostFolder(b.portalURL))
	return requests
}

// hostFolder returns the name of a folder for a host. Windows has no colons in names.
func hostFolder(address *url.URL) string { return url.QueryEscape(address.Host) }

// usePages reaches by their pages the vendors, and of the shops those, for which there is no token.
func (b *backend) usePages() {
	if b.portalToken == (secretValue{}) {
		b.portal = b.pages.portal
	}
	b.mystore = shopRouter{api: b.mystore, pages: b.pages.mystore, byPages: func(shop string) bool {
		_, hasToken := b.mystoreTokens[shop]
		return !hasToken && !b.unknownShops && b.pages.reaches(shop)
	}}
}

// shopRouter reaches each shop by the API where there is a token for it, and by its pages where there is
// a way into them.
type shopRouter struct {
	api, pages mystoreService
	byPages    func(shop string) bool
}

func (w shopRouter) of(shop string) mystoreService {
	if w.byPages(shop) {
		return w.pages
	}
	return w.api
}

func (w shopRouter) Credentials(ctx context.Context, shop string) (mystore.Credentials, error) {
	return w.of(shop).Credentials(ctx, shop)
}

func (w shopRouter) Install(ctx context.Context, shop, kustomID, kustomSecret string) (mystore.Credentials, error) {
	return w.of(shop).Install(ctx, shop, kustomID, kustomSecret)
}

func (w shopRouter) Clear(ctx context.Context, shop string) (mystore.Credentials, error) {
	return w.of(shop).Clear(ctx, shop)
}

func (w shopRouter) Extension(ctx context.Context, shop string) (mystore.Extension, error) {
	return w.of(shop).Extension(ctx, shop)
}

// warnOfRoot says, once for a run, that the browser runs without its own sandbox. Root says that the provider is run by
// root.
func (b *backend) warnOfRoot(root bool, diags *diag.Diagnostics) {
	if !root || !b.startsBrowser() {
		return
	}
	browserWithoutSandbox().addTo(diags, path.Empty())
}

// startsBrowser tells whether a vendor is reached by its pages.
func (b *backend) startsBrowser() bool {
	if b.pages == nil {
		return false
	}
	shops, err := b.pages.shops()
	return err != nil || b.portalToken == (secretValue{}) || slices.ContainsFunc(shops, func(shop string) bool {
		_, hasToken := b.mystoreTokens[shop]
		return !hasToken
	})
}

func (b *backend) portalAuth() (string, error) {
	switch {
	case b.portalToken.unknown:
		return "", &unknownError{attribute: "portal_token"}
	case b.portalToken.value == "":
		return "", &missingError{
			attribute: "portal_token", variable: envPortalToken,
			what: "an access token of a Kustom Portal user who can see Integrations",
		}
	}
	return b.portalToken.value, nil
}

// noShopTokenError says that the provider was given no token for a shop.
type noShopTokenError struct {
	shop string
	// near is a shop of almost the same name that there is a token for; empty where there is none.
	near string
	// pages says that a session would do as well.
	pages bool
}

func (e *noShopTokenError) Error() string { return "mystore_tokens has no token for shop " + e.shop }

func (b *backend) shopToken(shop string) (string, error) {
	token, ok := b.mystoreTokens[shop]
	switch {
	case b.unknownShops || token.unknown:
		return "", &unknownError{attribute: "mystore_tokens"}
	case !ok:
		return "", &noShopTokenError{shop: shop, near: nearest(shop, maps.Keys(b.mystoreTokens)), pages: b.pages != nil}
	}
	return token.value, nil
}

// nearest returns the name that differs least from shop, if it differs so little that it was probably
// meant: in upper and lower case, or in spaces around it, or by two letters. Names that differ in a number are of two
// shops.
func nearest(shop string, names iter.Seq[string]) string {
	const most = 2
	best, least := "", most+1
	wanted := strings.ToLower(strings.TrimSpace(shop))
	for _, name := range slices.Sorted(names) {
		lower := strings.ToLower(name)
		distance := levenshtein.Distance(wanted, lower, nil)
		if distance < least && distance < len(wanted)/2 && digitsOf(wanted) == digitsOf(lower) {
			best, least = name, distance
		}
	}
	return best
}

// digitsOf returns the digits in a name.
func digitsOf(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return r
		}
		return -1
	}, name)
}

func (b *backend) shopNames() ([]string, error) {
	if b.unknownShops {
		return nil, &unknownError{attribute: "mystore_tokens"}
	}
	names := slices.Collect(maps.Keys(b.mystoreTokens))
	if b.pages != nil {
		more, err := b.pages.shops()
		if err != nil {
			return nil, err
		}
		names = append(names, more...)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// onlySignedIn tells of a shop that no setting names: somebody has signed in to it on this machine.
func (b *backend) onlySignedIn(shop string) bool {
	_, hasToken := b.mystoreTokens[shop]
	return !hasToken && b.pages != nil && !b.pages.names(shop)
}

// listableShops returns the shops that can be listed. For a listing, unlike for a look at who holds a
// key, it is a mistake when no shop has a token.
func (b *backend) listableShops() ([]string, error) {
	if b.mystoreTokens == nil && !b.unknownShops && b.pages == nil {
		return nil, &missingError{
			attribute: "mystore_tokens", variable: envMystoreTokens,
			what: "a map from shop name to that shop's Mystore access token",
		}
	}
	return b.shopNames()
}

// configured returns the backend that the framework hands to Configure, nil before the provider is configured.
func configured(data any, diags *diag.Diagnostics) *backend {
	b, err := backendOf(data)
	if err != nil {
		unexpectedProviderData(err.Error()).addTo(diags, path.Empty())
	}
	return b
}

// backendOf returns the backend out of what the framework hands to Configure, and nil before the
// provider is configured.
func backendOf(data any) (*backend, error) {
	if data == nil {
		return nil, nil
	}
	b, ok := data.(*backend)
	if !ok {
		return nil, fmt.Errorf("the provider data is a %T: please report this as a bug", data)
	}
	return b, nil
}
