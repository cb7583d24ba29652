package provider

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
	"github.com/storefront-iac/terraform-provider-kustom/internal/vendortext"
)

func to[T any](v T) *T { return &v }

// TestSupportBundle_HasExpectedForms compares a bundle with files that were written by hand, as Markdown and as JSON.
func TestSupportBundle_HasExpectedForms(t *testing.T) {
	installed := time.Date(2026, time.October, 1, 8, 0, 0, 0, time.UTC)
	made := time.Date(2021, time.April, 12, 8, 30, 0, 0, time.UTC)
	used := time.Date(2026, time.March, 2, 10, 41, 17, 0, time.UTC)
	expires := time.Date(2027, time.March, 2, 0, 0, 0, 0, time.UTC)
	proof := bundleCall{Call: "GET /checkout/v3/orders/{order_id} (api.kustom.co)", CorrelationID: "c-9"}
	accepted, refused := proof, proof
	accepted.Status, refused.Status = 404, 401
	tests := map[string]supportBundle{
		"full": {
			ProviderVersion: "1.2.3", Environment: "production", MerchantID: "M00123456",
			EndpointStatus: &bundleStatus{ActionRequired: true, Services: []bundleService{
				{Service: "checkout", Host: "api.klarna.com", LastUsedAt: &used, ActionRequired: to("Switch endpoint to api.kustom.co")},
				{Service: "order_management", Host: "api.kustom.co"},
			}},
			APIKeys: []bundleKey{
				{Username: "M00123456-aB3dE", Host: "api.kustom.co", CreatedAt: installed, MystoreShops: []string{"butikk", "nettbutikk"}},
				{
					Username: "M00123456-qT7vA", Host: "api.klarna.com", CreatedAt: made, LastUsedAt: &used, ExpiresAt: &expires, MystoreShops: []string{},
					Description: to("old | `by hand` <b> [x] C:\\ a~b &amp;\nsecond line"),
				},
			},
			Shop: &bundleShop{
				Name: "nettbutikk", Extension: &bundleExtension{Version: "3.4.1", Active: true},
				Credentials: &bundleCredentials{KustomID: to("M00123456-aB3dE"), SecretSet: to(true), UpdatedAt: to("2026-10-01T08:00:00Z")},
			},
			Proof:    &bundleProof{KustomID: "M00123456-aB3dE", Verdict: "accepted", Calls: []bundleCall{accepted}},
			Failures: []bundleFailure{},
		},
		"failing": {
			ProviderVersion: "1.2.3", Environment: "playground", MerchantID: "M00123456",
			APIKeys: []bundleKey{{Username: "M00123456-aB3dE", Host: "api.kustom.co", CreatedAt: installed}},
			Shop:    &bundleShop{Name: "nettbutikk"},
			Proof: &bundleProof{
				KustomID: "M00123456-aB3dE", Verdict: "refused", Cause: to("401 Unauthorized: no | yes"), Calls: []bundleCall{refused},
			},
			Failures: []bundleFailure{
				{Part: "endpoint switch status", Cause: "portal_token is not set", Calls: []bundleCall{}},
				{Part: "shops that use the keys", Cause: "no answer", Calls: []bundleCall{
					{Call: "GET /shops/{shop}/a (api.mystore.no)", Status: 502, CorrelationID: "c-1"},
					{Call: "GET /shops/{shop}/a (api.mystore.no)"},
				}},
			},
		},
		"bare": {
			ProviderVersion: "1.2.3", Environment: "production", MerchantID: "M00123456",
			EndpointStatus: &bundleStatus{Services: []bundleService{}},
			APIKeys:        []bundleKey{},
			Shop:           &bundleShop{Name: "nettbutikk", Extension: &bundleExtension{Version: "3.0.0"}, Credentials: &bundleCredentials{SecretSet: new(bool)}},
			Failures:       []bundleFailure{},
		},
	}
	for name, bundle := range tests {
		text, err := bundle.json()
		if err != nil {
			t.Fatal(err)
		}
		for file, got := range map[string]string{name + ".json": text, name + ".md": bundle.markdown()} {
			want, err := os.ReadFile(filepath.Join("testdata", "support_bundle", file))
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s is not\n%s\nbut\n%s", file, want, got)
			}
		}
	}
}

// TestSupportBundle_HidesSecretInPlaceOfID hides a Kustom ID that has the form of a secret.
func TestSupportBundle_HidesSecretInPlaceOfID(t *testing.T) {
	tests := map[string]*string{
		"":                                   nil,
		"M00123456-aB3dE":                    to("M00123456-aB3dE"),
		"PM00123456-aB3dE":                   to("PM00123456-aB3dE"),
		"kco_live_api_s3cret":                to(notAnID),
		"a-secret-of-long-ago":               to(notAnID),
		"M00123456-aB3dEkco_live_api_s3cret": to(notAnID),
	}
	for id, want := range tests {
		if got := heldID(id); !reflect.DeepEqual(got, want) {
			t.Errorf("%q is shown as %v, want %v", id, stringOr(got, "null"), stringOr(want, "null"))
		}
	}
}

func TestSupportBundle_ShowsTextWithoutSecrets(t *testing.T) {
	redactor := vendortext.NewRedactor()
	redactor.AddSecrets("portal-token")
	if shown(redactor, nil) != nil {
		t.Error("what is not there is shown")
	}
	for text, want := range map[string]string{
		"made by hand": "made by hand", "secret: kco_live_api_s3cret!x, keep it": "secret: (sensitive) keep it", "is PORTAL-TOKEN\x1b": "is (sensitive) ",
	} {
		if got := *shown(redactor, &text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestSupportBundle_SortsCalls(t *testing.T) {
	b := transport.RequestRecord{Method: "GET", Template: "/b", Host: "h", Status: 503, Kind: transport.Refused, CorrelationID: "c-2"}
	a := transport.RequestRecord{Method: "GET", Template: "/a", Host: "h", Kind: transport.NoAnswer}
	got := bundleCalls([]transport.RequestRecord{b, a})
	want := []bundleCall{{Call: "GET /a (h)"}, {Call: "GET /b (h)", Status: 503, CorrelationID: "c-2"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}
