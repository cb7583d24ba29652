package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystorepages"
	"github.com/storefront-iac/terraform-provider-kustom/internal/portalpages"
	"github.com/storefront-iac/terraform-provider-kustom/internal/shoplist"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

const (
	envEnvironment = "KUSTOM_ENVIRONMENT"
	envPortalURL   = "KUSTOM_PORTAL_PAGES_URL"
	envAdminURLs   = "MYSTORE_ADMIN_URLS"
	envProfile     = "KUSTOM_BROWSER_PROFILE"
)

// The names of the sites in --label.
const (
	portalSite  = "portal"
	mystoreSite = "mystore"
)

// plan is a parsed command line of login.
type plan struct {
	places  []place
	print   bool
	timeout time.Duration
	browser browser.Options
}

// place is a site to sign in to.
type place struct {
	// name is the site's name in messages, and hint what to do there.
	name, hint string
	site       *browser.Site
	// shop is empty for Kustom Portal.
	shop string
}

const defaultTimeout = 10 * time.Minute

// loginFlags are the values of the flags of login.
type loginFlags struct {
	sites   siteFlags
	shops   string
	portal  bool
	print   bool
	timeout time.Duration
}

func (f *loginFlags) add(flags *pflag.FlagSet) {
	f.sites.add(flags)
	flags.StringVar(&f.shops, "shops", "", "a CSV `file` with the column shop: sign in to each of these shops, as with --mystore")
	flags.BoolVar(&f.portal, "portal", true, "sign in to Kustom Portal")
	flags.BoolVar(&f.print, "print", false, "keep nothing, and print the sessions as values for CI secrets")
	flags.DurationVar(&f.timeout, "timeout", defaultTimeout, "the maximum time for each window, as a `duration`")
}

// plan returns what the flags and the environment request.
func (f *loginFlags) plan(getenv func(string) string) (plan, error) {
	p := plan{print: f.print, timeout: f.timeout, browser: browser.Options{Executable: f.sites.executable}}
	if err := f.sites.addList(f.shops); err != nil {
		return plan{}, err
	}
	if !f.portal && len(f.sites.shops) == 0 {
		return plan{}, errors.New("there is nothing to sign in to: --portal=false needs --mystore or --shops")
	}
	if p.timeout <= 0 {
		return plan{}, errors.New("--timeout must be positive")
	}
	return p, p.addPlaces(f, getenv)
}

// siteFlags are the flags that describe the vendors' pages.
type siteFlags struct {
	shops       []shop
	environment string
	executable  string
	// labels has the replaced words, by site and label.
	labels map[string]map[string]string
}

func (f *siteFlags) add(flags *pflag.FlagSet) {
	f.labels = map[string]map[string]string{portalSite: {}, mystoreSite: {}}
	flags.Func("mystore", "sign in to `shop`, or to shop=https://address/kontrollpanel; repeat it for several shops (default address $"+envAdminURLs+
		", or else the address of a shop without a domain)", f.addShop)
	flags.StringVar(&f.environment, "environment", "", "Kustom's `environment`, production or playground (default $"+envEnvironment+", or else production)")
	flags.StringVar(&f.executable, "executable", "", "name or path of Chromium or Chrome (default the `browser` in PATH)")
	flags.Func("label", "a word that a vendor has changed, as `label=word` such as portal.signed_in=Leave; like the provider's browser.labels", f.addLabel)
}

// addPlaces adds the portal and the shops to sign in to.
func (p *plan) addPlaces(f *loginFlags, getenv func(string) string) error {
	if f.portal {
		address, err := portalAddress(f.sites.environment, getenv)
		if err != nil {
			return err
		}
		site := portalpages.Site(address, f.sites.labels[portalSite], nil)
		p.places = append(p.places, place{
			name: portalpages.Name, site: site,
			hint: "Sign in there as usual. If you get a sign-in link by e-mail, copy it and open it in that window, in a " +
				"new tab if you like.",
		})
	}
	known, err := adminAddresses(getenv)
	if err != nil {
		return err
	}
	for _, shop := range f.sites.shops {
		text := cmp.Or(shop.address, known[shop.name], mystorepages.DefaultURL(shop.name))
		address, err := parseAddress(text)
		if err != nil {
			return fmt.Errorf("the address of shop %s %w", shop.name, err)
		}
		p.places = append(p.places, place{
			name: "shop " + shop.name + " at " + mystorepages.Name, site: mystorepages.Site(address, f.sites.labels[mystoreSite], nil), shop: shop.name,
			hint: "Sign in there to shop " + shop.name + " as usual.",
		})
	}
	return nil
}

// shop is a shop to sign in to. Its address may be empty.
type shop struct{ name, address string }

// adminAddresses returns the addresses of control panels from the environment, by shop.
func adminAddresses(getenv func(string) string) (map[string]string, error) {
	raw := getenv(envAdminURLs)
	if raw == "" {
		return nil, nil
	}
	var known map[string]string
	if err := json.Unmarshal([]byte(raw), &known); err != nil {
		return nil, fmt.Errorf(`%s is not a JSON object such as {"my-shop": "https://www.my-shop.no/kontrollpanel"}`, envAdminURLs)
	}
	return known, nil
}

func (f *siteFlags) addShop(text string) error {
	name, address, _ := strings.Cut(text, "=")
	if !shoplist.IsName(name) {
		return errors.New("it is not the name of a shop")
	}
	if !slices.ContainsFunc(f.shops, func(s shop) bool { return s.name == name }) {
		f.shops = append(f.shops, shop{name, address})
	}
	return nil
}

// addList adds the shops of a list. An empty name adds none.
func (f *siteFlags) addList(file string) error {
	if file == "" {
		return nil
	}
	content, err := os.ReadFile(file) //nolint:gosec // The person names the file.
	if err != nil {
		return err
	}
	shops, err := shoplist.ParseDraft(content)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for _, listed := range shops {
		if err := f.addShop(listed.Name); err != nil {
			return fmt.Errorf("%s: shop %s: %w", file, listed.Name, err)
		}
	}
	return nil
}

func (f *siteFlags) addLabel(text string) error {
	tables := map[string]browser.Table{portalSite: portalpages.Table(), mystoreSite: mystorepages.Table()}
	name, word, _ := strings.Cut(text, "=")
	site, label, _ := strings.Cut(name, ".")
	if err := tables[site].Check(label, word); err != nil {
		return err
	}
	f.labels[site][label] = word
	return nil
}

// portalAddress returns the address of the portal's pages for an environment, or for that of the variable.
func portalAddress(environment string, getenv func(string) string) (*url.URL, error) {
	from := "--environment"
	if environment == "" {
		environment, from = getenv(envEnvironment), envEnvironment
	}
	if environment == "" {
		environment = string(kustom.Production)
	}
	known, err := kustom.ParseEnvironment(environment)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	return addressOf(getenv, envPortalURL, known.PagesURL())
}

// addressOf returns the address in a variable, or else fallback.
func addressOf(getenv func(string) string, variable, fallback string) (*url.URL, error) {
	address, err := parseAddress(cmp.Or(getenv(variable), fallback))
	if err != nil {
		return nil, fmt.Errorf("%s %w", variable, err)
	}
	return address, nil
}

// errAddress describes a valid address.
var errAddress = errors.New("must be an https address without a user name, a query or a fragment (http for a loopback address only)")

// parseAddress returns a valid address, or errAddress.
func parseAddress(text string) (*url.URL, error) {
	address, err := url.Parse(text)
	if err != nil || address.Host == "" || address.User != nil || address.RawQuery != "" || address.Fragment != "" ||
		address.Scheme != "https" && (address.Scheme != "http" || !transport.IsLoopback(address.Hostname())) {
		return nil, errAddress
	}
	return address, nil
}
