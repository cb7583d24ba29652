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

// The baseline's resources must have the schemas of the resources that are measured against it.
func TestNew_HasSchemasOfRealResources(t *testing.T) {
	existing := resources(t, provider.New(provider.Options{Version: "test"})())
	noop := resources(t, benchtest.New())
	for name, realName := range map[string]string{
		"noop_api_key":              "kustom_api_key",
		"noop_checkout_credentials": "mystore_klarna_checkout_credentials",
		"noop_fleet":                "kustom_mystore_fleet",
	} {
		if got, want := shape(noop[name]), shape(existing[realName]); !slices.Equal(got, want) {
			t.Errorf("%s is\n%q\nand %s is\n%q", name, got, realName, want)
		}
	}
	if got := slices.Sorted(maps.Keys(noop)); len(got) != 3 {
		t.Errorf("the resources are %q, want only those three", got)
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
	lines := attributes("", s.Block.Attributes)
	for _, b := range s.Block.BlockTypes {
		lines = append(lines, attributes(b.TypeName+".", b.Block.Attributes)...)
	}
	slices.Sort(lines)
	return lines
}

// attributes returns one line for each attribute, and for those nested in it.
func attributes(in string, all []*tfprotov6.SchemaAttribute) []string {
	var lines []string
	for _, a := range all {
		lines = append(lines, fmt.Sprintf("%s%s %s required=%t optional=%t computed=%t sensitive=%t write-only=%t",
			in, a.Name, a.Type, a.Required, a.Optional, a.Computed, a.Sensitive, a.WriteOnly))
		if a.NestedType != nil {
			lines = append(lines, attributes(in+a.Name+"."+a.NestedType.Nesting.String()+".", a.NestedType.Attributes)...)
		}
	}
	return lines
}
