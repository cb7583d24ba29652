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

// TestAdvise holds the wording of what Terraform runs do not come by, and where it is put.
func TestAdvise(t *testing.T) {
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
		{"no shop token, but a near one", &noShopTokenError{shop: "Butikk", near: "butikk"}, "no Mystore token for shop Butikk. There is one for shop butikk: did you mean butikk?", false},
		{"no shop token", &noShopTokenError{shop: "butikk"}, "no Mystore token for shop butikk", false},
		{"unknown setting", silence(transport.NoAnswer, "portal", &unknownError{"portal_url"}), "The provider's portal_url depends on something that has not been applied yet", true},
		{"portal 401", refusal("portal", 401, "UNAUTHORIZED"), "KUSTOM_PORTAL_TOKEN", true},
		{"portal 403", refusal("portal", 403, "FORBIDDEN"), "Contact your account administrator and request access via User Manager", true},
		{"portal 403, HTML", refusal("portal", 403, ""), "A firewall in front of portal.example refused this machine before the token was looked at.", true},
		{"portal 404", refusal("portal", 404, "NOT_FOUND"), "can't see such a store. Check the merchant ID", false},
		{"portal 400", refusal("portal", 400, "BAD_VALUE"), "Kustom Portal refuses the request; see below for its reason.", false},
		{"Mystore 401", refusal("mystore", 401, "unauthorized"), "Make a new one at auth.mystore.no and add it to mystore_tokens, or to the environment variable MYSTORE_TOKENS.", false},
		{"Mystore 403", refusal("mystore", 403, "forbidden"), "it belongs to another shop, or lacks the permission for extensions", false},
		{"Mystore 422", refusal("mystore", 422, "invalid"), "Mystore refuses the request; see below for its reason.", false},
		{"throttled", refusal("mystore", 429, "too_many_requests"), "mystore.example rate-limited the provider (429), and the request was not repeated.", true},
		{"throttled after waiting", throttled(4, 0), "mystore.example rate-limited the provider (429), and still did after every retry. There were 4 attempts, and 3 s of waiting between them.", true},
		{"throttled for an hour", throttled(1, time.Hour), "mystore.example rate-limits the provider (429) for longer than it waits. It asks to wait 1 h, which was not waited for.", true},
		{"list without an end", &transport.EndlessListError{What: "stores", Host: "portal.example", Reason: "returned the same page twice"}, "The list of stores from portal.example has no end that the provider would wait for.", true},
		{"trouble", refusal("portal", 503, ""), "portal.example returned a server error (503). Run again in a few minutes.", true},
		{"untrusted", silence(transport.Untrusted, "merchant", errors.New("bad certificate")), "No secure connection to merchant.example could be made. Check api_url", true},
		{"unreachable", silence(transport.NotSent, "mystore", errors.New("refused")), "mystore.example could not be reached, or did not answer in time. Check the network and mystore_url", true},
		{"unreadable", silence(transport.Unreadable, "portal", errors.New("cut short")), "portal.example sent an answer that the provider can't read. Check the network and portal_url", true},
		{"silent", silence(transport.NoAnswer, "portal", context.DeadlineExceeded), "Check the network and portal_url", true},
		{"interrupted", silence(transport.NoAnswer, "portal", context.Canceled), "The run was interrupted. Run again; the next run continues from there.", true},
		{"out of time", fmt.Errorf("the key is not made yet: %w", context.DeadlineExceeded), "raise the resource's timeouts", true},
		{"out of time, an action", &actionError{fmt.Errorf("listing: %w", context.DeadlineExceeded)}, "raise the action's timeout", true},
		{"refused order", refusal("merchant", 400, "BAD_VALUE"), "Kustom's merchant API refuses the order; see below for its reason.", false},
		{"refused pair", proof(kustom.VerdictRefused), "refuses this Kustom ID (M1-a) together with this Kustom Secret. Nothing was written to the shop.", false},
		{"no product", proof(kustom.VerdictNoProduct), "contract does not include Kustom Checkout. Nothing was written to the shop.", false},
		{
			"no product, in Kustom's words",
			&kustom.ProofError{Username: "M1-a", Verdict: kustom.VerdictNoProduct, Cause: saying("ask sales")},
			"contract does not include Kustom Checkout. Kustom says: ask sales. Nothing was written to the shop.", false,
		},
		{
			"impostor",
			&kustom.ProofError{Username: "M1-a", Verdict: kustom.VerdictImpostor, Cause: &kustom.ImpostorError{Host: "proxy.example", Status: 404, MediaType: "text/html"}},
			"proxy.example answered a made-up username and secret with 404 Not Found, and not with 401 (text/html). Nothing was written to the shop.", true,
		},
		{"country of an order", saying("no configured currencies for order billing country"), "Set country, currency and locale", false},
		{"address of an order", saying("Bad value: confirmation"), "They are made of shop_url", false},
		{"firewall", proof(kustom.VerdictFirewall), "Run from a machine in a supported region", true},
		{"no verdict", proof(kustom.VerdictUnknown), "Nothing was written to the shop. Run again; if it stays, check the network and api_url.", true},
		{"no checkout", &mystore.NotInstalledError{Shop: "butikk"}, "Shop butikk has no Klarna Checkout V3. Only Klarna Checkout V3 can use Kustom.", false},
		{"other checkout", &mystore.NotInstalledError{Shop: "butikk", Other: "Klarna Checkout V2"}, "Shop butikk has Klarna Checkout V2, but not Klarna Checkout V3.", false},
		{"mismatch", &rotation.MismatchError{Shop: "butikk"}, "shop butikk does not show it. Someone may have changed the shop at the same time.", false},
		{"held", &rotation.KeyInUseError{Username: "M1-a", Shops: []string{"a", "b"}}, "The key M1-a was not deleted, because shop a, b takes payments with it, and it has not got another key.", true},
		{"held and left", &rotation.KeyInUseError{Username: "M1-a", Shops: []string{"a"}, Unmanaged: true}, "left in place when its resource was destroyed (deletion_policy = \"retain\")", true},
		{"held, and to be let go of", &rotation.KeyInUseError{Username: "M1-a", Shops: []string{"a"}}, "To let go of the key, use a removed block with destroy = false, or apply deletion_policy = \"retain\" first.", true},
		{
			"interrupted proof",
			&kustom.ProofError{Username: "M1-a", Verdict: kustom.VerdictUnknown, Cause: silence(transport.NoAnswer, "merchant", context.Canceled)},
			"The run was interrupted. Run again; the next run continues from there.", true,
		},
		{"interrupted while held", errors.Join(&rotation.KeyInUseError{Username: "M1-a", Shops: []string{"a"}}, context.Canceled), "Nothing was deleted.", true},
		{"nobody asked", &rotation.KeyUsageUnknownError{Username: "M1-a"}, "because the provider has no shop to ask whether it uses the key. Some shop may do so.", true},
		{"nobody asked, and to be kept", &rotation.KeyUsageUnknownError{Username: "M1-a"}, "To keep the key, use a removed block with destroy = false, or apply deletion_policy = \"retain\" first.", true},
		{"shops not known", &rotation.KeyUsageUnknownError{Username: "M1-a", Cause: &unknownError{"mystore_tokens"}}, "the provider does not know which shops it can ask. The provider's mystore_tokens depends on", true},
		{"one that shows no ID", &rotation.KeyUsageUnknownError{Username: "M1-a", Shops: []string{"b"}, Cause: &mystore.NotShownError{Shop: "b"}}, "If shop b uses no key of Kustom's, add it to the provider's ignored_shops", true},
		{"one not read", &rotation.KeyUsageUnknownError{Username: "M1-a", Shops: []string{"a"}, Cause: refusal("mystore", 401, "unauthorized")}, "because shop a may use it and can't be read. Mystore does not accept the shop's token", true},
		{"still used", &rotation.KeyStillUsedError{Username: "M1-a", UnusedFor: 24 * time.Hour}, "the portal shows that something has used it within the last 24h.", false},
		{"not listed yet", &rotation.NotListedError{MerchantID: "M1", CredentialID: "c-1"}, "does not list the key c-1 of store M1, which this run has made.", false},
		{"no such key", &kustom.NoKeyError{MerchantID: "M1", CredentialID: "c"}, "Store M1 has no API key with the ID c; perhaps it was deleted.", false},
		{"unexpected", errors.New("odd"), "This is unexpected. Run again and, if it stays, report it with the message below.", false},
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

func TestReportNamesTheCorrelationID(t *testing.T) {
	var diags diag.Diagnostics
	report(&diags, path.Empty(), message{title: "Summary"}, refusal("portal", 400, "BAD_VALUE"))
	if !strings.HasSuffix(diags[0].Detail(), "Correlation ID: c-1") {
		t.Errorf("got %s", diags[0].Detail())
	}
}

// TestReportLooksLikeOneError is about the line that repeats the original error: at the beginning of
// a line, Terraform's own word for an error makes one look like two.
func TestReportLooksLikeOneError(t *testing.T) {
	var diags diag.Diagnostics
	report(&diags, path.Empty(), message{title: "Summary"}, refusal("portal", 400, "BAD_VALUE"))
	if strings.Contains(diags[0].Detail(), "\nError:") {
		t.Errorf("a second error within\n%s", diags[0].Detail())
	}
}

func TestOrphanAdvice(t *testing.T) {
	tests := []struct {
		orphan kustom.Orphan
		says   string
	}{
		{kustom.Orphan{MerchantID: "M1", CredentialID: "c-7", Username: "M1-a"}, "The API key M1-a was made and can't be used, and it could not be deleted again (no way)."},
		{kustom.Orphan{MerchantID: "M1", CredentialID: "c-7"}, "The API key c-7 was made"},
		{kustom.Orphan{MerchantID: "M1"}, "It may have made one whose secret is lost (no way)."},
	}
	for _, test := range tests {
		text := advise(&kustom.OrphanError{Orphan: test.orphan, Cause: context.Canceled, Cleanup: errors.New("no way")}).detail()
		for _, says := range []string{test.says, "store M1, on the page API (under Integrations or Developers), and delete it there (three dots → Delete API key)"} {
			if !strings.Contains(text, says) {
				t.Errorf("want %q in\n%s", says, text)
			}
		}
	}
}

func TestLimitAdvice(t *testing.T) {
	made := time.Date(2024, time.May, 1, 12, 0, 0, 0, time.UTC)
	full := &rotation.LimitReachedError{MerchantID: "M1", Cause: refusal("portal", 409, kustom.CodeLimitReached)}
	if text := advise(full).detail(); !strings.Contains(text, "Store M1 has as many API keys as it may have, and each of them has been used.") {
		t.Errorf("without unused keys: %s", text)
	}
	full.Unused = []kustom.Key{{Username: "M1-a", Host: "api.klarna.com", CreatedAt: made}, {Username: "M1-b", Host: "api.kustom.co", CreatedAt: made}}
	want := "These have never been used:\n\n  - M1-a (api.klarna.com, made 2024-05-01)\n  - M1-b (api.kustom.co, made 2024-05-01)"
	if text := advise(full).detail(); !strings.Contains(text, want) || !strings.Contains(text, "three dots → Delete API key") {
		t.Errorf("with unused keys: %s", text)
	}
}

// TestDescribeLeft_TellsTheEnd: another object of the run may have taken the shop over, or do so later.
func TestDescribeLeft_TellsTheEnd(t *testing.T) {
	t.Parallel()
	record := rotation.Record{MerchantID: "M1", Username: "M1-a"}
	for name, test := range map[string]struct {
		left rotation.Remaining
		want string
	}{
		"left as it is": {want: "Shop butikk and its key M1-a were left as they are, because deletion_policy is retain. The shop takes payments " +
			"with that key until something gives it another one."},
		"with other keys": {left: rotation.Remaining{OtherKeys: []string{"M1-b", "M1-c"}}, want: "Shop butikk and its key M1-a were left as they are, " +
			"because deletion_policy is retain. The shop takes payments with that key until something gives it another one. Other keys of store M1, " +
			"which this resource leaves too: M1-b, M1-c."},
		"taken over": {left: rotation.Remaining{InstalledKey: "M1-b"}, want: "Shop butikk holds M1-b, which another resource of this run has given it. The " +
			"destroyed resource leaves its own key, M1-a, in the portal: " + replacedKeyDeletion + "."},
	} {
		if got := describeLeft("butikk", record, test.left); got != test.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, test.want)
		}
	}
}

// TestReportShop_SaysWhichKeyTheShopHas: not every error leaves the shop with the key that it had.
func TestReportShop_SaysWhichKeyTheShopHas(t *testing.T) {
	t.Parallel()
	attempted := kustom.Orphan{MerchantID: "M1", Username: "M1-a", Attempted: time.Unix(1, 0)}
	for want, errs := range map[string][]error{
		"Shop may have another key": {
			&rotation.KeyVanishedError{Shop: "butikk", Username: "M1-a"},
			&rotation.KeyStateUnknownError{Key: attempted, Cause: errors.New("x"), Cleanup: errors.New("y")},
		},
		"Shop keeps the key that it has": {
			errors.New("x"),
			&rotation.KeyStateUnknownError{Key: kustom.Orphan{MerchantID: "M1", Username: "M1-a"}, Cause: errors.New("x"), Cleanup: errors.New("y")},
		},
	} {
		for _, err := range errs {
			var diags diag.Diagnostics
			if reportShop(&diags, path.Root("shop"), "butikk", err); diags[0].Summary() != want {
				t.Errorf("%v: got %q, want %q", err, diags[0].Summary(), want)
			}
			left := "Shop butikk goes on as it was."
			if want == "Shop may have another key" {
				left = "Shop butikk may hold another key than before."
			}
			if !strings.Contains(diags[0].Detail(), left) {
				t.Errorf("%v: it does not say %q: %s", err, left, diags[0].Detail())
			}
		}
	}
}

// TestWarnOfClearing_NamesShopAndKey, and only where the policy says so.
func TestWarnOfClearing_NamesShopAndKey(t *testing.T) {
	t.Parallel()
	connection := connectionModel{Shop: types.StringValue("butikk")}
	connection.Username = types.StringValue("M1-a")
	credentials := checkoutCredentialsModel{Shop: types.StringValue("butikk")}
	const ways = " Apply only if you mean it. To leave the shop as it is, set deletion_policy = \"retain\"."
	for policy, want := range map[string]string{
		deletionRetain: "",
		deletionClear: "- warning Shop will take no payments: The deletion_policy is clear: the credentials of shop butikk will be emptied, and " +
			"then its key, M1-a, deleted, unless another resource gives the shop a key in the same run." + ways + "\n" +
			"- warning Shop will take no payments: The deletion_policy is clear: the credentials of shop butikk will be emptied, unless another " +
			"resource gives the shop a key in the same run." + ways,
	} {
		connection.DeletionPolicy, credentials.DeletionPolicy = types.StringValue(policy), types.StringValue(policy)
		var diags diag.Diagnostics
		connection.warnOfClearing(&diags)
		credentials.warnOfClearing(&diags)
		if got := lines(diags); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

// TestDescribeKept_SaysWhatDeletesSharedKey: a shop with a pair of resources lets go of a key without deleting it.
func TestDescribeKept_SaysWhatDeletesSharedKey(t *testing.T) {
	t.Parallel()
	err := &rotation.KeyInUseError{Username: "M1-a", Shops: []string{"b"}}
	told := describeKept("a", rotation.KeptKey{Key: kustom.Orphan{MerchantID: "M1", Username: "M1-a"}, Err: err}).detail()
	want := "The key M1-a is not used by shop a any more, but by b, so this step has not deleted it. A connection or a fleet deletes it when it " +
		"gives that shop another key, in this run or later. A mystore_klarna_checkout_credentials deletes no key: then delete it in Kustom Portal when " +
		"nothing uses it."
	if told != want {
		t.Errorf("it says %q", told)
	}
}
