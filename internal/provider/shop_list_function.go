package provider

import (
	"context"
	"encoding/base64"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/shoplist"
)

var _ function.Function = shopListFunction{}

// shopListFunction is a function and not a data source, because its result is known in every plan. So for_each
// can use it, and no vendor is asked to check a list.
type shopListFunction struct{}

func newShopListFunction() function.Function { return shopListFunction{} }

// shopRow is one row of a list of shops.
type shopRow struct {
	MerchantID  string            `tfsdk:"merchant_id"`
	Description *string           `tfsdk:"description"`
	Wave        int64             `tfsdk:"wave"`
	Columns     map[string]string `tfsdk:"columns"`
}

func (shopListFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "shop_list"
}

func (shopListFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "Lists the shops of a CSV file, as spreadsheets save it",
		MarkdownDescription: "Lists the shops of a CSV file, as spreadsheets save it, for the `for_each` of connections " +
			"or the `shops` of a fleet.\n\n" +
			"The first row names the columns, in any order and in upper or lower case. `shop` and `merchant_id` are " +
			"required. `description` and `wave` are optional. Commas, semicolons or tabs separate the cells. The file " +
			"may be UTF-8, UTF-16 with a byte order mark, or Windows-1252. The function ignores spaces around a cell and " +
			"empty rows.\n\n" +
			"If the list has a mistake, the function fails. The error names the row and column of each mistake. Mistakes " +
			"are a repeated shop, a malformed name or merchant ID, two shops with one merchant ID, and an empty list.\n\n" +
			"The result is a map from each shop's name to an object:\n\n" +
			"- `merchant_id` (String)\n" +
			"- `description` (String) null if the cell is empty\n" +
			"- `wave` (Number) a whole number from 1. It is 1 for every shop if the list has no such column\n" +
			"- `columns` (Map of String) the other cells, by the column's name in lower case, with underscores for " +
			"spaces and hyphens",
		Parameters: []function.Parameter{function.StringParameter{
			Name: "content_base64",
			MarkdownDescription: "The content of the CSV file in Base64, such as `filebase64(\"shops.csv\")`. Do not use " +
				"Terraform's `file`: it fails if the file is not UTF-8.",
		}},
		VariadicParameter: function.StringParameter{
			Name: "shared_merchant_ids",
			MarkdownDescription: "The merchant IDs that several shops of the list may share. If two shops have any other " +
				"merchant ID in common, the function fails. This protects you from a row that you copied and forgot to " +
				"change: its shop would get a key of another shop's store.",
		},
		Return: function.MapReturn{ElementType: types.ObjectType{AttrTypes: map[string]attr.Type{
			"merchant_id": types.StringType, "description": types.StringType, "wave": types.Int64Type,
			"columns": types.MapType{ElemType: types.StringType},
		}}},
	}
}

// Run never quotes the content: the user may have passed a file of tokens.
func (shopListFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var encoded string
	var shared []string
	if resp.Error = req.Arguments.Get(ctx, &encoded, &shared); resp.Error != nil {
		return
	}
	content, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		resp.Error = function.NewArgumentFuncError(0, `The content is not in Base64. Read the file with filebase64("shops.csv"), and not with file.`)
		return
	}
	shops, err := shoplist.ParseShops(content, shared...)
	if err != nil {
		resp.Error = function.NewArgumentFuncError(0, "The list of shops can't be used.\n"+err.Error())
		return
	}
	listed := make(map[string]shopRow, len(shops))
	for _, shop := range shops {
		listed[shop.Name] = shopRow{
			MerchantID: shop.MerchantID, Description: nullWhenEmpty(shop.Description).ValueStringPointer(), Wave: int64(shop.Wave), Columns: shop.Columns,
		}
	}
	resp.Error = resp.Result.Set(ctx, listed)
}
