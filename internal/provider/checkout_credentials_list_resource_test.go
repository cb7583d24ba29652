package provider_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/querycheck"
	"github.com/hashicorp/terraform-plugin-testing/querycheck/queryfilter"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// TestListShops lists the shops of [variantSeed], two of which have no Klarna Checkout V3.
func TestListShops(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		config attributes
		want   []string
		// without is how many shops have to be asked whether they have it at all.
		without int
	}{
		{"all", nil, []string{"shop-a (M001-held)", "shop-b (M001-held)", "switched (M003-new)"}, 2},
		{"some", attributes{"shops": []string{"switched", "no-checkout", "shop-a"}}, []string{"switched (M003-new)", "shop-a (M001-held)"}, 1},
		{"none", attributes{"shops": []string{"nothing"}}, []string{}, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v := newVendors(t, variantSeed(), sandbox.Options{})
			q := query{typeName: shopType, config: test.config, limit: manyResults}
			c := v.caller(t)
			c.mustBeFine(c.validate(q))
			results := c.all(q)
			if got := names(results); !slices.Equal(got, test.want) {
				t.Errorf("listed are %q, want %q", got, test.want)
			}
			for _, result := range results {
				shop, _, _ := strings.Cut(result.name, " ")
				c.wantIdentity(result.instance, map[string]string{"shop": shop})
			}
			v.wantCount(t, 0, sandbox.Portal, "", "")
			v.wantCount(t, test.without, sandbox.Mystore, http.MethodGet, extensionsCall)
			v.wantOnlyReads(t)
		})
	}
}

// TestListedShop is what an import of the shop comes to, and the version that goes with the secret
// which has to be added.
func TestListedShop(t *testing.T) {
	t.Parallel()
	v := newVendors(t, exampleSeed(), sandbox.Options{})
	c := v.caller(t)
	results := c.all(query{typeName: shopType, limit: manyResults, include: true})
	if got, want := names(results), []string{"butikk (no credentials)", "nettbutikk (M00123456-aB3dE)"}; !slices.Equal(got, want) {
		t.Fatalf("listed are %q, want %q", got, want)
	}
	for _, result := range results {
		imported, diagnostics := c.imported(shopType, "", attributes{"shop": c.identityOf(result.instance)["shop"]})
		c.mustBeFine(diagnostics)
		read, diagnostics := c.refresh(imported)
		c.mustBeFine(diagnostics)
		got, want := c.stateOf(result.instance), c.stateOf(read)
		if got["kustom_secret_wo_version"] != "1" || got["extension_version"] != "3.4.1" {
			t.Errorf("listed is %q", got)
		}
		delete(got, "kustom_secret_wo_version")
		if !maps.Equal(got, want) {
			t.Errorf("listed is\n%q, imported\n%q", got, want)
		}
	}
}

// manyShops are shops that can be listed, behind as many that can't.
func manyShops() sandbox.Seed {
	seed := exampleSeed()
	v3 := seed.Shops[0].Extensions
	seed.Shops = nil
	for i := range 40 {
		shop := sandbox.Shop{Name: fmt.Sprintf("shop-%02d", i), Token: fmt.Sprintf("example-token-%02d", i)}
		if i >= 20 {
			shop.MerchantID, shop.Extensions = exampleStore, v3
		}
		seed.Shops = append(seed.Shops, shop)
	}
	return seed
}

// TestI7ListShopsLimit reads no shop behind the last result that Terraform wants.
func TestI7ListShopsLimit(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ limit, results, reads int }{{0, 0, 0}, {1, 1, 21}, {17, 17, 37}, {manyResults, 20, 40}} {
		v := newVendors(t, manyShops(), sandbox.Options{})
		if got := v.caller(t).all(query{typeName: shopType, limit: int64(test.limit)}); len(got) != test.results {
			t.Errorf("limit %d: %d results", test.limit, len(got))
		}
		v.wantCount(t, test.reads, sandbox.Mystore, http.MethodGet, credentialsCall)
	}
}

// TestI6ListShopsIsCancelled ends at once while shops are waited for.
func TestI6ListShopsIsCancelled(t *testing.T) {
	t.Parallel()
	v := newVendors(t, manyShops(), sandbox.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	v.Arm(sandbox.Fault{API: sandbox.Mystore, Kind: sandbox.FaultSilence, Match: func(r sandbox.Request) bool {
		if r.Shop == "shop-30" {
			cancel()
		}
		return r.Shop == "shop-30"
	}})
	var results []listed
	for result := range v.caller(t).list(ctx, query{typeName: shopType, limit: manyResults}) {
		results = append(results, result)
	}
	if text := errorsOf(results[len(results)-1].diagnostics); !strings.Contains(text, "Shops not listed: The run was interrupted.") {
		t.Errorf("%d results, at last %q", len(results), text)
	}
	v.wantCount(t, 0, sandbox.Mystore, http.MethodPatch, "")
	if slices.ContainsFunc(v.Requests(), func(r sandbox.Request) bool { return r.Shop > "shop-31" }) {
		t.Error("it went on to further shops")
	}
}

func TestListShopsFails(t *testing.T) {
	t.Parallel()
	all := query{typeName: shopType, limit: manyResults}
	named := query{typeName: shopType, limit: manyResults, config: attributes{"shops": []string{"butikk", "annen"}}}
	for _, test := range []badQuery{
		{name: "no tokens", query: all, env: shopTokensAre(""), says: "Shops not listed: The provider's mystore_tokens is not set. Set it, or the environment variable MYSTORE_TOKENS, to a map"},
		{name: "no token for the shop", query: named, results: 1, says: "Shops not listed: The provider has no Mystore token for shop annen. Create a token for this shop at auth.mystore.no"},
		{
			name: "token wrong", query: all, results: 1, env: shopTokensAre(`{"butikk": "example-token-butikk", "nettbutikk": "wrong-shop-token"}`),
			says: "Shops not listed: Mystore rejects the shop's token. It is wrong or has expired.",
		},
		{
			name: "token of another shop", query: all, env: shopTokensAre(`{"nettbutikk": "example-token-butikk"}`),
			says: "It belongs to another shop, or lacks the permission for extensions.",
		},
		{name: "no shop", query: query{typeName: shopType, config: attributes{"shops": []string{}}}, says: "at least 1 elements"},
		{name: "shop without a name", query: query{typeName: shopType, config: attributes{"shops": []string{""}}}, says: "at least 1"},
	} {
		t.Run(test.name, test.run)
	}
	t.Run("empty map of tokens", func(t *testing.T) {
		t.Parallel()
		v := newVendors(t, exampleSeed(), sandbox.Options{})
		v.env["MYSTORE_TOKENS"] = "{}"
		if got := v.caller(t).all(all); len(got) != 0 {
			t.Errorf("listed are %q", names(got))
		}
	})
}

const shopListExample = "list-resources/" + shopType + "/list-resource.tfquery.hcl"

// TestAccListShops runs the published example.
func TestAccListShops(t *testing.T) {
	v := newVendors(t, exampleSeed(), sandbox.Options{})
	const address = "mystore_klarna_checkout_credentials.all"
	identity := map[string]knownvalue.Check{"shop": knownvalue.StringExact("nettbutikk")}
	resource.ParallelTest(t, resource.TestCase{
		TerraformVersionChecks:   []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_14_0)},
		ProtoV6ProviderFactories: v.providers(),
		Steps: []resource.TestStep{
			{Config: example(t, path.Dir(shopListExample)+"/terraform.tf")},
			{
				Query: true, Config: edit(t, example(t, shopListExample), "provider = kustom", "provider = kustom\n include_resource = true"),
				QueryResultChecks: []querycheck.QueryResultCheck{
					querycheck.ExpectLength(address, 2),
					querycheck.ExpectIdentity(address, identity),
					querycheck.ExpectResourceKnownValues(address, queryfilter.ByResourceIdentity(identity), []querycheck.KnownValueCheck{
						{Path: tfjsonpath.New("kustom_id"), KnownValue: knownvalue.StringExact(exampleUsername)},
					}),
				},
			},
		},
	})
	v.wantOnlyReads(t)
}

// skipBelow skips a test that needs a newer Terraform than the one in use.
func (w *testEnv) skipBelow(t *testing.T, needs *version.Version) {
	t.Helper()
	_, number, _ := strings.Cut(strings.SplitN(w.terraform(t, "version").output, "\n", 2)[0], " v")
	if has, err := version.NewVersion(number); err != nil || has.LessThan(needs) {
		t.Skipf("needs Terraform %s, this is %s", needs, number)
	}
}

// TestAccGeneratedConfiguration lists keys and shops, and applies the configuration that Terraform
// makes of them. It changes nothing anywhere.
func TestAccGeneratedConfiguration(t *testing.T) {
	t.Parallel()
	w := newTestEnv(t, testEnvOptions{})
	w.skipBelow(t, tfversion.Version1_14_0)
	w.write(t, "terraform.tf", example(t, keyExample+"terraform.tf"))
	w.write(t, "keys.tfquery.hcl", example(t, keyListExample))
	w.write(t, "shops.tfquery.hcl", example(t, shopListExample))
	if r := w.terraform(t, "query", "-generate-config-out=generated.tf", "-no-color"); r.code != 0 {
		t.Fatal(r.output)
	}
	file := filepath.Join(w.dir, "generated.tf")
	generated, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const placeholder = "= null # sensitive"
	completed := strings.ReplaceAll(string(generated), "kustom_secret_wo         "+placeholder, "kustom_secret_wo = var.secret")
	w.write(t, "generated.tf", completed+"\nvariable \"secret\" {\n  default = \"kco_live_api_completed\"\n}\n")
	w.sandbox.ResetRequests()
	if r, want := w.mustApply(t), "7 imported, 0 added, 3 changed, 0 destroyed"; !strings.Contains(r.output, want) {
		t.Errorf("the apply is not %q:\n%s", want, r.output)
	}
	for _, request := range w.sandbox.Requests() {
		if request.Method != http.MethodGet {
			t.Errorf("%s %s %s", request.API, request.Method, request.Path)
		}
	}
	w.mustBeEmpty(t)
}
