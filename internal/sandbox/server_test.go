package sandbox

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestEnv_ReachesEachAPI(t *testing.T) {
	seed := ThreeShops()
	slices.Reverse(seed.Users)
	env := newTestEnv(t, seed, Options{})
	vars := env.srv.Env()
	want := map[string]string{
		"KUSTOM_ENVIRONMENT":  "production",
		"KUSTOM_PORTAL_URL":   env.srv.URL() + "/portal/api/v1",
		"KUSTOM_API_URL":      env.srv.URL() + "/merchant",
		"MYSTORE_URL":         env.srv.URL() + "/mystore",
		"KUSTOM_PORTAL_TOKEN": "fake-portal-token-admin",
	}
	for name, value := range want {
		if vars[name] != value {
			t.Errorf("%s is %q, want %q", name, vars[name], value)
		}
	}
	tokens := readJSON[map[string]string](t, vars["MYSTORE_TOKENS"])
	if len(tokens) != 3 || tokens["ullogtre"] != "fake-mystore-token-ullogtre" {
		t.Errorf("the tokens are %v", tokens)
	}
}

func TestStartAt_FailsAtTakenAddress(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	if _, err := StartAt(env.s, strings.TrimPrefix(env.srv.URL(), "http://")); err == nil {
		t.Error("two servers listen on one address")
	}
}

func TestLatency_DelaysCalls(t *testing.T) {
	const latency = 20 * time.Millisecond
	env := newTestEnv(t, ThreeShops(), Options{Latency: latency})
	start := time.Now()
	env.portal(http.MethodGet, "/stores", "", adminHeader()).want(t, http.StatusOK)
	if took := time.Since(start); took < latency {
		t.Errorf("the call took %v", took)
	}
}

func TestLatency_EndsWithClient(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{Latency: time.Minute})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := env.send(ctx, http.MethodPost, env.srv.PortalURL()+"/stores/"+fjellsport+"/credentials", `{}`, postHeader()); err == nil {
		t.Error("there was an answer")
	}
	if got := len(env.s.Keys(fjellsport)); got != 1 {
		t.Errorf("the store has %d keys, want the one that it had", got)
	}
}

func TestControl_ServesReportAndOrders(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	if err := env.s.Install("ullogtre", "", ""); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		method, path string
		status       int
		contains     string
	}{
		{http.MethodPost, "/sandbox/orders/fjellsport", http.StatusOK, "fjellsport"},
		{http.MethodPost, "/sandbox/orders/ullogtre", http.StatusConflict, "no credentials are installed"},
		{http.MethodPost, "/sandbox/orders/nowhere", http.StatusNotFound, "no such shop"},
		{http.MethodGet, "/sandbox/orders/fjellsport", http.StatusMethodNotAllowed, ""},
		{http.MethodGet, "/", http.StatusNotFound, ""},
		{http.MethodGet, "/sandbox/report", http.StatusOK, `"why_not": "no credentials are installed"`},
	}
	for _, test := range tests {
		res := env.must(test.method, env.srv.URL()+test.path, "", http.Header{})
		res.want(t, test.status)
		if !strings.Contains(res.body, test.contains) {
			t.Errorf("%s is answered with %s", test.path, res.body)
		}
	}
	if got := env.s.Requests(); len(got) != 0 {
		t.Errorf("the log has %v", got)
	}
	env.wantNoSecrets()
}

func TestReport_CountsRequests(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	env.generate()
	env.portal(http.MethodGet, "/stores", "", adminHeader())
	env.portal(http.MethodGet, "/stores", "", adminHeader())
	env.portal(http.MethodGet, "/stores", "", portalHeader("wrong"))
	env.mystore(http.MethodDelete, credentials, "", shopHeader("fjellsport"))
	res := env.must(http.MethodGet, env.srv.URL()+"/sandbox/report", "", http.Header{})
	got := readJSON[struct {
		Requests   []requestCount
		Violations []Violation
	}](t, res.body)
	want := []requestCount{
		{Mystore, http.MethodDelete, "", 405, 1},
		{Portal, http.MethodGet, "/stores", 200, 2},
		{Portal, http.MethodGet, "/stores", 401, 1},
		{Portal, http.MethodPost, createTemplate, 201, 1},
	}
	if !slices.Equal(got.Requests, want) {
		t.Errorf("the counts are %v, want %v", got.Requests, want)
	}
	if len(got.Violations) != 1 || got.Violations[0].Kind != ViolationContract {
		t.Errorf("the violations are %v", got.Violations)
	}
	env.wantNoSecrets()
}

func TestRequests_RecordCalls(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	header := postHeader()
	made := env.portal(http.MethodPost, "/stores/"+fjellsport+"/credentials", `{"description":null}`, header)
	env.try(made.text("username"), made.text("secret"))
	env.install("fjellsport", pairBody(made.text("username"), made.text("secret")))
	env.portal(http.MethodGet, "/credentials?merchant_id="+kaffebonna, "", adminHeader())
	log := env.s.Requests()
	order := strings.TrimPrefix(log[1].Path, "/checkout/v3/orders/")
	want := []Request{
		{API: Portal, Method: "POST", Template: createTemplate, Path: "/stores/M00412871/credentials", MerchantID: fjellsport,
			Status: 201, IdempotencyKey: header.Get("Idempotency-Key"), Caller: "ops@agency.example"},
		{API: Merchant, Method: "GET", Template: "/checkout/v3/orders/{order_id}", Path: "/checkout/v3/orders/" + order,
			Status: 404, Caller: made.text("username")},
		{API: Mystore, Method: "PATCH", Template: "/shops/{shop}/extensions/klarna-checkout-v3/credentials", Path: credentials,
			Shop: "fjellsport", Status: 200, Caller: "fjellsport"},
		{API: Portal, Method: "GET", Template: "/credentials", Path: "/credentials", MerchantID: kaffebonna,
			Status: 200, Caller: "ops@agency.example"},
	}
	for i := range want {
		want[i].Time = env.clock.Now()
	}
	if !slices.Equal(log, want) {
		t.Errorf("the log is\n%+v, want\n%+v", log, want)
	}
	if got := env.s.Count(Portal, "", ""); got != 2 {
		t.Errorf("%d requests to the portal, want 2", got)
	}
	if got := env.s.Count("", http.MethodGet, "/credentials"); got != 1 {
		t.Errorf("%d lists of credentials, want 1", got)
	}
	env.s.ResetRequests()
	if got := env.s.Count("", "", ""); got != 0 {
		t.Errorf("%d requests after the reset", got)
	}
	env.wantNoSecrets()
}

// The list includes deleted and refused secrets.
func TestSecrets_HasAllSecrets(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	made := env.generate()
	env.portal(http.MethodDelete, "/stores/"+fjellsport+"/credentials/"+made.text("credential_id"), "", adminHeader())
	env.install("kaffebonna", pairBody("x", "kco_live_api_mistyped"))
	secrets := env.s.Secrets()
	for _, want := range []string{
		made.text("secret"), "kco_live_api_mistyped", "fake-portal-token-admin", "fake-mystore-token-ullogtre",
		strings.TrimPrefix(basicHeader("x", "kco_live_api_mistyped").Get("Authorization"), "Basic "),
	} {
		if !slices.Contains(secrets, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if slices.Contains(secrets, "") {
		t.Error("the empty string is among the secrets")
	}
}

// With the race detector, this test finds unguarded state.
func TestSandbox_IsSafeForConcurrentUse(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{KeyLimit: 100})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			armed := env.s.Arm(Fault{Kind: FaultWrongType, Times: 1})
			for range 5 {
				made := env.generate()
				env.try(made.text("username"), made.text("secret"))
				env.install("fjellsport", pairBody(made.text("username"), made.text("secret")))
				env.mystore(http.MethodGet, credentials, "", shopHeader("fjellsport"))
				env.s.Violations()
				env.s.Secrets()
				env.s.Keys(fjellsport)
				armed.Fired()
				if err := env.s.PlaceOrder("fjellsport"); err != nil {
					t.Error(err)
				}
			}
			armed.Disarm()
		})
	}
	wg.Wait()
	if got := len(env.s.Keys(fjellsport)); got != 41 {
		t.Errorf("the store has %d keys, want 41", got)
	}
	env.wantViolations()
}
