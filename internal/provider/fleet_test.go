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
	"github.com/hashicorp/terraform-plugin-framework/path"
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

// attributeTypes are the types of attributes as the framework takes them.
func attributeTypes(attributes map[string]schema.Attribute) map[string]attr.Type {
	typs := map[string]attr.Type{}
	for name, attribute := range attributes {
		typs[name] = attribute.GetType()
	}
	return typs
}

// TestFleet_TypesFitSchema: the types that are written out, so that they are not made anew for every value, are
// those of the attributes.
func TestFleet_TypesFitSchema(t *testing.T) {
	t.Parallel()
	shop := connectedShopAttributes()
	shop["last_error"] = schema.StringAttribute{}
	for name, test := range map[string]struct {
		typ        types.ObjectType
		attributes map[string]schema.Attribute
	}{
		"a fleet's shop": {fleetShopType, shop},
		"a key":          {keyRefType, keyRefAttributes()},
	} {
		if want := (types.ObjectType{AttrTypes: attributeTypes(test.attributes)}); !test.typ.Equal(want) {
			t.Errorf("%s is of type %s, its attributes of %s", name, test.typ, want)
		}
	}
	var resp resource.SchemaResponse
	newFleetResource().Schema(t.Context(), resource.SchemaRequest{}, &resp)
	shops, ok := resp.Schema.Attributes["shops"].(schema.MapNestedAttribute)
	if !ok {
		t.Fatal("shops is no nested attribute")
	}
	if got := (types.ObjectType{AttrTypes: attributeTypes(shops.NestedObject.Attributes)}); !fleetShopType.Equal(got) {
		t.Errorf("the schema's shop is of type %s, want %s", got, fleetShopType)
	}
	if want := (types.MapType{ElemType: fleetShopType}); !shops.GetType().Equal(want) {
		t.Errorf("shops is of type %s, want %s", shops.GetType(), want)
	}
	if diags := resp.Schema.ValidateImplementation(t.Context()); diags.HasError() {
		t.Errorf("the schema is not valid: %v", diags)
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

// TestFleet_ShopObjectFitsSchema: what is written of a shop is what is read of it, as the framework reads it too.
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
	want := fullShop()
	if got := want.unchanged(); !reflect.DeepEqual(got, want) {
		t.Errorf("of what is known becomes %+v, want %+v", got, want)
	}
	unknown := want
	unknown.CredentialID, unknown.Username, unknown.Host = types.StringUnknown(), types.StringUnknown(), types.StringUnknown()
	unknown.CreatedAt, unknown.ExpiresAt, unknown.Reason = types.StringUnknown(), types.StringUnknown(), types.StringUnknown()
	unknown.LastError, unknown.PreviousUsername, unknown.KeysLeft = types.StringUnknown(), types.StringUnknown(), types.SetUnknown(leftKeyType)
	unknown.KeysToDelete, unknown.KeysKept = types.SetUnknown(keyRefType), types.SetUnknown(keyRefType)
	got := unknown.unchanged()
	for name, value := range map[string]attr.Value{
		"credential_id": got.CredentialID, "username": got.Username, "host": got.Host, "created_at": got.CreatedAt,
		"expires_at": got.ExpiresAt, "reason": got.Reason, "last_error": got.LastError,
		"previous_username": got.PreviousUsername,
	} {
		if !value.IsNull() {
			t.Errorf("%s is %v, want null", name, value)
		}
	}
	none := types.SetValueMust(keyRefType, []attr.Value{})
	if !got.KeysToDelete.Equal(none) || !got.KeysKept.Equal(none) || !got.KeysLeft.Equal(leftKeys(rotation.Plan{}, nil)) {
		t.Errorf("the sets are %v and %v, want empty ones", got.KeysToDelete, got.KeysKept)
	}
	if got.MerchantID != want.MerchantID || got.Description != want.Description || !got.RotateWhenChanged.Equal(want.RotateWhenChanged) {
		t.Errorf("what is configured becomes %+v", got)
	}
}

func TestFleet_EnumeratesShops(t *testing.T) {
	t.Parallel()
	names := func(n int) []string {
		var names []string
		for i := range n {
			names = append(names, fmt.Sprintf("s%d", i+1))
		}
		return names
	}
	for n, want := range map[int]string{
		0: "", 1: "s1", 2: "s1, s2",
		named:     strings.Join(names(named), ", "),
		named + 1: strings.Join(names(named), ", ") + " and 1 more",
		1000:      strings.Join(names(named), ", ") + " and 980 more",
	} {
		if got := enumerate(names(n)); got != want {
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

// TestFleet_TellsFailureOnceOrAtItsShop: a shop's own failure is told at the shop, and one that is not the shops' once for all.
func TestFleet_TellsFailureOnceOrAtItsShop(t *testing.T) {
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
		"none":           {failures(), nil},
		"one, its own":   {failures(nil, missing("b")), []string{`shops["b"] error Not done: b: Shop b ` + noV3}},
		"two, their own": {failures(missing("a"), missing("b")), []string{`shops["a"] error Not done: a: Shop a ` + noV3, `shops["b"] error Not done: b: Shop b ` + noV3}},
		"general":        {failures(expired, nil, expired, expired), []string{"- error Not done: " + token + " This applies to a, c, d."}},
		"two general ones": {failures(expired, elsewhere, expired, elsewhere), []string{
			"- error Not done: " + token + " This applies to a, c.", "- error Not done: " + trouble + " This is so of b, d.",
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

// TestFleet_Members: a shop whose settings are not known yet neither stays as it is nor leaves.
func TestFleet_Members(t *testing.T) {
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

// TestFleet_NothingSaved: only where nothing at all has come of a creation, nothing is kept.
func TestFleet_NothingSaved(t *testing.T) {
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

// TestFleet_LastErrorIsPlanned: a shop's error is known while planning only where nothing is done about it. A change of
// anything that the apply does would be called inconsistent by Terraform.
func TestFleet_LastErrorIsPlanned(t *testing.T) {
	t.Parallel()
	left := []kustom.Orphan{{MerchantID: "M1", CredentialID: "c-9", Username: "M1-nine"}}
	for name, test := range map[string]struct {
		memory rotation.Memory
		want   string
	}{
		"nothing to do":           {rotation.Memory{}, `"last_error"`},
		"needs a key":             {rotation.Memory{DueReason: "because"}, "<unknown>"},
		"a key is left":           {rotation.Memory{Undeleted: left}, "<unknown>"},
		"both, with a last error": {rotation.Memory{DueReason: "because", Undeleted: left}, "<unknown>"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shop := fullShop()
			model := fleetModel{Shops: shopsOf(map[string]*fleetShop{"a": &shop})}
			f := fleetOf(t, model, &model, fleetMemory{"a": test.memory})
			for _, m := range f.Members {
				var err error
				if m.Plan, err = rotation.Decide(*m.Config, m.Record, nil); err != nil {
					t.Fatal(err)
				}
			}
			var diags diag.Diagnostics
			planned := fleetShops(f.planned(model.Shops, types.StringUnknown(), &diags))["a"]
			if got := planned.LastError.String(); got != test.want || diags.HasError() {
				t.Errorf("planned is %s, want %s; %v", got, test.want, diags)
			}
		})
	}
}

// TestFleet_WarnsOfClearing: only shops that the configuration has no more are said to be cleared.
func TestFleet_WarnsOfClearing(t *testing.T) {
	t.Parallel()
	shop, keyless := fullShop(), unreadFleetShop("M1")
	plan := fleetModel{
		Shops:           shopsOf(map[string]*fleetShop{"stays": &shop, "unknown": nil}),
		connectionRules: connectionRules{DeletionPolicy: types.StringValue(deletionClear)},
	}
	state := fleetModel{Shops: shopsOf(map[string]*fleetShop{"stays": &shop, "unknown": &shop, "leaves": &shop, "keyless": &keyless})}
	var diags diag.Diagnostics
	fleetOf(t, plan, &state, nil).warnOfClearing(&diags)
	want := "- warning Shops will take no payments: The fleet's deletion_policy is clear, and you removed these shops from it: leaves (M1-a). " +
		"The apply clears their credentials and deletes their keys. It does neither for a shop that gets a key from another resource in the same run. " +
		"Apply only if these shops should take no payments. To leave them as they are, set deletion_policy = \"retain\"."
	if got := lines(diags); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestFleet_WarnsOfLeaving: of the shops that leave, those go on taking payments that had a key.
func TestFleet_WarnsOfLeaving(t *testing.T) {
	t.Parallel()
	shop, keyless := fullShop(), unreadFleetShop("M1")
	state := fleetModel{Shops: shopsOf(map[string]*fleetShop{"leaves": &shop, "keyless": &keyless})}
	var diags diag.Diagnostics
	fleetOf(t, fleetModel{Shops: shopsOf(nil)}, &state, nil).warnOfLeaving(&diags)
	want := "- warning Shops and keys left as they are: These have left the fleet as they are, because its deletion_policy is retain: leaves " +
		"(M1-a). Each takes payments with the key named here until something gives it another one. If you want that, you need do nothing. To clear the shops that you remove, set deletion_policy = \"clear\"."
	if got := lines(diags); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
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

// TestFleet_WarnsOfDeletions counts over all shops: Terraform's own counts have only objects.
func TestFleet_WarnsOfDeletions(t *testing.T) {
	t.Parallel()
	goes := rotation.KeyRef{MerchantID: "M1", CredentialID: "c-1", Username: "M1-a"}
	later := rotation.KeyRef{MerchantID: "M1", CredentialID: "c-2", Username: "M1-b", WaitsFor: "no use of the key for 24h"}
	f := &fleet{Fleet: rotation.Fleet{Engine: askingEngine(), Members: []*rotation.Member{
		{Name: "a", Plan: rotation.Plan{Generate: true, Changes: true, Delete: []rotation.KeyRef{goes}}},
		{Name: "b", Plan: rotation.Plan{Generate: true, Changes: true, Delete: []rotation.KeyRef{later}}},
		{Name: "c", Plan: rotation.Plan{Delete: []rotation.KeyRef{goes}}},
		{Name: "d", Plan: rotation.Plan{Undecided: true}},
	}}}
	var diags diag.Diagnostics
	f.warnOfDeletions(&diags)
	want := "- warning API keys will be deleted: 2 shops will get a new key; 1 key will be deleted: M1-a; 1 key will be deleted by a later " +
		"apply, when the portal shows no use: M1-b. Not decided yet for 1 shop: d."
	if got := lines(diags); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestFleet_NamesEachKeyOnce: shops of one store share its keys. What goes because of one shop does not stay because of
// another, and where nothing goes, the warning does not say so.
func TestFleet_NamesEachKeyOnce(t *testing.T) {
	t.Parallel()
	goes := rotation.KeyRef{MerchantID: "M1", CredentialID: "c-1", Username: "M1-a"}
	described := goes
	described.Host = kustom.Production.LegacyHost()
	for want, members := range map[string][]*rotation.Member{
		"- warning API keys will be deleted: 2 shops will get a new key; 1 key will be deleted: M1-a; 1 other key of the store stays as before: M1-erp.": {
			{Name: "a", Plan: rotation.Plan{Generate: true, Changes: true, Delete: []rotation.KeyRef{goes}, OtherKeys: []string{"M1-erp"}}},
			{Name: "b", Plan: rotation.Plan{Generate: true, Changes: true, Delete: []rotation.KeyRef{described}, OtherKeys: []string{"M1-a", "M1-erp"}}},
		},
		"- warning API keys stay in the portal: 1 shop will get a new key; 1 other key of the store stays as before: M1-erp.": {
			{Name: "a", Plan: rotation.Plan{Generate: true, Changes: true, OtherKeys: []string{"M1-erp"}}},
		},
	} {
		f := &fleet{Fleet: rotation.Fleet{Engine: askingEngine(), Members: members}}
		var diags diag.Diagnostics
		f.warnOfDeletions(&diags)
		if got := lines(diags); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

// TestFleet_SaysWhatTheApplyWillKeep: a plan must not promise a deletion that a shop which can't be read will block.
func TestFleet_SaysWhatTheApplyWillKeep(t *testing.T) {
	t.Parallel()
	engine := askingEngine("dead")
	engine.Shops.NoteConfigured("dead", "M1", "")
	if _, err := engine.Shops.Credentials(t.Context(), "dead"); err == nil {
		t.Fatal("the shop can be read")
	}
	goes := []rotation.KeyRef{{MerchantID: "M1", CredentialID: "c-1", Username: "M1-a"}, {MerchantID: "M2", CredentialID: "c-2", Username: "M2-b"}}
	f := &fleet{Fleet: rotation.Fleet{Engine: engine, Members: []*rotation.Member{
		{Name: "a", Plan: rotation.Plan{Generate: true, Changes: true, Delete: goes}},
	}}}
	var diags diag.Diagnostics
	f.warnOfDeletions(&diags)
	want := "- warning API keys will be deleted: 1 shop will get a new key; 2 keys will be deleted: M1-a, M2-b. The apply will not delete M1-a as " +
		"long as shop dead can't be read, which may use it, unless another resource says that the shop is of another store. Where unused_for is set, a key that was not used for that long goes all the same. " +
		"terraform-provider-kustom check says what is wrong with the shop. If it is gone, add it to the provider's ignored_shops."
	if got := lines(diags); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestFleet_PutsMessagesAtTheShop: a shop's messages are put at the shop.
func TestFleet_PutsMessagesAtTheShop(t *testing.T) {
	t.Parallel()
	if got := memberPath(&rotation.Member{Name: "butikk"}); !got.Equal(path.Root("shops").AtMapKey("butikk")) {
		t.Errorf("the path is %s", got)
	}
}
