package provider

import (
	"context"
	"iter"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/integration"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

var _ datasource.DataSourceWithConfigure = (*legacyIntegrationsDataSource)(nil)

// keyLister lists the keys of one store or of all.
type keyLister interface {
	Keys(ctx context.Context, merchantID string) iter.Seq2[kustom.Key, error]
}

// holderLister tells which shops hold which username.
type holderLister interface {
	Holders(ctx context.Context) (map[string][]string, error)
}

type legacyIntegrationsDataSource struct {
	keys  keyLister
	shops holderLister
}

func newLegacyIntegrationsDataSource() datasource.DataSource { return &legacyIntegrationsDataSource{} }

type legacyIntegrationsModel struct {
	MerchantIDs    types.Set          `tfsdk:"merchant_ids"`
	ActionRequired types.Bool         `tfsdk:"action_required"`
	Integrations   []integrationModel `tfsdk:"integrations"`
}

type integrationModel struct {
	ID           types.String `tfsdk:"id"`
	MerchantID   types.String `tfsdk:"merchant_id"`
	CredentialID types.String `tfsdk:"credential_id"`
	Username     types.String `tfsdk:"username"`
	Description  types.String `tfsdk:"description"`
	Host         types.String `tfsdk:"host"`
	CreatedAt    types.String `tfsdk:"created_at"`
	LastUsedAt   types.String `tfsdk:"last_used_at"`
	MystoreShops []string     `tfsdk:"mystore_shops"`
	Current      types.Bool   `tfsdk:"current"`
}

func (d *legacyIntegrationsDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_legacy_integrations"
}

func (d *legacyIntegrationsDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The API keys that still point at `api.klarna.com` (in the playground at " +
			"`api.playground.klarna.com`), over all stores that the portal user can see, and the shops that use them. " +
			"Use it to find what has to be switched, to import the keys that are in use, and to see that nothing is left.",
		Attributes: map[string]schema.Attribute{
			"merchant_ids": schema.SetAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Merchant IDs of the stores to look at. Default: all that the portal user can see.",
				Validators: []validator.Set{
					setvalidator.SizeAtLeast(1), setvalidator.ValueStringsAre(merchantIDValidator{}),
				},
			},
			"action_required": schema.BoolAttribute{
				Computed: true, MarkdownDescription: "Whether there is any such key left.",
			},
			"integrations": schema.ListNestedAttribute{
				Computed:            true,
				MarkdownDescription: "The keys, sorted by merchant ID and age.",
				NestedObject:        schema.NestedAttributeObject{Attributes: integrationAttributes()},
			},
		},
	}
}

func integrationAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"id":            schema.StringAttribute{Computed: true, MarkdownDescription: "The import ID for `kustom_api_key`."},
		"merchant_id":   schema.StringAttribute{Computed: true, MarkdownDescription: "Merchant ID of the store."},
		"credential_id": schema.StringAttribute{Computed: true, MarkdownDescription: "The portal's ID of the key."},
		"username":      schema.StringAttribute{Computed: true, MarkdownDescription: "The key's username, the *Kustom ID*."},
		"description":   schema.StringAttribute{Computed: true, MarkdownDescription: "What the portal shows beside the key; null if nothing."},
		"host":          schema.StringAttribute{Computed: true, MarkdownDescription: "The API host that the key belongs to."},
		"created_at":    schema.StringAttribute{Computed: true, MarkdownDescription: "When the key was made (RFC 3339)."},
		"last_used_at":  schema.StringAttribute{Computed: true, MarkdownDescription: "When the key was last used (RFC 3339); null if never."},
		"mystore_shops": schema.ListAttribute{
			Computed: true, ElementType: types.StringType,
			MarkdownDescription: "The shops, of those named in the provider's `mystore_tokens`, that use the key.",
		},
		"current": schema.BoolAttribute{
			Computed: true,
			MarkdownDescription: "Whether the store takes payments with this key: a shop named in `mystore_tokens` uses it or, where " +
				"none of the store's keys is used by such a shop, it is the one of them that was used last.",
		},
	}
}

func (d *legacyIntegrationsDataSource) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	b, err := backendOf(req.ProviderData)
	if err != nil {
		resp.Diagnostics.AddError("Unexpected provider data", err.Error())
	}
	if b == nil {
		return
	}
	d.keys, d.shops = b.portal, b.shops
}

func (d *legacyIntegrationsDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var model legacyIntegrationsModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	var merchantIDs []string
	resp.Diagnostics.Append(model.MerchantIDs.ElementsAs(ctx, &merchantIDs, false)...)
	if resp.Diagnostics.HasError() {
		return
	}
	keys, err := listKeys(ctx, d.keys, merchantIDs)
	if err != nil {
		report(&resp.Diagnostics, path.Root("merchant_ids"), "Legacy integrations not read", err)
		return
	}
	holders, err := d.shops.Holders(ctx)
	if err != nil {
		report(&resp.Diagnostics, path.Empty(), "Legacy integrations not read", err)
		return
	}
	model.read(integration.Legacy(integration.Integrations(keys, holders)))
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}

// fewStores is up to how many stores are asked one by one. For more, reading all keys in pages
// takes fewer requests (I7).
const fewStores = 3

// listKeys lists the keys of the given stores, or of all.
func listKeys(ctx context.Context, keys keyLister, merchantIDs []string) ([]kustom.Key, error) {
	queries := merchantIDs
	if len(queries) == 0 || len(queries) > fewStores {
		queries = []string{""}
	}
	wanted := map[string]bool{}
	for _, id := range merchantIDs {
		wanted[id] = true
	}
	var all []kustom.Key
	for _, query := range queries {
		for key, err := range keys.Keys(ctx, query) {
			if err != nil {
				return nil, err
			}
			if len(wanted) == 0 || wanted[key.MerchantID] {
				all = append(all, key)
			}
		}
	}
	return all, nil
}

func (m *legacyIntegrationsModel) read(integrations []integration.Integration) {
	m.ActionRequired = types.BoolValue(len(integrations) > 0)
	m.Integrations = make([]integrationModel, 0, len(integrations))
	for _, i := range integrations {
		m.Integrations = append(m.Integrations, readIntegration(i))
	}
}

func readIntegration(i integration.Integration) integrationModel {
	m := integrationModel{
		ID:           types.StringValue(keyID(i.Key)),
		MerchantID:   types.StringValue(i.MerchantID),
		CredentialID: types.StringValue(i.CredentialID),
		Username:     types.StringValue(i.Username),
		Description:  types.StringPointerValue(i.Description),
		Host:         types.StringValue(i.Host),
		CreatedAt:    types.StringValue(i.CreatedAt.Format(time.RFC3339)),
		MystoreShops: append([]string{}, i.Shops...),
		Current:      types.BoolValue(i.Current),
	}
	if i.LastUsedAt != nil {
		m.LastUsedAt = types.StringValue(i.LastUsedAt.Format(time.RFC3339))
	}
	return m
}
