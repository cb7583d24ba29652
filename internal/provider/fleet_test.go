package provider

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
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
)

// attributeTypes are the types of attributes as the framework takes them.
func attributeTypes(attributes map[string]schema.Attribute) map[string]attr.Type {
	typs := map[string]attr.Type{}
	for name, attribute := range attributes {
		typs[name] = attribute.GetType()
	}
	return typs
}

// TestFleetTypes: the types that are written out, so that they are not made anew for every value, are
// those of the attributes.
func TestFleetTypes(t *testing.T) {
	t.Parallel()
	shop := connectedShopAttributes()
	shop["last_error"] = schema.StringAttribute{}
	for name, test := range map[string]struct {
		typ        types.ObjectType
		attributes map[string]schema.Attribute
	}{
		"a fleet's shop": {fleetShopType, shop},
		"a replaced key": {replacedKeyType, replacedKeyAttributes()},
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
func fullShop(t *testing.T) fleetShop {
	t.Helper()
	var diags diag.Diagnostics
	triggers, problems := types.MapValue(types.StringType, map[string]attr.Value{"incident": types.StringValue("none")})
	diags.Append(problems...)
	shop := fleetShop{
		connectedShop: connectedShop{
			MerchantID: types.StringValue("M1"), Description: types.StringValue("description"), RotateWhenChanged: triggers,
			CredentialID: types.StringValue("c-1"), Username: types.StringValue("M1-a"), Host: types.StringValue("host"),
			CreatedAt: types.StringValue("2026-11-02T09:15:00Z"), Reason: types.StringValue("reason"),
			Replaces: replacedKeys([]replacedKey{{MerchantID: "M1", Username: "M1-old"}}, &diags),
			Leaves:   replacedKeys([]replacedKey{{MerchantID: "M2", Username: "M2-left"}}, &diags),
		},
		Problem: types.StringValue("last_error"),
	}
	if diags.HasError() {
		t.Fatal(diags)
	}
	return shop
}

// TestFleetShopObject: what is written of a shop is what is read of it, as the framework reads it too.
func TestFleetShopObject(t *testing.T) {
	t.Parallel()
	want := fullShop(t)
	var diags diag.Diagnostics
	object, ok := want.object(&diags).(types.Object)
	if !ok || diags.HasError() {
		t.Fatalf("no object: %v", diags)
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

func TestUnchanged(t *testing.T) {
	t.Parallel()
	want := fullShop(t)
	if got := want.unchanged(); !reflect.DeepEqual(got, want) {
		t.Errorf("of what is known becomes %+v, want %+v", got, want)
	}
	unknown := want
	unknown.CredentialID, unknown.Username, unknown.Host = types.StringUnknown(), types.StringUnknown(), types.StringUnknown()
	unknown.CreatedAt, unknown.Reason, unknown.Problem = types.StringUnknown(), types.StringUnknown(), types.StringUnknown()
	unknown.Replaces, unknown.Leaves = types.ListUnknown(replacedKeyType), types.ListUnknown(replacedKeyType)
	got := unknown.unchanged()
	for name, value := range map[string]attr.Value{
		"credential_id": got.CredentialID, "username": got.Username, "host": got.Host, "created_at": got.CreatedAt,
		"reason": got.Reason, "last_error": got.Problem,
	} {
		if !value.IsNull() {
			t.Errorf("%s is %v, want null", name, value)
		}
	}
	none := types.ListValueMust(replacedKeyType, []attr.Value{})
	if !got.Replaces.Equal(none) || !got.Leaves.Equal(none) {
		t.Errorf("the lists are %v and %v, want empty ones", got.Replaces, got.Leaves)
	}
	if got.MerchantID != want.MerchantID || got.Description != want.Description || !got.RotateWhenChanged.Equal(want.RotateWhenChanged) {
		t.Errorf("what is configured becomes %+v", got)
	}
}

func TestEnumerate(t *testing.T) {
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

// TestShopFailures: a shop's own failure is told at the shop, and one that is not the shops' once for all.
func TestShopFailures(t *testing.T) {
	t.Parallel()
	expired, elsewhere := refusal("portal", 401, "UNAUTHORIZED"), refusal("mystore", 503, "")
	failures := func(errs ...error) shopFailures {
		var all shopFailures
		for i, err := range errs {
			if err != nil {
				all = append(all, shopFailure{index: i, member: &fleetMember{name: string(rune('a' + i))}, summary: "Not done", err: err})
			}
		}
		return all
	}
	const (
		token   = "Kustom Portal does not accept the token: it is wrong or has expired. Get a new one and set portal_token, or the environment variable KUSTOM_PORTAL_TOKEN."
		trouble = "mystore.example has trouble of its own. Run again in a few minutes."
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
		"general":        {failures(expired, nil, expired, expired), []string{"- error Not done: " + token + " This is so of a, c, d."}},
		"two general ones": {failures(expired, elsewhere, expired, elsewhere), []string{
			"- error Not done: " + token + " This is so of a, c.", "- error Not done: " + trouble + " This is so of b, d.",
		}},
		"mixed": {failures(missing("a"), expired, missing("c"), expired), []string{
			`shops["a"] error Not done: a: Shop a ` + noV3, "- error Not done: " + token + " This is so of b, d.",
			`shops["c"] error Not done: c: Shop c ` + noV3,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := strings.Join(test.want, "\n")
			if got := lines(test.failures.errors()); got != want {
				t.Errorf("the errors are\n%s\nwant\n%s", got, want)
			}
			want = strings.ReplaceAll(want, " error ", " warning ")
			if got := lines(test.failures.warnings()); got != want {
				t.Errorf("the warnings are\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestOutage(t *testing.T) {
	t.Parallel()
	general, own := refusal("portal", 503, ""), refusal("portal", 404, "NOT_FOUND")
	repeat := func(n int, err error) []error { return slices.Repeat([]error{err}, n) }
	for name, test := range map[string]struct {
		noted []error
		want  bool
	}{
		"nothing":                {nil, false},
		"one too few":            {repeat(outageAfter-1, general), false},
		"enough":                 {repeat(outageAfter, general), true},
		"more":                   {repeat(outageAfter+5, general), true},
		"shops' own":             {repeat(1000, own), false},
		"successes":              {repeat(1000, nil), false},
		"a success in between":   {slices.Concat(repeat(outageAfter-1, general), repeat(1, nil), repeat(outageAfter-1, general)), false},
		"a shop's own, likewise": {slices.Concat(repeat(outageAfter-1, general), repeat(1, own), repeat(outageAfter-1, general)), false},
		"over again":             {slices.Concat(repeat(outageAfter, general), repeat(1, nil)), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var o outage
			var wait sync.WaitGroup
			for _, err := range test.noted {
				o.note(o.begin(), err)
				wait.Go(func() { _ = o.cause() }) // for the race detector
			}
			wait.Wait()
			if got := o.cause(); (got != nil) != test.want || (got != nil && !errors.Is(got, general)) {
				t.Errorf("the cause is %v, want one: %t", got, test.want)
			}
		})
	}
}

// TestOutageUnderWay: shops that were under way when the failures began do not end their row.
func TestOutageUnderWay(t *testing.T) {
	t.Parallel()
	var o outage
	general := refusal("portal", 503, "")
	underWay, another := o.begin(), o.begin()
	for range outageAfter - 1 {
		o.note(o.begin(), general)
	}
	o.note(underWay, nil)
	if o.note(another, general); o.cause() == nil {
		t.Error("a shop that was under way has ended the row")
	}
	if o.note(o.begin(), nil); o.cause() != nil {
		t.Error("a shop that was begun with after the failures has not ended the row")
	}
}

// fakeFleet is a fleet of n new shops whose vendors do what the test says.
func fakeFleet(n, concurrency int, c connections) *fleet {
	c.clock = clocktest.New(time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC))
	c.walk = new(connectionWalk)
	f := &fleet{connections: c, concurrency: concurrency}
	for i := range n {
		plan := unreadFleetShop("M1")
		plan.CredentialID = types.StringUnknown()
		f.members = append(f.members, &fleetMember{name: fmt.Sprintf("shop-%04d", i), plan: &plan})
	}
	return f
}

// started counts what was started, and what was under way at once.
type started struct {
	mu               sync.Mutex
	all, now, atOnce int
}

func (s *started) begin() func() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all++
	s.now++
	s.atOnce = max(s.atOnce, s.now)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.now--
	}
}

func TestEach(t *testing.T) {
	t.Parallel()
	const shops, concurrency = 200, 8
	expired, own := refusal("portal", 401, "UNAUTHORIZED"), refusal("portal", 404, "NOT_FOUND")
	for name, test := range map[string]struct {
		do func(cancel func(), i int) error
		// most is how many shops may be started, and failed how many fail in the end; -1 is those that
		// were not started, and perhaps some that were.
		most, failed int
		cause        error
	}{
		"all well":   {func(func(), int) error { return nil }, shops, 0, nil},
		"some fail":  {func(_ func(), i int) error { return map[bool]error{i%2 == 0: own}[true] }, shops, shops / 2, own},
		"outage":     {func(func(), int) error { return expired }, outageAfter + concurrency - 1, shops, expired},
		"interrupt":  {func(cancel func(), i int) error { cancel(); return nil }, concurrency, -1, context.Canceled},
		"late fault": {func(_ func(), i int) error { return map[bool]error{i >= shops/2: expired}[true] }, shops/2 + outageAfter + concurrency - 1, -1, expired},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var s started
			failures := fakeFleet(shops, concurrency, connections{}).each(ctx, "Not done", time.Minute, func(_ context.Context, i int, _ *fleetMember) error {
				defer s.begin()()
				return test.do(cancel, i)
			})
			if s.all > test.most || s.atOnce > concurrency {
				t.Errorf("%d shops were started, %d at once, want at most %d and %d", s.all, s.atOnce, test.most, concurrency)
			}
			if test.failed >= 0 && len(failures) != test.failed {
				t.Errorf("%d shops failed, want %d", len(failures), test.failed)
			}
			if test.failed < 0 && len(failures) < shops-s.all {
				t.Errorf("%d shops failed, want the %d that were not started", len(failures), shops-s.all)
			}
			for i, failure := range failures {
				if !errors.Is(failure.err, test.cause) || (i > 0 && failures[i-1].index >= failure.index) {
					t.Fatalf("failure %d is of shop %d: %v", i, failure.index, failure.err)
				}
			}
		})
	}
}

// fakeVendors are vendors that answer as they are told.
type fakeVendors struct {
	credentials func(shop string) (mystore.Credentials, error)
	keys        func() error
	connect     func(shop string) error
	retire      func(key kustom.Orphan) error
}

func (v fakeVendors) connections() connections { return connections{connector: v, shops: v, keys: v} }

func (v fakeVendors) Credentials(_ context.Context, shop string) (mystore.Credentials, error) {
	if v.credentials == nil {
		return mystore.Credentials{}, nil
	}
	return v.credentials(shop)
}

func (v fakeVendors) Clear(context.Context, string) error { return nil }

func (v fakeVendors) Leave(string) {}

func (v fakeVendors) Connect(_ context.Context, shop, merchantID, _ string) (kustom.Key, mystore.Credentials, error) {
	if v.connect != nil {
		if err := v.connect(shop); err != nil {
			return kustom.Key{}, mystore.Credentials{}, err
		}
	}
	key := kustom.Key{MerchantID: merchantID, CredentialID: "new-" + shop, Username: merchantID + "-" + shop}
	return key, mystore.Credentials{KustomID: key.Username, SecretSet: true}, nil
}

func (v fakeVendors) Retire(_ context.Context, key kustom.Orphan) error {
	if v.retire == nil {
		return nil
	}
	return v.retire(key)
}

func (v fakeVendors) Expect(context.Context, []string) {}

func (v fakeVendors) Keys(context.Context, string) iter.Seq2[kustom.Key, error] {
	return func(yield func(kustom.Key, error) bool) {
		if v.keys == nil {
			return
		}
		if err := v.keys(); err != nil {
			yield(kustom.Key{}, err)
		}
	}
}

// TestFleetLooks: no shop waits for the list of keys before the next one is read, and one that can't be
// read is not asked again.
func TestFleetLooks(t *testing.T) {
	t.Parallel()
	const shops, concurrency = 40, 4
	for name, work := range map[string]func(*fleet, context.Context) shopFailures{
		"read": func(f *fleet, ctx context.Context) shopFailures { return f.read(ctx, new(diag.Diagnostics)) },
		"plan": func(f *fleet, ctx context.Context) shopFailures {
			var diags diag.Diagnostics
			f.plan(ctx, &diags)
			return make(shopFailures, len(diags))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				reads := map[string]int{}
				listed := make(chan struct{})
				time.AfterFunc(time.Hour, func() { close(listed) })
				f := fakeFleet(shops, concurrency, fakeVendors{
					credentials: func(shop string) (mystore.Credentials, error) {
						mu.Lock()
						defer mu.Unlock()
						reads[shop]++
						if shop == "shop-0007" {
							return mystore.Credentials{}, refusal("mystore", 403, "FORBIDDEN")
						}
						return mystore.Credentials{}, nil
					},
					keys: func() error { <-listed; return nil },
				}.connections())
				done := make(chan shopFailures)
				go func() { done <- work(f, t.Context()) }()
				synctest.Wait()
				mu.Lock()
				if len(reads) != shops {
					t.Errorf("%d of %d shops were read before the keys were listed", len(reads), shops)
				}
				mu.Unlock()
				if failures := <-done; len(failures) != 1 {
					t.Errorf("%d shops failed, want the one that can't be read", len(failures))
				}
				if n := reads["shop-0007"]; n != 1 {
					t.Errorf("a shop that can't be read was asked %d times", n)
				}
			})
		})
	}
}

// TestFleetPlanFailures: what is in the way of planning is told once, and is an error only where a new
// shop could not be looked at, or nothing at all would come of the apply.
func TestFleetPlanFailures(t *testing.T) {
	t.Parallel()
	expired := refusal("portal", 401, "UNAUTHORIZED")
	own := func(shop string) error { return &mystore.NotInstalledError{Shop: shop} }
	for name, test := range map[string]struct {
		known, unknown int // shops that are in the state, and new ones
		fails          func(shop string, i int) error
		want           string // severities of the messages
	}{
		"new, general, all":            {0, 30, func(string, int) error { return expired }, "Error"},
		"new, general, one":            {0, 3, func(_ string, i int) error { return map[bool]error{i == 1: expired}[true] }, "Error"},
		"new, their own, all":          {0, 3, func(shop string, _ int) error { return own(shop) }, "Error Error Error"},
		"new, its own, one":            {0, 3, func(shop string, i int) error { return map[bool]error{i == 1: own(shop)}[true] }, "Warning"},
		"known, general, all":          {3, 0, func(string, int) error { return expired }, "Warning"},
		"known, its own":               {3, 0, func(shop string, i int) error { return map[bool]error{i == 1: own(shop)}[true] }, "Warning"},
		"added, its own":               {2, 1, func(shop string, i int) error { return map[bool]error{i == 2: own(shop)}[true] }, "Warning"},
		"added, general":               {2, 1, func(_ string, i int) error { return map[bool]error{i == 2: expired}[true] }, "Error"},
		"two added, general":           {2, 2, func(_ string, i int) error { return map[bool]error{i > 1: expired}[true] }, "Error"},
		"nothing":                      {2, 2, func(string, int) error { return nil }, ""},
		"no shops":                     {0, 0, nil, ""},
		"added, not known setting yet": {1, 1, func(string, int) error { return &unknownError{"mystore_tokens"} }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fakeFleet(test.known+test.unknown, 4, connections{})
			v := fakeVendors{credentials: func(shop string) (mystore.Credentials, error) {
				i := slices.IndexFunc(f.members, func(m *fleetMember) bool { return m.name == shop })
				return mystore.Credentials{}, test.fails(shop, i)
			}}
			f.connections.connector, f.connections.shops, f.connections.keys = v, v, v
			for _, m := range f.members[:test.known] {
				state := unreadFleetShop("M1")
				m.state, m.memory.Due = &state, "because"
			}
			var diags diag.Diagnostics
			f.plan(t.Context(), &diags)
			var severities []string
			for _, d := range diags {
				severities = append(severities, d.Severity().String())
			}
			if got := strings.Join(severities, " "); got != test.want {
				t.Errorf("the messages are %q, want %q:\n%s", got, test.want, lines(diags))
			}
		})
	}
}

// shopsOf is a map of shops of the store M1. A nil one is not known yet.
func shopsOf(t *testing.T, shops map[string]*fleetShop) types.Map {
	t.Helper()
	var diags diag.Diagnostics
	elements := map[string]attr.Value{}
	for name, shop := range shops {
		if elements[name] = types.ObjectUnknown(fleetShopType.AttrTypes); shop != nil {
			elements[name] = shop.object(&diags)
		}
	}
	if diags.HasError() {
		t.Fatal(diags)
	}
	return types.MapValueMust(fleetShopType, elements)
}

// TestNewFleet: a shop whose settings are not known yet neither stays as it is nor leaves.
func TestNewFleet(t *testing.T) {
	t.Parallel()
	shop := fullShop(t)
	plan := fleetModel{Shops: shopsOf(t, map[string]*fleetShop{"b-stays": &shop, "a-comes": &shop, "d-unknown": nil, "e-unknown": nil})}
	state := fleetModel{Shops: shopsOf(t, map[string]*fleetShop{"b-stays": &shop, "c-leaves": &shop, "e-unknown": &shop})}
	memory := fleetMemory{"b-stays": {Due: "stays"}, "c-leaves": {Due: "keys_kept"}}
	f := newFleet(connections{}, plan, &state, memory)
	var got []string
	for _, m := range f.members {
		got = append(got, fmt.Sprintf("%s planned %t known %t %s", m.name, m.plan != nil, m.state != nil, m.memory.Due))
	}
	want := []string{"a-comes planned true known false ", "b-stays planned true known true stays", "c-leaves planned false known true leaves"}
	if !slices.Equal(got, want) {
		t.Errorf("the members are %q, want %q", got, want)
	}
	if f.concurrency != defaultFleetConcurrency {
		t.Errorf("%d shops at once", f.concurrency)
	}
	plan.MaxConcurrency = types.Int64Value(7)
	if f := newFleet(connections{}, plan, nil, nil); f.concurrency != 7 {
		t.Errorf("%d shops at once, want 7", f.concurrency)
	}
	var diags diag.Diagnostics
	planned := f.planned(plan.Shops, &diags)
	if got := slices.Sorted(maps.Keys(planned.Elements())); diags.HasError() || len(got) != 4 {
		t.Errorf("planned are %q, %v", got, diags)
	}
	if !planned.Elements()["e-unknown"].IsUnknown() {
		t.Error("what is not known yet is planned to be known")
	}
}

// TestFleetApply: what is kept after an apply in which everything that can happen to a shop happens.
func TestFleetApply(t *testing.T) {
	t.Parallel()
	f := fakeFleet(3, 2, connections{})
	unsettled := kustom.Orphan{MerchantID: "M1", CredentialID: "c-9", Username: "M1-nine"}
	v := fakeVendors{connect: func(shop string) error {
		switch shop {
		case "shop-0001":
			return &mystore.NotInstalledError{Shop: shop}
		case "shop-0002":
			return &rotation.UnsettledError{Key: unsettled, Cause: errors.New("cause"), Cleanup: errors.New("cleanup")}
		}
		return nil
	}}
	f.connections.connector, f.connections.shops, f.connections.keys = v, v, v
	var diags diag.Diagnostics
	if failures := f.apply(t.Context(), &diags); len(failures) != 2 || len(diags) != 0 {
		t.Fatalf("%d shops failed: %s", len(failures), lines(diags))
	}
	if f.isEmptyHanded() {
		t.Error("nothing is to be kept")
	}
	shops := fleetShops(f.applied(&diags))
	done, failed, doubtful := shops["shop-0000"], shops["shop-0001"], shops["shop-0002"]
	if done.CredentialID.ValueString() != "new-shop-0000" || !done.Problem.IsNull() {
		t.Errorf("the shop that works is %+v", done)
	}
	if !failed.CredentialID.IsNull() || !strings.HasPrefix(failed.Problem.ValueString(), "Shop shop-0001 has no Klarna Checkout V3.") {
		t.Errorf("the shop that failed is %+v", failed)
	}
	if strings.Contains(doubtful.Problem.ValueString(), "\n") || !strings.Contains(doubtful.Problem.ValueString(), "It is remembered") {
		t.Errorf("the shop in doubt has the problem %v", doubtful.Problem)
	}
	memory := f.memory()
	if memory["shop-0001"].Due == "" || !slices.Equal(memory["shop-0002"].Unsettled, []kustom.Orphan{unsettled}) || memory["shop-0000"].Due != "" {
		t.Errorf("remembered is %+v", memory)
	}
	if got, want := f.identity().Shops, []string{"shop-0000/M1", "shop-0001/M1", "shop-0002/M1"}; !slices.Equal(got, want) {
		t.Errorf("the identity is %q, want %q", got, want)
	}
}

// TestIsEmptyHanded: only where nothing at all has come of a creation, nothing is kept.
func TestIsEmptyHanded(t *testing.T) {
	t.Parallel()
	failed := errors.New("failed")
	left := connectionMemory{Unsettled: []kustom.Orphan{{}}}
	for name, test := range map[string]struct {
		members []*fleetMember
		want    bool
	}{
		"no shops":             {nil, false},
		"all failed":           {[]*fleetMember{{err: failed}, {err: failed}}, true},
		"one done":             {[]*fleetMember{{err: failed}, {}}, false},
		"all failed, one left": {[]*fleetMember{{err: failed}, {err: failed, memory: left}}, false},
	} {
		if got := (&fleet{members: test.members}).isEmptyHanded(); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// TestFleetProblem: a shop's problem is known while planning only where nothing is done about it. A
// change of anything that the apply does would be called inconsistent by Terraform.
func TestFleetProblem(t *testing.T) {
	t.Parallel()
	left := []kustom.Orphan{{MerchantID: "M1", CredentialID: "c-9", Username: "M1-nine"}}
	for name, test := range map[string]struct {
		memory connectionMemory
		want   string
	}{
		"nothing to do":        {connectionMemory{}, `"last_error"`},
		"needs a key":          {connectionMemory{Due: "because"}, "<unknown>"},
		"a key is left":        {connectionMemory{Unsettled: left}, "<unknown>"},
		"both, with a problem": {connectionMemory{Due: "because", Unsettled: left}, "<unknown>"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fakeFleet(1, 1, fakeVendors{}.connections())
			m, state := f.members[0], fullShop(t)
			plan := state
			m.plan, m.state, m.memory = &plan, &state, test.memory
			var diags diag.Diagnostics
			f.plan(t.Context(), &diags)
			planned := m.plan.Problem
			if planned.String() != test.want {
				t.Errorf("planned is %s, want %s", planned, test.want)
			}
			f.apply(t.Context(), &diags)
			if got := m.now().Problem; !planned.IsUnknown() && !got.Equal(planned) || planned.IsUnknown() && !got.IsNull() {
				t.Errorf("planned was %s, and it is %s", planned, got)
			}
			if diags.HasError() {
				t.Error(lines(diags))
			}
		})
	}
}

// TestFleetClearing: only shops that the configuration has no more are said to be cleared.
func TestFleetClearing(t *testing.T) {
	t.Parallel()
	shop, keyless := fullShop(t), unreadFleetShop("M1")
	plan := fleetModel{
		Shops:           shopsOf(t, map[string]*fleetShop{"stays": &shop, "unknown": nil}),
		connectionRules: connectionRules{DeletionPolicy: types.StringValue(deletionClear)},
	}
	state := fleetModel{Shops: shopsOf(t, map[string]*fleetShop{"stays": &shop, "unknown": &shop, "keys_kept": &shop, "keyless": &keyless})}
	var diags diag.Diagnostics
	newFleet(connections{}, plan, &state, nil).warnOfClearing(&diags)
	want := "shops warning Shops will take no payments: These leave the fleet, whose deletion_policy is clear: their credentials will be " +
		"emptied, and then their keys, which are named here, deleted: leaves (M1-a)."
	if got := lines(diags); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestFleetLeaving: of the shops that leave, those go on taking payments that had a key.
func TestFleetLeaving(t *testing.T) {
	t.Parallel()
	f := fakeFleet(2, 1, fakeVendors{}.connections())
	shop, keyless := fullShop(t), unreadFleetShop("M1")
	f.members[0].plan, f.members[0].state = nil, &shop
	f.members[1].plan, f.members[1].state = nil, &keyless
	var diags diag.Diagnostics
	if failures := f.apply(t.Context(), &diags); len(failures) > 0 {
		t.Fatal(failures)
	}
	want := "- warning Shops and keys left as they are: These have left the fleet and go on taking payments with the keys named here, " +
		"because its deletion_policy is retain: shop-0000 (M1-a)."
	if got := lines(diags); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestFleetClearsUnseen clears shops while another one can't be asked whether it holds their keys. It is
// asked once for all, and once more in the end. A shop whose key is left then stays: nobody else would
// remember the key (I3).
func TestFleetClearsUnseen(t *testing.T) {
	t.Parallel()
	elsewhere := refusal("mystore", 503, "")
	for name, test := range map[string]struct {
		unseen int // how often the other shop can't be asked
		held   bool
		asked  int
		want   string // what is said, for each shop
	}{
		"for a while":        {1, false, 4, ""},
		"for ever":           {100, false, 2, "- error Shop not removed: The key M1-a was not deleted"},
		"and then has a key": {1, true, 4, "- warning Replaced key still in use: The key M1-a is not used by shop"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			v := fakeVendors{retire: func(key kustom.Orphan) error {
				asked++
				switch {
				case asked <= test.unseen:
					return &rotation.UnseenError{Username: key.Username, Cause: elsewhere}
				case test.held:
					return &rotation.HeldError{Username: key.Username, Shops: []string{"other"}}
				}
				return nil
			}}
			f := fakeFleet(3, 1, v.connections())
			f.rules.DeletionPolicy = types.StringValue(deletionClear)
			for i, m := range f.members {
				shop := fullShop(t)
				shop.CredentialID = types.StringValue(fmt.Sprintf("c-%d", i))
				m.plan, m.state = nil, &shop
			}
			var diags diag.Diagnostics
			failures := f.apply(t.Context(), &diags)
			diags.Append(failures.errors()...)
			if asked != test.asked {
				t.Errorf("it was asked %d times, want %d", asked, test.asked)
			}
			if got := lines(diags); (test.want == "") != (got == "") || !strings.HasPrefix(got, test.want) {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
			stays := len(f.applied(&diags).Elements())
			if want := 3 * strings.Count(test.want, "Shop not removed"); stays != want || len(failures) != want {
				t.Errorf("%d shops stay, %d failed, want %d", stays, len(failures), want)
			}
		})
	}
}

// TestFleetMemberPath: a shop's messages are put at the shop.
func TestFleetMemberPath(t *testing.T) {
	t.Parallel()
	if got := (&fleetMember{name: "butikk"}).path(); !got.Equal(path.Root("shops").AtMapKey("butikk")) {
		t.Errorf("the path is %s", got)
	}
}
