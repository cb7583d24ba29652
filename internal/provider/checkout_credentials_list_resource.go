package provider

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/list/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

var _ list.ListResourceWithConfigure = (*checkoutCredentialsListResource)(nil)

type checkoutCredentialsListResource struct{ configuredResource }

func newCheckoutCredentialsListResource() list.ListResource {
	return &checkoutCredentialsListResource{}
}

type checkoutCredentialsListModel struct {
	Shops types.List `tfsdk:"shops"`
}

// listedShop is a shop's data, or the error of reading it.
type listedShop struct {
	name      string
	holds     mystore.Credentials
	extension mystore.Extension
	err       error
}

// firstSecretVersion is the version of a write-only secret in generated configuration, so that the user only
// needs to add one line. Importing a shop with it writes nothing.
const firstSecretVersion = 1

func (r *checkoutCredentialsListResource) Metadata(ctx context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	newCheckoutCredentialsResource().Metadata(ctx, req, resp)
}

func (r *checkoutCredentialsListResource) ListResourceConfigSchema(_ context.Context, _ list.ListResourceSchemaRequest, resp *list.ListResourceSchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Lists the *Kustom ID* in *Klarna Checkout V3* of the Mystore shops in the provider's " +
			"`mystore_tokens`, for `terraform query` (Terraform 1.14 or later). It leaves out shops without Klarna " +
			"Checkout V3.\n\n" +
			"**Complete the configuration that `-generate-config-out` writes**, because you can't read the secret that a " +
			"shop uses. Set `kustom_secret_wo` in each block. The blocks have `kustom_secret_wo_version = 1`. To use " +
			"`kustom_secret` instead, remove that line. With the write-only secret, the import does not change the shop, " +
			"and the plan shows only the version that the state gets. For a shop without credentials, also set " +
			"`kustom_id`.",
		Attributes: map[string]schema.Attribute{
			"shops": schema.ListAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Names of the shops to list. Default: all shops in `mystore_tokens`.",
				Validators: []validator.List{
					listvalidator.SizeAtLeast(1), listvalidator.UniqueValues(), listvalidator.ValueStringsAre(stringvalidator.LengthAtLeast(1)),
				},
			},
		},
	}
}

func (r *checkoutCredentialsListResource) List(ctx context.Context, req list.ListRequest, resp *list.ListResultsStream) {
	shops := listing[listedShop]{at: path.Root("shops"), failed: shopsNotListed(), fill: fillShop}
	var diags diag.Diagnostics
	model := load[checkoutCredentialsListModel](ctx, req.Config, &diags)
	var names []string
	diags.Append(model.Shops.ElementsAs(ctx, &names, false)...)
	if diags.HasError() {
		resp.Results = list.ListResultsStreamDiagnostics(diags)
		return
	}
	if model.Shops.IsNull() {
		var err error
		if names, err = r.listableShops(); err != nil {
			resp.Results = slices.Values([]list.ListResult{shops.failure(err)})
			return
		}
	}
	resp.Results = shops.stream(ctx, req, r.listed(ctx, names, req))
}

// listed yields the shops that have Klarna Checkout V3. It reads several at once, but no more than the listing
// may still need.
func (r *checkoutCredentialsListResource) listed(ctx context.Context, names []string, req list.ListRequest) iter.Seq2[listedShop, error] {
	return func(yield func(listedShop, error) bool) {
		left := req.Limit
		for len(names) > 0 {
			n := min(rotation.ConcurrentReads, left, int64(len(names)))
			for _, shop := range r.readAll(ctx, names[:n], req.IncludeResource) {
				var missing *mystore.NotInstalledError
				if errors.As(shop.err, &missing) {
					continue
				}
				if !yield(shop, shop.err) {
					return
				}
				left--
			}
			names = names[n:]
		}
	}
}

// readAll reads shops concurrently, and returns them in the order of names. A shop's own failure is in its err.
func (r *checkoutCredentialsListResource) readAll(ctx context.Context, names []string, withExtension bool) []listedShop {
	shops, reads := make([]listedShop, len(names)), make([]func(context.Context) error, len(names))
	for i, name := range names {
		shops[i] = listedShop{name: name, err: errNotRead}
		reads[i] = func(ctx context.Context) error {
			shops[i] = r.read(ctx, name, withExtension)
			return nil
		}
	}
	if err := rotation.Concurrently(ctx, reads...); err != nil {
		shops[0].err = err
	}
	return shops
}

// errNotRead says that the failure of another read ended this one.
var errNotRead = errors.New("the shop was not read")

// read reads a shop. It requests the extension only if the result must be complete.
func (r *checkoutCredentialsListResource) read(ctx context.Context, name string, withExtension bool) listedShop {
	shop := listedShop{name: name}
	shop.holds, shop.err = r.engine.Shops.Credentials(ctx, name)
	if shop.err == nil && withExtension {
		shop.extension, shop.err = r.mystore.Extension(ctx, name)
	}
	return shop
}

// fillShop fills the result with the state that an import of the shop and a refresh would produce, except for
// the version of its secret.
func fillShop(ctx context.Context, shop listedShop, result *list.ListResult) {
	var model checkoutCredentialsModel
	result.Diagnostics.Append(result.Resource.SetAttribute(ctx, path.Root("shop"), shop.name)...)
	result.Diagnostics.Append(result.Resource.Get(ctx, &model)...)
	model.read(shop.holds)
	model.setDefaults()
	model.SecretWOVersion = types.Int64Value(firstSecretVersion)
	model.ExtensionVersion = nullWhenEmpty(shop.extension.Version)
	result.DisplayName = displayShop(shop)
	result.Diagnostics.Append(result.Resource.Set(ctx, model)...)
	result.Diagnostics.Append(result.Identity.Set(ctx, model.identity())...)
}

// displayShop describes a shop and its key's username.
func displayShop(shop listedShop) string {
	if shop.holds.KustomID == "" {
		return shop.name + " (no credentials)"
	}
	return shop.name + " (" + shop.holds.KustomID + ")"
}
