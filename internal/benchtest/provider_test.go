package benchtest_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	fwprovider "github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/storefront-iac/terraform-provider-kustom/internal/benchtest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
)

// The baseline has to keep the shape of what is measured against it.
func TestResourcesHaveTheShapeOfThePair(t *testing.T) {
	pair := resources(t, provider.New(provider.Options{Version: "test"})())
	noop := resources(t, benchtest.New())
	for theirs, ours := range map[string]string{
		"noop_api_key":              "kustom_api_key",
		"noop_checkout_credentials": "mystore_klarna_checkout_credentials",
	} {
		got, want := shape(noop[theirs]), shape(pair[ours])
		if !slices.Equal(got, want) {
			t.Errorf("%s is\n%q\nand %s is\n%q", theirs, got, ours, want)
		}
	}
	if got := slices.Sorted(maps.Keys(noop)); len(got) != 2 {
		t.Errorf("the resources are %q, want those two", got)
	}
}

func resources(t *testing.T, p fwprovider.Provider) map[string]*tfprotov6.Schema {
	t.Helper()
	resp, err := providerserver.NewProtocol6(p)().GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range resp.Diagnostics {
		t.Fatal(d.Summary, d.Detail)
	}
	return resp.ResourceSchemas
}

// shape is a schema's attributes and blocks, one line each.
func shape(s *tfprotov6.Schema) []string {
	if s == nil {
		return nil
	}
	lines := []string{}
	for _, a := range s.Block.Attributes {
		lines = append(lines, line("", a))
	}
	for _, b := range s.Block.BlockTypes {
		for _, a := range b.Block.Attributes {
			lines = append(lines, line(b.TypeName+".", a))
		}
	}
	slices.Sort(lines)
	return lines
}

func line(in string, a *tfprotov6.SchemaAttribute) string {
	return fmt.Sprintf("%s%s %s required=%t optional=%t computed=%t sensitive=%t write-only=%t",
		in, a.Name, a.Type, a.Required, a.Optional, a.Computed, a.Sensitive, a.WriteOnly)
}
