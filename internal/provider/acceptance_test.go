package provider_test

import (
	"context"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/storefront-iac/terraform-provider-kustom/examples"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// testDirectory is the variable that names a directory for all tests, which is removed in the end.
const testDirectory = "KUSTOM_TEST_DIRECTORY"

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

// beside is how many tests run beside each other, unless the command line says how many: they wait for
// Terraform, and for requests that time out, more than they work.
const beside = "6"

// runTests keeps the configuration of whoever runs the tests from deciding what is tested.
func runTests(m *testing.M) int {
	// A browser needs the cores that Terraform leaves idle.
	if !byPages() {
		if err := flag.Set("test.parallel", beside); err != nil {
			log.Print(err)
			return 1
		}
	}
	dir, err := os.MkdirTemp("", "kustom")
	if err != nil {
		log.Print(err)
		return 1
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "empty.tfrc")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		log.Print(err)
		return 1
	}
	environment := map[string]string{
		testDirectory:        dir,
		"TF_CLI_CONFIG_FILE": file, "CHECKPOINT_DISABLE": "1",
		// A provider that runs in this process would write its log into the tests' output.
		"TF_LOG_SDK": "OFF", "TF_LOG_PROVIDER_KUSTOM": "OFF", "TF_LOG_PROVIDER_VAULT": "OFF",
	}
	if os.Getenv("TF_ACC_PROVIDER_NAMESPACE") == "" {
		environment["TF_ACC_PROVIDER_NAMESPACE"] = "storefront-iac"
	}
	for name, value := range environment {
		if err := os.Setenv(name, value); err != nil {
			log.Print(err)
			return 1
		}
	}
	return closeBrowsers(m.Run())
}

// vendors are what one test has to itself: both vendors, a clock that nobody waits on, and the
// environment that leads the provider to them.
type vendors struct {
	observed
	server *sandbox.Server
	clock  *clocktest.Fake
	env    map[string]string
	// way is how the provider reaches them.
	way string
}

func newVendors(t testing.TB, seed sandbox.Seed, o sandbox.Options) *vendors {
	t.Helper()
	return newVendorsBy(t, testWay(), seed, o)
}

// newVendorsBy starts vendors that are reached in the given way, whatever the other tests' is.
func newVendorsBy(t testing.TB, way string, seed sandbox.Seed, o sandbox.Options) *vendors {
	t.Helper()
	v := &vendors{way: way, clock: clocktest.New(time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC))}
	o.Clock = v.clock
	s, err := sandbox.New(seed, o)
	if err != nil {
		t.Fatal(err)
	}
	v.observed = observed{s, t}
	if v.server, err = sandbox.Start(v.Sandbox); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := v.server.Close(); err != nil {
			t.Error(err)
		}
	})
	v.env = wayEnvironment(t, v.server, way)
	return v
}

type factories = map[string]func() (tfprotov6.ProviderServer, error)

// providers serve the provider in this process, configured by v's environment.
func (v *vendors) providers() factories { return v.providersWith(v.clock) }

func (v *vendors) providersWith(c clock.Clock) factories {
	p := newProvider(provider.Options{
		Version: "test", Clock: c, Getenv: func(name string) string { return v.env[name] },
	}, v.way)
	return factories{"kustom": func() (tfprotov6.ProviderServer, error) { return provider.NewServer(p, false) }}
}

// commands returns an environment for Terraform's commands in this process, by a provider with such options.
func (v *vendors) commands(t *testing.T, o provider.Options) *testEnv {
	t.Helper()
	o.Version, o.Clock, o.Getenv = "test", v.clock, func(name string) string { return v.env[name] }
	p := newProvider(o, v.way)
	return &testEnv{
		sandbox: v.observed, server: v.server, clock: v.clock, dir: t.TempDir(), vendors: v.env,
		inProcess: newInProcess(t, func() (tfprotov6.ProviderServer, error) { return provider.NewServer(p, false) }),
	}
}

// Names and values of the published examples, and of the calls that they lead to.
const (
	exampleStore    = "M00123456"
	exampleKeyID    = "M00123456/7a3c0c1e-5b1e-4a49-9d0e-0c8f0f6e2b11"
	exampleUsername = "M00123456-aB3dE"
	exampleSecret   = "kco_live_api_EXAMPLEn4T8vLq2ZsX6cWj9BfRk3Hd7Yp"
	legacyHost      = "api.klarna.com"
	kustomHost      = "api.kustom.co"

	keyAddress      = "kustom_api_key.checkout"
	shopAddress     = "mystore_klarna_checkout_credentials.butikk"
	pastedAddress   = "mystore_klarna_checkout_credentials.nettbutikk"
	keyExample      = "resources/kustom_api_key/"
	shopExample     = "resources/mystore_klarna_checkout_credentials/"
	credentialsCall = "/shops/{shop}/extensions/klarna-checkout-v3/credentials"
	storeKeysCall   = "/stores/{merchant_id}/credentials"
	keysCall        = "/credentials"
	orderCall       = "/checkout/v3/orders/{order_id}"
)

// exampleSeed is the store and the shops that the examples name. The shop butikk has no credentials
// yet, and nettbutikk those of the store's only key.
func exampleSeed() sandbox.Seed {
	installed := time.Date(2026, time.October, 1, 8, 0, 0, 0, time.UTC)
	v3 := []sandbox.Extension{{ID: sandbox.KlarnaCheckoutV3, Name: "Klarna Checkout V3", Version: "3.4.1", Active: true}}
	return sandbox.Seed{
		Users: []sandbox.User{
			{Token: "example-token-admin", Email: "admin@butikk.example"},
			{Token: "example-token-staff", Email: "staff@butikk.example", Role: sandbox.RoleStaff},
			{Token: "example-token-expired", Email: "former@butikk.example", Expired: true},
			{Token: "example-token-stranger", Email: "stranger@annen.example", Stores: []string{"M00999999"}},
		},
		Stores: []sandbox.Store{
			{MerchantID: exampleStore, Name: "Butikk", Website: "https://butikk.example", Keys: []sandbox.Key{{
				CredentialID: "7a3c0c1e-5b1e-4a49-9d0e-0c8f0f6e2b11",
				Username:     exampleUsername, Secret: exampleSecret, Host: kustomHost,
				CreatedAt: installed, CreatedBy: "admin@butikk.example",
			}}},
			{MerchantID: "M00999999", Name: "Annen", Website: "https://annen.example"},
		},
		Shops: []sandbox.Shop{
			{Name: "butikk", Token: "example-token-butikk", MerchantID: exampleStore, Extensions: v3},
			{Name: "nettbutikk", Token: "example-token-nettbutikk", MerchantID: exampleStore, Extensions: v3,
				KustomID: exampleUsername, KustomSecret: exampleSecret, UpdatedAt: &installed},
		},
	}
}

// example returns published files as one configuration.
func example(t testing.TB, files ...string) string {
	t.Helper()
	var all strings.Builder
	for _, file := range files {
		content, err := fs.ReadFile(examples.FS, file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(content)
		all.WriteByte('\n')
	}
	return all.String()
}

func switchExample(t *testing.T) string {
	t.Helper()
	return example(t, "switch/terraform.tf", "switch/variables.tf", "switch/main.tf", "switch/outputs.tf")
}

// generated is the example of a shop on a key that is made for it, and pasted the one of a shop on a
// key that was made in the portal.
func generated(t *testing.T) string {
	t.Helper()
	return example(t, shopExample+"terraform.tf", shopExample+"resource.tf")
}

func pasted(t *testing.T) string {
	t.Helper()
	return example(t, shopExample+"terraform.tf", shopExample+"resource_write_only.tf")
}

// edit changes something in a configuration that must be there.
func edit(t *testing.T, hcl, old, changed string) string {
	t.Helper()
	if !strings.Contains(hcl, old) {
		t.Fatalf("the configuration has no %q", old)
	}
	return strings.Replace(hcl, old, changed, 1)
}

// importBlock imports id to an address. Where a resource names its provider, as Mystore's do, OpenTofu
// wants the block to name it too, and both accept that nowhere else.
func importBlock(address, id string) string {
	provider := ""
	if strings.HasPrefix(address, "mystore_") {
		provider = "\n  provider = kustom"
	}
	return fmt.Sprintf("\nimport {\n  to = %s\n  id = %q%s\n}\n", address, id, provider)
}

// words matches a text however Terraform wraps it.
func words(text string) *regexp.Regexp {
	fields := strings.Fields(text)
	for i, field := range fields {
		fields[i] = regexp.QuoteMeta(field)
	}
	return regexp.MustCompile(strings.Join(fields, `\s+`))
}

// planned expects a plan of exactly these changes, by address: the actions, before them the ID of
// what is imported, as in "import shop, update".
type planned map[string]string

func (want planned) CheckPlan(_ context.Context, req plancheck.CheckPlanRequest, resp *plancheck.CheckPlanResponse) {
	got := planned{}
	for _, change := range req.Plan.ResourceChanges {
		var actions []string
		if change.Change.Importing != nil {
			actions = append(actions, "import "+change.Change.Importing.ID)
		}
		if !change.Change.Actions.NoOp() {
			for _, action := range change.Change.Actions {
				actions = append(actions, string(action))
			}
		}
		if len(actions) > 0 {
			got[change.Address] = strings.Join(actions, ", ")
		}
	}
	if !maps.Equal(got, want) {
		resp.Error = fmt.Errorf("the plan is %q, want %q", map[string]string(got), map[string]string(want))
	}
}

// plans checks the plan of a step before it is applied.
func plans(checks ...plancheck.PlanCheck) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: checks}
}

// key returns the store's key with that username.
func (o observed) key(t *testing.T, merchantID, username string) sandbox.Key {
	t.Helper()
	for _, key := range o.Keys(merchantID) {
		if key.Username == username {
			return key
		}
	}
	t.Errorf("store %s has no key %s", merchantID, username)
	return sandbox.Key{}
}

func (o observed) shop(t *testing.T, name string) sandbox.Shop {
	t.Helper()
	shop, ok := o.Shop(name)
	if !ok {
		t.Fatalf("there is no shop %s", name)
	}
	return shop
}

// wantWorking checks that the shops take payments and that no promise was broken on the way.
func (o observed) wantWorking(t *testing.T, shops ...string) {
	t.Helper()
	for _, shop := range shops {
		o.mustTakePayments(shop)
	}
	o.wantViolations(t)
}

func (o observed) wantViolations(t *testing.T, want ...sandbox.ViolationKind) {
	t.Helper()
	var got []sandbox.ViolationKind
	for _, violation := range o.Violations() {
		got = append(got, violation.Kind)
	}
	if !slices.Equal(got, want) {
		t.Errorf("violations %q, want %q: %v", got, want, o.Violations())
	}
}

// wantCount checks how often a call was made since the requests were last reset.
func (o observed) wantCount(t *testing.T, want int, api, method, template string) {
	t.Helper()
	if got := o.Count(api, method, template); got != want {
		t.Errorf("%d × %s %s %s, want %d", got, api, method, template, want)
	}
}

// wantAnswer checks that a call was answered with that status at least once.
func (o observed) wantAnswer(t *testing.T, api, method, template string, status int) {
	t.Helper()
	if !slices.ContainsFunc(o.Requests(), func(r sandbox.Request) bool {
		return r.API == api && r.Method == method && r.Template == template && r.Status == status
	}) {
		t.Errorf("no %s %s %s was answered with %d", api, method, template, status)
	}
}

// wantOnlyReads checks that since the requests were last reset nothing was changed.
func (o observed) wantOnlyReads(t *testing.T) {
	t.Helper()
	for _, r := range o.Requests() {
		if r.Method != http.MethodGet {
			t.Errorf("%s %s %s (%d)", r.API, r.Method, r.Path, r.Status)
		}
	}
}

// release takes all credentials out of the shops, so that the keys may be destroyed when a test ends.
func (v *vendors) release(t *testing.T, shops ...string) {
	t.Helper()
	for _, shop := range shops {
		id, secret := "", ""
		if v.way == waysPages {
			// An empty field tells nothing on a page.
			id, secret = v.shop(t, shop).MerchantID+"-none", "kco_live_api_EXAMPLEnone"
		}
		v.mustInstall(shop, id, secret)
	}
}

// knownInPlan expects a string that the plan shows already.
func knownInPlan(address, attribute, value string) plancheck.PlanCheck {
	return plancheck.ExpectKnownValue(address, tfjsonpath.New(attribute), knownvalue.StringExact(value))
}
