package provider

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/check"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystorepages"
	"github.com/storefront-iac/terraform-provider-kustom/internal/portalpages"
)

// CheckOptions are what [Check] takes besides what a plan does. They stand for what the provider's configuration has.
type CheckOptions struct {
	// Environment, Executable, Timeout and DebugDir are as the arguments of the same names; empty is their default.
	Environment, Executable, Timeout, DebugDir string
	// Labels and AdminURLs are browser.labels and browser.mystore_admin_urls.
	Labels, AdminURLs map[string]string
	// Shops are checked besides those that there is a way into.
	Shops []string
	// Expected are the stores that shops are to be of, by shop; nil where nothing is expected.
	Expected map[string]string
	// Out is where the person reads what is found.
	Out io.Writer
	// Report is where an outline of each page goes; nil is nowhere.
	Report io.Writer
}

// Check finds out, without changing anything, whether a plan would find all that it needs, with the environment and the
// sessions that it would use. It reports whether it would.
func Check(ctx context.Context, o Options, c CheckOptions) (ready bool, err error) {
	teller := check.NewTeller(c.Out)
	b, warnings, err := c.readOnly(o, teller.Watch)
	if err != nil {
		return false, err
	}
	for _, warning := range warnings {
		_, _ = fmt.Fprintln(c.Out, warning)
	}
	subject, err := b.subject(c)
	if err != nil {
		return false, err
	}
	ready = check.Run(ctx, subject, teller)
	if c.Report != nil {
		err = teller.Report(c.Report, o.Version)
	}
	return ready && ctx.Err() == nil, err
}

// readOnly returns a backend that can't change anything, with the environment and the sessions that a plan would use, and
// what a plan would warn of.
func (c CheckOptions) readOnly(o Options, watch func(browser.Sight)) (b *backend, warnings []string, err error) {
	o = o.withDefaults()
	s, problems := resolve(c.model(), o.Getenv)
	var refused []string
	for _, problem := range problems {
		text := problem.summary + ": " + problem.detail
		if problem.warning {
			warnings = append(warnings, text)
		} else {
			refused = append(refused, text)
		}
	}
	if len(refused) > 0 {
		return nil, nil, errors.New(strings.Join(refused, "\n"))
	}
	s.browser.options.ReadOnly, s.browser.options.Watch = true, watch
	b = newBackend(s, o)
	if browser.Unsandboxed() && b.startsBrowser() {
		warnings = append(warnings, withoutSandbox+" Run this as another user.")
	}
	return b, warnings, nil
}

// model is the configuration that the options stand for: one with a browser, which only what has no token needs.
func (c CheckOptions) model() providerModel {
	return providerModel{
		Environment: optional(c.Environment),
		Browser: &browserModel{
			Executable: optional(c.Executable), Timeout: optional(c.Timeout), DebugDir: optional(c.DebugDir),
			Labels: textMap(c.Labels), MystoreAdmins: textMap(c.AdminURLs),
			MystoreLogins: types.MapNull(types.ObjectType{}),
		},
	}
}

func optional(text string) types.String {
	if text == "" {
		return types.StringNull()
	}
	return types.StringValue(text)
}

func textMap(texts map[string]string) types.Map {
	if len(texts) == 0 {
		return types.MapNull(types.StringType)
	}
	elements := map[string]attr.Value{}
	for name, text := range texts {
		elements[name] = types.StringValue(text)
	}
	return types.MapValueMust(types.StringType, elements)
}

// subject is what is checked of a backend.
func (b *backend) subject(c CheckOptions) (check.Subject, error) {
	subject := check.Subject{
		Environment: *b.environment, Merchant: b.merchant, MerchantAt: b.apiURL.String(), Expected: c.Expected, Advise: checkAdvice,
	}
	if b.portalToken == (secretValue{}) {
		subject.Portal, subject.PortalWay = b.pages.portal, "its pages at "+b.pages.portalURL.String()
	} else {
		subject.Portal, subject.PortalWay = check.ByAPI(b.portal), "its API at "+b.portalURL.String()
	}
	names, err := b.shopNames()
	if err != nil {
		return check.Subject{}, err
	}
	names = append(names, c.Shops...)
	names = slices.AppendSeq(names, maps.Keys(c.Expected))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		subject.Shops = append(subject.Shops, b.checkedShop(name))
	}
	return subject, nil
}

func (b *backend) checkedShop(name string) check.Shop {
	way, host := "the pages of its control panel", ""
	if address, err := b.pages.admin(name); err == nil {
		way, host = way+" at "+address.String(), address.Hostname()
	}
	if _, hasToken := b.mystoreTokens[name]; hasToken {
		return check.ShopByAPI(name, mystorepages.Name+"'s API at "+b.mystoreURL.String(), host, b.mystore)
	}
	return check.Shop{Name: name, Way: way, Host: host, Examine: func(ctx context.Context) (mystorepages.Examined, error) {
		return b.pages.mystore.Examine(ctx, name)
	}}
}

// checkAdvice says on one line what to do about an error that the check has met.
func checkAdvice(err error) string {
	return strings.Join(strings.Fields(advise(err).text+" ("+err.Error()+")"), " ")
}

var _ check.Portal = (*portalpages.Portal)(nil)
