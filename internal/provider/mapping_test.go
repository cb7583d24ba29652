package provider

import (
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

func TestParseKeyID(t *testing.T) {
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

func TestReadKey(t *testing.T) {
	description := "mystore: butikk"
	key := kustom.Key{
		CredentialID: "c-1", MerchantID: "M1", Username: "M1-a", Description: &description, Environment: "live",
		Host: "api.kustom.co", CreatedAt: time.Date(2026, time.November, 2, 9, 15, 0, 0, time.UTC),
	}
	m := apiKeyModel{Secret: types.StringValue("kept"), ForceDestroy: types.BoolValue(true)}
	m.read(key)
	want := apiKeyModel{
		ID: types.StringValue("M1/c-1"), MerchantID: types.StringValue("M1"), CredentialID: types.StringValue("c-1"),
		Username: types.StringValue("M1-a"), Secret: types.StringValue("kept"), Description: types.StringValue(description),
		Host: types.StringValue("api.kustom.co"), Environment: types.StringValue("live"),
		CreatedAt: types.StringValue("2026-11-02T09:15:00Z"), ForceDestroy: types.BoolValue(true),
	}
	if !equalKeys(m, want) {
		t.Errorf("got %+v, want %+v", m, want)
	}
	key.Description = nil
	if m.read(key); !m.Description.IsNull() {
		t.Errorf("the description is %v, want null", m.Description)
	}
}

func equalKeys(a, b apiKeyModel) bool {
	values := func(m apiKeyModel) []attr.Value {
		return []attr.Value{
			m.ID, m.MerchantID, m.CredentialID, m.Username, m.Secret, m.Description, m.Host, m.Environment, m.CreatedAt, m.ForceDestroy,
		}
	}
	return slices.EqualFunc(values(a), values(b), attr.Value.Equal)
}

func TestReadIntegration(t *testing.T) {
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

// TestWrites has the reasons to write to a shop, and what is none.
func TestWrites(t *testing.T) {
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

func TestReadShop(t *testing.T) {
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

func TestPair(t *testing.T) {
	text := types.StringValue
	for _, m := range []checkoutCredentialsModel{
		{KustomID: text("M1-a"), Secret: text("s")},
		{KustomID: text("M1-a"), SecretWO: text("s")},
	} {
		if got := m.pair(); got != (rotation.Pair{Username: "M1-a", Secret: kustom.NewSecret("s")}) {
			t.Error("the pair is another one")
		}
	}
}
