package provider

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

func TestParseKeyID_RejectsOtherText(t *testing.T) {
	merchantID, credentialID, err := parseKeyID("M00123456/7a3c0c1e-5b1e-4a49-9d0e-0c8f0f6e2b11")
	if err != nil || merchantID != "M00123456" || credentialID != "7a3c0c1e-5b1e-4a49-9d0e-0c8f0f6e2b11" {
		t.Errorf("got %q, %q, %v", merchantID, credentialID, err)
	}
	if key := (kustom.Key{MerchantID: merchantID, CredentialID: credentialID}); keyID(key) != "M00123456/7a3c0c1e-5b1e-4a49-9d0e-0c8f0f6e2b11" {
		t.Errorf("the ID of the key is %s", keyID(key))
	}
	for _, bad := range []string{
		"", "/", "M00123456", "M00123456/", "/7a3c", "7a3c/M00123456", "M00123456/a/b", "M00123456/..", "M00123456/a b",
		"M00123456 /a", "M00123456-aB3dE", "M00123456/a?x=1", "m00123456/a", "M00123456/kco_live_api_a",
	} {
		if _, _, err := parseKeyID(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestIntegrationModel_ReadsKey(t *testing.T) {
	description, used := "by hand", time.Date(2026, time.March, 2, 10, 41, 17, 0, time.FixedZone("", 3600))
	made := time.Date(2021, time.April, 12, 8, 30, 0, 0, time.UTC)
	expires := time.Date(2027, time.March, 2, 0, 0, 0, 0, time.UTC)
	full := readIntegration(rotation.Integration{
		Key: kustom.Key{
			MerchantID: "M1", CredentialID: "c-1", Username: "M1-a", Description: &description, Host: "api.klarna.com",
			CreatedAt: made, LastUsedAt: &used, ExpiresAt: &expires,
		},
		Shops: []string{"a", "b"}, Current: true,
	})
	if full.ID.ValueString() != "M1/c-1" || full.MerchantID.ValueString() != "M1" || full.CredentialID.ValueString() != "c-1" ||
		full.Username.ValueString() != "M1-a" || full.Description.ValueString() != "by hand" || full.Host.ValueString() != "api.klarna.com" ||
		full.CreatedAt.ValueString() != "2021-04-12T08:30:00Z" || full.LastUsedAt.ValueString() != "2026-03-02T10:41:17+01:00" ||
		full.ExpiresAt.ValueString() != "2027-03-02T00:00:00Z" ||
		!full.Current.ValueBool() || !slices.Equal(full.MystoreShops, []string{"a", "b"}) {
		t.Errorf("got %+v", full)
	}
	bare := readIntegration(rotation.Integration{Key: kustom.Key{MerchantID: "M1", CredentialID: "c-2", CreatedAt: made}})
	if !bare.Description.IsNull() || !bare.Host.IsNull() || !bare.ExpiresAt.IsNull() || !bare.LastUsedAt.IsNull() || bare.MystoreShops == nil || bare.Current.ValueBool() {
		t.Errorf("got %+v, want nulls and an empty list of shops", bare)
	}
}

// TestCheckoutCredentials_WriteOnlyIfChanged checks which changes of the configuration write to a shop.
func TestCheckoutCredentials_WriteOnlyIfChanged(t *testing.T) {
	text, version := types.StringValue, types.Int64Value
	stored := checkoutCredentialsModel{KustomID: text("M1-a"), Secret: text("s")}
	writeOnly := checkoutCredentialsModel{KustomID: text("M1-a"), SecretWOVersion: version(1)}
	imported := checkoutCredentialsModel{KustomID: text("M1-a")}
	tests := []struct {
		name        string
		plan, state checkoutCredentialsModel
		untouched   bool
		want        bool
	}{
		{"nothing", stored, stored, false, false},
		{"verify and deletion policy", checkoutCredentialsModel{KustomID: text("M1-a"), Secret: text("s"), Verify: types.BoolValue(false), DeletionPolicy: text("clear")}, stored, false, false},
		{"other ID", checkoutCredentialsModel{KustomID: text("M1-b"), Secret: text("s")}, stored, false, true},
		{"ID not known yet", checkoutCredentialsModel{KustomID: types.StringUnknown(), Secret: text("s")}, stored, false, true},
		{"other secret", checkoutCredentialsModel{KustomID: text("M1-a"), Secret: text("t")}, stored, false, true},
		{"secret goes write-only", writeOnly, stored, false, true},
		{"other version", checkoutCredentialsModel{KustomID: text("M1-a"), SecretWOVersion: version(2)}, writeOnly, false, true},
		{"version forgotten by drift", writeOnly, imported, false, true},
		{"first version after import", writeOnly, imported, true, false},
		{"other ID after import", checkoutCredentialsModel{KustomID: text("M1-b"), SecretWOVersion: version(1)}, imported, true, true},
		{"stored secret after import", stored, imported, true, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := test.plan.writes(test.state, test.untouched); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestCheckoutCredentials_DropChangedSecret(t *testing.T) {
	state := func() checkoutCredentialsModel {
		return checkoutCredentialsModel{
			Shop: types.StringValue("butikk"), KustomID: types.StringValue("M1-a"), Secret: types.StringValue("s"),
			SecretWOVersion: types.Int64Value(1), UpdatedAt: types.StringValue("2026-11-02T09:00:00Z"),
		}
	}
	tests := []struct {
		name    string
		holds   mystore.Credentials
		forgets bool
		wantID  types.String
	}{
		{"unchanged", mystore.Credentials{KustomID: "M1-a", Secret: mystore.SecretSet, UpdatedAt: "2026-11-02T09:00:00Z"}, false, types.StringValue("M1-a")},
		{"written again", mystore.Credentials{KustomID: "M1-a", Secret: mystore.SecretSet, UpdatedAt: "2026-11-02T09:00:00.5Z"}, true, types.StringValue("M1-a")},
		{"other ID", mystore.Credentials{KustomID: "M1-b", Secret: mystore.SecretSet, UpdatedAt: "2026-11-03T09:00:00Z"}, true, types.StringValue("M1-b")},
		{"secret not shown", mystore.Credentials{KustomID: "M1-a", UpdatedAt: "2026-11-02T09:00:00Z"}, false, types.StringValue("M1-a")},
		{"no secret", mystore.Credentials{KustomID: "M1-a", Secret: mystore.SecretMissing, UpdatedAt: "2026-11-02T09:00:00Z"}, true, types.StringValue("M1-a")},
		{"empty", mystore.Credentials{}, true, types.StringNull()},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := state()
			m.read(test.holds)
			if m.Secret.IsNull() != test.forgets || m.SecretWOVersion.IsNull() != test.forgets {
				t.Errorf("secret null: %v, version null: %v, want %v", m.Secret.IsNull(), m.SecretWOVersion.IsNull(), test.forgets)
			}
			if !m.KustomID.Equal(test.wantID) || !m.UpdatedAt.Equal(nullWhenEmpty(test.holds.UpdatedAt)) || m.ID.ValueString() != "butikk" {
				t.Errorf("got %v, %v, %v", m.ID, m.KustomID, m.UpdatedAt)
			}
		})
	}
}

// examined is a shop and a merchant API with the answers of a test.
type examined struct {
	mystoreService
	extension func(context.Context) (mystore.Extension, error)
	prove     func(context.Context) error
}

func (e examined) Extension(ctx context.Context, _ string) (mystore.Extension, error) {
	return e.extension(ctx)
}

func (e examined) Prove(ctx context.Context, _, _ string) error { return e.prove(ctx) }

func (e examined) examine(verify bool) (mystore.Extension, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := clocktest.New(time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC))
	r := &checkoutCredentialsResource{configuredResource{backend{mystore: e, engine: rotation.New(rotation.Options{Merchant: e, Clock: c})}}}
	return r.examine(ctx, "butikk", rotation.Pair{}, verify)
}

func TestExamine_ProvesWhileItReadsShop(t *testing.T) {
	shop, merchant := make(chan struct{}), make(chan struct{})
	meet := func(ctx context.Context, mine, other chan struct{}) error {
		close(mine)
		select {
		case <-other:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	extension, err := examined{
		extension: func(ctx context.Context) (mystore.Extension, error) {
			return mystore.Extension{Version: "3.4.1"}, meet(ctx, shop, merchant)
		},
		prove: func(ctx context.Context) error { return meet(ctx, merchant, shop) },
	}.examine(true)
	if err != nil || extension.Version != "3.4.1" {
		t.Errorf("got %+v, %v", extension, err)
	}
}

func TestExamine_ShopErrorCancelsProof(t *testing.T) {
	missing := &mystore.NotInstalledError{Shop: "butikk"}
	_, err := examined{
		extension: func(context.Context) (mystore.Extension, error) { return mystore.Extension{}, missing },
		prove: func(ctx context.Context) error {
			<-ctx.Done()
			return &kustom.ProofError{Verdict: kustom.VerdictUnknown, Cause: ctx.Err()}
		},
	}.examine(true)
	if !errors.Is(err, missing) {
		t.Fatalf("got %v, want what is wrong with the shop", err)
	}
	if at, hint := installErrorPath(err); !at.Equal(path.Root("shop")) || hint != "" {
		t.Errorf("it is said of %s: %q", at, hint)
	}
}

func TestExamine_ReportsFailedProof(t *testing.T) {
	for _, test := range []struct {
		verdict kustom.Verdict
		hint    bool
	}{
		{kustom.VerdictRefused, false},
		{kustom.VerdictNoProduct, false},
		{kustom.VerdictImpostor, false},
		{kustom.VerdictFirewall, true},
		{kustom.VerdictUnknown, true},
	} {
		proof := &kustom.ProofError{Verdict: test.verdict, Cause: errors.New("why")}
		_, err := examined{
			extension: func(context.Context) (mystore.Extension, error) { return mystore.Extension{}, nil },
			prove:     func(context.Context) error { return proof },
		}.examine(true)
		if at, hint := installErrorPath(err); !errors.Is(err, proof) || !at.Equal(path.Root("kustom_id")) || (hint != "") != test.hint {
			t.Errorf("%v: got %v, of %s, with the hint %q", test.verdict, err, at, hint)
		}
	}
}

func TestExamine_ProvesOnlyIfVerifyIsSet(t *testing.T) {
	_, err := examined{
		extension: func(context.Context) (mystore.Extension, error) { return mystore.Extension{}, nil },
		prove:     func(context.Context) error { return errors.New("asked") },
	}.examine(false)
	if err != nil {
		t.Error(err)
	}
}

// TestLeftKeys_SeparatesWaitingFromFailed expects keys to wait for a policy, or for a shop that is not confirmed. Other errors
// are failures. A key that another shop uses is not among the keys left.
func TestLeftKeys_SeparatesWaitingFromFailed(t *testing.T) {
	t.Parallel()
	ref := func(id, waitsFor string) rotation.KeyRef {
		return rotation.KeyRef{MerchantID: "M1", CredentialID: id, Username: "M1-" + id, Host: "host", WaitsFor: waitsFor}
	}
	kept := func(id string, err error) rotation.KeptKey {
		return rotation.KeptKey{Key: ref(id, "").Orphan(), Err: err}
	}
	left := leftKeys(rotation.Plan{Delete: []rotation.KeyRef{ref("gone", ""), ref("policy", "no use"), ref("refused", "")}}, []rotation.KeptKey{
		kept("refused", errors.New("refused")),
		kept("unknown", &rotation.KeyUsageUnknownError{Username: "M1-unknown", Shops: []string{"dead"}}),
		kept("unconfirmed", &mystore.NotConfirmedError{Shop: "a"}),
		kept("used", &rotation.KeyStillUsedError{Username: "M1-used", UnusedFor: time.Hour}),
		kept("shared", &rotation.KeyInUseError{Username: "M1-shared", Shops: []string{"b"}}),
	})
	var waits, failed []string
	for _, element := range left.Elements() {
		object, ok := element.(types.Object)
		if !ok {
			t.Fatalf("a key is a %T", element)
		}
		attributes := object.Attributes()
		name := attribute[types.String](attributes, "username").ValueString()
		switch {
		case known(attribute[types.String](attributes, "waits_for")):
			waits = append(waits, name)
		case known(attribute[types.String](attributes, "last_error")):
			failed = append(failed, name)
		}
	}
	if !slices.Equal(waits, []string{"M1-policy", "M1-unconfirmed", "M1-used"}) || !slices.Equal(failed, []string{"M1-refused", "M1-unknown"}) || len(left.Elements()) != 5 {
		t.Errorf("these wait: %v, and these have failed: %v", waits, failed)
	}
	memory := rotation.Memory{Undeleted: []kustom.Orphan{ref("refused", "").Orphan()}, Retired: []rotation.RetiredKey{{KeyRef: ref("policy", "")}}}
	if still := stillLeft(left, memory); len(still.Elements()) != 2 {
		t.Errorf("of two keys that are still to be deleted, these are left: %v", still)
	}
}

func TestExclusive_SaysWhyKeyIsKept(t *testing.T) {
	key := rotation.StoreKey{KeyRef: rotation.KeyRef{MerchantID: "M1", CredentialID: "c-1", Username: "M1-a"}}
	for says, err := range map[string]error{
		"Shop a, b takes payments with it": &rotation.KeyInUseError{Username: "M1-a", Shops: []string{"a", "b"}},
		"add c-1 to credential_ids":        &rotation.KeyInUseError{Username: "M1-a", Shops: []string{"a"}},
		"Shop a may use it, but the provider can't read that shop. Mystore rejects": &rotation.KeyUsageUnknownError{
			Username: "M1-a", Shops: []string{"a"}, Cause: refusal("mystore", 401, "unauthorized"),
		},
		"because the provider can read no shop that may use it":          &rotation.KeyUsageUnknownError{Username: "M1-a"},
		"was not deleted. portal.example returned a server error (503)":  refusal("portal", 503, ""),
		"was not deleted. The run was interrupted. Run again. The next ": context.Canceled,
	} {
		got := keptMessage(key, err).detail()
		if !strings.HasPrefix(got, "The key M1-a was not deleted") || !strings.Contains(got, says) {
			t.Errorf("want %q in\n%s", says, got)
		}
		// There is no such attribute here.
		for _, impossible := range []string{"force_destroy", "deletion_policy"} {
			if strings.Contains(got, impossible) {
				t.Errorf("impossible advice in\n%s", got)
			}
		}
	}
}
