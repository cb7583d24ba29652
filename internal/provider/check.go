package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
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

// CheckOptions are the arguments of [Check]. They replace the provider's configuration.
type CheckOptions struct {
	// Environment, Executable, Timeout, DebugDir and Profile are like the arguments with the same names. Empty
	// means the default.
	Environment, Executable, Timeout, DebugDir, Profile string
	// Teach asks the user to point at missing elements, and saves that in the file Profile, or else
	// [DefaultProfile].
	Teach bool
	// Labels and AdminURLs are browser.labels and browser.mystore_admin_urls.
	Labels, AdminURLs map[string]string
	// Shops are additional shops to check.
	Shops []string
	// Expected are the expected stores by shop; nil expects nothing.
	Expected map[string]string
	// Out receives the results for the user.
	Out io.Writer
	// Report receives an outline of each page; it may be nil.
	Report io.Writer
}

// Check checks, without changing anything, whether a plan would find everything it needs. It uses the same
// environment and sessions as the plan. Ready reports whether the plan would. The findings go to [CheckOptions.Out]. An
// error says that the check itself could not run.
func Check(ctx context.Context, o Options, c CheckOptions) (ready bool, err error) {
	printer := check.NewPrinter(c.Out)
	taught, err := c.taughtProfile(o)
	if err != nil {
		return false, err
	}
	b, warnings, err := c.readOnly(o, func(s *browserSettings) {
		s.options.OnSnapshot = printer.Observe
		if taught != nil {
			s.profile, s.options.Taught, s.options.Hidden, s.options.MaxTabs = taught, taught.Save, printer.Masks, 1
		}
	})
	if err != nil {
		return false, err
	}
	for _, warning := range warnings {
		_, _ = fmt.Fprintln(c.Out, warning)
	}
	scope, err := b.checkScope(c)
	if err != nil {
		return false, err
	}
	ready = check.Run(ctx, scope, printer)
	if taught != nil {
		printer.PrintProfile(taught.File, taught.Len(), *b.environment)
	}
	if c.Report != nil {
		err = printer.Report(c.Report, o.Version)
	}
	return ready && ctx.Err() == nil, err
}

// DefaultProfile is the default file for the profile of check --teach.
const DefaultProfile = "kustom-pages.json"

// taughtProfile returns the profile that check --teach adds to: the saved one, or a new one. It is nil without --teach.
func (c *CheckOptions) taughtProfile(o Options) (*browser.Profile, error) {
	if !c.Teach {
		return nil, nil
	}
	file := cmp.Or(c.Profile, o.withDefaults().Getenv(envProfile), DefaultProfile)
	profile, err := browser.ReadProfile(file, pageTables())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return browser.NewProfile(file, pageTables()), nil
	case err != nil:
		return nil, fmt.Errorf("can't use the profile %s: %w", file, err)
	}
	return profile, nil
}

// readOnly returns a backend whose browser can't change anything, with a plan's environment and sessions, and the
// warnings of a plan. Change may adjust the settings of the browser.
func (c CheckOptions) readOnly(o Options, change func(*browserSettings)) (b *backend, warnings []string, err error) {
	o = o.withDefaults()
	s, problems := resolve(c.model(), o.Getenv)
	if s.browser != nil {
		s.browser.options.ReadOnly = true
		change(s.browser)
	}
	var refused []string
	for _, problem := range problems {
		text := problem.message.title + ": " + problem.message.detail()
		if problem.message.warning {
			warnings = append(warnings, text)
		} else {
			refused = append(refused, text)
		}
	}
	if len(refused) > 0 {
		return nil, nil, errors.New(strings.Join(refused, "\n"))
	}
	if s.lacksDisplay(o) {
		return nil, nil, browser.ErrNoDisplay
	}
	b = newBackend(s, o)
	if browser.Unsandboxed() && b.mayStartBrowser() {
		warnings = append(warnings, withoutSandbox+" Run this as another user.")
	}
	return b, warnings, nil
}

// model returns the configuration for the options. It has a browser, which only vendors without a token use.
func (c CheckOptions) model() providerModel {
	return providerModel{
		Environment: nullWhenEmpty(c.Environment),
		Browser: &browserModel{
			Executable: nullWhenEmpty(c.Executable), Timeout: nullWhenEmpty(c.Timeout), DebugDir: nullWhenEmpty(c.DebugDir),
			Labels: textMap(c.Labels), MystoreAdmins: textMap(c.AdminURLs), Profile: c.profile(),
			MystoreLogins: types.MapNull(types.ObjectType{}),
		},
	}
}

// profile returns the profile file for the configuration. With --teach, the file need not exist yet, and
// taughtProfile reads it.
func (c CheckOptions) profile() types.String {
	if c.Teach {
		return types.StringUnknown()
	}
	return nullWhenEmpty(c.Profile)
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

// checkScope returns what a check covers: the portal, the merchant API and the accessible, added and expected shops.
func (b *backend) checkScope(c CheckOptions) (check.Scope, error) {
	scope := check.Scope{
		Environment: *b.environment, Merchant: b.merchant, MerchantURL: b.apiURL.String(), Expected: c.Expected, Advise: checkAdvice,
	}
	if b.portalByPages() {
		scope.Portal, scope.PortalAccess = b.pages.portal, "its pages at "+b.pages.portalURL.String()
	} else {
		scope.Portal, scope.PortalAccess = check.ByAPI(b.portal), "its API at "+b.portalURL.String()
	}
	names, err := b.shopNames()
	if err != nil {
		return check.Scope{}, err
	}
	names = slices.Concat(names, c.Shops)
	names = slices.AppendSeq(names, maps.Keys(c.Expected))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		scope.Shops = append(scope.Shops, b.checkedShop(name))
	}
	return scope, nil
}

// checkedShop returns a shop for a check, with the way in which a plan would reach it.
func (b *backend) checkedShop(name string) check.Shop {
	access, host := "the pages of its control panel", ""
	if address, err := b.pages.admin(name); err == nil {
		access, host = access+" at "+address.String(), address.Hostname()
	}
	if b.hasToken(name) {
		return check.ShopByAPI(name, mystorepages.Name+"'s API at "+b.mystoreURL.String(), host, b.mystore)
	}
	return check.Shop{Name: name, Access: access, Host: host, Examine: func(ctx context.Context) (mystorepages.Examined, error) {
		return b.pages.mystore.Examine(ctx, name)
	}}
}

// checkAdvice says in one line what to do about an error of the check.
func checkAdvice(err error) string {
	return strings.Join(strings.Fields(advise(err).detail()+" ("+err.Error()+")"), " ")
}

var _ check.Portal = (*portalpages.Portal)(nil)
