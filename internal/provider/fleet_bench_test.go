package provider_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// fleetSizes are how many shops a fleet has in the benchmarks.
var fleetSizes = []int{1000, 5000}

// BenchmarkPlanFleet plans to take over shops with legacy keys.
func BenchmarkPlanFleet(b *testing.B) {
	for _, n := range fleetSizes {
		b.Run(fmt.Sprintf("shops=%d", n), func(b *testing.B) {
			seed := sandbox.FleetSeed(n)
			v := newVendors(b, seed, sandbox.Options{Unchecked: true})
			for b.Loop() {
				c := v.caller(b)
				config := c.fleet(seed)
				c.plan(instance{typeName: fleetType, state: c.null(fleetType)}, config, config)
			}
		})
	}
}

// BenchmarkPlanFleetAgain refreshes and plans a fleet with which nothing is to be done.
func BenchmarkPlanFleetAgain(b *testing.B) {
	for _, n := range fleetSizes {
		b.Run(fmt.Sprintf("shops=%d", n), func(b *testing.B) {
			seed := sandbox.FleetSeed(n)
			var ids []string
			for i, shop := range seed.Shops {
				seed.Stores[i].Keys[0].Host = kustomHost
				ids = append(ids, shop.Name+"/"+shop.MerchantID)
			}
			v := newVendors(b, seed, sandbox.Options{Unchecked: true})
			imported, diagnostics := v.caller(b).imported(fleetType, strings.Join(ids, ","), nil)
			known, more := v.caller(b).refresh(imported)
			v.caller(b).mustBeFine(diagnostics, more)
			for b.Loop() {
				// Each walk of Terraform has a provider of its own, which knows nothing yet.
				c := v.caller(b)
				now, diagnostics := c.refresh(known)
				c.mustBeFine(diagnostics)
				c.plan(now, c.fleet(seed), now.state)
			}
		})
	}
}

// plan plans a configuration, which must not fail.
func (c *caller) plan(i instance, config, proposed *tfprotov6.DynamicValue) {
	c.t.Helper()
	planned, err := c.server.PlanResourceChange(c.t.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: i.typeName, PriorState: i.state, ProposedNewState: proposed, Config: config,
		PriorPrivate: i.private, PriorIdentity: i.identity,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.mustBeFine(planned.Diagnostics)
}

func (c *caller) null(typeName string) *tfprotov6.DynamicValue {
	c.t.Helper()
	typ := c.schemas.ResourceSchemas[typeName].ValueType()
	return c.encode(typ, tftypes.NewValue(typ, nil))
}

// fleet is the configuration of a fleet of all shops of a seed.
func (c *caller) fleet(seed sandbox.Seed) *tfprotov6.DynamicValue {
	c.t.Helper()
	typ := c.schemas.ResourceSchemas[fleetType].ValueType()
	fleet := c.object(typ)
	shops, ok := fleet["shops"].Type().(tftypes.Map)
	if !ok {
		c.t.Fatalf("shops is a %s", fleet["shops"].Type())
	}
	elements := map[string]tftypes.Value{}
	for _, s := range seed.Shops {
		shop := c.object(shops.ElementType)
		shop["merchant_id"] = tftypes.NewValue(tftypes.String, s.MerchantID)
		elements[s.Name] = tftypes.NewValue(shops.ElementType, shop)
	}
	fleet["shops"] = tftypes.NewValue(shops, elements)
	return c.encode(typ, tftypes.NewValue(typ, fleet))
}

// object returns the attributes of an object, all of them null.
func (c *caller) object(typ tftypes.Type) map[string]tftypes.Value {
	c.t.Helper()
	object, ok := typ.(tftypes.Object)
	if !ok {
		c.t.Fatalf("%s is no object", typ)
	}
	values := map[string]tftypes.Value{}
	for name, typ := range object.AttributeTypes {
		values[name] = tftypes.NewValue(typ, nil)
	}
	return values
}
