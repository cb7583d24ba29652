package provider

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// TestDescriptions looks through everything that the provider has, to the innermost attribute: nothing may
// be without a description.
func TestDescriptions(t *testing.T) {
	ctx := t.Context()
	server, err := providerserver.NewProtocol6WithError(New(Options{})())()
	if err != nil {
		t.Fatal(err)
	}
	all, err := server.GetProviderSchema(ctx, &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	wantDescribed(t, "the provider", all.Provider)
	for name, schema := range all.ResourceSchemas {
		wantDescribed(t, "resource "+name, schema)
	}
	for name, schema := range all.DataSourceSchemas {
		wantDescribed(t, "data source "+name, schema)
	}
	for name, schema := range all.ListResourceSchemas {
		wantDescribed(t, "list resource "+name, schema)
	}
	for name, action := range all.ActionSchemas {
		wantDescribed(t, "action "+name, action.Schema)
	}
	identities, err := server.GetResourceIdentitySchemas(ctx, &tfprotov6.GetResourceIdentitySchemasRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for name, schema := range identities.IdentitySchemas {
		for _, a := range schema.IdentityAttributes {
			if a.Description == "" {
				t.Errorf("the identity of %s: %s has no description", name, a.Name)
			}
		}
	}
	for name, f := range all.Functions {
		describe(t, "function "+name, f.Description, f.DescriptionKind)
		for _, parameter := range append(slices.Clone(f.Parameters), f.VariadicParameter) {
			if parameter != nil {
				describe(t, "function "+name+"."+parameter.Name, parameter.Description, parameter.DescriptionKind)
			}
		}
	}
	kinds := []int{len(all.Functions), len(all.ResourceSchemas), len(all.DataSourceSchemas), len(all.ListResourceSchemas), len(all.ActionSchemas), len(identities.IdentitySchemas)}
	if slices.Contains(kinds, 0) || len(all.EphemeralResourceSchemas)+len(all.StateStoreSchemas) > 0 {
		t.Errorf("there are objects that nobody has looked at, or none where there should be: %v", kinds)
	}
}

// wantDescribed expects a schema, its attributes and its blocks to have descriptions in Markdown.
func wantDescribed(t *testing.T, what string, schema *tfprotov6.Schema) {
	t.Helper()
	blockDescribed(t, what, schema.Block)
}

// blockDescribed looks through a block, and all blocks in it.
func blockDescribed(t *testing.T, what string, block *tfprotov6.SchemaBlock) {
	t.Helper()
	// The module that the block of timeouts comes from gives it no description of its own.
	if !strings.HasSuffix(what, ": timeouts") {
		describe(t, what, block.Description, block.DescriptionKind)
	}
	attributesDescribed(t, what, block.Attributes)
	for _, nested := range block.BlockTypes {
		blockDescribed(t, what+": "+nested.TypeName, nested.Block)
	}
}

func attributesDescribed(t *testing.T, what string, attributes []*tfprotov6.SchemaAttribute) {
	t.Helper()
	for _, a := range attributes {
		describe(t, what+"."+a.Name, a.Description, a.DescriptionKind)
		if a.NestedType != nil {
			attributesDescribed(t, what+"."+a.Name, a.NestedType.Attributes)
		}
	}
}

func describe(t *testing.T, what, description string, kind tfprotov6.StringKind) {
	t.Helper()
	// The module that the timeouts come from says so where nothing is said.
	if strings.TrimSpace(description) == "" || strings.Contains(description, "parsed as a duration") {
		t.Errorf("%s has no description", what)
	} else if kind != tfprotov6.StringKindMarkdown && !strings.Contains(what, ": timeouts.") {
		t.Errorf("%s: the description is not in Markdown", what)
	}
}

// TestSchemas looks through everything that the provider has: a secret must be marked as sensitive,
// whoever reads the state or a plan.
func TestSchemas(t *testing.T) {
	ctx := t.Context()
	p := New(Options{})()
	var own provider.SchemaResponse
	p.Schema(ctx, provider.SchemaRequest{}, &own)
	for name, a := range own.Schema.GetAttributes() {
		checkAttribute(t, "the provider's "+name, name, a)
	}
	for block, b := range own.Schema.GetBlocks() {
		for name, a := range b.GetNestedObject().GetAttributes() {
			checkAttribute(t, "the provider's "+block+"."+name, name, a)
		}
	}
	for _, construct := range p.Resources(ctx) {
		var meta resource.MetadataResponse
		construct().Metadata(ctx, resource.MetadataRequest{ProviderTypeName: "kustom"}, &meta)
		var resp resource.SchemaResponse
		construct().Schema(ctx, resource.SchemaRequest{}, &resp)
		for name, a := range resp.Schema.GetAttributes() {
			checkAttribute(t, meta.TypeName+"."+name, name, a)
		}
		identified, ok := construct().(resource.ResourceWithIdentity)
		if !ok {
			t.Errorf("%s has no identity", meta.TypeName)
			continue
		}
		var identity resource.IdentitySchemaResponse
		identified.IdentitySchema(ctx, resource.IdentitySchemaRequest{}, &identity)
		for name, a := range identity.IdentitySchema.GetAttributes() {
			checkAttribute(t, "the identity of "+meta.TypeName+": "+name, name, a)
		}
	}
	for _, construct := range p.DataSources(ctx) {
		var meta datasource.MetadataResponse
		construct().Metadata(ctx, datasource.MetadataRequest{ProviderTypeName: "kustom"}, &meta)
		var resp datasource.SchemaResponse
		construct().Schema(ctx, datasource.SchemaRequest{}, &resp)
		for name, a := range resp.Schema.GetAttributes() {
			checkAttribute(t, meta.TypeName+"."+name, name, a)
		}
	}
	lists, ok := p.(provider.ProviderWithListResources)
	if !ok {
		t.Fatal("the provider lists nothing")
	}
	for _, construct := range lists.ListResources(ctx) {
		var meta resource.MetadataResponse
		construct().Metadata(ctx, resource.MetadataRequest{ProviderTypeName: "kustom"}, &meta)
		var resp list.ListResourceSchemaResponse
		construct().ListResourceConfigSchema(ctx, list.ListResourceSchemaRequest{}, &resp)
		for name, a := range resp.Schema.GetAttributes() {
			checkAttribute(t, "list "+meta.TypeName+"."+name, name, a)
		}
	}
}

// TestActionSchemas looks through the actions. The framework refuses every value of an action's
// write-only argument, so that nobody could set one.
func TestActionSchemas(t *testing.T) {
	ctx := t.Context()
	p := &kustomProvider{}
	for _, construct := range p.Actions(ctx) {
		var meta action.MetadataResponse
		construct().Metadata(ctx, action.MetadataRequest{ProviderTypeName: "kustom"}, &meta)
		var resp action.SchemaResponse
		construct().Schema(ctx, action.SchemaRequest{}, &resp)
		for name, a := range resp.Schema.GetAttributes() {
			if a.IsWriteOnly() {
				t.Errorf("%s.%s is write-only", meta.TypeName, name)
			}
		}
	}
}

// secretWords are in the names of what is secret, and of nothing else. Who signs in is told to nobody
// either.
var secretWords = regexp.MustCompile(`secret|token|login|password|seed|email`)

func checkAttribute(t *testing.T, what, name string, a interface{ IsSensitive() bool }) {
	t.Helper()
	// The path of a file of secrets is none.
	secret := secretWords.MatchString(name) && !strings.HasSuffix(name, "_version") && !strings.HasSuffix(name, "_file")
	if a.IsSensitive() != secret {
		t.Errorf("%s: sensitive is %v, want %v", what, a.IsSensitive(), secret)
	}
	if nested, ok := a.(schema.MapNestedAttribute); ok {
		for name, a := range nested.NestedObject.Attributes {
			checkAttribute(t, what+"."+name, name, a)
		}
	}
}
