package provider_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// faultCase is a fault of a vendor or of the network: how it is injected, what the user sees of it, and what must hold after the
// run. [faultCases] has them all. These tests take every row that has what they need:
//
//   - api: TestFaults_NextRunPutsShopsRight, TestAccFaults_NextRunPutsShopsRight, TestFleet_NextRunRecoversFromRandomFaults and
//     TestUnreadableShop_OthersGetKeys
//   - mystore: TestUnreadableShop_OthersGetKeys
//   - byAPI: TestFailingShop_KeepsKeyUntilNextRun
//   - byPages: TestPagesFaults_NextRunPutsShopRight
type faultCase struct {
	name string
	// api is the fault of any request of an API, and pages that of a page. They are nil if no API or page has the fault.
	api, pages *injection
	// mystore is a fault of the API of one shop only: answers to its requests that no other API gives.
	mystore []sandbox.Fault
	// shop is a fault of one shop that is not a fault of its requests. It returns what removes the fault.
	shop func(t *testing.T, r *rollout, shop sandbox.Shop) (disarm func())
	// byAPI and byPages are what the user sees if the fault happens at some steps.
	byAPI, byPages []seen
}

// injection is a fault and the settings of the provider that it needs.
type injection struct {
	sandbox.Fault
	// err, if set, is the error of a request that got no answer.
	err error
	// requestTimeout is the argument of that name. The default is longer than a busy machine takes.
	requestTimeout string
	// browser has arguments of the browser block.
	browser string
	// killsBrowser reports that the browser is killed when the fault happens.
	killsBrowser bool
	// pages are options of the sandbox's pages. If lookalikes is set, each key has a second one beside it whose username begins
	// with the same characters.
	lookalikes bool
}

// seen is what the user sees of a fault, and what the run leaves.
type seen struct {
	// at are the steps at which the fault happens, one in each run.
	at []step
	// says is a part of the error or, if the run succeeds, of the warning.
	says string
	then outcome
	// noKey reports that the run generates no key for the shop.
	noKey bool
	// maySucceed reports that the run may also succeed, because its timing decides.
	maySucceed bool
	// way is the only way in which it is tried. Empty means each.
	way string
	// left is how many keys stay in the store that no state has.
	left int
}

// outcome is what a run with a fault leaves. In each case, the next run puts everything right.
type outcome int

const (
	// keepsKey: the run fails for the shop, which keeps its key. No new key is left.
	keepsKey outcome = iota
	// switched: the run succeeds. The shop has its new key, and the old one is deleted.
	switched
	// oldKeyLeft: the shop has its new key, and the state has the old one, which could not be deleted.
	oldKeyLeft
	// keyUnknown: the shop may have either key, so both stay. The state has the new one.
	keyUnknown
	// losesKey: the run fails for the shop, which has lost its key by the fault.
	losesKey
)

// step is a request by which a shop gets a new key.
type step string

const (
	listKeys        step = "list of keys"
	generate        step = "generation"
	readNewKey      step = "read of the new key"
	listExtensions  step = "list of extensions"
	readCredentials step = "read of the credentials"
	prove           step = "proof"
	install         step = "installation"
	deleteKey       step = "deletion"
	// Any page of a vendor.
	portalPages  step = "portal"
	mystorePages step = "control panel"
)

// request is a request as the sandbox names it.
type request struct{ api, method, template string }

// of returns the fault, of this request.
func (r request) of(f sandbox.Fault) sandbox.Fault {
	f.API, f.Method, f.Template = r.api, r.method, r.template
	return f
}

// requests returns a step's request of an API, and of a page.
func (s step) requests() (api, page request) {
	const get, post = http.MethodGet, http.MethodPost
	all := map[step][2]request{
		listKeys:        {{sandbox.Portal, get, keysCall}, {sandbox.PortalPages, get, pageKeys}},
		generate:        {{sandbox.Portal, post, storeKeysCall}, {sandbox.PortalPages, post, pageKeys}},
		readNewKey:      {{sandbox.Portal, get, keyCall}, {sandbox.PortalPages, get, pageKey + "/password"}},
		listExtensions:  {{sandbox.Mystore, get, "/shops/{shop}/extensions"}, {sandbox.MystorePages, get, "/extensions"}},
		readCredentials: {{sandbox.Mystore, get, credentialsCall}, {sandbox.MystorePages, get, "/extensions/{extension_id}/credentials"}},
		prove:           {{sandbox.Merchant, get, orderCall}, {sandbox.Merchant, get, orderCall}},
		install:         {{sandbox.Mystore, http.MethodPatch, credentialsCall}, {sandbox.MystorePages, post, "/data/extensions/{extension_id}/credentials"}},
		deleteKey:       {{sandbox.Portal, http.MethodDelete, keyCall}, {sandbox.PortalPages, http.MethodDelete, pageKey}},
		portalPages:     {1: {api: sandbox.PortalPages}},
		mystorePages:    {1: {api: sandbox.MystorePages}},
	}
	return all[s][0], all[s][1]
}

// stepTimeout ends a step on a page sooner than the default does, so that a test does not wait as long for a step that fails.
const stepTimeout = `timeout = "6s"`

func faultCases() []faultCase {
	const (
		portalSignedOut = "Kustom Portal asks to sign in: the session has expired. Run terraform-provider-kustom login again"
		shopSignedOut   = "Mystore asks to sign in: the session has expired. Run terraform-provider-kustom login again"
		// The portal signs in on another host, which a page that may show a secret can't open.
		ledElsewhere = "The portal does that when the session has expired. Run terraform-provider-kustom login again"
		// A form that leads to the sign-in does not show whether it was accepted.
		uncertain     = "The click may still have worked"
		browserDied   = "because the browser stopped."
		rejectsPair   = "Kustom's merchant API rejects this Kustom ID"
		rejectsWrite  = "Mystore rejects the request"
		mayNotWrite   = "does not allow this"
		unknownStore  = "can't see such a store"
		laterDeletion = "The next apply tries again"
		inState       = "The state keeps the key's ID"
	)
	at := func(steps ...step) []step { return steps }
	kind := func(kind sandbox.FaultKind) *injection { return &injection{Fault: sandbox.Fault{Kind: kind}} }
	answer := func(status int) *injection { return &injection{Fault: sandbox.Fault{Status: status}} }
	answerWith := func(status int, header, value string) *injection {
		return &injection{Fault: sandbox.Fault{Status: status, Header: http.Header{header: {value}}}}
	}
	unsent := func(err error) *injection { return &injection{Fault: sandbox.Fault{Kind: sandbox.FaultDrop}, err: err} }
	silent := func(kind sandbox.FaultKind) *injection {
		return &injection{Fault: sandbox.Fault{Kind: kind}, requestTimeout: "400ms"}
	}
	onPages := func(kind sandbox.FaultKind) *injection {
		return &injection{Fault: sandbox.Fault{Kind: kind, Times: 1}, browser: stepTimeout}
	}
	killing := func(kind sandbox.FaultKind) *injection {
		return &injection{Fault: sandbox.Fault{Kind: kind, Times: 1}, killsBrowser: true}
	}
	late := onPages(sandbox.FaultDelay)
	late.Latency = 8 * time.Second
	slow := func() *injection {
		return &injection{Fault: sandbox.Fault{Kind: sandbox.FaultDelay, Latency: 700 * time.Millisecond}}
	}
	renamed := func(word, now, browser string) *injection {
		return &injection{Fault: sandbox.Fault{Kind: sandbox.FaultRename, Rename: map[string]string{word: now}}, browser: browser}
	}
	list := func(body string) sandbox.Fault {
		return sandbox.Fault{Status: http.StatusOK, Body: body, ContentType: "application/vnd.api+json"}
	}
	noCredentials := sandbox.Fault{Template: credentialsCall, Status: http.StatusNotFound}

	return []faultCase{
		// The request does not arrive.
		{name: "connection refused", api: unsent(&net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED})},
		{name: "TLS failure", api: unsent(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}})},
		{name: "lost request", api: kind(sandbox.FaultDrop), pages: onPages(sandbox.FaultStay),
			byAPI:   []seen{{at: at(install), says: inState, then: keyUnknown}},
			byPages: []seen{{at: at(generate)}, {at: at(install, deleteKey), then: switched}}},
		{name: "silence", api: silent(sandbox.FaultSilence), pages: late, byPages: []seen{
			{at: at(generate)},
			// The write arrives after the step has ended. If it is in the shop when the provider looks, the run succeeds.
			{at: at(install), maySucceed: true},
		}},

		// The answer does not arrive.
		{name: "lost answer", api: kind(sandbox.FaultLoseAnswer), pages: onPages(sandbox.FaultWorkThenStay),
			byAPI: []seen{{at: at(install), then: switched}},
			byPages: []seen{
				{at: at(generate), says: "the provider did not see the popup with its secret; it deleted the key again"},
				{at: at(install, deleteKey), then: switched},
			}},
		{name: "silence after the work", api: silent(sandbox.FaultWorkThenSilence)},
		{name: "slow answer", api: slow(), pages: slow(), byPages: []seen{{at: at(portalPages), then: switched}}},
		{name: "network lost after the installation", shop: loseNetworkAfterInstall, byAPI: []seen{{says: inState, then: keyUnknown}}},

		// The answer is an error.
		{name: "401, or session expired", api: answer(http.StatusUnauthorized), pages: onPages(sandbox.FaultSignOut),
			byAPI: []seen{{at: at(prove), says: rejectsPair}},
			byPages: []seen{
				{at: at(listKeys), says: portalSignedOut}, {at: at(listExtensions), says: shopSignedOut},
				{at: at(generate), says: ledElsewhere}, {at: at(install), says: uncertain},
				{at: at(deleteKey), says: portalSignedOut, way: wayPair},
				{at: at(readNewKey), says: ledElsewhere, way: wayPair},
				// The key was generated, and nobody saw its name: pages have no idempotency keys, and the session that could
				// have read the list has expired. The earlier list, which tells the key from others, is in the private state.
				// Terraform replaces the tainted connection, and does not give the deletion of the old object its private
				// state. So the key stays, and the error has said so. A key of its own resource is deleted: its state has
				// the earlier list.
				{at: at(readNewKey), says: ledElsewhere, way: wayConnection, left: 1},
			}},
		{name: "403", api: answer(http.StatusForbidden), byAPI: []seen{{at: at(install), says: mayNotWrite}}},
		{name: "403 HTML", api: &injection{Fault: sandbox.Fault{
			Status: http.StatusForbidden, ContentType: "text/html", Body: "<html>Not in your region</html>",
		}}},
		{name: "404", api: answer(http.StatusNotFound), byAPI: []seen{{at: at(generate), says: unknownStore}}},
		{name: "422", api: answer(http.StatusUnprocessableEntity), byAPI: []seen{{at: at(install), says: rejectsWrite}}},
		{name: "429 with a date", api: answerWith(http.StatusTooManyRequests, "Retry-After", time.Now().Add(20*time.Second).UTC().Format(http.TimeFormat))},
		{name: "500", api: answer(http.StatusInternalServerError), byAPI: []seen{{at: at(deleteKey), says: laterDeletion, then: oldKeyLeft}}},
		{name: "503 with Retry-After", api: answerWith(http.StatusServiceUnavailable, "Retry-After", "2")},

		// The answer can't be read.
		{name: "truncated JSON", api: kind(sandbox.FaultTruncate)},
		{name: "wrong content type", api: kind(sandbox.FaultWrongType)},
		{name: "10 MiB body", api: kind(sandbox.FaultOversize)},
		{name: "empty object", mystore: []sandbox.Fault{list(`{}`)}},
		{name: "object of another type", mystore: []sandbox.Fault{list(`{"data":{"type":"products","id":"7","attributes":{}}}`)}},
		{name: "list for an object", mystore: []sandbox.Fault{list(`{"data":[]}`)}},
		{name: "number for a Kustom ID", mystore: []sandbox.Fault{
			list(`{"data":{"type":"extension-credentials","id":"klarna-checkout-v3","attributes":{"kustom_id":7}}}`),
		}},
		{name: "HTML page", mystore: []sandbox.Fault{{Status: http.StatusOK, Body: "<html>Back soon</html>", ContentType: "text/html"}}},
		{name: "204", mystore: []sandbox.Fault{{Status: http.StatusNoContent}}},
		{name: "redirect", mystore: []sandbox.Fault{{Status: http.StatusFound, Header: http.Header{"Location": {"https://login.example/"}}}}},
		{name: "410", mystore: []sandbox.Fault{{Status: http.StatusGone}}},
		{name: "404, and no list", mystore: []sandbox.Fault{noCredentials, list(`{}`)}},
		{name: "404, and an endless list", mystore: []sandbox.Fault{noCredentials, list(`{"data":[],"links":{"next":"?page%5Bsize%5D=100"}}`)}},
		{name: "404, and a malformed link", mystore: []sandbox.Fault{noCredentials, list(`{"data":[],"links":{"next":"::"}}`)}},

		// The vendor's rules or the configuration rule out a new key.
		// The plan of a single connection fails.
		{name: "no Klarna Checkout V3", shop: uninstallExtension, byAPI: []seen{
			{says: "has no Klarna Checkout V3. Only Klarna Checkout V3 can use Kustom.", then: losesKey, noKey: true, way: wayFleet},
		}},
		{name: "no token", shop: useToken(""), byAPI: []seen{{says: "The provider has no Mystore token for shop", noKey: true}}},
		{name: "token of another shop", shop: useToken(sandbox.FleetSeed(1).Shops[0].Token), byAPI: []seen{
			{says: "It belongs to another shop, or lacks the permission for extensions", noKey: true},
		}},
		{name: "key limit reached", shop: reachKeyLimit, byAPI: []seen{{says: "has the maximum number of API keys"}}},

		// The page is another one.
		{name: "changed word for the key", pages: renamed("Generate new", "New credential", stepTimeout),
			byPages: []seen{{at: at(portalPages), says: `labels = { "portal.generate_new" =`}}},
		{name: "changed and configured word for the key",
			pages:   renamed("Generate new", "New credential", `labels = { "portal.generate_new" = "New credential" }`),
			byPages: []seen{{at: at(portalPages), then: switched}}},
		{name: "changed word for the installation", pages: renamed("Update ID and Secret", "Commit pair", stepTimeout),
			byPages: []seen{{at: at(mystorePages), says: "(label mystore.update_id_and_secret)"}}},
		{name: "changed and configured word for the installation",
			pages:   renamed("Update ID and Secret", "Commit pair", `labels = { "mystore.update_id_and_secret" = "Commit pair" }`),
			byPages: []seen{{at: at(mystorePages), then: switched}}},
		{name: "similar usernames", pages: &injection{Fault: sandbox.Fault{Kind: sandbox.FaultDelay}, lookalikes: true},
			byPages: []seen{{at: at(listKeys), then: switched}}},

		// The browser is killed.
		{name: "browser killed before the work", pages: killing(sandbox.FaultSilence),
			byPages: []seen{{at: at(generate)}, {at: at(listKeys, install), then: switched}}},
		{name: "browser killed after the work", pages: killing(sandbox.FaultWorkThenSilence),
			byPages: []seen{{at: at(generate, readNewKey), says: browserDied}, {at: at(install, deleteKey), then: switched}}},
	}
}

// uninstallExtension takes Klarna Checkout V3 out of a shop, which loses its credentials.
func uninstallExtension(t *testing.T, r *rollout, shop sandbox.Shop) func() {
	if err := r.box.UninstallExtension(shop.Name, sandbox.KlarnaCheckoutV3); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := r.box.InstallExtension(shop.Name, shop.Extensions[0]); err != nil {
			t.Error(err)
		}
	}
}

// useToken makes the provider use another token for the shop, or none if it is empty.
func useToken(token string) func(*testing.T, *rollout, sandbox.Shop) func() {
	return func(_ *testing.T, r *rollout, shop sandbox.Shop) func() {
		r.tokens[shop.Name] = token
		if token == "" {
			delete(r.tokens, shop.Name)
		}
		return func() { r.tokens[shop.Name] = shop.Token }
	}
}

// keyLimit is how many keys a store can have in [TestFailingShop_KeepsKeyUntilNextRun].
const keyLimit = 3

// reachKeyLimit leaves no room for a new key.
func reachKeyLimit(t *testing.T, r *rollout, shop sandbox.Shop) func() {
	var spare []sandbox.Key
	for len(r.box.Keys(shop.MerchantID)) < keyLimit {
		key, err := r.box.GenerateKey(shop.MerchantID, "one too many")
		if err != nil {
			t.Fatal(err)
		}
		spare = append(spare, key)
	}
	return func() {
		for _, key := range spare {
			if err := r.box.DeleteKey(key.MerchantID, key.CredentialID); err != nil {
				t.Error(err)
			}
		}
	}
}

// loseNetworkAfterInstall drops all requests for a shop after the one that installs its new key.
func loseNetworkAfterInstall(_ *testing.T, r *rollout, shop sandbox.Shop) func() {
	installed, of := false, isOf(shop)
	return r.box.Arm(sandbox.Fault{Kind: sandbox.FaultDrop, Match: func(q sandbox.Request) bool {
		if of(q) && q.API == sandbox.Mystore && q.Method == http.MethodPatch {
			installed = true
			return false
		}
		return installed && of(q)
	}}).Disarm
}

// isOf returns whether a request is about a shop or its store.
func isOf(shop sandbox.Shop) func(sandbox.Request) bool {
	return func(q sandbox.Request) bool {
		return q.Shop == shop.Name || q.MerchantID == shop.MerchantID || strings.HasPrefix(q.Caller, shop.MerchantID+"-")
	}
}
