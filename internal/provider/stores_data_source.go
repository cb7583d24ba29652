package provider

import (
	"cmp"
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

var _ datasource.DataSourceWithConfigure = (*storesDataSource)(nil)

type storesDataSource struct{ configuredDataSource }

func newStoresDataSource() datasource.DataSource { return &storesDataSource{} }

type storesModel struct {
	Stores []storeModel `tfsdk:"stores"`
}

type storeModel struct {
	MerchantID types.String `tfsdk:"merchant_id"`
	Name       types.String `tfsdk:"name"`
	Website    types.String `tfsdk:"website"`
}

func (d *storesDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_stores"
}

func (d *storesDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Lists the stores that the portal user can see. Use it with `for_each` to read all stores, " +
			"or to find stores that are missing from your configuration.",
		Attributes: map[string]schema.Attribute{
			"stores": schema.ListNestedAttribute{
				Computed: true, MarkdownDescription: "The stores, sorted by merchant ID.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"merchant_id": schema.StringAttribute{Computed: true, MarkdownDescription: "Merchant ID (MID) of the store."},
					"name":        schema.StringAttribute{Computed: true, MarkdownDescription: "The store's name in Kustom Portal."},
					"website":     schema.StringAttribute{Computed: true, MarkdownDescription: "The store's website."},
				}},
			},
		},
	}
}

func (d *storesDataSource) Read(ctx context.Context, _ datasource.ReadRequest, resp *datasource.ReadResponse) {
	var stores []kustom.Store
	for store, err := range d.engine.Keys.Stores(ctx) {
		if err != nil {
			report(&resp.Diagnostics, path.Empty(), storesNotRead(), err)
			return
		}
		stores = append(stores, store)
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, readStores(stores))...)
}

func readStores(stores []kustom.Store) storesModel {
	slices.SortFunc(stores, func(a, b kustom.Store) int { return cmp.Compare(a.MerchantID, b.MerchantID) })
	model := storesModel{Stores: make([]storeModel, 0, len(stores))}
	for _, store := range stores {
		model.Stores = append(model.Stores, storeModel{
			MerchantID: types.StringValue(store.MerchantID),
			Name:       types.StringValue(store.Name),
			Website:    types.StringValue(store.Website),
		})
	}
	return model
}
