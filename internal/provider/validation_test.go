package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// wantOne checks that there is exactly one diagnostic, at an attribute.
func wantOne(t *testing.T, diags diag.Diagnostics, at, summary string) {
	t.Helper()
	if summary == "" {
		if len(diags) > 0 {
			t.Errorf("refused: %v", diags)
		}
		return
	}
	if len(diags) != 1 {
		t.Fatalf("%d diagnostics, want 1: %v", len(diags), diags)
	}
	located, ok := diags[0].(diag.DiagnosticWithPath)
	if !ok || !located.Path().Equal(path.Root(at)) || diags[0].Summary() != summary {
		t.Errorf("got %v, want %q at %s", diags[0], summary, at)
	}
}

func TestValidators_AcceptTheirFormOnly(t *testing.T) {
	long := strings.Repeat("a", 100)
	tests := []struct {
		validator validator.String
		good, bad []string
		summary   string
	}{
		{merchantIDValidator{},
			[]string{"M00123456", "PM00123456", "M1", "K123456", "PK123456", "N123456", "PN123456", "DM11917000"},
			[]string{"", "m00123456", "00123456", "M", "MP00123456", "M00123456 ", "M001-2345", "M00123456-aB3dE", "XM00123456"},
			"Malformed merchant ID"},
		{descriptionValidator{}, []string{"terraform", "terraform: butikk.no", "a-b:c;d.e,f_g", long},
			[]string{"", long + "a", "Vår", "a/b", "a\nb", "a\n"}, "Malformed description"},
		{hostValidator{},
			[]string{"api.kustom.co", "api.klarna.com", "api.playground.kustom.co", "api.playground.klarna.com"},
			[]string{"", "kustom.co", "https://api.kustom.co", "API.KUSTOM.CO"}, "Unknown host"},
	}
	for _, test := range tests {
		check := func(value types.String) diag.Diagnostics {
			resp := &validator.StringResponse{}
			test.validator.ValidateString(t.Context(), validator.StringRequest{Path: path.Root("it"), ConfigValue: value}, resp)
			return resp.Diagnostics
		}
		for _, value := range []types.String{types.StringNull(), types.StringUnknown()} {
			wantOne(t, check(value), "", "")
		}
		for _, good := range test.good {
			wantOne(t, check(types.StringValue(good)), "", "")
		}
		for _, bad := range test.bad {
			t.Run(test.summary+" "+bad, func(t *testing.T) {
				wantOne(t, check(types.StringValue(bad)), "it", test.summary)
			})
		}
	}
}

func TestValidatePair_NamesOneMistake(t *testing.T) {
	const id, secret = "M00123456-aB3dE", "kco_live_api_s3cret"
	text := types.StringValue
	tests := []struct {
		name        string
		config      checkoutCredentialsModel
		at, summary string
	}{
		{name: "stored", config: checkoutCredentialsModel{KustomID: text(id), Secret: text(secret)}},
		{name: "write-only", config: checkoutCredentialsModel{KustomID: text(id), SecretWO: text(secret), SecretWOVersion: types.Int64Value(1)}},
		{name: "playground", config: checkoutCredentialsModel{KustomID: text("PM00123456-aB3dE"), Secret: text("kco_test_api_x")}},
		{name: "a store that came from Klarna", config: checkoutCredentialsModel{KustomID: text("K123456-aB3dE"), Secret: text(secret)}},
		{name: "an underscore", config: checkoutCredentialsModel{KustomID: text("K123456_abcd12345"), Secret: text(secret)}},
		{name: "a UUID", config: checkoutCredentialsModel{KustomID: text("6f1e8a52-3c0d-4b7a-9a51-0d2f1b3c4e5f"), Secret: text(secret)}},
		{name: "Klarna's secret", config: checkoutCredentialsModel{KustomID: text(id), Secret: text("klarna_live_api_s3cret+/=")},
			at: "kustom_secret", summary: "Klarna secret"},
		{name: "Klarna's secret as the ID", config: checkoutCredentialsModel{KustomID: text("klarna_live_api_s3cret"), Secret: text(secret)},
			at: "kustom_id", summary: "Kustom ID and Kustom Secret are swapped"},
		{name: "nothing known", config: checkoutCredentialsModel{KustomID: types.StringUnknown(), Secret: types.StringUnknown()}},
		{name: "write-only unknown", config: checkoutCredentialsModel{KustomID: text(id), SecretWO: types.StringUnknown(), SecretWOVersion: types.Int64Value(1)}},
		{name: "two secrets", config: checkoutCredentialsModel{KustomID: text(id), Secret: text(secret), SecretWO: text(secret)},
			at: "kustom_secret_wo", summary: "Two secrets"},
		{name: "no secret", config: checkoutCredentialsModel{KustomID: text(id)}, at: "kustom_secret", summary: "No secret"},
		{name: "no version", config: checkoutCredentialsModel{KustomID: text(id), SecretWO: text(secret)},
			at: "kustom_secret_wo_version", summary: "No version for the write-only secret"},
		{name: "version of nothing", config: checkoutCredentialsModel{KustomID: text(id), Secret: text(secret), SecretWOVersion: types.Int64Value(1)},
			at: "kustom_secret_wo_version", summary: "Version without a write-only secret"},
		{name: "swapped", config: checkoutCredentialsModel{KustomID: text(secret), Secret: text(id)},
			at: "kustom_id", summary: "Kustom ID and Kustom Secret are swapped"},
		{name: "swapped and padded", config: checkoutCredentialsModel{KustomID: text(" " + secret), Secret: text(id + "\n")},
			at: "kustom_id", summary: "Kustom ID and Kustom Secret are swapped"},
		{name: "swapped, the ID unknown", config: checkoutCredentialsModel{KustomID: types.StringUnknown(), SecretWO: text(id), SecretWOVersion: types.Int64Value(1)},
			at: "kustom_id", summary: "Kustom ID and Kustom Secret are swapped"},
		{name: "padded ID", config: checkoutCredentialsModel{KustomID: text(id + "\t"), Secret: text(secret)},
			at: "kustom_id", summary: "White space around the value"},
		{name: "padded secret", config: checkoutCredentialsModel{KustomID: text(id), Secret: text(secret + "\n")},
			at: "kustom_secret", summary: "White space around the value"},
		{name: "padded write-only secret", config: checkoutCredentialsModel{KustomID: text(id), SecretWO: text(" " + secret), SecretWOVersion: types.Int64Value(1)},
			at: "kustom_secret_wo", summary: "White space around the value"},
		{name: "merchant ID alone", config: checkoutCredentialsModel{KustomID: text("M00123456"), Secret: text(secret)},
			at: "kustom_id", summary: "Malformed Kustom ID"},
		{name: "white space within", config: checkoutCredentialsModel{KustomID: text("M00123456-aB 3dE"), Secret: text(secret)},
			at: "kustom_id", summary: "Malformed Kustom ID"},
		{name: "empty ID", config: checkoutCredentialsModel{KustomID: text(""), Secret: text(secret)},
			at: "kustom_id", summary: "Malformed Kustom ID"},
		{name: "secret cut short", config: checkoutCredentialsModel{KustomID: text(id), Secret: text("s3cret")},
			at: "kustom_secret", summary: "Malformed Kustom Secret"},
		{name: "empty secret", config: checkoutCredentialsModel{KustomID: text(id), Secret: text("")},
			at: "kustom_secret", summary: "Malformed Kustom Secret"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var diags diag.Diagnostics
			validatePair(&diags, test.config)
			wantOne(t, diags, test.at, test.summary)
			for _, d := range diags {
				if strings.Contains(d.Detail(), "s3cret") {
					t.Error("the error shows the secret")
				}
			}
		})
	}
}

func TestCheckEnvironment_RejectsOther(t *testing.T) {
	production, playground := kustom.Production, kustom.Playground
	tests := []struct {
		name        string
		environment *kustom.Environment
		id          types.String
		summary     string
	}{
		{"production", &production, types.StringValue("M1-a"), ""},
		{"playground", &playground, types.StringValue("PM1-a"), ""},
		{"environment unknown", nil, types.StringValue("PM1-a"), ""},
		{"ID unknown", &production, types.StringUnknown(), ""},
		{"a developer's in production", &production, types.StringValue("DM1-a"), ""},
		{"a developer's in the playground", &playground, types.StringValue("DM1"), ""},
		{"UUID", &playground, types.StringValue("6f1e8a52-3c0d-4b7a-9a51-0d2f1b3c4e5f"), ""},
		{"migrated", &production, types.StringValue("K1_a"), ""},
		{"migrated, playground's", &production, types.StringValue("PK1_a"), "The key belongs to the playground environment"},
		{"migrated, production's", &playground, types.StringValue("N1"), "The key belongs to the production environment"},
		{"ID null", &production, types.StringNull(), ""},
		{"playground's in production", &production, types.StringValue("PM1-a"), "The key belongs to the playground environment"},
		{"production's in the playground", &playground, types.StringValue("M1-a"), "The key belongs to the production environment"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var diags diag.Diagnostics
			checkEnvironment(&diags, path.Root("kustom_id"), test.environment, "key", test.id)
			wantOne(t, diags, "kustom_id", test.summary)
		})
	}
}

func TestCheckSecretEnvironment_RejectsOther(t *testing.T) {
	production, playground := kustom.Production, kustom.Playground
	tests := []struct {
		name        string
		environment *kustom.Environment
		config      checkoutCredentialsModel
		at, summary string
	}{
		{"live", &production, checkoutCredentialsModel{Secret: types.StringValue("kco_live_api_x")}, "", ""},
		{"test", &playground, checkoutCredentialsModel{Secret: types.StringValue("kco_test_api_x")}, "", ""},
		{"environment unknown", nil, checkoutCredentialsModel{Secret: types.StringValue("kco_test_api_x")}, "", ""},
		{"unknown", &production, checkoutCredentialsModel{Secret: types.StringUnknown()}, "", ""},
		{"test in production", &production, checkoutCredentialsModel{Secret: types.StringValue("kco_test_api_x")},
			"kustom_secret", "Secret of another environment"},
		{"live in the playground, write-only", &playground, checkoutCredentialsModel{SecretWO: types.StringValue("kco_live_api_x")},
			"kustom_secret_wo", "Secret of another environment"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var diags diag.Diagnostics
			checkSecretEnvironment(&diags, test.environment, test.config)
			wantOne(t, diags, test.at, test.summary)
		})
	}
}

func TestCheckHost_RejectsOther(t *testing.T) {
	production, playground := kustom.Production, kustom.Playground
	tests := []struct {
		environment *kustom.Environment
		host        types.String
		summary     string
	}{
		{&production, types.StringValue("api.kustom.co"), ""},
		{&production, types.StringValue("api.klarna.com"), ""},
		{&production, types.StringNull(), ""},
		{nil, types.StringValue("api.playground.kustom.co"), ""},
		{&production, types.StringValue("api.playground.klarna.com"), "Host of another environment"},
		{&playground, types.StringValue("api.kustom.co"), "Host of another environment"},
	}
	for _, test := range tests {
		var diags diag.Diagnostics
		checkHost(&diags, test.environment, test.host)
		wantOne(t, diags, "host", test.summary)
	}
}
