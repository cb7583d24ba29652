package provider

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/list/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

var _ list.ListResourceWithConfigure = (*apiKeyListResource)(nil)

type apiKeyListResource struct{ configuredResource }

func newAPIKeyListResource() list.ListResource { return &apiKeyListResource{} }

type apiKeyListModel struct {
	MerchantIDs types.List   `tfsdk:"merchant_ids"`
	Legacy      types.Bool   `tfsdk:"legacy"`
	UnusedSince types.String `tfsdk:"unused_since"`
}

func (r *apiKeyListResource) Metadata(ctx context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	newAPIKeyResource().Metadata(ctx, req, resp)
}

func (r *apiKeyListResource) ListResourceConfigSchema(_ context.Context, _ list.ListResourceSchemaRequest, resp *list.ListResourceSchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Lists the API keys of the stores that the portal user can see, on any host, for `terraform " +
			"query` (Terraform 1.14 or later).\n\n" +
			"The configuration that `-generate-config-out` writes imports each key and changes nothing. It also keeps " +
			"Klarna keys, because the generated block names their `host`. To replace such a key with a new one, remove " +
			"`host` from the block. You can't read the secret of a listed key.",
		Attributes: map[string]schema.Attribute{
			"merchant_ids": schema.ListAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Merchant IDs of the stores to list. Default: all stores that the portal user can see.",
				Validators: []validator.List{
					listvalidator.SizeAtLeast(1), listvalidator.UniqueValues(), listvalidator.ValueStringsAre(merchantIDValidator{}),
				},
			},
			"legacy": schema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Which keys to list: `true` lists only Klarna keys, `false` lists only the others. " +
					"The host of a key decides, or the form of its username if the portal shows no host. Default: both.",
			},
			"unused_since": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "A point in time (RFC 3339), such as `2026-03-31T00:00:00Z`. Lists only keys that " +
					"were not used at or after that time. Default: all keys.",
				Validators: []validator.String{timeValidator{}},
			},
		},
	}
}

func (r *apiKeyListResource) List(ctx context.Context, req list.ListRequest, resp *list.ListResultsStream) {
	var diags diag.Diagnostics
	model := load[apiKeyListModel](ctx, req.Config, &diags)
	var merchantIDs []string
	diags.Append(model.MerchantIDs.ElementsAs(ctx, &merchantIDs, false)...)
	if diags.HasError() {
		resp.Results = list.ListResultsStreamDiagnostics(diags)
		return
	}
	keys := listing[kustom.Key]{at: path.Root("merchant_ids"), failed: keysNotListed(), fill: fillKey}
	resp.Results = keys.stream(ctx, req, model.filter(r.engine.Keys.Stream(ctx, merchantIDs)))
}

// filter drops the keys that the model does not ask for.
func (m apiKeyListModel) filter(keys iter.Seq2[kustom.Key, error]) iter.Seq2[kustom.Key, error] {
	return func(yield func(kustom.Key, error) bool) {
		for key, err := range keys {
			if err == nil && excludesKey(m.Legacy, m.UnusedSince, key) {
				continue
			}
			if !yield(key, err) {
				return
			}
		}
	}
}

// fillKey fills the result with the state that an import of the key and a refresh would produce.
func fillKey(ctx context.Context, key kustom.Key, result *list.ListResult) {
	var model apiKeyModel
	result.Diagnostics.Append(result.Resource.SetAttribute(ctx, path.Root("id"), keyID(key))...)
	result.Diagnostics.Append(result.Resource.Get(ctx, &model)...)
	model.read(key)
	model.setDefaults()
	result.DisplayName = displayKey(key)
	result.Diagnostics.Append(result.Resource.Set(ctx, model)...)
	result.Diagnostics.Append(result.Identity.Set(ctx, model.identity())...)
}

// displayKey describes a key in the portal's words: its username and what the portal shows beside it.
func displayKey(key kustom.Key) string {
	var notes []string
	if key.Description != nil && *key.Description != "" {
		notes = append(notes, *key.Description)
	}
	if kustom.IsLegacyHost(key.Host) {
		notes = append(notes, key.Host)
	}
	if len(notes) == 0 {
		return key.Username
	}
	return fmt.Sprintf("%s (%s)", key.Username, strings.Join(notes, ", "))
}
