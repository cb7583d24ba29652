package setup

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/shoplist"
)

const uuid = "5f0c7f0a-4f0e-4a38-9d5e-2a3f6c1b7e01"

// threeStores is what an agency with three stores sees.
func threeStores(shops ...Shop) VendorData {
	data := VendorData{
		Environment: kustom.Production,
		Stores: []kustom.Store{
			{MerchantID: "M00412871", Name: "Fjellsport", Website: "https://fjellsport.example"},
			{MerchantID: "M00537204", Name: "Kaffebønna", Website: "https://www.kaffebonna.example/"},
			{MerchantID: "M00698335", Name: "Ull og Tre"},
			{MerchantID: "PM0001", Name: "Playground"},
		},
		Shops: map[string]Shop{}, Owners: map[string]string{uuid: "M00698335"}, Near: map[string]string{"fjelsport": "fjellsport"},
	}
	for _, shop := range shops {
		shop.Active = true
		data.Shops[shop.Name] = shop
	}
	return data
}

func list(rows ...string) []shoplist.Shop {
	var shops []shoplist.Shop
	for _, row := range rows {
		cells := strings.Split(row+",,", ",")
		shops = append(shops, shoplist.Shop{Name: cells[0], MerchantID: cells[1], Wave: 1, Columns: map[string]string{"website": cells[2]}})
	}
	return shops
}

func TestMatchShops_MatchesByEvidence(t *testing.T) {
	t.Parallel()
	both := []Shop{{Name: "a", KustomID: "M00412871-x"}, {Name: "b", KustomID: "M00412871-y"}}
	for name, test := range map[string]struct {
		shops []Shop
		input UserInput
		// want has "shop=merchant ID evidence" of a match, and "shop: why" of what is left over.
		want []string
	}{
		"by its key": {shops: []Shop{{Name: "a", KustomID: "M00412871-x"}}, want: []string{"a=M00412871 the " +
			"key that the shop holds"}},
		"by the portal's list": {shops: []Shop{{Name: "a", KustomID: uuid}}, want: []string{"a=M00698335 the key that " +
			"the shop holds"}},
		"by a key of nobody's": {shops: []Shop{{Name: "a", KustomID: strings.Replace(uuid, "5", "6", 1)}}, want: []string{"a: " +
			"no known store has its Kustom ID"}},
		"by its host":           {shops: []Shop{{Name: "a", Host: "www.kaffebonna.example"}}, want: []string{"a=M00537204 the store's website"}},
		"by the list's website": {shops: []Shop{{Name: "a"}}, input: UserInput{List: list("a,,Kaffebonna.example/nb")}, want: []string{"a=M00537204 the store's website"}},
		"by its name":           {shops: []Shop{{Name: "fjell-sport"}}, want: []string{"fjell-sport=M00412871 the store's website"}},
		"part of a name":        {shops: []Shop{{Name: "fjell"}}, want: []string{"fjell: it shows no Kustom ID, and no store has its website"}},
		"called like a store": {shops: []Shop{{Name: "ullogtre"}}, want: []string{"ullogtre: it shows no Kustom ID, " +
			"and no store has its website; store M00698335 (Ull og Tre) has a similar name"}},
		"by the list": {shops: []Shop{{Name: "a"}}, input: UserInput{List: list("a,M00412871")}, want: []string{"a=M00412871 " +
			"your list, flags or answers"}},
		"by a flag": {
			shops: []Shop{{Name: "a"}}, input: UserInput{List: list("a,M00412871"), Stores: map[string]string{"a": "M00537204"}},
			want: []string{"a=M00537204 your list, flags or answers"},
		},
		"key and list agree": {shops: []Shop{{Name: "a", KustomID: "M00412871-x"}}, input: UserInput{List: list("a,M00412871")}, want: []string{"a=M00412871 " +
			"your list, flags or answers"}},
		"key against list": {
			shops: []Shop{{Name: "a", KustomID: "M00412871-x"}}, input: UserInput{List: list("a,M00537204")},
			want: []string{"a: it holds a key of store M00412871 (Fjellsport), but you named store M00537204 " +
				"(Kaffebønna): the plan would be an error"},
		},
		"key against website": {
			shops: []Shop{{Name: "fjellsport", KustomID: "M00537204-x"}},
			want:  []string{"fjellsport: it holds a key of store M00537204 (Kaffebønna), but has the website of store M00412871 (Fjellsport)"},
		},
		"key against website, and a person": {
			shops: []Shop{{Name: "fjellsport", KustomID: "M00537204-x"}}, input: UserInput{Stores: map[string]string{"fjellsport": "M00537204"}},
			want: []string{"fjellsport=M00537204 your list, flags or answers"},
		},
		"several websites": {
			shops: []Shop{{Name: "fjellsport", Host: "kaffebonna.example"}},
			want:  []string{"fjellsport: several stores have its website: M00412871, M00537204"},
		},
		"no way in":      {input: UserInput{List: list("a,M00412871")}, want: []string{"a: there is no token and no session for it"}},
		"near miss":      {input: UserInput{List: list("fjelsport")}, want: []string{"fjelsport: there is no token and no session for it; there is one for fjellsport"}},
		"unreadable":     {shops: []Shop{{Name: "a", Problem: "the token has expired"}}, want: []string{"a: the token has expired"}},
		"secret as ID":   {shops: []Shop{{Name: "a", KustomID: "kco_live_api_hush"}}, input: UserInput{List: list("a,M00412871")}, want: []string{"a: its Kustom ID is malformed, and is not shown here"}},
		"unseen store":   {shops: []Shop{{Name: "a", KustomID: "M00999999-x"}}, want: []string{"a: the user of Kustom Portal can't see store M00999999"}},
		"other stage":    {shops: []Shop{{Name: "a", KustomID: "PM0001-x"}}, want: []string{"a: store PM0001 (Playground) is not one of the production"}},
		"no merchant ID": {shops: []Shop{{Name: "a"}}, input: UserInput{Stores: map[string]string{"a": `M1" }`}}, want: []string{"a: \"M1\\\" }\" is not a store's merchant ID"}},
		"one store":      {shops: both, want: []string{"a: the shops a, b would all belong to store M00412871 (Fjellsport)", "b: the shops a, b would"}},
		"shared store":   {shops: both, input: UserInput{Shared: []string{"M00412871"}}, want: []string{"a=M00412871 the key", "b=M00412871 the key"}},
		"besides the list": {
			shops: []Shop{{Name: "a", KustomID: "M00412871-x"}, {Name: "b", KustomID: "M00537204-x"}},
			input: UserInput{List: list("a"), Also: []string{"b", "a", "b"}},
			want:  []string{"a=M00412871", "b=M00537204"},
		},
		"the store of a shop that is not there": {input: UserInput{Stores: map[string]string{"a": "M00412871"}, Also: []string{"a"}}, want: []string{"a: there is no token"}},
		"order of the list": {
			shops: []Shop{{Name: "a", KustomID: "M00412871-x"}, {Name: "b", KustomID: "M00537204-x"}}, input: UserInput{List: list("b", "a")},
			want: []string{"b=M00537204", "a=M00412871"},
		},
	} {
		got := MatchShops(threeStores(test.shops...), test.input)
		var lines []string
		for _, m := range got.Matches {
			lines = append(lines, fmt.Sprintf("%s=%s %s", m.Name, m.MerchantID, m.By))
		}
		for _, l := range got.Left {
			lines = append(lines, l.Shop+": "+l.Why)
		}
		if !slices.EqualFunc(lines, test.want, strings.HasPrefix) {
			t.Errorf("%s: got %q, want %q", name, lines, test.want)
		}
		if strings.Contains(fmt.Sprint(lines), "hush") {
			t.Errorf("%s: a secret is shown", name)
		}
	}
}

// The result also lists stores without a shop, and shops whose checkout is off.
func TestMatchShops_SaysWhatElseThereIs(t *testing.T) {
	t.Parallel()
	data := threeStores(Shop{Name: "a", KustomID: "M00412871-x"})
	data.Shops["a"] = Shop{Name: "a", KustomID: "M00412871-x"}
	got := MatchShops(data, UserInput{})
	var stores []string
	for _, store := range got.Stores {
		stores = append(stores, store.MerchantID)
	}
	if !slices.Equal(stores, []string{"M00537204", "M00698335", "PM0001"}) || !slices.Equal(got.Inactive, []string{"a"}) {
		t.Errorf("got %q, %q", stores, got.Inactive)
	}
}

func TestMatchShops_AsksOnlyWhatHelps(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		shop   Shop
		want   Question
		unread bool
	}{
		{Shop{Name: "a"}, AskStore, false},
		{Shop{Name: "a", Problem: "the token has expired", Unread: true}, AskStore, true},
		{Shop{Name: "a", Problem: "it has no Klarna Checkout V3"}, AskNothing, false},
	} {
		got := MatchShops(threeStores(test.shop), UserInput{})
		if len(got.Left) != 1 || got.Left[0].Ask != test.want || (len(got.Unread()) == 1) != test.unread {
			t.Errorf("%+v: got %+v", test.shop, got.Left)
		}
	}
	held := threeStores(Shop{Name: "a", KustomID: "M00412871-x"})
	if got := MatchShops(held, UserInput{List: list("a,M00537204")}); got.Left[0].Ask != AskNothing {
		t.Error("a person could answer what a plan refuses")
	}
}
