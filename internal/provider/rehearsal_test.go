package provider_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	frameworkprovider "github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox/sandboxtest"
)

// rehearsal is the migration of a published example, run by core.
type rehearsal struct {
	*core
	box observed
}

// rehearse has core migrate the shops, without a network. The objects are those of the published example. The
// clock is the real one, or that of the test's bubble.
func rehearse(t *testing.T, o testEnvOptions, way string) migration {
	t.Helper()
	return rehearsed(t, o, way)
}

func rehearsed(t *testing.T, o testEnvOptions, way string) *rehearsal {
	t.Helper()
	o.sandbox.Clock = clock.System{}
	s, err := sandbox.New(*o.seed, o.sandbox)
	if err != nil {
		t.Fatal(err)
	}
	layered, ok := o.carrier.(layer)
	if !ok && o.carrier != nil {
		t.Fatalf("a %T has a network of its own", o.carrier)
	}
	return newRehearsal(t, observed{s, t}, *o.seed, way, rehearsedProvider(s, layered, o.cacheDir), map[string]any{"request_timeout": patient})
}

// rehearsedProvider is a provider whose requests go to a sandbox without a network, over a layer if there is one.
func rehearsedProvider(s *sandbox.Sandbox, over layer, cacheDir string) frameworkprovider.Provider {
	env := s.Env("http://127.0.0.1")
	var carrier http.RoundTripper = sandboxtest.Carrier{To: s}
	if over != nil {
		over.over(carrier)
		carrier = over
	}
	return newProvider(provider.Options{
		Version: "test", Clock: clock.System{}, RoundTripper: carrier, CacheDir: cacheDir,
		Getenv: func(name string) string { return env[name] },
	}, waysAPIs)
}

// layer carries requests by another carrier, which it is given.
type layer interface {
	http.RoundTripper
	over(http.RoundTripper)
}

// newRehearsal is a migration by a provider that is given these settings.
func newRehearsal(t *testing.T, box observed, seed sandbox.Seed, way string, p frameworkprovider.Provider, settings map[string]any) *rehearsal {
	t.Helper()
	r := &rehearsal{box: box, core: &core{
		provider: p, settings: settings,
		state: map[string]instance{}, deposed: map[string][]instance{}, tainted: map[string]bool{},
	}}
	switch way {
	case wayPair:
		r.chains, r.discover = pairs(seed), discoverKeys(seed)
	case wayConnection:
		r.chains = connections(seed)
	case wayFleet:
		r.chains = [][]object{{fleetOf(seed, nil)}}
	default:
		t.Fatalf("core does not know the objects of the example %s", way)
	}
	return r
}

// pairs are the objects of the example switch.
func pairs(seed sandbox.Seed) [][]object {
	var chains [][]object
	for _, shop := range seed.Shops {
		key := keyOf(shop.MerchantID)
		chains = append(chains, []object{
			{
				address: key, typeName: "kustom_api_key", createBeforeDestroy: true,
				config: func(map[string]tftypes.Value) map[string]any {
					return map[string]any{"merchant_id": shop.MerchantID}
				},
			},
			{
				address: shop.Name, typeName: "mystore_klarna_checkout_credentials",
				config: func(values map[string]tftypes.Value) map[string]any {
					made := elements(values[key])
					return map[string]any{"shop": shop.Name, "kustom_id": made["username"], "kustom_secret": made["secret"]}
				},
			},
		})
	}
	return chains
}

func keyOf(merchantID string) string { return "key of " + merchantID }

// connections are the objects of the example connections.
func connections(seed sandbox.Seed) [][]object {
	var chains [][]object
	for _, shop := range seed.Shops {
		chains = append(chains, []object{{
			address: shop.Name, typeName: "kustom_mystore_connection",
			config: func(map[string]tftypes.Value) map[string]any {
				return map[string]any{"shop": shop.Name, "merchant_id": shop.MerchantID}
			},
		}})
	}
	return chains
}

// fleetOf is the object of the example fleet, whose shops have these triggers.
func fleetOf(seed sandbox.Seed, triggers any) object {
	shops := map[string]any{}
	for _, shop := range seed.Shops {
		shops[shop.Name] = map[string]any{"merchant_id": shop.MerchantID, "rotate_when_changed": triggers}
	}
	return object{
		address: "fleet", typeName: "kustom_mystore_fleet",
		config: func(map[string]tftypes.Value) map[string]any { return map[string]any{"shops": shops} },
		holds: func(value tftypes.Value) error {
			for name, shop := range elements(elements(value)["shops"]) {
				if problem := text(shop, "last_error"); problem != "" {
					return fmt.Errorf("%s: %s", name, problem)
				}
			}
			return nil
		},
	}
}

// discoverKeys imports the keys that the example's data source finds.
func discoverKeys(seed sandbox.Seed) func(context.Context, *walk) (map[string]string, error) {
	var merchantIDs []string
	for _, shop := range seed.Shops {
		merchantIDs = append(merchantIDs, shop.MerchantID)
	}
	return func(ctx context.Context, w *walk) (map[string]string, error) {
		const typeName = "kustom_legacy_integrations"
		typ := w.schemas.DataSourceSchemas[typeName].ValueType()
		config, err := newDynamic(typ, map[string]any{"merchant_ids": merchantIDs})
		if err != nil {
			return nil, err
		}
		resp, err := w.server.ReadDataSource(ctx, &tfprotov6.ReadDataSourceRequest{TypeName: typeName, Config: config})
		if err := failure(err, resp.Diagnostics); err != nil {
			return nil, err
		}
		read, err := resp.State.Unmarshal(typ)
		if err != nil {
			return nil, err
		}
		var found []tftypes.Value
		if err := elements(read)["integrations"].As(&found); err != nil {
			return nil, err
		}
		imports := map[string]string{}
		for _, integration := range found {
			var current bool
			if err := elements(integration)["current"].As(&current); err != nil {
				return nil, err
			}
			if current {
				imports[keyOf(text(integration, "merchant_id"))] = text(integration, "id")
			}
		}
		return imports, nil
	}
}

func (r *rehearsal) servers() observed { return r.box }

func (r *rehearsal) setRequestTimeout(_ *testing.T, timeout string) {
	r.settings["request_timeout"] = timeout
}

// forgetDiscovery takes the data source and the imports away.
func (r *rehearsal) forgetDiscovery(*testing.T) { r.discover = nil }

// apply ends as Terraform does: with 0 if all went well, else with 1.
func (r *rehearsal) apply(t *testing.T, _ ...string) run {
	t.Helper()
	if err := r.core.apply(t.Context()); err != nil {
		return run{code: 1, output: err.Error()}
	}
	return run{}
}

func (r *rehearsal) mustApply(t *testing.T, _ ...string) run {
	t.Helper()
	got := r.apply(t)
	if got.code != 0 {
		t.Fatalf("apply failed:\n%s", got.output)
	}
	return got
}

func (r *rehearsal) mustBeEmpty(t *testing.T) {
	t.Helper()
	planned, err := r.plan(t.Context())
	if err != nil || len(planned.changed) > 0 {
		t.Errorf("I4: the plan after the apply is not empty (%v)", err)
		if planned != nil {
			t.Logf("it changes %q", planned.changed)
		}
	}
}

func (r *rehearsal) mustBeRight(t *testing.T, seed sandbox.Seed, extra int) (broken, orphans, violations int) {
	t.Helper()
	schemas, err := schemasOnce()
	if err != nil {
		t.Fatal(err)
	}
	inState := map[string]map[string]any{}
	add := func(value tftypes.Value) {
		inState[text(value, "merchant_id")] = map[string]any{"username": text(value, "username")}
		if secret := text(value, "secret"); secret != "" {
			inState[text(value, "merchant_id")]["secret"] = secret
		}
	}
	for address, is := range r.state {
		if len(r.deposed[address]) > 0 || r.tainted[address] {
			t.Errorf("state: %s is left tainted or deposed", address)
		}
		value, err := is.state.Unmarshal(schemas.ResourceSchemas[is.typeName].ValueType())
		if err != nil {
			t.Fatal(err)
		}
		switch is.typeName {
		case "kustom_api_key", "kustom_mystore_connection":
			add(value)
		case "kustom_mystore_fleet":
			for _, shop := range elements(elements(value)["shops"]) {
				add(shop)
			}
		}
	}
	return mustBeRight(t, r.box, inState, seed, extra)
}
