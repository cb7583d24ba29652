package provider_test

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

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

// TestListKeys filters the keys of [variantSeed] in every way.
func TestListKeys(t *testing.T) {
	t.Parallel()
	const legacy = " (api.klarna.com)"
	tests := []struct {
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
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v := newVendors(t, variantSeed(), sandbox.Options{})
			q := query{typeName: keyType, config: test.config, limit: manyResults}
			c := v.caller(t)
			c.mustBeFine(c.validate(q))
			if got := names(c.all(q)); !slices.Equal(got, test.want) {
				t.Errorf("listed are %q, want %q", got, test.want)
			}
			v.wantCount(t, test.requests, sandbox.Portal, http.MethodGet, keysCall)
			v.wantOnlyReads(t)
		})
	}
}

// TestListedKey is what an import of the key comes to: configuration that is generated from it plans
// no change.
func TestListedKey(t *testing.T) {
	t.Parallel()
	seed := sandbox.ThreeShops()
	v := newVendors(t, seed, sandbox.Options{})
	c := v.caller(t)
	results := c.all(query{typeName: keyType, limit: manyResults, include: true})
	if len(results) != 4 {
		t.Fatalf("%d keys were listed", len(results))
	}
	for _, result := range results {
		identity := c.identityOf(result.instance)
		imported, diagnostics := c.imported(keyType, identity["merchant_id"]+"/"+identity["credential_id"], nil)
		c.mustBeFine(diagnostics)
		read, diagnostics := c.refresh(imported)
		c.mustBeFine(diagnostics)
		c.wantIdentity(read, identity)
		if !slices.Equal(result.state.MsgPack, read.state.MsgPack) {
			t.Errorf("listed is\n%q, imported\n%q", c.stateOf(result.instance), c.stateOf(read))
		}
		if c.stateOf(read)["host"] != legacyHost {
			t.Errorf("the host is %q", c.stateOf(read)["host"])
		}
	}
	for _, result := range c.all(query{typeName: keyType, limit: manyResults}) {
		if result.state != nil {
			t.Errorf("%s has a resource that nobody has asked for", result.name)
		}
	}
}

// TestListedKeyName is what the portal shows of a key.
func TestListedKeyName(t *testing.T) {
	t.Parallel()
	seed := exampleSeed()
	description := "terraform: butikk"
	seed.Stores[0].Keys[0].Description = &description
	v := newVendors(t, seed, sandbox.Options{})
	if got := names(v.caller(t).all(query{typeName: keyType, limit: manyResults})); !slices.Equal(got, []string{exampleUsername + " (terraform: butikk)"}) {
		t.Errorf("listed are %q", got)
	}
}

// manyKeys is a store with more keys than the portal returns at once.
func manyKeys() sandbox.Seed {
	seed := exampleSeed()
	made := time.Date(2026, time.October, 1, 8, 0, 0, 0, time.UTC)
	seed.Stores[0].Keys = nil
	seed.Shops = nil
	for i := range 250 {
		username := fmt.Sprintf("%s-%03d", exampleStore, i)
		seed.Stores[0].Keys = append(seed.Stores[0].Keys, sandbox.Key{
			CredentialID: fmt.Sprintf("c-%d", i), Username: username, Secret: "kco_live_api_" + username, Host: kustomHost,
			CreatedAt: made.Add(time.Duration(i) * time.Minute), CreatedBy: "admin@butikk.example",
		})
	}
	return seed
}

// TestI7ListLimit asks for no page behind the last result that Terraform wants.
func TestI7ListLimit(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ limit, results, pages int }{
		{0, 0, 0}, {1, 1, 1}, {100, 100, 1}, {101, 101, 2}, {200, 200, 2}, {manyResults, 250, 3},
	} {
		v := newVendors(t, manyKeys(), sandbox.Options{})
		if got := v.caller(t).all(query{typeName: keyType, limit: int64(test.limit)}); len(got) != test.results {
			t.Errorf("limit %d: %d results", test.limit, len(got))
		}
		v.wantCount(t, test.pages, sandbox.Portal, http.MethodGet, keysCall)
	}
}

// TestI7ListIsLeft ends with who listens.
func TestI7ListIsLeft(t *testing.T) {
	t.Parallel()
	v := newVendors(t, manyKeys(), sandbox.Options{})
	for range v.caller(t).list(t.Context(), query{typeName: keyType, limit: manyResults}) {
		break
	}
	v.wantCount(t, 1, sandbox.Portal, http.MethodGet, keysCall)
}

// TestI6ListIsCancelled ends at once, be it between two results or while a page is waited for.
func TestI6ListIsCancelled(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		arm     func(v *vendors, cancel func())
		after   int
		results int
	}{
		"between results": {func(*vendors, func()) {}, 50, 50},
		"while waiting": {func(v *vendors, cancel func()) {
			pages := 0
			v.Arm(sandbox.Fault{API: sandbox.Portal, Kind: sandbox.FaultSilence, Match: func(sandbox.Request) bool {
				if pages++; pages == 2 {
					cancel()
				}
				return pages == 2
			}})
		}, manyResults, 100},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVendors(t, manyKeys(), sandbox.Options{})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			test.arm(v, cancel)
			var results []listed
			for result := range v.caller(t).list(ctx, query{typeName: keyType, limit: manyResults}) {
				if results = append(results, result); len(results) == test.after {
					cancel()
				}
			}
			last := len(results) - 1
			if last != test.results || !strings.Contains(errorsOf(results[last].diagnostics), "API keys not listed: The run was interrupted.") {
				t.Errorf("%d results, at last %q", len(results), errorsOf(results[last].diagnostics))
			}
		})
	}
}

// badQuery is a query that fails, and what a person is told.
type badQuery struct {
	name  string
	query query
	env   map[string]string
	// results come before the error.
	results int
	says    string
}

func (test badQuery) run(t *testing.T) {
	t.Parallel()
	v := newVendors(t, exampleSeed(), sandbox.Options{})
	for name, value := range test.env {
		v.env[name] = value
	}
	c := v.caller(t)
	if test.query.limit == 0 {
		if got := errorsOf(c.validate(test.query)); !strings.Contains(got, test.says) {
			t.Errorf("it is refused with %q", got)
		}
		v.wantCount(t, 0, "", "", "")
		return
	}
	var results []listed
	for result := range c.list(t.Context(), test.query) {
		results = append(results, result)
	}
	if len(results) != test.results+1 {
		t.Fatalf("%d results", len(results))
	}
	text := errorsOf(results[test.results].diagnostics)
	if !strings.Contains(text, test.says) {
		t.Errorf("it ends with %q", text)
	}
	if leaks(text, v.Secrets()) > 0 {
		t.Error("the error has a secret in it")
	}
}

func TestListKeysFails(t *testing.T) {
	t.Parallel()
	all := query{typeName: keyType, limit: manyResults}
	filtered := func(name string, value any) query {
		return query{typeName: keyType, config: attributes{name: value}}
	}
	for _, test := range []badQuery{
		{name: "token missing", query: all, env: portalTokenIs(""), says: "API keys not listed: The provider's portal_token is not set. Set it, or the environment variable KUSTOM_PORTAL_TOKEN"},
		{name: "token wrong", query: all, env: portalTokenIs("wrong-portal-token"), says: "API keys not listed: Kustom Portal rejects the token. It is wrong or has expired."},
		{name: "staff", query: all, env: portalTokenIs("example-token-staff"), says: "can't see Integrations. Ask your account administrator for access via User Manager"},
		{
			name: "store not visible", query: query{typeName: keyType, config: attributes{"merchant_ids": []string{exampleStore}}, limit: manyResults},
			env: portalTokenIs("example-token-stranger"), says: "can't see such a store. Check the merchant ID",
		},
		{name: "malformed store", query: filtered("merchant_ids", []string{"butikk"}), says: `Malformed merchant ID: "butikk" is not a merchant ID.`},
		{name: "store twice", query: filtered("merchant_ids", []string{exampleStore, exampleStore}), says: "duplicate"},
		{name: "no store", query: filtered("merchant_ids", []string{}), says: "at least 1 elements"},
		{name: "malformed time", query: filtered("unused_since", "2026-03-31"), says: "Malformed time"},
	} {
		t.Run(test.name, test.run)
	}
}

const (
	keyListExample    = "list-resources/" + keyType + "/list-resource.tfquery.hcl"
	unusedListExample = "list-resources/" + keyType + "/list-resource_unused.tfquery.hcl"
)

// TestAccListKeys runs the published examples on three shops.
func TestAccListKeys(t *testing.T) {
	v := newVendors(t, sandbox.ThreeShops(), sandbox.Options{})
	const address = "kustom_api_key.legacy"
	merchantID, credentialID, _ := strings.Cut(toSwitch[legacyStore].keyID, "/")
	identity := map[string]knownvalue.Check{
		"merchant_id": knownvalue.StringExact(merchantID), "credential_id": knownvalue.StringExact(credentialID),
	}
	resource.ParallelTest(t, resource.TestCase{
		TerraformVersionChecks:   []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_14_0)},
		ProtoV6ProviderFactories: v.providers(),
		Steps: []resource.TestStep{
			{Config: example(t, path.Dir(keyListExample)+"/terraform.tf")},
			{
				Query: true, Config: example(t, keyListExample, unusedListExample),
				QueryResultChecks: []querycheck.QueryResultCheck{
					querycheck.ExpectLength(address, 4),
					querycheck.ExpectIdentity(address, identity),
					querycheck.ExpectResourceDisplayName(address, queryfilter.ByResourceIdentity(identity),
						knownvalue.StringExact("M00412871-qT7vA (api.klarna.com)")),
					querycheck.ExpectLength("kustom_api_key.unused", 4),
				},
			},
			{
				// The resource itself comes only to who asks for it.
				Query: true, Config: edit(t, example(t, keyListExample), "provider = kustom", "provider = kustom\n include_resource = true"),
				QueryResultChecks: []querycheck.QueryResultCheck{
					querycheck.ExpectResourceKnownValues(address, queryfilter.ByResourceIdentity(identity), []querycheck.KnownValueCheck{
						{Path: tfjsonpath.New("host"), KnownValue: knownvalue.StringExact(legacyHost)},
					}),
				},
			},
		},
	})
	v.wantOnlyReads(t)
}
