package provider

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

func refusal(api string, status int, code string) *transport.Error {
	body := transport.BodyHTML
	if code != "" {
		body = transport.BodyJSON
	}
	return &transport.Error{
		API: api, Host: api + ".example", Method: http.MethodGet, Template: "/x", Kind: transport.Refused,
		Status: status, Body: body, Explanation: transport.Explanation{Code: code, CorrelationID: "c-1"},
	}
}

// throttled is a refusal for being one request too many.
func throttled(attempts int, retryAfter time.Duration) *transport.Error {
	failure := refusal("mystore", 429, "too_many_requests")
	failure.Attempts, failure.RetryAfter, failure.Waited = attempts, retryAfter, time.Duration(attempts-1)*time.Second
	return failure
}

// saying is a refusal of the merchant API in these words.
func saying(text string) *transport.Error {
	failure := refusal("merchant", 400, "BAD_VALUE")
	failure.Messages = []string{text}
	return failure
}

func silence(kind transport.Kind, api string, err error) *transport.Error {
	return &transport.Error{API: api, Host: api + ".example", Method: http.MethodGet, Template: "/x", Kind: kind, Err: err}
}

// TestAdvise_SaysWhatToDo checks the words of errors that runs of Terraform seldom meet, and whether they are at an attribute.
func TestAdvise_SaysWhatToDo(t *testing.T) {
	proof := func(v kustom.Verdict) error {
		return &kustom.ProofError{Username: "M1-a", Verdict: v, Cause: errors.New("why")}
	}
	tests := []struct {
		name string
		err  error
		says string
		// general says that it is not put at an attribute.
		general bool
	}{
		{"no portal token", &missingError{"portal_token", envPortalToken, "a token"}, "The provider's portal_token is not set. Set it, or the environment variable KUSTOM_PORTAL_TOKEN, to a token.", true},
		{"no shop token, but a near one", &noShopTokenError{shop: "Butikk", near: "butikk"}, "no Mystore token for shop Butikk. It has a token for shop butikk. Did you mean butikk?", false},
		{"no shop token", &noShopTokenError{shop: "butikk"}, "no Mystore token for shop butikk", false},
		{"unknown setting", silence(transport.NoAnswer, "portal", &unknownError{"portal_url"}), "The provider needs portal_url during the plan, but its value is known only after an apply", true},
		{"portal 401", refusal("portal", 401, "UNAUTHORIZED"), "KUSTOM_PORTAL_TOKEN", true},
		{"portal 403", refusal("portal", 403, "FORBIDDEN"), "Ask your account administrator for access via User Manager", true},
		{"portal 403, HTML", refusal("portal", 403, ""), "A firewall in front of portal.example blocked this machine. Nobody checked the token.", true},
		{"portal 404", refusal("portal", 404, "NOT_FOUND"), "can't see such a store. Check the merchant ID", false},
		{"portal 400", refusal("portal", 400, "BAD_VALUE"), "Kustom Portal rejects the request. Its reason is below.", false},
		{"Mystore 401", refusal("mystore", 401, "unauthorized"), "Create a new token at auth.mystore.no and add it to mystore_tokens, or to the environment variable MYSTORE_TOKENS.", false},
		{"Mystore 403", refusal("mystore", 403, "forbidden"), "It belongs to another shop, or lacks the permission for extensions", false},
		{"Mystore 422", refusal("mystore", 422, "invalid"), "Mystore rejects the request. Its reason is below.", false},
		{"throttled", refusal("mystore", 429, "too_many_requests"), "mystore.example rate-limited the provider (429). The provider did not retry.", true},
		{"throttled after waiting", throttled(4, 0), "mystore.example rate-limited the provider (429), and still did after every retry. The provider sent the request 4 times and waited 3 s in total.", true},
		{"throttled for an hour", throttled(1, time.Hour), "mystore.example rate-limited the provider (429) and asks it to wait 1 h. That is longer than the provider waits.", true},
		{"list without an end", &transport.EndlessListError{What: "stores", Host: "portal.example", Reason: "returned the same page twice"}, "The list of stores from portal.example does not end.", true},
		{"trouble", refusal("portal", 503, ""), "portal.example returned a server error (503). Run again in a few minutes.", true},
		{"untrusted", silence(transport.Untrusted, "merchant", errors.New("bad certificate")), "The provider could not open a secure connection to merchant.example. Check api_url", true},
		{"unreachable", silence(transport.NotSent, "mystore", errors.New("refused")), "mystore.example is unreachable, or did not answer in time. Check the network and mystore_url", true},
		{"unreadable", silence(transport.Unreadable, "portal", errors.New("cut short")), "portal.example sent an answer that the provider can't read. Check the network and portal_url", true},
		{"silent", silence(transport.NoAnswer, "portal", context.DeadlineExceeded), "Check the network and portal_url", true},
		{"interrupted", silence(transport.NoAnswer, "portal", context.Canceled), "The run was interrupted. Run again. The next run continues from there.", true},
		{"out of time", fmt.Errorf("the portal has not generated the key yet: %w", context.DeadlineExceeded), "raise the resource's timeouts", true},
		{"out of time, an action", &actionError{fmt.Errorf("listing: %w", context.DeadlineExceeded)}, "raise the action's timeout", true},
		{"refused order", refusal("merchant", 400, "BAD_VALUE"), "Kustom's merchant API rejects the order. Its reason is below.", false},
		{"refused pair", proof(kustom.VerdictRefused), "rejects this Kustom ID (M1-a) with this Kustom Secret. Nothing was written to the shop.", false},
		{"no product", proof(kustom.VerdictNoProduct), "contract does not include Kustom Checkout. Nothing was written to the shop.", false},
		{"no product, in Kustom's words",
			&kustom.ProofError{Username: "M1-a", Verdict: kustom.VerdictNoProduct, Cause: saying("ask sales")},
			"contract does not include Kustom Checkout. Kustom says: ask sales. Nothing was written to the shop.", false},
		{
			"impostor",
			&kustom.ProofError{Username: "M1-a", Verdict: kustom.VerdictImpostor, Cause: &kustom.ImpostorError{Host: "proxy.example", Status: 404, MediaType: "text/html"}},
			"proxy.example answered an invented username and secret with 404 Not Found, and not with 401 (text/html). Nothing was written to the shop.", true,
		},
		{"country of an order", saying("no configured currencies for order billing country"), "Set country, currency and locale", false},
		{"address of an order", saying("Bad value: confirmation"), "The provider derives them from shop_url", false},
		{"firewall", proof(kustom.VerdictFirewall), "Run from a machine in a supported region", true},
		{"no verdict", proof(kustom.VerdictUnknown), "Nothing was written to the shop. Run again. If the error comes again, check the network and api_url.", true},
		{"no checkout", &mystore.NotInstalledError{Shop: "butikk"}, "Shop butikk has no Klarna Checkout V3. Only Klarna Checkout V3 can use Kustom.", false},
		{"other checkout", &mystore.NotInstalledError{Shop: "butikk", Other: "Klarna Checkout V2"}, "Shop butikk has Klarna Checkout V2, but not Klarna Checkout V3.", false},
		{"mismatch", &rotation.MismatchError{Shop: "butikk"}, "shop butikk does not show it. Someone may have changed the shop at the same time.", false},
		{"held", &rotation.KeyInUseError{Username: "M1-a", Shops: []string{"a", "b"}}, "The key M1-a was not deleted. Shop a, b takes payments with it, and has no other key yet.", true},
		{"held and left", &rotation.KeyInUseError{Username: "M1-a", Shops: []string{"a"}, Unmanaged: true}, "its destroyed resource left the credentials in place (deletion_policy = \"retain\")", true},
		{"held, and to be let go of", &rotation.KeyInUseError{Username: "M1-a", Shops: []string{"a"}}, "To keep the key but not its resource, use a removed block with destroy = false, or apply deletion_policy = \"retain\" first.", true},
		{
			"interrupted proof",
			&kustom.ProofError{Username: "M1-a", Verdict: kustom.VerdictUnknown, Cause: silence(transport.NoAnswer, "merchant", context.Canceled)},
			"The run was interrupted. Run again. The next run continues from there.", true,
		},
		{"interrupted while held", errors.Join(&rotation.KeyInUseError{Username: "M1-a", Shops: []string{"a"}}, context.Canceled), "Nothing was deleted.", true},
		{"nobody asked", &rotation.KeyUsageUnknownError{Username: "M1-a"}, "because the provider can read no shop that may use it.", true},
		{"nobody asked, and to be kept", &rotation.KeyUsageUnknownError{Username: "M1-a"}, "To keep the key, use a removed block with destroy = false, or apply deletion_policy = \"retain\" first.", true},
		{"shops not known", &rotation.KeyUsageUnknownError{Username: "M1-a", Cause: &unknownError{"mystore_tokens"}}, "the provider does not know which shops to read. The provider needs mystore_tokens during the plan", true},
		{"one that shows no ID", &rotation.KeyUsageUnknownError{Username: "M1-a", Shops: []string{"b"}, Cause: &mystore.NotShownError{Shop: "b"}}, "If shop b uses no Kustom key, add it to the provider's ignored_shops", true},
		{"one not read", &rotation.KeyUsageUnknownError{Username: "M1-a", Shops: []string{"a"}, Cause: refusal("mystore", 401, "unauthorized")}, "Shop a may use it, but the provider can't read that shop. Mystore rejects the shop's token", true},
		{"still used", &rotation.KeyStillUsedError{Username: "M1-a", UnusedFor: 24 * time.Hour}, "The portal shows that something used it within the last 24h.", false},
		{"not listed yet", &rotation.NotListedError{MerchantID: "M1", CredentialID: "c-1"}, "does not list the key c-1 of store M1, which this run generated.", false},
		{"no such key", &kustom.NoKeyError{MerchantID: "M1", CredentialID: "c"}, "Store M1 has no API key with the ID c. Perhaps someone deleted it.", false},
		{"unexpected", errors.New("odd"), "The provider does not know this error. Run again. If the error comes again, report it with the message below.", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var diags diag.Diagnostics
			report(&diags, path.Root("shop"), message{title: "Summary"}, fmt.Errorf("doing it: %w", test.err))
			if len(diags) != 1 || diags[0].Summary() != "Summary" {
				t.Fatalf("got %v", diags)
			}
			if detail := diags[0].Detail(); !strings.Contains(detail, test.says) || !strings.Contains(detail, "doing it: ") {
				t.Errorf("want %q and the original error in\n%s", test.says, detail)
			}
			if _, located := diags[0].(diag.DiagnosticWithPath); located == test.general {
				t.Errorf("at an attribute: %v, want %v", located, !test.general)
			}
		})
	}
}

// TestReport_EndsWithCorrelationID also expects no line that begins with "Error:": Terraform's own errors begin so.
func TestReport_EndsWithCorrelationID(t *testing.T) {
	var diags diag.Diagnostics
	report(&diags, path.Empty(), message{title: "Summary"}, refusal("portal", 400, "BAD_VALUE"))
	if detail := diags[0].Detail(); !strings.HasSuffix(detail, "Correlation ID: c-1") || strings.Contains(detail, "\nError:") {
		t.Errorf("got %s", detail)
	}
}

func TestAdvise_NamesOrphan(t *testing.T) {
	tests := []struct {
		orphan kustom.Orphan
		says   string
	}{
		{kustom.Orphan{MerchantID: "M1", CredentialID: "c-7", Username: "M1-a"}, "The provider generated the API key M1-a, which can't be used, and could not delete it (no way)."},
		{kustom.Orphan{MerchantID: "M1", CredentialID: "c-7"}, "The provider generated the API key c-7"},
		{kustom.Orphan{MerchantID: "M1"}, "It may have generated a key whose secret is lost (no way)."},
	}
	for _, test := range tests {
		text := advise(&kustom.OrphanError{Orphan: test.orphan, Cause: context.Canceled, Cleanup: errors.New("no way")}).detail()
		for _, says := range []string{test.says, "store M1, on the page API (under Integrations or Developers; three dots → Delete API key)"} {
			if !strings.Contains(text, says) {
				t.Errorf("want %q in\n%s", says, text)
			}
		}
	}
}

func TestAdvise_NamesUnusedKeysOfFullStore(t *testing.T) {
	made := time.Date(2024, time.May, 1, 12, 0, 0, 0, time.UTC)
	full := &rotation.LimitReachedError{MerchantID: "M1", Cause: refusal("portal", 409, kustom.CodeLimitReached)}
	if text := advise(full).detail(); !strings.Contains(text, "Store M1 has the maximum number of API keys, and each of them has been used.") {
		t.Errorf("without unused keys: %s", text)
	}
	full.Unused = []kustom.Key{{Username: "M1-a", Host: "api.klarna.com", CreatedAt: made}, {Username: "M1-b", Host: "api.kustom.co", CreatedAt: made}}
	want := "These keys have never been used:\n\n  - M1-a (api.klarna.com, generated 2024-05-01)\n  - M1-b (api.kustom.co, generated 2024-05-01)"
	if text := advise(full).detail(); !strings.Contains(text, want) || !strings.Contains(text, "three dots → Delete API key") {
		t.Errorf("with unused keys: %s", text)
	}
}

// TestIsShopError_NotIfNoShopHasToken does not let a run pass as unchanged that can read no shop at all.
func TestIsShopError_NotIfNoShopHasToken(t *testing.T) {
	t.Parallel()
	for _, none := range []bool{false, true} {
		err := &transport.Error{API: "mystore", Err: &noShopTokenError{shop: "butikk", none: none}}
		if got := isShopError(err); got == none {
			t.Errorf("no token at all %t: got %t", none, got)
		}
	}
}

// TestDescribeUnused_NamesEarlyUse does not call a key unused whose only use came soon after its generation: that can be the
// provider's check, or a first order.
func TestDescribeUnused_NamesEarlyUse(t *testing.T) {
	t.Parallel()
	made := time.Date(2026, time.May, 1, 12, 0, 0, 0, time.UTC)
	used := made.Add(4 * time.Second)
	for _, test := range []struct {
		key  kustom.Key
		want string
	}{
		{kustom.Key{Username: "M1-a", CreatedAt: made}, "M1-a (generated 2026-05-01)"},
		{kustom.Key{Username: "M1-a", CreatedAt: made, LastUsedAt: &used}, "M1-a (generated 2026-05-01, last used within 4s)"},
		{kustom.Key{Username: "M1-a", CreatedAt: made, LastUsedAt: &made, Precision: time.Minute}, "M1-a (generated 2026-05-01, last used within 1m)"},
	} {
		if got := describeUnused(test.key); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

// TestDescribeLeft_NamesShopAndKeys describes a shop and the keys of its store after a destroy, also if another resource has
// given the shop a key.
func TestDescribeLeft_NamesShopAndKeys(t *testing.T) {
	t.Parallel()
	for want, left := range map[string]rotation.Remaining{
		"The provider left shop butikk and its key M1-a as they are":    {},
		"This resource also leaves these keys of store M1: M1-b, M1-c.": {OtherKeys: []string{"M1-b", "M1-c"}},
		"Shop butikk holds M1-b, which another resource":                {InstalledKey: "M1-b"},
	} {
		if got := describeLeft("butikk", rotation.Record{MerchantID: "M1", Username: "M1-a"}, left); !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

// TestReportShop_SaysWhichKeyTheShopHas separates errors after which the shop has its current key from those after which it may
// have another.
func TestReportShop_SaysWhichKeyTheShopHas(t *testing.T) {
	t.Parallel()
	attempted := kustom.Orphan{MerchantID: "M1", Username: "M1-a", Attempted: time.Unix(1, 0)}
	for want, errs := range map[string][]error{
		"Shop may have another key": {&rotation.KeyVanishedError{Shop: "butikk", Username: "M1-a"},
			&rotation.KeyStateUnknownError{Key: attempted, Cause: errors.New("x"), Cleanup: errors.New("y")}},
		"Shop keeps its current key": {
			errors.New("x"),
			&rotation.KeyStateUnknownError{Key: kustom.Orphan{MerchantID: "M1", Username: "M1-a"}, Cause: errors.New("x"), Cleanup: errors.New("y")},
		},
	} {
		for _, err := range errs {
			var diags diag.Diagnostics
			if reportShop(&diags, path.Root("shop"), "butikk", err); diags[0].Summary() != want {
				t.Errorf("%v: got %q, want %q", err, diags[0].Summary(), want)
			}
			left := "Shop butikk is unchanged."
			if want == "Shop may have another key" {
				left = "Shop butikk may hold another key than before."
			}
			if !strings.Contains(diags[0].Detail(), left) {
				t.Errorf("%v: it does not say %q: %s", err, left, diags[0].Detail())
			}
		}
	}
}

// TestWarnOfClearing_NamesShopAndKey expects warnings only for deletion_policy clear.
func TestWarnOfClearing_NamesShopAndKey(t *testing.T) {
	t.Parallel()
	connection := connectionModel{Shop: types.StringValue("butikk")}
	connection.Username = types.StringValue("M1-a")
	credentials := checkoutCredentialsModel{Shop: types.StringValue("butikk")}
	for policy, want := range map[string]int{deletionRetain: 0, deletionClear: 2} {
		connection.DeletionPolicy, credentials.DeletionPolicy = types.StringValue(policy), types.StringValue(policy)
		var diags diag.Diagnostics
		connection.warnOfClearing(&diags)
		credentials.warnOfClearing(&diags)
		if diags.WarningsCount() != want || want > 0 && !strings.Contains(diags[0].Detail(), "shop butikk will be cleared, and its key M1-a will be deleted") {
			t.Errorf("%s: got %v", policy, diags)
		}
	}
}
