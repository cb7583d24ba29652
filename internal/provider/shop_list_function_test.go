package provider

import (
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// runShopList calls shop_list with a content as Terraform would.
func runShopList(t *testing.T, content string, shared ...string) (types.Map, *function.FuncError) {
	t.Helper()
	var definition function.DefinitionResponse
	newShopListFunction().Definition(t.Context(), function.DefinitionRequest{}, &definition)
	ids, kinds := make([]attr.Value, len(shared)), make([]attr.Type, len(shared))
	for i, id := range shared {
		ids[i], kinds[i] = types.StringValue(id), types.StringType
	}
	returned, ok := definition.Definition.Return.GetType().(types.MapType)
	if !ok {
		t.Fatal("the function does not return a map")
	}
	resp := function.RunResponse{Result: function.NewResultData(types.MapUnknown(returned.ElemType))}
	newShopListFunction().Run(t.Context(), function.RunRequest{
		Arguments: function.NewArgumentsData([]attr.Value{types.StringValue(content), types.TupleValueMust(kinds, ids)}),
	}, &resp)
	result, _ := resp.Result.Value().(types.Map)
	return result, resp.Error
}

func TestShopList_ReturnsTypedShops(t *testing.T) {
	list := "Shop;Merchant ID;Description;Wave;Web site\r\nfjellsport;M00412871;;2;https://fjellsport.example\r\n"
	shops, err := runShopList(t, base64.StdEncoding.EncodeToString([]byte(list)))
	if err != nil {
		t.Fatal(err)
	}
	if names := slices.Collect(maps.Keys(shops.Elements())); !slices.Equal(names, []string{"fjellsport"}) {
		t.Fatalf("the shops are %q", names)
	}
	const want = `{"columns":{"web_site":"https://fjellsport.example"},"description":<null>,"merchant_id":"M00412871","wave":2}`
	if got := shops.Elements()["fjellsport"].String(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestShopList_SharedMerchantIDs(t *testing.T) {
	list := base64.StdEncoding.EncodeToString([]byte("shop,merchant_id\nfjellsport,M1\nullogtre,M1\n"))
	if shops, err := runShopList(t, list, "M2", "M1"); err != nil || len(shops.Elements()) != 2 {
		t.Errorf("got %v, %v", shops, err)
	}
	if _, err := runShopList(t, list, "M2"); err == nil || !strings.Contains(err.Error(), "have one merchant ID, M1") {
		t.Errorf("got %v", err)
	}
}

func TestShopList_SaysHowToReadTheFile(t *testing.T) {
	_, err := runShopList(t, "shop,merchant_id\nfjellsport,M1\n")
	if err == nil || !strings.Contains(err.Error(), `filebase64("shops.csv")`) || *err.FunctionArgument != 0 {
		t.Errorf("got %v", err)
	}
}
