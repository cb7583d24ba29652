package provider_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/querycheck"
	"github.com/hashicorp/terraform-plugin-testing/querycheck/queryfilter"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// names returns the display names of results.
func names(results []listed) []string {
	found := []string{}
	for _, result := range results {
		found = append(found, result.name)
	}
	return found
}

var (
	everyKey  = query{typeName: keyType, limit: manyResults}
	everyShop = query{typeName: shopType, limit: manyResults}
)

// with returns the query with a configuration.
func (q query) with(config attributes) query {
	q.config = config
	return q
}

// TestListKeys_FiltersKeys lists the keys of [variantSeed] with each filter.
func TestListKeys_FiltersKeys(t *testing.T) {
	t.Parallel()
	const legacy = " (api.klarna.com)"
	for _, test := range []struct {
		name   string
		config attributes
		want   []string
		// requests is how often keys are listed.
		requests int
	}{
		{"all", nil, []string{
			"M001-held" + legacy, "M001-later" + legacy, "M002-last" + legacy, "M002-earlier" + legacy, "M002-never" + legacy,
			"M003-old" + legacy, "M003-new", "M004-old" + legacy, "M004-new", "M005-never" + legacy, "M006-new",
		}, 1},
		{"two stores", attributes{"merchant_ids": []string{"M006", "M003"}}, []string{"M006-new", "M003-old" + legacy, "M003-new"}, 2},
		{
			"four stores", attributes{"merchant_ids": []string{"M006", "M003", "M005", "M001"}},
			[]string{"M001-held" + legacy, "M001-later" + legacy, "M003-old" + legacy, "M003-new", "M005-never" + legacy, "M006-new"}, 1,
		},
		{"legacy", attributes{"merchant_ids": []string{"M003"}, "legacy": true}, []string{"M003-old" + legacy}, 1},
		{"not legacy", attributes{"legacy": false}, []string{"M003-new", "M004-new", "M006-new"}, 1},
		{
			// Used then is not unused since then.
			"unused", attributes{"merchant_ids": []string{"M002"}, "unused_since": "2024-05-05T12:00:00Z"},
			[]string{"M002-earlier" + legacy, "M002-never" + legacy}, 1,
		},
		{"none", attributes{"merchant_ids": []string{"M006"}, "legacy": true}, []string{}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v := newVendors(t, variantSeed(), sandbox.Options{})
			c := v.caller(t)
			c.mustBeFine(c.validate(everyKey.with(test.config)))
			if got := names(c.all(everyKey.with(test.config))); !slices.Equal(got, test.want) {
				t.Errorf("listed are %q, want %q", got, test.want)
			}
			v.wantCount(t, test.requests, sandbox.Portal, http.MethodGet, keysCall)
			v.wantOnlyReads(t)
		})
	}
}

// TestListShops_LeavesOutShopsWithoutCheckout lists the shops of [variantSeed], two of which have no Klarna Checkout V3.
func TestListShops_LeavesOutShopsWithoutCheckout(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		config attributes
		want   []string
		// without is how many shops have to be asked whether they have it at all.
		without int
	}{
		{"all", nil, []string{"shop-a (M001-held)", "shop-b (M001-held)", "switched (M003-new)"}, 2},
		{"some", attributes{"shops": []string{"switched", "no-checkout", "shop-a"}}, []string{"switched (M003-new)", "shop-a (M001-held)"}, 1},
		{"none", attributes{"shops": []string{"nothing"}}, []string{}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v := newVendors(t, variantSeed(), sandbox.Options{})
			c := v.caller(t)
			c.mustBeFine(c.validate(everyShop.with(test.config)))
			results := c.all(everyShop.with(test.config))
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

// TestListKeys_ReturnsSameAsImport imports each result. So configuration that is generated from a result plans no change.
func TestListKeys_ReturnsSameAsImport(t *testing.T) {
	t.Parallel()
	seed := sandbox.ThreeShops()
	description := "terraform: fjellsport"
	seed.Stores[0].Keys[0].Description = &description
	c := newVendors(t, seed, sandbox.Options{}).caller(t)
	complete := everyKey
	complete.include = true
	results := c.all(complete)
	if len(results) != 4 || results[0].name != "M00412871-qT7vA (terraform: fjellsport, api.klarna.com)" {
		t.Fatalf("listed are %q", names(results))
	}
	for _, result := range results {
		identity := c.identityOf(result.instance)
		imported, diagnostics := c.imported(keyType, identity["merchant_id"]+"/"+identity["credential_id"], nil)
		c.mustBeFine(diagnostics)
		read, diagnostics := c.refresh(imported)
		c.mustBeFine(diagnostics)
		c.wantIdentity(read, identity)
		if !slices.Equal(result.state.MsgPack, read.state.MsgPack) || c.stateOf(read)["host"] != legacyHost {
			t.Errorf("listed is\n%q, imported\n%q", c.stateOf(result.instance), c.stateOf(read))
		}
	}
	for _, result := range c.all(everyKey) {
		if result.state != nil {
			t.Errorf("%s has a resource that nobody has asked for", result.name)
		}
	}
}

// TestListShops_ReturnsSameAsImport imports each result. A result also has the version of the secret, which the user adds.
func TestListShops_ReturnsSameAsImport(t *testing.T) {
	t.Parallel()
	c := newVendors(t, exampleSeed(), sandbox.Options{}).caller(t)
	complete := everyShop
	complete.include = true
	results := c.all(complete)
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

// manyObjects are a store with more keys than the portal returns at once, and 20 shops that can be listed behind as many
// that can't.
func manyObjects() sandbox.Seed {
	seed := exampleSeed()
	made := time.Date(2026, time.October, 1, 8, 0, 0, 0, time.UTC)
	v3 := seed.Shops[0].Extensions
	seed.Stores[0].Keys, seed.Shops = nil, nil
	for i := range 250 {
		username := fmt.Sprintf("%s-%03d", exampleStore, i)
		seed.Stores[0].Keys = append(seed.Stores[0].Keys, sandbox.Key{
			CredentialID: fmt.Sprintf("c-%d", i), Username: username, Secret: "kco_live_api_" + username, Host: kustomHost,
			CreatedAt: made.Add(time.Duration(i) * time.Minute), CreatedBy: "admin@butikk.example",
		})
	}
	for i := range 40 {
		shop := sandbox.Shop{Name: fmt.Sprintf("shop-%02d", i), Token: fmt.Sprintf("example-token-%02d", i)}
		if i >= 20 {
			shop.MerchantID, shop.Extensions = exampleStore, v3
		}
		seed.Shops = append(seed.Shops, shop)
	}
	return seed
}

// TestLists_ReadNothingBeyondLimit expects no more reads than the limit of the query needs.
func TestLists_ReadNothingBeyondLimit(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		typeName              string
		limit, results, reads int
	}{
		{keyType, 0, 0, 0},
		{keyType, 1, 1, 1},
		{keyType, 100, 100, 1},
		{keyType, 101, 101, 2},
		{keyType, 200, 200, 2},
		{keyType, manyResults, 250, 3},
		{shopType, 0, 0, 0},
		{shopType, 1, 1, 21},
		{shopType, 17, 17, 37},
		{shopType, manyResults, 20, 40},
	} {
		v := newVendors(t, manyObjects(), sandbox.Options{})
		if got := v.caller(t).all(query{typeName: test.typeName, limit: int64(test.limit)}); len(got) != test.results {
			t.Errorf("%s, limit %d: %d results", test.typeName, test.limit, len(got))
		}
		if reads := v.Count(sandbox.Portal, http.MethodGet, keysCall) + v.Count(sandbox.Mystore, http.MethodGet, credentialsCall); reads != test.reads {
			t.Errorf("%s, limit %d: %d reads, want %d", test.typeName, test.limit, reads, test.reads)
		}
	}
}

// TestLists_StopReadingWhenCallerStops stops or cancels a query between two results, or cancels it during a request.
func TestLists_StopReadingWhenCallerStops(t *testing.T) {
	t.Parallel()
	const secondPage, shop30 = 2, "shop-30"
	for name, test := range map[string]struct {
		query query
		// silent says at which request the vendor stops answering and the query is cancelled.
		silent func(asked int, r sandbox.Request) bool
		// after is the number of results before it is cancelled. If stops, the caller stops reading then, too.
		after int
		stops bool
		// results come before the error, or at least so many.
		results, atLeast int
		says             string
		pages            int
	}{
		"caller stops":    {query: everyKey, after: 1, stops: true, results: 1, pages: 1},
		"between results": {query: everyKey, after: 50, results: 50, pages: 1, says: "API keys not listed: The run was interrupted."},
		"waiting for keys": {
			query: everyKey, silent: func(asked int, _ sandbox.Request) bool { return asked == secondPage }, results: 100, pages: secondPage,
			says: "API keys not listed: The run was interrupted.",
		},
		"waiting for a shop": {
			query: everyShop, silent: func(_ int, r sandbox.Request) bool { return r.Shop == shop30 },
			says: "Shops not listed: The run was interrupted.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVendors(t, manyObjects(), sandbox.Options{})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if test.silent != nil {
				asked := 0
				v.Arm(sandbox.Fault{Kind: sandbox.FaultSilence, Match: func(r sandbox.Request) bool {
					asked++
					silent := test.silent(asked, r)
					if silent {
						cancel()
					}
					return silent
				}})
			}
			var results []listed
			for result := range v.caller(t).list(ctx, test.query) {
				if results = append(results, result); len(results) == test.after {
					cancel()
					if test.stops {
						break
					}
				}
			}
			if test.says != "" {
				last := results[len(results)-1]
				results = results[:len(results)-1]
				if text := errorsOf(last.diagnostics); !strings.Contains(text, test.says) {
					t.Errorf("%d results, at last %q", len(results), text)
				}
			}
			if test.results != 0 && len(results) != test.results {
				t.Errorf("%d results, want %d", len(results), test.results)
			}
			v.wantCount(t, test.pages, sandbox.Portal, http.MethodGet, keysCall)
			if slices.ContainsFunc(v.Requests(), func(r sandbox.Request) bool { return r.Shop > "shop-31" }) {
				t.Error("it read other shops after that")
			}
		})
	}
}

// TestLists_NameReasonOfFailure checks the errors of queries that fail.
func TestLists_NameReasonOfFailure(t *testing.T) {
	t.Parallel()
	invalid := func(q query, name string, value any) query {
		q.limit = 0
		return q.with(attributes{name: value})
	}
	wrongToken := shopTokensAre(`{"butikk": "example-token-butikk", "nettbutikk": "wrong-shop-token"}`)
	for _, test := range []struct {
		name string
		// query is only validated if its limit is 0.
		query query
		env   map[string]string
		// results come before the error.
		results int
		says    string
	}{
		{
			name: "portal token missing", query: everyKey, env: portalTokenIs(""),
			says: "API keys not listed: The provider's portal_token is not set. Set it, or the environment variable KUSTOM_PORTAL_TOKEN",
		},
		{
			name: "portal token wrong", query: everyKey, env: portalTokenIs("wrong-portal-token"),
			says: "API keys not listed: Kustom Portal rejects the token. It is wrong or has expired.",
		},
		{
			name: "staff", query: everyKey, env: portalTokenIs("example-token-staff"),
			says: "can't see Integrations. Ask your account administrator for access via User Manager",
		},
		{
			name: "store not visible", query: everyKey.with(attributes{"merchant_ids": []string{exampleStore}}), env: portalTokenIs("example-token-stranger"),
			says: "can't see such a store. Check the merchant ID",
		},
		{
			name: "malformed store", query: invalid(everyKey, "merchant_ids", []string{"butikk"}),
			says: `Malformed merchant ID: "butikk" is not a merchant ID.`,
		},
		{name: "store twice", query: invalid(everyKey, "merchant_ids", []string{exampleStore, exampleStore}), says: "duplicate"},
		{name: "no store", query: invalid(everyKey, "merchant_ids", []string{}), says: "at least 1 elements"},
		{name: "malformed time", query: invalid(everyKey, "unused_since", "2026-03-31"), says: "Malformed time"},
		{
			name: "no shop tokens", query: everyShop, env: shopTokensAre(""),
			says: "Shops not listed: The provider's mystore_tokens is not set. Set it, or the environment variable MYSTORE_TOKENS, to a map",
		},
		{name: "empty map of tokens", query: everyShop, env: shopTokensAre("{}")},
		{
			name: "no token for the shop", query: everyShop.with(attributes{"shops": []string{"butikk", "annen"}}), results: 1,
			says: "Shops not listed: The provider has no Mystore token for shop annen. Create a token for this shop at auth.mystore.no",
		},
		{
			name: "shop token wrong", query: everyShop, results: 1, env: wrongToken,
			says: "Shops not listed: Mystore rejects the shop's token. It is wrong or has expired.",
		},
		{
			name: "token of another shop", query: everyShop, env: shopTokensAre(`{"nettbutikk": "example-token-butikk"}`),
			says: "It belongs to another shop, or lacks the permission for extensions.",
		},
		{name: "no shop", query: invalid(everyShop, "shops", []string{}), says: "at least 1 elements"},
		{name: "shop without a name", query: invalid(everyShop, "shops", []string{""}), says: "at least 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v := newVendors(t, exampleSeed(), sandbox.Options{})
			maps.Copy(v.env, test.env)
			c := v.caller(t)
			results, text := 0, ""
			if test.query.limit == 0 {
				text = errorsOf(c.validate(test.query))
				v.wantNoRequests(t)
			} else {
				for result := range c.list(t.Context(), test.query) {
					if text = errorsOf(result.diagnostics); text == "" {
						results++
					}
				}
			}
			if results != test.results || !strings.Contains(text, test.says) || (text == "") != (test.says == "") {
				t.Errorf("%d results, at last %q", results, text)
			}
			if leaks(text, v.Secrets()) > 0 {
				t.Error("the error has a secret in it")
			}
		})
	}
}

const (
	keyListExamples  = "list-resources/" + keyType + "/"
	shopListExamples = "list-resources/" + shopType + "/"
	keyListExample   = keyListExamples + "list-resource.tfquery.hcl"
	unusedExample    = keyListExamples + "list-resource_unused.tfquery.hcl"
	shopListExample  = shopListExamples + "list-resource.tfquery.hcl"
)

// TestAccLists_RunPublishedExamples runs the examples on three shops. A result has the resource only if the query includes it.
func TestAccLists_RunPublishedExamples(t *testing.T) {
	const keys, shops = "kustom_api_key.legacy", "mystore_klarna_checkout_credentials.all"
	merchantID, credentialID, _ := strings.Cut(toSwitch[legacyStore].keyID, "/")
	key := map[string]knownvalue.Check{
		"merchant_id": knownvalue.StringExact(merchantID), "credential_id": knownvalue.StringExact(credentialID),
	}
	shop := map[string]knownvalue.Check{"shop": knownvalue.StringExact("fjellsport")}
	known := func(attribute, value string) []querycheck.KnownValueCheck {
		return []querycheck.KnownValueCheck{{Path: tfjsonpath.New(attribute), KnownValue: knownvalue.StringExact(value)}}
	}
	complete := func(file string) string {
		return edit(t, example(t, file), "provider = kustom", "provider = kustom\n include_resource = true")
	}
	v := newVendors(t, sandbox.ThreeShops(), sandbox.Options{})
	resource.ParallelTest(t, resource.TestCase{
		TerraformVersionChecks:   []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_14_0)},
		ProtoV6ProviderFactories: v.providers(),
		Steps: []resource.TestStep{
			{Config: example(t, keyListExamples+"terraform.tf")},
			{Query: true, Config: example(t, keyListExample, unusedExample), QueryResultChecks: []querycheck.QueryResultCheck{
				querycheck.ExpectLength(keys, 4),
				querycheck.ExpectIdentity(keys, key),
				querycheck.ExpectResourceDisplayName(keys, queryfilter.ByResourceIdentity(key), knownvalue.StringExact("M00412871-qT7vA (api.klarna.com)")),
				querycheck.ExpectLength("kustom_api_key.unused", 4),
			}},
			{Query: true, Config: complete(keyListExample), QueryResultChecks: []querycheck.QueryResultCheck{
				querycheck.ExpectResourceKnownValues(keys, queryfilter.ByResourceIdentity(key), known("host", legacyHost)),
			}},
			{Query: true, Config: complete(shopListExample), QueryResultChecks: []querycheck.QueryResultCheck{
				querycheck.ExpectLength(shops, 3),
				querycheck.ExpectIdentity(shops, shop),
				querycheck.ExpectResourceKnownValues(shops, queryfilter.ByResourceIdentity(shop), known("kustom_id", "M00412871-qT7vA")),
			}},
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

// TestAccLists_GenerateConfigurationThatChangesNothing lists keys and shops, and applies the configuration that Terraform
// makes of them.
func TestAccLists_GenerateConfigurationThatChangesNothing(t *testing.T) {
	t.Parallel()
	w := newTestEnv(t, testEnvOptions{})
	w.skipBelow(t, tfversion.Version1_14_0)
	w.write(t, "terraform.tf", example(t, keyExample+"terraform.tf"))
	w.write(t, "keys.tfquery.hcl", example(t, keyListExample))
	w.write(t, "shops.tfquery.hcl", example(t, shopListExample))
	if r := w.terraform(t, "query", "-generate-config-out=generated.tf", "-no-color"); r.code != 0 {
		t.Fatal(r.output)
	}
	completed := strings.ReplaceAll(read(t, filepath.Join(w.dir, "generated.tf")), "kustom_secret_wo         = null # sensitive", "kustom_secret_wo = var.secret")
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
