package provider_test

import (
	"context"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// vaultSecrets are what a Vault holds: path of the secret => its data.
type vaultSecrets map[string]map[string]string

// serveVault runs a stand-in for HashiCorp's Vault provider, which has of it what the examples use, as
// its documentation says it is.
func (w *testEnv) serveVault(t *testing.T, secrets vaultSecrets) {
	t.Helper()
	w.reattach(t, serveAs(t, "hashicorp/vault", vaultProvider{secrets: secrets}))
}

type vaultProvider struct{ secrets vaultSecrets }

func (vaultProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName, resp.Version = "vault", "5.0.0"
}

func (vaultProvider) Schema(context.Context, provider.SchemaRequest, *provider.SchemaResponse) {}

func (vaultProvider) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {
}

func (vaultProvider) DataSources(context.Context) []func() datasource.DataSource { return nil }

func (vaultProvider) Resources(context.Context) []func() resource.Resource { return nil }

func (p vaultProvider) EphemeralResources(context.Context) []func() ephemeral.EphemeralResource {
	return []func() ephemeral.EphemeralResource{
		func() ephemeral.EphemeralResource { return vaultSecret(p) },
	}
}

// vaultSecret is the ephemeral resource vault_kv_secret_v2.
type vaultSecret struct{ secrets vaultSecrets }

type vaultSecretModel struct {
	Mount types.String      `tfsdk:"mount"`
	Name  types.String      `tfsdk:"name"`
	Data  map[string]string `tfsdk:"data"`
}

func (vaultSecret) Metadata(_ context.Context, req ephemeral.MetadataRequest, resp *ephemeral.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_kv_secret_v2"
}

func (vaultSecret) Schema(_ context.Context, _ ephemeral.SchemaRequest, resp *ephemeral.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"mount": schema.StringAttribute{Required: true},
		"name":  schema.StringAttribute{Required: true},
		"data":  schema.MapAttribute{Computed: true, ElementType: types.StringType},
	}}
}

func (s vaultSecret) Open(ctx context.Context, req ephemeral.OpenRequest, resp *ephemeral.OpenResponse) {
	var secret vaultSecretModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &secret)...)
	if resp.Diagnostics.HasError() {
		return
	}
	path := secret.Mount.ValueString() + "/" + secret.Name.ValueString()
	data, ok := s.secrets[path]
	if !ok {
		resp.Diagnostics.AddError("no secret found", path)
		return
	}
	secret.Data = data
	resp.Diagnostics.Append(resp.Result.Set(ctx, secret)...)
}
