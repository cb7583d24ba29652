package provider

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// fuzzSecret stands in an input wherever the fuzzer leaves fuzzMark in it.
const (
	fuzzSecret = "kco_live_api_FAKEfuzzQ7w2ZrT9xLmB4nVcKd8sHyP3uE6t"
	fuzzMark   = "SECRET"
)

// FuzzMystoreTokens reads every content of MYSTORE_TOKENS. Whatever is wrong with it, no part of it may
// be shown: it may be a token.
func FuzzMystoreTokens(f *testing.F) {
	for _, raw := range []string{
		``, `{}`, `null`, `[]`, `"SECRET"`, `SECRET`, `{"butikk":"SECRET"}`, `{"butikk":"SECRET"`, `{"SECRET":"butikk"}`,
		`{"butikk":""}`, `{"butikk":null}`, `{"butikk":1}`, `{"butikk":{"SECRET":1}}`, `{"butikk":" SECRET"}`, `{"butikk":"SECRET\n"}`,
		`{"":"SECRET"}`, `{"butikk":"a","butikk":"SECRET"}`, `{"a/b":"SECRET"}`, `{"..":"SECRET"}`, `{"bu\u0000tikk":"SECRET"}`,
		`{"butikk":"SECRET"}{"annen":"SECRET"}`,
	} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		raw = strings.ReplaceAll(raw, fuzzMark, fuzzSecret)
		getenv := func(name string) string {
			return map[string]string{envMystoreTokens: raw}[name]
		}
		s, problems := resolve(providerModel{MystoreTokens: types.MapNull(types.StringType)}, getenv)
		for _, p := range problems {
			if strings.Contains(p.message.title+p.message.detail(), fuzzSecret) {
				t.Errorf("%s: the error repeats a token", p.message.title)
			}
			if p.attribute != "mystore_tokens" {
				t.Errorf("the error is about %s: %s", p.attribute, p.message.title)
			}
		}
		if len(problems) > 0 {
			return
		}
		if s.unknownShops || (s.mystoreTokens == nil) != (raw == "") {
			t.Errorf("%q is taken for %d tokens", raw, len(s.mystoreTokens))
		}
		for shop, token := range s.mystoreTokens {
			if !isShopName(shop) || strings.Contains(shop, fuzzSecret) || token.value == "" || token.unknown || strings.TrimSpace(token.value) != token.value {
				t.Errorf("it accepts a shop %q whose token is %q", shop, token.value)
			}
		}
	})
}

// importIDs has, for every resource, the attributes of its identity that its import ID consists of.
var importIDs = map[string][]string{
	"kustom_api_key":                      {"merchant_id", "credential_id"},
	"kustom_api_keys_exclusive":           {"merchant_id"},
	"kustom_mystore_connection":           {"shop", "merchant_id"},
	"kustom_mystore_fleet":                {"shops"},
	"mystore_klarna_checkout_credentials": {"shop"},
}

// FuzzImportID imports every resource by every ID: one that is accepted has to be made up of what is
// taken from it, and one that is not must not be repeated where it is a secret.
func FuzzImportID(f *testing.F) {
	typeNames := slices.Sorted(maps.Keys(importIDs))
	for i := range typeNames {
		for _, id := range []string{
			"", "/", "M00123456", "M00123456/7a3c0c1e-5b1e-4a49-9d0e-0c8f0f6e2b11", "PM00123456/c", "M00123456/", "/c", "M00123456/c/d",
			"butikk", "butikk/M00123456", "butikk/PM1", "bu tikk/M1", "a/b/M1", "../M1", "./M1", "M1/..", "M00123456-aB3dE", "SECRET", "SECRET/M1",
			"butikk/SECRET", "M1/SECRET", "M1 /c", "M1/c\n", "M1/%2e%2e", "butikk\x00", "M\u0661/c", " butikk", strings.Repeat("x", 1000),
			"butikk/M1,annen/M2", "butikk/M1, annen/M2", "butikk/M1,butikk/M1", ",", "butikk/M1,SECRET",
		} {
			f.Add(uint8(i), id)
		}
	}
	server, err := providerserver.NewProtocol6WithError(New(Options{})())()
	if err != nil {
		f.Fatal(err)
	}
	schemas, err := server.GetProviderSchema(f.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		f.Fatal(err)
	}
	identities, err := server.GetResourceIdentitySchemas(f.Context(), &tfprotov6.GetResourceIdentitySchemasRequest{})
	if err != nil {
		f.Fatal(err)
	}
	for typeName := range schemas.ResourceSchemas {
		if importIDs[typeName] == nil {
			f.Errorf("nobody fuzzes the import ID of %s", typeName)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, id string) {
		id = strings.ReplaceAll(id, fuzzMark, fuzzSecret)
		typeName := typeNames[int(which)%len(typeNames)]
		resp, err := server.ImportResourceState(t.Context(), &tfprotov6.ImportResourceStateRequest{TypeName: typeName, ID: id})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range resp.Diagnostics {
			if strings.Contains(d.Summary+d.Detail, fuzzSecret) {
				t.Errorf("%s: the error repeats the secret: %s", typeName, d.Detail)
			}
		}
		if len(resp.Diagnostics) > 0 {
			return
		}
		got := identityParts(t, identities.IdentitySchemas[typeName].ValueType(), resp.ImportedResources[0].Identity, importIDs[typeName])
		// The shops of a fleet are a set, which is written with or without white space.
		want := strings.Split(id, ",")
		for i := range want {
			want[i] = strings.TrimSpace(want[i])
		}
		slices.Sort(want)
		if joined := strings.Join(got, "/"); joined != id && joined != strings.Join(want, ",") {
			t.Errorf("%s: of %q becomes %q", typeName, id, joined)
		}
		for _, part := range strings.FieldsFunc(strings.Join(got, "/"), func(r rune) bool { return r == '/' || r == ',' }) {
			if strings.Contains(part, fuzzSecret) || !isShopName(part) && !credentialIDPattern.MatchString(part) {
				t.Errorf("%s: %q is accepted in %q", typeName, part, id)
			}
		}
	})
}

// identityParts returns the values of an identity's attributes, those of a list separated by commas.
func identityParts(t *testing.T, typ tftypes.Type, identity *tfprotov6.ResourceIdentityData, names []string) []string {
	t.Helper()
	object, err := identity.IdentityData.Unmarshal(typ)
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]tftypes.Value
	if err := object.As(&values); err != nil {
		t.Fatal(err)
	}
	parts := make([]string, len(names))
	for i, name := range names {
		var elements []tftypes.Value
		if values[name].As(&elements) != nil {
			elements = []tftypes.Value{values[name]}
		}
		texts := make([]string, len(elements))
		for j, element := range elements {
			if err := element.As(&texts[j]); err != nil {
				t.Fatal(err)
			}
		}
		parts[i] = strings.Join(texts, ",")
	}
	return parts
}
