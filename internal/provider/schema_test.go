package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/resource"
)

// TestSchemas looks through everything that the provider has: a secret must be marked as sensitive,
// whoever reads the state or a plan, and nothing may be without a description.
func TestSchemas(t *testing.T) {
	ctx := t.Context()
	p := New(Options{})()
	var own provider.SchemaResponse
	p.Schema(ctx, provider.SchemaRequest{}, &own)
	for name, a := range own.Schema.GetAttributes() {
		checkAttribute(t, "the provider's "+name, name, a)
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
			if a.GetMarkdownDescription() == "" {
				t.Errorf("%s.%s has no description", meta.TypeName, name)
			}
		}
	}
}

// describedAttribute is what attributes of every kind of schema have in common.
type describedAttribute interface {
	IsSensitive() bool
	GetMarkdownDescription() string
}

func checkAttribute(t *testing.T, what, name string, a describedAttribute) {
	t.Helper()
	secret := (strings.Contains(name, "secret") || strings.Contains(name, "token")) && !strings.HasSuffix(name, "_version")
	if a.IsSensitive() != secret {
		t.Errorf("%s: sensitive is %v, want %v", what, a.IsSensitive(), secret)
	}
	if a.GetMarkdownDescription() == "" {
		t.Errorf("%s has no description", what)
	}
}
