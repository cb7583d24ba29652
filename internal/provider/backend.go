package provider

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
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

// portalService is Kustom Portal, by its API or by its pages.
type portalService interface {
	rotation.Portal
	EndpointStatus(ctx context.Context, merchantID string) (kustom.EndpointStatus, error)
}

// mystoreService is Mystore, by its API or by its pages.
type mystoreService interface {
	rotation.ShopService
	// Extension returns which Klarna Checkout a shop has.
	Extension(ctx context.Context, shop string) (mystore.Extension, error)
}

// backend is what a configured provider gives its resources, data sources and actions: the vendors' clients and the
// rotation engine. It is safe for concurrent use. A client that lacks a setting returns a [*missingError] or an
// [*unknownError] when it is called.
type backend struct {
	settings
	version  string
	clock    clock.Clock
	portal   portalService
	merchant *kustom.Merchant
	mystore  mystoreService
	// redactor knows the secrets of the configuration and of the requests.
	redactor *vendortext.Redactor
	// tokenShops are the shops with a token, sorted. Nobody changes the list.
	tokenShops []string
	// pages is nil if the vendors are reached only by their APIs.
	pages *pages
	// engine decides and changes shops and keys. It caches its reads for one run.
	engine *rotation.Engine
}

// newBackend returns the backend for the settings. It makes no request and starts no browser.
func newBackend(s settings, o Options) *backend {
	o.Clock = rotation.YieldingClock(o.Clock)
	b := &backend{settings: s, version: o.Version, clock: o.Clock, redactor: o.redactor}
	if b.redactor == nil {
		b.redactor = vendortext.NewRedactor()
	}
	s.addSecretsTo(b.redactor)
	client := func(api, attribute, tokens string, base *url.URL, problem func([]byte) transport.Problem) *transport.Client {
		var unready error
		if base == nil {
			base, unready = new(url.URL), &unknownError{attribute: attribute}
		}
		return transport.New(transport.Options{
			API: api, TokenSource: tokens, BaseURL: base, ConfigError: unready,
			UserAgent:  "terraform-provider-kustom/" + o.Version,
			MaxRetries: s.maxRetries, Timeout: s.requestTimeout,
			Clock: o.Clock, RoundTripper: o.RoundTripper, Problem: problem, Redactor: b.redactor, Observe: observeRequest,
		})
	}
	b.portal = kustom.NewPortal(client("portal", "portal_url", "", s.portalURL, kustom.Problem), b.portalAuth)
	b.merchant = kustom.NewMerchant(client("merchant", "api_url", "", s.apiURL, kustom.Problem))
	b.mystore = mystore.New(client("mystore", "mystore_url", s.tokenSource, s.mystoreURL, mystore.Problem), o.Clock, b.shopToken)
	var signedIn func(shop string) bool
	if b.pages = newPages(s, o); b.pages != nil {
		b.usePages()
		signedIn = b.onlySignedIn
	}
	b.tokenShops = slices.Clip(slices.Sorted(maps.Keys(s.mystoreTokens)))
	b.engine = rotation.New(rotation.Options{
		Portal: b.portal, Shops: b.mystore, Merchant: b.merchant, Clock: o.Clock, Names: b.shopNames, SignedIn: signedIn,
		Ignored: s.ignoredShops, Cache: b.localCache(o.CacheDir), Requests: b.requests(o),
		Journal: o.journal,
	})
	return b
}

// localCache returns what earlier runs on this machine have cached about the shops of this Mystore.
func (b *backend) localCache(dir string) rotation.LocalCache {
	if dir == "" || b.mystoreURL == nil {
		return rotation.LocalCache{}
	}
	return rotation.LocalCache{Dir: filepath.Join(dir, "shops", hostFolder(b.mystoreURL)), Project: project()}
}

// project identifies the folder that Terraform runs in, without its name; it is empty if the folder is unknown.
func project() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	sum := sha256.Sum256([]byte(dir))
	return hex.EncodeToString(sum[:8])
}

// requests returns this machine's requests to this Kustom Portal.
func (b *backend) requests(o Options) rotation.Requests {
	if o.CacheDir == "" || b.portalURL == nil {
		return rotation.Requests{}
	}
	requests := o.Requests
	requests.Dir = filepath.Join(o.CacheDir, "requests", hostFolder(b.portalURL))
	return requests
}

// hostFolder returns a folder name for a host. Windows allows no colons in names.
func hostFolder(address *url.URL) string { return url.QueryEscape(address.Host) }

// usePages replaces the portal's API by its pages if there is no token for it, and Mystore's for each shop that has no token
// and has a session or a login.
func (b *backend) usePages() {
	if b.portalByPages() {
		b.portal = b.pages.portal
	}
	b.mystore = shopRouter{api: b.mystore, pages: b.pages.mystore, byPages: func(shop string) bool {
		return !b.hasToken(shop) && !b.unknownShops && b.pages.canSignIn(shop)
	}}
}

// portalByPages reports whether the provider reaches Kustom Portal by its pages: there is a browser and no token.
func (b *backend) portalByPages() bool { return b.pages != nil && !b.portalToken.isSet() }

// shopRouter sends a shop's calls to its pages if byPages says so, and to the API otherwise.
type shopRouter struct {
	api, pages mystoreService
	byPages    func(shop string) bool
}

// of returns the client for a shop's calls.
func (r shopRouter) of(shop string) mystoreService {
	if r.byPages(shop) {
		return r.pages
	}
	return r.api
}

func (r shopRouter) Credentials(ctx context.Context, shop string) (mystore.Credentials, error) {
	return r.of(shop).Credentials(ctx, shop)
}

func (r shopRouter) Install(ctx context.Context, shop, kustomID, kustomSecret string) (mystore.Credentials, error) {
	return r.of(shop).Install(ctx, shop, kustomID, kustomSecret)
}

func (r shopRouter) Clear(ctx context.Context, shop string) (mystore.Credentials, error) {
	return r.of(shop).Clear(ctx, shop)
}

// CleanupTime implements [rotation.SlowShopService].
func (r shopRouter) CleanupTime(shop string) time.Duration {
	if service, ok := r.of(shop).(rotation.SlowShopService); ok {
		return service.CleanupTime(shop)
	}
	return 0
}

func (r shopRouter) Extension(ctx context.Context, shop string) (mystore.Extension, error) {
	return r.of(shop).Extension(ctx, shop)
}

// warnOfRoot warns if the provider runs as root and may start a browser, which then has no sandbox.
func (b *backend) warnOfRoot(root bool, diags *diag.Diagnostics) {
	if !root || !b.mayStartBrowser() {
		return
	}
	browserWithoutSandbox().addTo(diags, path.Empty())
}

// mayStartBrowser reports whether the provider reaches Kustom Portal or a shop by its pages, or can't tell.
func (b *backend) mayStartBrowser() bool {
	if b.pages == nil {
		return false
	}
	shops, err := b.pages.shops()
	return err != nil || b.portalByPages() || slices.ContainsFunc(shops, func(shop string) bool { return !b.hasToken(shop) })
}

// portalAuth returns the access token of Kustom Portal.
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

// noShopTokenError says that the provider has no token for a shop.
type noShopTokenError struct {
	shop string
	// source is where the user has set the tokens of other shops; empty if nowhere.
	source string
	// near is a shop with a similar name that has a token; empty if there is none.
	near string
	// pages reports that a session would work as well.
	pages bool
	// none reports that the provider can reach no shop at all. It is then no error of one shop.
	none bool
}

func (e *noShopTokenError) Error() string {
	if e.pages {
		return "there is neither a token nor a session for shop " + e.shop
	}
	return cmp.Or(e.source, attributeTokens) + " has no token for shop " + e.shop
}

// shopToken returns a shop's access token of Mystore.
func (b *backend) shopToken(shop string) (string, error) {
	token, ok := b.mystoreTokens[shop]
	switch {
	case b.unknownShops || token.unknown:
		return "", &unknownError{attribute: b.tokenSource}
	case !ok:
		names, err := b.shopNames()
		return "", &noShopTokenError{
			shop: shop, source: b.tokenSource, near: nearest(shop, maps.Keys(b.mystoreTokens)), pages: b.pages != nil,
			none: err == nil && len(names) == 0,
		}
	}
	return token.value, nil
}

// nearest returns the name that is most similar to shop, if the user probably meant it: it differs in case, in
// spaces around it, or in two letters. Names with different numbers are different shops.
func nearest(shop string, names iter.Seq[string]) string {
	const maxDistance = 2
	best, least := "", maxDistance+1
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

// shopNames returns the shops with a token, a session or a login, sorted. The caller must not change the list: each
// deletion asks for it, so with tokens alone it is always the same one.
func (b *backend) shopNames() ([]string, error) {
	if b.unknownShops {
		return nil, &unknownError{attribute: b.tokenSource}
	}
	if b.pages == nil {
		return b.tokenShops, nil
	}
	more, err := b.pages.shops()
	if err != nil {
		return nil, err
	}
	names := slices.Concat(more, b.tokenShops)
	slices.Sort(names)
	return slices.Compact(names), nil
}

// onlySignedIn reports whether a shop is known only because somebody signed in to it on this machine.
func (b *backend) onlySignedIn(shop string) bool {
	return !b.hasToken(shop) && !b.pages.isConfigured(shop)
}

// listableShops returns the shops for a listing. Without any token or browser, it returns a [*missingError]: an empty
// list would look like an answer. The search for a key's holders uses shopNames, which returns no shops then.
func (b *backend) listableShops() ([]string, error) {
	if b.mystoreTokens == nil && !b.unknownShops && b.pages == nil {
		return nil, &missingError{
			attribute: attributeTokens, variable: envMystoreTokens,
			what: "a map from shop name to that shop's Mystore access token",
		}
	}
	return b.shopNames()
}
