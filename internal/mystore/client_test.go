package mystore_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox/sandboxtest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport/transporttest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/vendortext"
)

const (
	shop       = "fjellsport"
	fjellsport = "M00412871"
	oldID      = "M00412871-qT7vA"
	maxRetries = 2

	credentialsPath = "/shops/{shop}/extensions/klarna-checkout-v3/credentials"
	extensionsPath  = "/shops/{shop}/extensions"
	jsonAPI         = "application/vnd.api+json"
)

var noon = time.Date(2026, time.March, 10, 12, 0, 0, 0, time.UTC)

// testEnv is a sandbox behind a loopback server, and a client of it. Both share one clock.
type testEnv struct {
	t      *testing.T
	clock  *clocktest.Fake
	box    *sandbox.Sandbox
	client *mystore.Client
}

// newTestEnv fails the test, when it ends, unless the violations are exactly those expected.
func newTestEnv(t *testing.T, seed sandbox.Seed, expected ...sandbox.ViolationKind) *testEnv {
	t.Helper()
	env := &testEnv{t: t, clock: clocktest.New(noon)}
	// The server stops before the check, so that no request comes after it.
	t.Cleanup(func() {
		for i, v := range env.box.Violations() {
			if i >= len(expected) || v.Kind != expected[i] {
				t.Errorf("violation: %v", v)
			}
		}
	})
	box, server := sandboxtest.Start(t, seed, sandbox.Options{Clock: env.clock})
	env.box, env.client = box, newClient(t, env.clock, server.MystoreURL())
	return env
}

func newClient(t *testing.T, c clock.Clock, base string) *mystore.Client {
	t.Helper()
	client := transporttest.NewClient(t, base, transport.Options{
		API: "mystore", MaxRetries: maxRetries, Timeout: time.Second, Clock: c, Problem: mystore.Problem,
	})
	return mystore.New(client, c, func(shop string) (string, error) { return "fake-mystore-token-" + shop, nil })
}

// newKey returns a pair that can be installed.
func (env *testEnv) newKey() sandbox.Key {
	env.t.Helper()
	key, err := env.box.GenerateKey(fjellsport, "")
	if err != nil {
		env.t.Fatal(err)
	}
	return key
}

func missing(err error) *mystore.NotInstalledError {
	none, _ := errors.AsType[*mystore.NotInstalledError](err)
	return none
}

// without returns the default seed with other extensions in the first shop.
func without(extensions ...sandbox.Extension) sandbox.Seed {
	seed := sandbox.ThreeShops()
	seed.Shops[0].Extensions = extensions
	return seed
}

var (
	v2    = sandbox.Extension{ID: "klarna-checkout-v2", Name: "Klarna Checkout V2", Version: "2.9.0", Active: true}
	bring = sandbox.Extension{ID: "bring-shipping", Name: "Bring", Version: "2.11.0", Active: true}
)

func TestCredentials_ReadsPair(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, sandbox.ThreeShops())
	got, err := env.client.Credentials(t.Context(), shop)
	if want := (mystore.Credentials{KustomID: oldID, Secret: mystore.SecretSet, UpdatedAt: "2021-04-12T08:34:51Z"}); err != nil || got != want {
		t.Errorf("the credentials are %+v, error %v", got, err)
	}
}

func TestInstall_WritesPair(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, sandbox.ThreeShops())
	key := env.newKey()
	before, err := env.client.Credentials(t.Context(), shop)
	if err != nil {
		t.Fatal(err)
	}
	written, err := env.client.Install(t.Context(), shop, key.Username, key.Secret)
	if err != nil {
		t.Fatal(err)
	}
	read, err := env.client.Credentials(t.Context(), shop)
	if err != nil || read != written || read.KustomID != key.Username || read.Secret != mystore.SecretSet || read.UpdatedAt == before.UpdatedAt {
		t.Errorf("the answer is %+v, the read %+v, error %v", written, read, err)
	}
	if err := env.box.Working(shop); err != nil {
		t.Errorf("the shop does not work: %v", err)
	}
}

func TestClear_DeletesPair(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, sandbox.ThreeShops(), sandbox.ViolationShopCleared)
	got, err := env.client.Clear(t.Context(), shop)
	if err != nil || got.KustomID != "" || got.Secret != mystore.SecretMissing || got.UpdatedAt == "" {
		t.Errorf("the credentials are %+v, error %v", got, err)
	}
	if read, err := env.client.Credentials(t.Context(), shop); err != nil || read != got {
		t.Errorf("the shop shows %+v, error %v", read, err)
	}
}

func TestCredentials_AreEmptyBeforeFirstWrite(t *testing.T) {
	t.Parallel()
	seed := sandbox.ThreeShops()
	seed.Shops[0].KustomID, seed.Shops[0].KustomSecret, seed.Shops[0].UpdatedAt = "", "", nil
	env := newTestEnv(t, seed)
	if got, err := env.client.Credentials(t.Context(), shop); err != nil || got != (mystore.Credentials{Secret: mystore.SecretMissing}) {
		t.Errorf("the credentials are %+v, error %v", got, err)
	}
}

func TestExtension_ReadsVersion(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, sandbox.ThreeShops())
	got, err := env.client.Extension(t.Context(), shop)
	if want := (mystore.Extension{Version: "3.4.1", Active: true}); err != nil || got != want {
		t.Errorf("the extension is %+v, error %v", got, err)
	}
}

func TestExtension_IsFoundOnLaterPage(t *testing.T) {
	t.Parallel()
	var many []sandbox.Extension
	for i := range 250 {
		many = append(many, sandbox.Extension{ID: fmt.Sprintf("e-%d", i), Name: "E", Version: "1", Active: true})
	}
	v3 := sandbox.ThreeShops().Shops[0].Extensions[0]
	v3.Active = false
	env := newTestEnv(t, without(append(many, v3)...))
	got, err := env.client.Extension(t.Context(), shop)
	if want := (mystore.Extension{Version: "3.4.1"}); err != nil || got != want {
		t.Errorf("the extension is %+v, error %v", got, err)
	}
	if n := len(env.box.Requests()); n != 3 {
		t.Errorf("%d pages were read", n)
	}
}

// The client uses only the query of a next link, so the token goes to no other host.
func TestExtension_SendsTokenToNoOtherHost_I2(t *testing.T) {
	t.Parallel()
	var received atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { received.Add(1) }))
	t.Cleanup(other.Close)
	tests := map[string]string{
		"another host":  other.URL + "/shops/fjellsport/extensions?page%5Bnumber%5D=2",
		"no scheme":     strings.TrimPrefix(other.URL, "http:") + "/x?page%5Bnumber%5D=2",
		"another path":  "/shops/other/settings?page%5Bnumber%5D=2",
		"only a query":  "?page%5Bnumber%5D=2",
		"with userinfo": strings.Replace(other.URL, "http://", "http://u:p@", 1) + "/?page%5Bnumber%5D=2",
	}
	for name, next := range tests {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", jsonAPI)
				if r.URL.Path != "/shops/fjellsport/extensions" {
					t.Errorf("%s was requested", r.URL.Path)
				}
				if r.URL.Query().Get("page[number]") == "2" {
					fmt.Fprint(w, `{"data":[{"type":"extensions","id":"klarna-checkout-v3","attributes":{"version":"3"}}],"links":{}}`)
					return
				}
				fmt.Fprintf(w, `{"data":[],"links":{"next":%q}}`, next)
			}))
			t.Cleanup(srv.Close)
			got, err := newClient(t, clocktest.New(noon), srv.URL).Extension(t.Context(), shop)
			if err != nil || got.Version != "3" {
				t.Errorf("the extension is %+v, error %v", got, err)
			}
		})
	}
	if n := received.Load(); n != 0 {
		t.Errorf("another host was sent %d requests", n)
	}
}

// An incomplete list does not prove that the extension is missing.
func TestExtension_RejectsIncompleteList(t *testing.T) {
	t.Parallel()
	for _, next := range []string{"?page%5Bnumber%5D=2", "http://[/"} {
		body := fmt.Sprintf(`{"data":[],"links":{"next":%q}}`, next)
		client := fuzzClient(transporttest.Answer{Status: http.StatusOK, ContentType: jsonAPI, Body: body})
		if _, err := client.Extension(t.Context(), shop); err == nil || missing(err) != nil {
			t.Errorf("the next page is %s: the error is %v", next, err)
		}
	}
}

// A shop without Klarna Checkout V3 holds no key, so only a conclusive answer may say that it is missing, or that it
// holds no key.
func TestCredentials_MissingExtensionNeedsProof_I1(t *testing.T) {
	t.Parallel()
	read := sandbox.Fault{API: sandbox.Mystore, Method: http.MethodGet, Template: credentialsPath}
	list := sandbox.Fault{API: sandbox.Mystore, Method: http.MethodGet, Template: extensionsPath}
	with := func(f sandbox.Fault, status int, body string) sandbox.Fault {
		f.Status, f.Body = status, body
		if body != "" {
			f.ContentType = jsonAPI
		}
		return f
	}
	html := func(f sandbox.Fault, status int) sandbox.Fault {
		f.Status, f.ContentType, f.Body = status, "text/html", "<h1>Maintenance</h1>"
		return f
	}
	tests := map[string]struct {
		seed   sandbox.Seed
		faults []sandbox.Fault
		gone   bool
		other  string
	}{
		"not installed":             {seed: without(bring), gone: true},
		"nothing installed":         {seed: without(), gone: true},
		"V2 installed":              {seed: without(bring, v2), gone: true, other: "Klarna Checkout V2"},
		"a wrong 404":               {seed: sandbox.ThreeShops(), faults: []sandbox.Fault{with(read, 404, "")}},
		"404 from a proxy":          {seed: sandbox.ThreeShops(), faults: []sandbox.Fault{html(read, 404)}},
		"404, list fails":           {seed: without(bring), faults: []sandbox.Fault{with(list, 500, "")}},
		"404, list forbidden":       {seed: without(bring), faults: []sandbox.Fault{with(list, 403, "")}},
		"a wrong 404, for both":     {seed: sandbox.ThreeShops(), faults: []sandbox.Fault{with(read, 404, ""), with(list, 404, "")}},
		"a wrong 404, invalid list": {seed: sandbox.ThreeShops(), faults: []sandbox.Fault{with(read, 404, ""), with(list, 200, `{}`)}},
		"403":                       {seed: sandbox.ThreeShops(), faults: []sandbox.Fault{with(read, 403, "")}},
		"500":                       {seed: sandbox.ThreeShops(), faults: []sandbox.Fault{with(read, 500, "")}},
		"HTML":                      {seed: sandbox.ThreeShops(), faults: []sandbox.Fault{html(read, 200)}},
		"an empty object":           {seed: sandbox.ThreeShops(), faults: []sandbox.Fault{with(read, 200, `{}`)}},
		"null":                      {seed: sandbox.ThreeShops(), faults: []sandbox.Fault{with(read, 200, `null`)}},
		"data is null":              {seed: sandbox.ThreeShops(), faults: []sandbox.Fault{with(read, 200, `{"data":null}`)}},
		"errors with a success":     {seed: sandbox.ThreeShops(), faults: []sandbox.Fault{with(read, 200, `{"errors":[{"status":"503","code":"maintenance"}]}`)}},
		"another resource": {seed: sandbox.ThreeShops(), faults: []sandbox.Fault{
			with(read, 200, `{"data":{"type":"extension-credentials","id":"klarna-checkout-v2","attributes":{"kustom_id":null,"secret_set":false}}}`),
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t, test.seed)
			for _, f := range test.faults {
				env.box.Arm(f)
			}
			got, err := env.client.Credentials(t.Context(), shop)
			none := missing(err)
			if err == nil || (none != nil) != test.gone {
				t.Fatalf("the credentials are %+v, error %v", got, err)
			}
			if none != nil && (none.Shop != shop || none.Other != test.other) {
				t.Errorf("the error is %+v", none)
			}
			if !strings.Contains(err.Error(), shop) {
				t.Errorf("the error does not name the shop: %v", err)
			}
		})
	}
}

func TestInstall_ReportsMissingExtension(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, without(v2))
	if _, err := env.client.Install(t.Context(), shop, oldID, "kco_live_api_x"); missing(err) == nil || missing(err).Other != v2.Name {
		t.Errorf("installing: %v", err)
	}
	if _, err := env.client.Clear(t.Context(), shop); missing(err) == nil {
		t.Errorf("clearing: %v", err)
	}
}

func TestCredentials_ReportWrongShopOrPermission(t *testing.T) {
	t.Parallel()
	seed := sandbox.ThreeShops()
	seed.Shops[0].Permissions = []string{sandbox.PermissionReadExtensions}
	env := newTestEnv(t, seed)
	if _, err := env.client.Install(t.Context(), shop, oldID, "kco_live_api_x"); !transport.IsStatus(err, 403) || transport.IsUncertain(err) {
		t.Errorf("without permission: %v", err)
	}
	if _, err := env.client.Credentials(t.Context(), "nowhere"); !transport.IsStatus(err, 401) {
		t.Errorf("with a wrong token: %v", err)
	}
	for _, r := range env.box.Requests() {
		if r.Method == http.MethodPatch && r.Shop != shop {
			t.Errorf("shop %s was written", r.Shop)
		}
	}
}

// A refusal that repeats the secret is redacted.
func TestInstall_RedactsRefusedPair_I2(t *testing.T) {
	t.Parallel()
	const secret = "kco_live_api_SECRET "
	env := newTestEnv(t, sandbox.ThreeShops())
	_, err := env.client.Install(t.Context(), shop, oldID, secret)
	if !transport.IsCode(err, 422, "invalid_value") || transport.IsUncertain(err) || !strings.Contains(err.Error(), "kustom_secret") {
		t.Errorf("the error is %v", err)
	}
	env.box.Arm(sandbox.Fault{Method: http.MethodPatch, Status: 422, ContentType: jsonAPI,
		Body: `{"errors":[{"id":"c-9","code":"bad","title":"no","detail":"` + secret + ` from fake-mystore-token-fjellsport"}]}`})
	_, err = env.client.Install(t.Context(), shop, oldID, secret)
	if failed, ok := errors.AsType[*transport.Error](err); !ok || failed.CorrelationID != "c-9" || failed.Code != "bad" || len(failed.Messages) != 1 {
		t.Fatalf("the error is %v", err)
	}
	if strings.Contains(err.Error(), "SECRET") || strings.Contains(err.Error(), "fake-mystore-token") {
		t.Error("the error holds a secret")
	}
}

// After an uncertain failure, the caller must read the shop before it writes again.
func TestInstall_IsNotRetried(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault     sandbox.Fault
		writes    int
		uncertain bool
	}{
		"answer lost": {sandbox.Fault{Kind: sandbox.FaultLoseAnswer}, 1, true},
		"dropped":     {sandbox.Fault{Kind: sandbox.FaultDrop}, 1, true},
		"truncated":   {sandbox.Fault{Kind: sandbox.FaultTruncate}, 1, true},
		"500":         {sandbox.Fault{Status: 500}, 1, true},
		"503, later":  {sandbox.Fault{Status: 503, Header: http.Header{"Retry-After": {"1"}}}, 1, true},
		"429":         {sandbox.Fault{Status: 429}, maxRetries + 1, false},
		"401":         {sandbox.Fault{Status: 401}, 1, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t, sandbox.ThreeShops())
			key := env.newKey()
			test.fault.Method = http.MethodPatch
			env.box.Arm(test.fault)
			_, err := env.client.Install(t.Context(), shop, key.Username, key.Secret)
			if err == nil || transport.IsUncertain(err) != test.uncertain {
				t.Errorf("the error is %v", err)
			}
			if n := env.box.Count(sandbox.Mystore, http.MethodPatch, credentialsPath); n != test.writes {
				t.Errorf("%d writes were sent", n)
			}
		})
	}
}

// The sandbox refuses the 121st request of a token in a minute.
func TestClient_StaysBelowRateLimit_I6(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, sandbox.ThreeShops())
	for range 400 {
		if _, err := env.client.Credentials(t.Context(), shop); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range env.box.Requests() {
		if r.Status != http.StatusOK {
			t.Fatalf("a request was answered with %d", r.Status)
		}
	}
	start := env.clock.Now()
	if _, err := env.client.Credentials(t.Context(), "kaffebonna"); err != nil || !env.clock.Now().Equal(start) {
		t.Errorf("a request to another shop waited %v, error %v", env.clock.Now().Sub(start), err)
	}
}

func TestClient_ReportsMissingToken(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, sandbox.ThreeShops())
	none := errors.New("mystore_tokens has no token for the shop")
	client := transporttest.NewClient(t, "http://127.0.0.1:1", transport.Options{API: "mystore", Timeout: time.Second, Clock: env.clock})
	c := mystore.New(client, env.clock, func(string) (string, error) { return "", none })
	if _, err := c.Credentials(t.Context(), shop); !errors.Is(err, none) {
		t.Errorf("the error is %v", err)
	}
}

func TestCredentials_StopWhenCancelled_I6(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, sandbox.ThreeShops())
	ctx := env.cancelAt(sandbox.Fault{Method: http.MethodGet, Kind: sandbox.FaultSilence})
	start := time.Now()
	if _, err := env.client.Credentials(ctx, shop); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	if took := time.Since(start); took > 900*time.Millisecond {
		t.Errorf("it returned after %v", took)
	}
}

// An interrupted write may still arrive, and then the shop's state is unknown.
func TestInstall_FinishesWhenCancelled_I1(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, sandbox.ThreeShops())
	key := env.newKey()
	ctx := env.cancelAt(sandbox.Fault{Method: http.MethodPatch, Kind: sandbox.FaultDelay, Latency: 50 * time.Millisecond})
	if got, err := env.client.Install(ctx, shop, key.Username, key.Secret); err != nil || got.KustomID != key.Username {
		t.Errorf("the answer is %+v, error %v", got, err)
	}
	if n := len(env.box.Requests()); n != 1 {
		t.Errorf("%d requests were sent", n)
	}
}

// cancelAt injects a fault once, and cancels the returned context when it happens.
func (env *testEnv) cancelAt(f sandbox.Fault) context.Context {
	env.t.Helper()
	ctx, cancel := context.WithCancel(env.t.Context())
	env.t.Cleanup(cancel)
	f.Times = 1
	f.Match = func(sandbox.Request) bool {
		cancel()
		return true
	}
	env.box.Arm(f)
	return ctx
}

func TestProblem_ReadsJSONAPI(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body string
		want string
	}{
		"several":   {`{"errors":[{"id":"c","code":"a","title":"A"},{"id":"d","code":"b","title":"B","detail":"more"}]}`, "a c [A more]"},
		"not JSON":  {`<h1>`, "  []"},
		"no errors": {`{}`, "  []"},
		"bare":      {`{"errors":[{"status":"500"}]}`, "  []"},
	}
	for name, test := range tests {
		p := mystore.Problem([]byte(test.body))
		var redactor *vendortext.Redactor
		var messages []string
		for _, message := range p.Messages {
			messages = append(messages, redactor.Show(message))
		}
		if got := fmt.Sprint(redactor.Show(p.Code), " ", redactor.Show(p.CorrelationID), " ", messages); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}
