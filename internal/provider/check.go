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
// environment and sessions as the plan. It returns whether the plan would.
func Check(ctx context.Context, o Options, c CheckOptions) (ready bool, err error) {
	teller := check.NewTeller(c.Out)
	taught, err := c.lessons(o)
	if err != nil {
		return false, err
	}
	b, warnings, err := c.readOnly(o, func(s *browserSettings) {
		s.options.OnSnapshot = teller.Watch
		if taught != nil {
			s.profile, s.options.Taught, s.options.Hidden, s.options.MaxTabs = taught, taught.Save, teller.Hides, 1
		}
	})
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
	if taught != nil {
		teller.Taught(taught.File, taught.Len(), *b.environment)
	}
	if c.Report != nil {
		err = teller.Report(c.Report, o.Version)
	}
	return ready && ctx.Err() == nil, err
}

// DefaultProfile is the default file for a user's lessons.
const DefaultProfile = "kustom-pages.json"

// lessons returns the user's earlier lessons; nil if nobody teaches.
func (c *CheckOptions) lessons(o Options) (*browser.Profile, error) {
	if !c.Teach {
		return nil, nil
	}
	file := cmp.Or(c.Profile, o.withDefaults().Getenv(envProfile), DefaultProfile)
	profile, err := browser.ReadProfile(file, pageTables())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return browser.NewProfile(file, pageTables()), nil
	case err != nil:
		return nil, fmt.Errorf("the file %s can't be used: %w", file, err)
	}
	return profile, nil
}

// readOnly returns a backend that can't change anything, with a plan's environment and sessions, and the
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
	if s.isWithoutDisplay(o) {
		return nil, nil, browser.ErrNoDisplay
	}
	b = newBackend(s, o)
	if browser.Unsandboxed() && b.startsBrowser() {
		warnings = append(warnings, withoutSandbox+" Run this as another user.")
	}
	return b, warnings, nil
}

// model returns the configuration for the options. It has a browser, which only vendors without a token use.
func (c CheckOptions) model() providerModel {
	return providerModel{
		Environment: optional(c.Environment),
		Browser: &browserModel{
			Executable: optional(c.Executable), Timeout: optional(c.Timeout), DebugDir: optional(c.DebugDir),
			Labels: textMap(c.Labels), MystoreAdmins: textMap(c.AdminURLs), Profile: c.profile(),
			MystoreLogins: types.MapNull(types.ObjectType{}),
		},
	}
}

// profile returns the file to read. The file for new lessons need not exist yet, and is read elsewhere.
func (c CheckOptions) profile() types.String {
	if c.Teach {
		return types.StringUnknown()
	}
	return optional(c.Profile)
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

// subject is one thing that the check covers.
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

// checkAdvice says in one line what to do about an error of the check.
func checkAdvice(err error) string {
	return strings.Join(strings.Fields(advise(err).detail()+" ("+err.Error()+")"), " ")
}

var _ check.Portal = (*portalpages.Portal)(nil)
