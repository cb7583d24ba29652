package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// integrationModel is a key with the shops that use it, in the data sources that list keys.
type integrationModel struct {
	ID           types.String `tfsdk:"id"`
	MerchantID   types.String `tfsdk:"merchant_id"`
	CredentialID types.String `tfsdk:"credential_id"`
	Username     types.String `tfsdk:"username"`
	Description  types.String `tfsdk:"description"`
	Host         types.String `tfsdk:"host"`
	CreatedAt    types.String `tfsdk:"created_at"`
	LastUsedAt   types.String `tfsdk:"last_used_at"`
	ExpiresAt    types.String `tfsdk:"expires_at"`
	MystoreShops []string     `tfsdk:"mystore_shops"`
	Current      types.Bool   `tfsdk:"current"`
}

// merchantIDsAttribute chooses the stores whose keys a data source lists.
func merchantIDsAttribute() schema.Attribute {
	return schema.SetAttribute{
		Optional: true, ElementType: types.StringType,
		MarkdownDescription: "Merchant IDs of the stores to list. Default: all stores that the portal user can see.",
		Validators: []validator.Set{
			setvalidator.SizeAtLeast(1), setvalidator.ValueStringsAre(merchantIDValidator{}),
		},
	}
}

// integrationAttributes are the attributes of an [integrationModel].
func integrationAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"id":            schema.StringAttribute{Computed: true, MarkdownDescription: "The import ID for `kustom_api_key`."},
		"merchant_id":   schema.StringAttribute{Computed: true, MarkdownDescription: "Merchant ID (MID) of the store."},
		"credential_id": schema.StringAttribute{Computed: true, MarkdownDescription: "The portal's ID of the key."},
		"username":      schema.StringAttribute{Computed: true, MarkdownDescription: "The key's username, the *Kustom ID*."},
		"description": schema.StringAttribute{Computed: true, MarkdownDescription: "The text that the portal shows " +
			"beside the key. Null if there is none."},
		"host": schema.StringAttribute{Computed: true, MarkdownDescription: "The API host that the key belongs " +
			"to. Null if the portal does not show it."},
		"created_at": schema.StringAttribute{Computed: true, MarkdownDescription: "The time when the key was generated " +
			"(RFC 3339)."},
		"last_used_at": schema.StringAttribute{Computed: true, MarkdownDescription: "The time of the last use (RFC 3339). Null if there was none."},
		"expires_at": schema.StringAttribute{
			Computed: true, MarkdownDescription: "The time when the key expires (RFC 3339). Null if it does not expire, or if " +
				"the portal does not show it.",
		},
		"mystore_shops": schema.ListAttribute{
			Computed: true, ElementType: types.StringType,
			MarkdownDescription: "The shops in the provider's `mystore_tokens` that use the key.",
		},
		"current": schema.BoolAttribute{
			Computed: true,
			MarkdownDescription: "Whether the store takes payments with this key. It does if a shop in `mystore_tokens` " +
				"uses the key. If no such shop uses a key of the store, the last used key counts.",
		},
	}
}

// listIntegrations lists the keys of the given stores, or of all, with the shops that hold them. It reports
// errors as failed, and returns whether there were none. An unreadable shop is a warning.
func listIntegrations(ctx context.Context, engine *rotation.Engine, stores types.Set, failed message, diags *diag.Diagnostics) ([]rotation.Integration, bool) {
	var merchantIDs []string
	if diags.Append(stores.ElementsAs(ctx, &merchantIDs, false)...); diags.HasError() {
		return nil, false
	}
	all, err := engine.Keys.Of(ctx, merchantIDs)
	if err != nil {
		report(diags, path.Root("merchant_ids"), failed, err)
		return nil, false
	}
	holders, unread, err := engine.Shops.Holders(ctx)
	if err != nil {
		report(diags, path.Empty(), failed, err)
		return nil, false
	}
	warnOfUnread(diags, unread)
	addEngineWarnings(engine, diags)
	return rotation.Integrations(all, holders), true
}

func readIntegrations(integrations []rotation.Integration) []integrationModel {
	models := make([]integrationModel, 0, len(integrations))
	for _, i := range integrations {
		models = append(models, readIntegration(i))
	}
	return models
}

func readIntegration(i rotation.Integration) integrationModel {
	m := integrationModel{
		ID:           types.StringValue(keyID(i.Key)),
		MerchantID:   types.StringValue(i.MerchantID),
		CredentialID: types.StringValue(i.CredentialID),
		Username:     types.StringValue(i.Username),
		Description:  types.StringPointerValue(i.Description),
		Host:         nullWhenEmpty(i.Host),
		CreatedAt:    types.StringValue(i.CreatedAt.Format(time.RFC3339)),
		MystoreShops: append([]string{}, i.Shops...),
		Current:      types.BoolValue(i.Current),
	}
	if i.LastUsedAt != nil {
		m.LastUsedAt = types.StringValue(i.LastUsedAt.Format(time.RFC3339))
	}
	if i.ExpiresAt != nil {
		m.ExpiresAt = types.StringValue(i.ExpiresAt.Format(time.RFC3339))
	}
	return m
}

// excludesKey reports whether one of the filters excludes a key.
func excludesKey(legacy types.Bool, unusedSince types.String, key kustom.Key) bool {
	if !legacy.IsNull() && legacy.ValueBool() != (key.Origin().Owner == kustom.OwnerKlarna) {
		return true
	}
	since, err := time.Parse(time.RFC3339, unusedSince.ValueString())
	return err == nil && key.LastUsedAt != nil && !key.LatestUse().Before(since)
}
