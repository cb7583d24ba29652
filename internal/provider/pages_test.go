package provider_test

import (
	"cmp"
	"context"
	"log"
	"net/http"
	"os"
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/list"
	frameworkprovider "github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/browser/browsertest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// How the vendors are reached: by their APIs, by their pages, or by the portal's pages and Mystore's API.
const (
	waysAPIs  = "apis"
	waysPages = "pages"
	waysMixed = "mixed"
)

// testWay returns how the tests reach them that do not say it themselves.
func testWay() string { return cmp.Or(os.Getenv("KUSTOM_TEST_WAY"), waysAPIs) }

func byPages() bool { return testWay() != waysAPIs }

// browsers are what all tests share: to start one for each run of Terraform would take most of the time.
var browsers browser.Group

// closeBrowsers turns a browser that can't be ended into a failure.
func closeBrowsers(code int) int {
	if err := browsers.Close(); err != nil {
		log.Print(err)
		return 1
	}
	return code
}

// apiOnly skips a test where the vendors are reached by their pages, and says why.
func apiOnly(t testing.TB, why string) {
	t.Helper()
	if byPages() {
		t.Skip("over the APIs only: " + why)
	}
}

// pagesOnly skips a test where it is not the pages that are tested.
func pagesOnly(t testing.TB) {
	t.Helper()
	if !byPages() {
		t.Skip("over pages only: run make test-pages")
	}
	browsertest.Need(t)
}

// shownHost is the host of a new key, where the portal shows one.
func shownHost() knownvalue.Check { return shownByAPI(kustomHost) }

// shownDescription is the description of a new key that is given none, where the portal shows one.
func shownDescription() knownvalue.Check { return shownByAPI("terraform") }

// shownVersion is the version of a shop's extension, where Mystore shows it.
func shownVersion(version string) knownvalue.Check {
	if testWay() == waysPages {
		return knownvalue.StringExact("")
	}
	return knownvalue.StringExact(version)
}

// shownChange is when a shop's credentials were changed, where Mystore shows it.
func shownChange(at string) knownvalue.Check {
	if testWay() == waysPages {
		return knownvalue.Null()
	}
	return knownvalue.StringExact(at)
}

// shownByAPI is a text which the portal's API shows, and its pages do not.
func shownByAPI(text string) knownvalue.Check {
	if byPages() {
		return knownvalue.Null()
	}
	return knownvalue.StringExact(text)
}

// wayEnvironment is the environment that leads the provider to the server's vendors in a way.
func wayEnvironment(t testing.TB, server *sandbox.Server, way string) map[string]string {
	t.Helper()
	if way == waysAPIs {
		return server.Env()
	}
	browsertest.Need(t)
	env := server.PagesEnv()
	if way == waysMixed {
		delete(env, "MYSTORE_SESSIONS")
		for _, name := range []string{"MYSTORE_TOKENS", "MYSTORE_URL"} {
			env[name] = server.Env()[name]
		}
	}
	return env
}

// newProvider makes the provider that is tested. Where the vendors are reached by their pages, its
// configuration has a browser, whatever the test's own has: so one test is good for both.
func newProvider(o provider.Options, way string) frameworkprovider.Provider {
	if o.Browsers == nil {
		o.Browsers = &browsers
	}
	p := provider.New(o)()
	full, ok := p.(fullProvider)
	if !ok || way == waysAPIs {
		return p
	}
	return browsing{full}
}

type fullProvider interface {
	frameworkprovider.ProviderWithListResources
	frameworkprovider.ProviderWithActions
	frameworkprovider.ProviderWithValidateConfig
}

type browsing struct{ fullProvider }

// ListResources keeps the method from being ambiguous.
func (b browsing) ListResources(ctx context.Context) []func() list.ListResource {
	return b.fullProvider.ListResources(ctx)
}

// Actions keeps the method from being ambiguous.
func (b browsing) Actions(ctx context.Context) []func() action.Action {
	return b.fullProvider.Actions(ctx)
}

// Configure puts the block into the configuration that the provider is given.
func (b browsing) Configure(ctx context.Context, req frameworkprovider.ConfigureRequest, resp *frameworkprovider.ConfigureResponse) {
	raw, err := withBrowser(req.Config.Raw)
	if err != nil {
		resp.Diagnostics.AddError("Configuration without a browser", err.Error())
		return
	}
	req.Config.Raw = raw
	b.fullProvider.Configure(ctx, req, resp)
}

// withBrowser returns a provider's configuration with an empty block of that name, unless it has one.
func withBrowser(config tftypes.Value) (tftypes.Value, error) {
	return tftypes.Transform(config, func(at *tftypes.AttributePath, v tftypes.Value) (tftypes.Value, error) {
		object, isObject := v.Type().(tftypes.Object)
		if !at.Equal(tftypes.NewAttributePath().WithAttributeName("browser")) || !v.IsNull() || !isObject {
			return v, nil
		}
		empty := map[string]tftypes.Value{}
		for name, typ := range object.AttributeTypes {
			empty[name] = tftypes.NewValue(typ, nil)
		}
		return tftypes.NewValue(object, empty), nil
	})
}

// observed is a sandbox that tells of what was done on pages as if it had been done through the APIs, so
// that what a test expects the servers to have seen holds for both. Walking through pages is told of by
// what it is for: the list of keys, or a shop's credentials.
type observed struct {
	*sandbox.Sandbox
	t testing.TB
}

// Arm arms a fault as [sandbox.Sandbox.Arm] does. One of an API says nothing where that is not called, and
// pages have faults of their own: see [TestPagesFaults_NextRunPutsShopRight].
func (o observed) Arm(f sandbox.Fault) *sandbox.Armed {
	o.t.Helper()
	byAPI := f.API == sandbox.Merchant || f.API == sandbox.PortalPages || f.API == sandbox.MystorePages ||
		f.API == sandbox.Mystore && testWay() == waysMixed
	if !byAPI {
		apiOnly(o.t, "it lets calls of the API fail")
	}
	return o.Sandbox.Arm(f)
}

// Requests are those of [sandbox.Sandbox.Requests].
func (o observed) Requests() []sandbox.Request {
	var requests []sandbox.Request
	for _, r := range o.Sandbox.Requests() {
		if r, ok := asCall(r); ok {
			requests = append(requests, r)
		}
	}
	return requests
}

// Count counts as [sandbox.Sandbox.Count] does.
func (o observed) Count(api, method, template string) int {
	is := func(want, have string) bool { return want == "" || want == have }
	return len(slices.DeleteFunc(o.Requests(), func(r sandbox.Request) bool {
		return !is(api, r.API) || !is(method, r.Method) || !is(template, r.Template)
	}))
}

// The following methods do what people do at the vendors. If they fail, the test is wrong.

func (o observed) do(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Error(err)
	}
}

// mustInstall installs credentials in a shop.
func (o observed) mustInstall(shop, username, secret string) {
	o.t.Helper()
	o.do(o.Install(shop, username, secret))
}

// mustGenerate generates a key.
func (o observed) mustGenerate(merchantID, description string) sandbox.Key {
	o.t.Helper()
	key, err := o.GenerateKey(merchantID, description)
	o.do(err)
	return key
}

// byHand generates a key in the portal and installs it in Mystore.
func (o observed) byHand(shop, merchantID string) sandbox.Key {
	o.t.Helper()
	key := o.mustGenerate(merchantID, "by hand")
	o.mustInstall(shop, key.Username, key.Secret)
	return key
}

// mustDeleteKey deletes a key.
func (o observed) mustDeleteKey(merchantID, credentialID string) {
	o.t.Helper()
	o.do(o.DeleteKey(merchantID, credentialID))
}

// mustUninstall takes Klarna Checkout V3 out of a shop.
func (o observed) mustUninstall(shop string) {
	o.t.Helper()
	o.do(o.UninstallExtension(shop, sandbox.KlarnaCheckoutV3))
}

// mustInstallExtension puts an extension into a shop.
func (o observed) mustInstallExtension(shop string, extension sandbox.Extension) {
	o.t.Helper()
	o.do(o.InstallExtension(shop, extension))
}

// mustPlaceOrder has a customer of a shop pay.
func (o observed) mustPlaceOrder(shop string) {
	o.t.Helper()
	o.do(o.PlaceOrder(shop))
}

// mustTakePayments expects shops to hold keys that work (I1).
func (o observed) mustTakePayments(shops ...string) {
	o.t.Helper()
	for _, shop := range shops {
		if err := o.Working(shop); err != nil {
			o.t.Errorf("I1: shop %s: %v", shop, err)
		}
	}
}

// pageCall is the page, or form, that is a call of an API, and what the API would have answered.
type pageCall struct {
	api, method, template string
	status                int
}

// What the script of the portal's page asks for.
const (
	pageKeys = "/data/stores/{merchant_id}/keys"
	pageKey  = pageKeys + "/{key_id}"
)

func pageCalls() map[pageCall]pageCall {
	return map[pageCall]pageCall{
		{sandbox.PortalPages, http.MethodGet, pageKeys, http.StatusOK}: {
			sandbox.Portal, http.MethodGet, keysCall, http.StatusOK,
		},
		{sandbox.PortalPages, http.MethodPost, pageKeys, http.StatusCreated}: {
			sandbox.Portal, http.MethodPost, storeKeysCall, http.StatusCreated,
		},
		{sandbox.PortalPages, http.MethodDelete, pageKey, http.StatusOK}: {
			sandbox.Portal, http.MethodDelete, keyCall, http.StatusNoContent,
		},
		{sandbox.MystorePages, http.MethodGet, "/extensions/{extension_id}/credentials", http.StatusOK}: {
			sandbox.Mystore, http.MethodGet, credentialsCall, http.StatusOK,
		},
		{sandbox.MystorePages, http.MethodPost, "/data/extensions/{extension_id}/credentials", http.StatusOK}: {
			sandbox.Mystore, http.MethodPatch, credentialsCall, http.StatusOK,
		},
	}
}

// asCall returns the call that a request to a page stands for, and whether it stands for any. A request
// to an API stands for itself.
func asCall(r sandbox.Request) (sandbox.Request, bool) {
	if r.API != sandbox.PortalPages && r.API != sandbox.MystorePages {
		return r, true
	}
	call, ok := pageCalls()[pageCall{r.API, r.Method, r.Template, r.Status}]
	if ok {
		r.API, r.Method, r.Template, r.Status = call.api, call.method, call.template, call.status
	}
	return r, ok
}
