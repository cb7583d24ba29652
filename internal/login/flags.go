package login

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystorepages"
	"github.com/storefront-iac/terraform-provider-kustom/internal/portalpages"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

const (
	envEnvironment = "KUSTOM_ENVIRONMENT"
	envPortalURL   = "KUSTOM_PORTAL_PAGES_URL"
	envAdminURLs   = "MYSTORE_ADMIN_URLS"
)

// The sites, as they are named in labels.
const (
	portalSite  = "portal"
	mystoreSite = "mystore"
)

const loginUsage = `Usage: terraform-provider-kustom login [-mystore SHOP[=ADDRESS]]... [-portal=false] [-print]

Opens a window for you to sign in at Kustom Portal, and then one for each shop at Mystore. Your sessions
are kept in a file each, which only you can read, for the provider to use on this machine, or else are
printed, for a CI secret. Nothing else of the window is kept.`

// plan is what a command line of login asks for.
type plan struct {
	places  []place
	print   bool
	timeout time.Duration
	browser browser.Options
}

// place is somewhere to sign in.
type place struct {
	// name is what people call it, and hint what to do there.
	name, hint string
	site       *browser.Site
	// shop is empty for Kustom Portal.
	shop string
}

const defaultTimeout = 10 * time.Minute

// newPlan reads a command line.
func newPlan(args []string, o Options) (plan, error) {
	var p plan
	var shops []shop
	labels := map[string]map[string]string{portalSite: {}, mystoreSite: {}}
	flags := flag.NewFlagSet("login", flag.ContinueOnError)
	portal := flags.Bool("portal", true, "sign in to Kustom Portal")
	flags.Func("mystore", "sign in to the control panel of `shop`, or of shop=https://address/kontrollpanel; for several shops, give it several "+
		"times (default address $"+envAdminURLs+", or else where shops without a domain have it)", func(text string) error {
		return addShop(&shops, text)
	})
	environment := flags.String("environment", "", "Kustom's `environment`, production or playground (default $"+envEnvironment+", or else production)")
	flags.BoolVar(&p.print, "print", false, "keep nothing, and print the sessions as values for CI secrets")
	flags.DurationVar(&p.timeout, "timeout", defaultTimeout, "how long you have for each window, as a `duration`")
	flags.StringVar(&p.browser.Executable, "executable", "", "name or path of Chromium or Chrome (default the `browser` in PATH)")
	flags.Func("label", "a `label=word` such as portal.signed_in=Leave, where a vendor has changed a word; as in the provider's browser.labels", func(text string) error {
		return addLabel(labels, text)
	})
	if err := parse(flags, args, o, loginUsage); err != nil {
		return plan{}, err
	}
	if !*portal && len(shops) == 0 {
		return plan{}, errors.New("there is nothing to sign in to: -portal=false needs -mystore")
	}
	if p.timeout <= 0 {
		return plan{}, errors.New("-timeout must be longer than nothing")
	}
	return p, p.addPlaces(*portal, shops, *environment, labels, o)
}

func (p *plan) addPlaces(portal bool, shops []shop, environment string, labels map[string]map[string]string, o Options) error {
	if portal {
		address, err := portalAddress(environment, o.Getenv)
		if err != nil {
			return err
		}
		site := portalpages.Site(address, labels[portalSite])
		p.places = append(p.places, place{
			name: portalpages.Name, site: site,
			hint: "Sign in there as you always do. If a link is mailed to you, copy it and open it in that window, in a new tab if you like.",
		})
	}
	known, err := adminAddresses(o.Getenv)
	if err != nil {
		return err
	}
	for _, shop := range shops {
		text := cmp.Or(shop.address, known[shop.name], mystorepages.DefaultURL(shop.name))
		address, err := parseAddress(text)
		if err != nil {
			return fmt.Errorf("the address of shop %s %w", shop.name, err)
		}
		p.places = append(p.places, place{
			name: "shop " + shop.name + " at " + mystorepages.Name, site: mystorepages.Site(address, labels[mystoreSite]), shop: shop.name,
			hint: "Sign in there to shop " + shop.name + " as you always do.",
		})
	}
	return nil
}

// shop is a shop to sign in to, and where; the address may be empty.
type shop struct{ name, address string }

// adminAddresses returns the addresses of control panels that the environment has.
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

// shopPattern is the form of a shop's name. It is a text because the provider, which has no use for it,
// would pay for a compiled one whenever it starts.
const shopPattern = `^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`

func addShop(shops *[]shop, text string) error {
	name, address, _ := strings.Cut(text, "=")
	if ok, err := regexp.MatchString(shopPattern, name); err != nil || !ok {
		return errors.New("it is not the name of a shop")
	}
	if !slices.ContainsFunc(*shops, func(s shop) bool { return s.name == name }) {
		*shops = append(*shops, shop{name, address})
	}
	return nil
}

func addLabel(labels map[string]map[string]string, text string) error {
	tables := map[string]browser.Table{portalSite: portalpages.Table(), mystoreSite: mystorepages.Table()}
	name, word, _ := strings.Cut(text, "=")
	site, label, _ := strings.Cut(name, ".")
	if err := tables[site].Check(label, word); err != nil {
		return err
	}
	labels[site][label] = word
	return nil
}

func portalAddress(environment string, getenv func(string) string) (*url.URL, error) {
	from := "-environment"
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

// errAddress says what an address has to be.
var errAddress = errors.New("must be an https address without a user name, a query or a fragment (http for a loopback address only)")

func parseAddress(text string) (*url.URL, error) {
	address, err := url.Parse(text)
	if err != nil || address.Host == "" || address.User != nil || address.RawQuery != "" || address.Fragment != "" ||
		address.Scheme != "https" && (address.Scheme != "http" || !transport.IsLoopback(address.Hostname())) {
		return nil, errAddress
	}
	return address, nil
}
