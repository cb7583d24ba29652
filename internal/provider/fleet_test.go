package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// TestFleet_TypesFitSchema compares the types in variables, which exist for speed, with those of the schema's attributes.
func TestFleet_TypesFitSchema(t *testing.T) {
	t.Parallel()
	var resp resource.SchemaResponse
	newFleetResource().Schema(t.Context(), resource.SchemaRequest{}, &resp)
	shops, ok := resp.Schema.Attributes["shops"].(schema.MapNestedAttribute)
	if !ok {
		t.Fatal("shops is no nested attribute")
	}
	for _, test := range []struct {
		typ        types.ObjectType
		attributes map[string]schema.Attribute
	}{{fleetShopType, shops.NestedObject.Attributes}, {keyRefType, keyRefAttributes()}} {
		of := map[string]attr.Type{}
		for name, attribute := range test.attributes {
			of[name] = attribute.GetType()
		}
		if want := (types.ObjectType{AttrTypes: of}); !test.typ.Equal(want) {
			t.Errorf("the type is %s, that of the attributes %s", test.typ, want)
		}
	}
}

// fullShop is a shop with a value of its own in every attribute.
func fullShop() fleetShop {
	triggers := types.MapValueMust(types.StringType, map[string]attr.Value{"incident": types.StringValue("none")})
	return fleetShop{
		connectedShop: connectedShop{
			MerchantID: types.StringValue("M1"), Description: types.StringValue("description"), RotateWhenChanged: triggers,
			CredentialID: types.StringValue("c-1"), Username: types.StringValue("M1-a"), Host: types.StringValue("host"),
			CreatedAt: types.StringValue("2026-11-02T09:15:00Z"), ExpiresAt: types.StringValue("2027-11-02T09:15:00Z"), Reason: types.StringValue("reason"),
			KeysToDelete: keySet([]rotation.KeyRef{{MerchantID: "M1", Username: "M1-old"}}),
			KeysKept:     keySet([]rotation.KeyRef{{MerchantID: "M2", Username: "M2-left"}}),
			KeysLeft: leftKeys(rotation.Plan{}, []rotation.KeptKey{
				{Key: kustom.Orphan{MerchantID: "M1", Username: "M1-old"}, Err: errors.New("refused")},
			}),
			PreviousUsername: types.StringValue("M1-old"),
		},
		LastError: types.StringValue("last_error"),
	}
}

// TestFleet_ShopObjectFitsSchema reads a shop from the object that was written of it, by the provider's code and by the
// framework.
func TestFleet_ShopObjectFitsSchema(t *testing.T) {
	t.Parallel()
	want := fullShop()
	object, ok := want.object().(types.Object)
	if !ok {
		t.Fatalf("it is no object but a %T", want.object())
	}
	for name, value := range object.Attributes() {
		if value.IsNull() {
			t.Errorf("the test has no value for %s", name)
		}
	}
	if got := readFleetShop(object); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	var reflected fleetShop
	if diags := object.As(t.Context(), &reflected, basetypes.ObjectAsOptions{}); diags.HasError() || !reflect.DeepEqual(reflected, want) {
		t.Errorf("the framework reads %+v, %v, want %+v", reflected, diags, want)
	}
}

func TestFleet_UnchangedShopsKeepTheirState(t *testing.T) {
	t.Parallel()
	known := fullShop()
	if got := known.unchanged(); !reflect.DeepEqual(got, known) {
		t.Errorf("of what is known becomes %+v, want %+v", got, known)
	}
	shop := fullShop()
	for _, value := range []*types.String{
		&shop.CredentialID, &shop.Username, &shop.Host, &shop.CreatedAt, &shop.ExpiresAt, &shop.Reason, &shop.LastError, &shop.PreviousUsername,
	} {
		*value = types.StringUnknown()
	}
	shop.KeysToDelete, shop.KeysKept, shop.KeysLeft = types.SetUnknown(keyRefType), types.SetUnknown(keyRefType), types.SetUnknown(leftKeyType)
	want := unreadFleetShop("M1")
	want.Description, want.RotateWhenChanged = known.Description, known.RotateWhenChanged
	if got := shop.unchanged(); !got.object().Equal(want.object()) {
		t.Errorf("of what is not known becomes %v, want %v", got.object(), want.object())
	}
}

func TestFleet_EnumeratesShops(t *testing.T) {
	t.Parallel()
	names := strings.Split(strings.Repeat("s,", 1000), ",")[:1000]
	all := strings.Join(names[:named], ", ")
	for n, want := range map[int]string{0: "", 1: "s", 2: "s, s", named: all, named + 1: all + " and 1 more", 1000: all + " and 980 more"} {
		if got := enumerate(names[:n]); got != want {
			t.Errorf("of %d: %q, want %q", n, got, want)
		}
	}
}

// lines are a list of messages, one on a line: where each is put, its severity, summary and detail.
func lines(diags diag.Diagnostics) string {
	var all []string
	for _, d := range diags {
		at := "-"
		if located, ok := d.(diag.DiagnosticWithPath); ok {
			at = located.Path().String()
		}
		detail, _, _ := strings.Cut(d.Detail(), "\n\nCause")
		all = append(all, fmt.Sprintf("%s %s %s: %s", at, strings.ToLower(d.Severity().String()), d.Summary(), detail))
	}
	return strings.Join(all, "\n")
}

// TestFleet_ReportsCommonFailureOnce reports the failure of one shop at that shop, and a failure of all shops once.
func TestFleet_ReportsCommonFailureOnce(t *testing.T) {
	t.Parallel()
	expired, elsewhere := refusal("portal", 401, "UNAUTHORIZED"), refusal("mystore", 503, "")
	failures := func(errs ...error) shopFailures {
		var all shopFailures
		for i, err := range errs {
			if err != nil {
				all = append(all, shopFailure{member: &rotation.Member{Name: string(rune('a' + i))}, message: message{title: "Not done"}, err: err})
			}
		}
		return all
	}
	const (
		token   = "Kustom Portal rejects the token. It is wrong or has expired. Get a new token. Set it as portal_token or in the environment variable KUSTOM_PORTAL_TOKEN."
		trouble = "mystore.example returned a server error (503). Run again in a few minutes. If the error comes again, send the lines below to the vendor's support."
		noV3    = "has no Klarna Checkout V3. Only Klarna Checkout V3 can use Kustom. Install it in Mystore under Extensions, then run again."
	)
	missing := func(shop string) error { return &mystore.NotInstalledError{Shop: shop} }
	for name, test := range map[string]struct {
		failures shopFailures
		want     []string
	}{
		"none":    {failures(), nil},
		"its own": {failures(nil, missing("b")), []string{`shops["b"] error Not done: b: Shop b ` + noV3}},
		"two general ones": {failures(expired, elsewhere, expired, elsewhere), []string{
			"- error Not done: " + token + " This applies to a, c.", "- error Not done: " + trouble + " This applies to b, d.",
		}},
		"mixed": {failures(missing("a"), expired, missing("c"), expired), []string{
			`shops["a"] error Not done: a: Shop a ` + noV3, "- error Not done: " + token + " This applies to b, d.",
			`shops["c"] error Not done: c: Shop c ` + noV3,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := strings.Join(test.want, "\n")
			if got := lines(test.failures.errors()); got != want {
				t.Errorf("the errors are\n%s\nwant\n%s", got, want)
			}
			want = strings.ReplaceAll(want, " error Not done", " warning Not done")
			if got := lines(test.failures.warnings()); got != want {
				t.Errorf("the warnings are\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// shopsOf is a map of shops of the store M1. A nil one is not known yet.
func shopsOf(shops map[string]*fleetShop) types.Map {
	elements := map[string]attr.Value{}
	for name, shop := range shops {
		if elements[name] = types.ObjectUnknown(fleetShopType.AttrTypes); shop != nil {
			elements[name] = shop.object()
		}
	}
	return types.MapValueMust(fleetShopType, elements)
}

// fleetOf is the operation that leads from state to plan, as far as it needs no vendor.
func fleetOf(t *testing.T, plan fleetModel, state *fleetModel, memory fleetMemory) *fleet {
	t.Helper()
	var diags diag.Diagnostics
	f := (&fleetResource{}).fleet(t.Context(), plan, &plan, state, memory, &diags)
	if diags.HasError() {
		t.Fatal(diags)
	}
	return f
}

// TestFleet_SkipsUnknownShops expects no member of the operation for a shop whose settings are unknown.
func TestFleet_SkipsUnknownShops(t *testing.T) {
	t.Parallel()
	shop := fullShop()
	plan := fleetModel{Shops: shopsOf(map[string]*fleetShop{"b-stays": &shop, "a-comes": &shop, "d-unknown": nil, "e-unknown": nil})}
	state := fleetModel{Shops: shopsOf(map[string]*fleetShop{"b-stays": &shop, "c-leaves": &shop, "e-unknown": &shop})}
	memory := fleetMemory{"b-stays": {DueReason: "stays"}, "c-leaves": {DueReason: "leaves"}}
	f := fleetOf(t, plan, &state, memory)
	var got []string
	for i, m := range f.Members {
		due := ""
		if m.Record != nil {
			due = m.Record.Memory.DueReason
		}
		got = append(got, fmt.Sprintf("%s planned %t known %t %s", m.Name, f.models[i].plan != nil, f.models[i].state != nil, due))
	}
	want := []string{"a-comes planned true known false ", "b-stays planned true known true stays", "c-leaves planned false known true leaves"}
	if !slices.Equal(got, want) {
		t.Errorf("the members are %q, want %q", got, want)
	}
	if f.Concurrency != defaultFleetConcurrency {
		t.Errorf("%d shops at once", f.Concurrency)
	}
	var diags diag.Diagnostics
	planned := f.planned(plan.Shops, types.StringUnknown(), &diags)
	if got := slices.Sorted(maps.Keys(planned.Elements())); diags.HasError() || len(got) != 4 {
		t.Errorf("planned are %q, %v", got, diags)
	}
	if !planned.Elements()["e-unknown"].IsUnknown() {
		t.Error("what is not known yet is planned to be known")
	}
	plan.MaxConcurrency = types.Int64Value(7)
	if f := fleetOf(t, plan, nil, nil); f.Concurrency != 7 {
		t.Errorf("%d shops at once, want 7", f.Concurrency)
	}
}

// TestFleet_SavesNothingIfAllShopsFailed expects no state only if all shops failed and no key is left to delete.
func TestFleet_SavesNothingIfAllShopsFailed(t *testing.T) {
	t.Parallel()
	failed := errors.New("failed")
	left := &rotation.Record{Memory: rotation.Memory{Undeleted: []kustom.Orphan{{}}}}
	for name, test := range map[string]struct {
		members []*rotation.Member
		want    bool
	}{
		"no shops":             {nil, false},
		"all failed":           {[]*rotation.Member{{Err: failed}, {Err: failed}}, true},
		"one done":             {[]*rotation.Member{{Err: failed}, {}}, false},
		"all failed, one left": {[]*rotation.Member{{Err: failed}, {Err: failed, Record: left}}, false},
	} {
		if got := (&fleet{Fleet: rotation.Fleet{Members: test.members}}).nothingSaved(); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// someShops is a Mystore of which only the shop "dead" can't be read.
type someShops struct{ rotation.ShopService }

func (someShops) Credentials(_ context.Context, shop string) (mystore.Credentials, error) {
	if shop == "dead" {
		return mystore.Credentials{}, &transport.Error{API: "mystore", Kind: transport.Refused, Status: http.StatusUnauthorized}
	}
	return mystore.Credentials{}, nil
}

// askingEngine is an engine that asks these shops before a key is deleted.
func askingEngine(shops ...string) *rotation.Engine {
	return rotation.New(rotation.Options{
		Shops: someShops{}, Clock: clocktest.New(time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC)),
		Names: func() ([]string, error) { return append(shops, "alive"), nil },
	})
}

// TestFleet_WarnsOfDeletions counts over all shops, because Terraform's own counts have only objects. It names each key once,
// and promises no deletion that a shop which can't be read will block.
func TestFleet_WarnsOfDeletions(t *testing.T) {
	t.Parallel()
	goes := rotation.KeyRef{MerchantID: "M1", CredentialID: "c-1", Username: "M1-a"}
	later := rotation.KeyRef{MerchantID: "M1", CredentialID: "c-2", Username: "M1-b", WaitsFor: "no use of the key for 24h"}
	described, elsewhere := goes, rotation.KeyRef{MerchantID: "M2", CredentialID: "c-2", Username: "M2-b"}
	described.Host = kustom.Production.LegacyHost()
	switched := func(others []string, goes ...rotation.KeyRef) rotation.Plan {
		return rotation.Plan{Generate: true, Changes: true, Delete: goes, OtherKeys: others}
	}
	for name, test := range map[string]struct {
		plans      []rotation.Plan
		unreadable []string
		want       string
	}{
		"only what changes": {
			plans: []rotation.Plan{switched(nil, goes), switched(nil, later), {Delete: []rotation.KeyRef{elsewhere}}, {Undecided: true}},
			want: "API keys will be deleted: 2 shops will get a new key; 1 key will be deleted: M1-a; 1 key will be deleted by a later " +
				"apply, when the portal shows no use: M1-b. The plan can't decide about 1 shop yet: shop-4.",
		},
		"a key that another shop of the store gives up": {
			plans: []rotation.Plan{switched([]string{"M1-erp"}, goes), switched([]string{"M1-a", "M1-erp"}, described)},
			want: "API keys will be deleted: 2 shops will get a new key; 1 key will be deleted: M1-a; 1 other key of the store stays as " +
				"before: M1-erp.",
		},
		"nothing goes": {
			plans: []rotation.Plan{switched([]string{"M1-erp"})},
			want:  "API keys stay in the portal: 1 shop will get a new key; 1 other key of the store stays as before: M1-erp.",
		},
		"a shop can't be read": {
			plans: []rotation.Plan{switched(nil, goes, elsewhere)}, unreadable: []string{"dead"},
			want: "API keys will be deleted: 1 shop will get a new key; 2 keys will be deleted: M1-a, M2-b. The apply will not delete M1-a while " +
				"shop dead can't be read, because this shop may use the key. A shop that another resource assigns to another store does not count. " +
				"With unused_for, the apply still deletes a key that was unused for that time. Run terraform-provider-kustom check to see what is " +
				"wrong with this shop. If a shop is closed, add it to the provider's ignored_shops.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fleet{Fleet: rotation.Fleet{Engine: askingEngine(test.unreadable...)}}
			for _, shop := range test.unreadable {
				f.Engine.Shops.NoteConfigured(shop, "M1", "")
				if _, err := f.Engine.Shops.Credentials(t.Context(), shop); err == nil {
					t.Fatalf("shop %s can be read", shop)
				}
			}
			for i, plan := range test.plans {
				f.Members = append(f.Members, &rotation.Member{Name: fmt.Sprintf("shop-%d", i+1), Plan: plan})
			}
			var diags diag.Diagnostics
			f.warnOfDeletions(nil, &diags)
			if got, want := lines(diags), "- warning "+test.want; got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}
