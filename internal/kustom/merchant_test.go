package kustom_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// forPair restricts a fault to the second request, which has the pair. The first one has invented credentials.
func forPair(f sandbox.Fault) *sandbox.Fault {
	f.API, f.Template, f.Skip, f.Times = sandbox.Merchant, "/checkout/v3/orders/{order_id}", 1, 1
	return &f
}

func TestProve_ReturnsVerdict(t *testing.T) {
	t.Parallel()
	const (
		order     = `{"order_id":"1","status":"checkout_incomplete"}`
		refusal   = `{"error_code":"NO_PRODUCT","error_messages":["ask sales"],"correlation_id":"c"}`
		gateway   = `{"message":"no Route matched with those values"}`
		html      = "text/html"
		forbidden = "<h1>Forbidden</h1>"
	)
	tests := map[string]struct {
		form    sandbox.MerchantForm
		answer  *sandbox.Fault // to the request with the pair
		legacy  bool
		change  func(secret string) string
		verdict kustom.Verdict // empty when the pair is accepted
		// requests is the number of requests: one with invented credentials, one with the pair if the first is rejected,
		// and one to order management if the answer is inconclusive; 0 if the requests are repeated.
		requests int
	}{
		"accepted":                  {requests: 2},
		"accepted in JSON":          {form: sandbox.MerchantJSON, requests: 2},
		"by order management":       {form: sandbox.MerchantHTML, requests: 3},
		"legacy key":                {legacy: true, verdict: kustom.VerdictRefused, requests: 2},
		"wrong secret":              {change: func(s string) string { return s + "x" }, verdict: kustom.VerdictRefused, requests: 2},
		"wrong secret, JSON":        {form: sandbox.MerchantJSON, change: func(s string) string { return s + "x" }, verdict: kustom.VerdictRefused, requests: 2},
		"wrong secret, HTML":        {form: sandbox.MerchantHTML, change: func(s string) string { return s + "x" }, verdict: kustom.VerdictRefused, requests: 2},
		"no product":                {form: sandbox.MerchantNoProduct, verdict: kustom.VerdictNoProduct, requests: 2},
		"no product, single text":   {answer: forPair(sandbox.Fault{Status: 403, ContentType: transport.JSON, Body: refusal}), verdict: kustom.VerdictNoProduct, requests: 2},
		"no route":                  {form: sandbox.MerchantNoRoute, verdict: kustom.VerdictImpostor, requests: 1},
		"accepts everything":        {form: sandbox.MerchantAcceptsAll, verdict: kustom.VerdictImpostor, requests: 1},
		"accepts, wrong secret":     {form: sandbox.MerchantAcceptsAll, change: func(s string) string { return s + "x" }, verdict: kustom.VerdictImpostor, requests: 1},
		"firewall":                  {answer: forPair(sandbox.Fault{Status: 403, ContentType: html, Body: forbidden}), verdict: kustom.VerdictFirewall, requests: 2},
		"firewall, no type":         {answer: forPair(sandbox.Fault{Status: 403, Body: forbidden}), verdict: kustom.VerdictFirewall, requests: 2},
		"403 as text":               {answer: forPair(sandbox.Fault{Status: 403, ContentType: "text/plain", Body: "Forbidden"}), requests: 3},
		"403 of a gateway":          {answer: forPair(sandbox.Fault{Status: 403, ContentType: transport.JSON, Body: gateway}), requests: 3},
		"empty 403":                 {answer: forPair(sandbox.Fault{Status: 403, ContentType: "text/plain"}), requests: 3},
		"404 in HTML":               {answer: forPair(sandbox.Fault{Status: 404, ContentType: html, Body: "<h1>Not found</h1>"}), requests: 3},
		"404, no JSON":              {answer: forPair(sandbox.Fault{Status: 404, ContentType: transport.JSON, Body: "<h1>"}), requests: 3},
		"404 of a gateway":          {answer: forPair(sandbox.Fault{Status: 404, ContentType: transport.JSON, Body: gateway}), requests: 3},
		"404 of a gateway, refused": {answer: forPair(sandbox.Fault{Status: 404, ContentType: transport.JSON, Body: gateway}), change: func(s string) string { return s + "x" }, verdict: kustom.VerdictUnknown, requests: 3},
		"an order":                  {answer: forPair(sandbox.Fault{Status: 200, ContentType: transport.JSON, Body: order}), verdict: kustom.VerdictUnknown, requests: 2},
		"redirect":                  {answer: forPair(sandbox.Fault{Status: 302, Header: http.Header{"Location": {"/merchant/login"}}}), verdict: kustom.VerdictUnknown, requests: 2},
		"400":                       {answer: forPair(sandbox.Fault{Status: 400}), requests: 3},
		"429":                       {answer: &sandbox.Fault{API: sandbox.Merchant, Status: 429}, verdict: kustom.VerdictUnknown},
		"500":                       {answer: &sandbox.Fault{API: sandbox.Merchant, Status: 500}, verdict: kustom.VerdictUnknown},
		"504":                       {answer: &sandbox.Fault{API: sandbox.Merchant, Status: 504}, verdict: kustom.VerdictUnknown},
		"dropped":                   {answer: &sandbox.Fault{API: sandbox.Merchant, Kind: sandbox.FaultDrop}, verdict: kustom.VerdictUnknown},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := threeShops(t, sandbox.Options{Merchant: test.form})
			key := env.key()
			if test.legacy {
				key = env.box.Keys(fjellsport)[0]
			}
			secret := key.Secret
			if test.change != nil {
				secret = test.change(secret)
			}
			if test.answer != nil {
				env.box.Arm(*test.answer)
			}
			env.wantVerdict(env.merchant.Prove(t.Context(), key.Username, secret), test.verdict, key.Username, secret)
			if n := len(env.box.Requests()); test.requests > 0 && n != test.requests {
				t.Errorf("%d requests were sent, want %d", n, test.requests)
			}
		})
	}
}

// A server that does not reject invented credentials gets no secret, and is checked again before the next pair.
func TestProve_SendsNoSecretToImpostor(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answer sandbox.Fault
		want   string
	}{
		"empty":        {sandbox.Fault{Status: 404, ContentType: "text/plain"}, "404 Not Found, and not with 401 (text/plain)"},
		"empty 404":    {sandbox.Fault{Status: 404, Header: http.Header{"Content-Type": nil}, Body: " "}, "404 Not Found, and not with 401"},
		"a page":       {sandbox.Fault{Status: 404, ContentType: "text/html", Body: "<p>"}, "404 Not Found, and not with 401 (text/html)"},
		"a success":    {sandbox.Fault{Status: 200, ContentType: transport.JSON, Body: "{}"}, "with a success, and not with 401"},
		"a login page": {sandbox.Fault{Status: 200, ContentType: "text/html", Body: "<p>"}, "200 OK, and not with 401 (text/html)"},
		"a redirect":   {sandbox.Fault{Status: 302, ContentType: "text/html", Body: "<p>"}, "302 Found, and not with 401 (text/html)"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := threeShops(t, sandbox.Options{})
			key := env.key()
			test.answer.API = sandbox.Merchant
			test.answer.Match = func(r sandbox.Request) bool { return r.Caller == "" }
			armed := env.box.Arm(test.answer)
			for range 2 {
				before := armed.Fired()
				err := env.merchant.Prove(t.Context(), key.Username, key.Secret)
				env.wantVerdict(err, kustom.VerdictImpostor, key.Username, key.Secret)
				if impostor, ok := errors.AsType[*kustom.ImpostorError](err); !ok || !strings.HasPrefix(impostor.Host, "127.0.0.1") || !strings.Contains(err.Error(), test.want) {
					t.Errorf("the error is %v, want %q", err, test.want)
				}
				if n := len(env.box.Requests()); armed.Fired() == before || n != armed.Fired() {
					t.Errorf("%d requests were sent, %d of them with invented credentials, %d before", n, armed.Fired(), before)
				}
			}
		})
	}
}

// A failed check with invented credentials is inconclusive, so it is not cached.
func TestProve_RepeatsFailedCheck(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault   sandbox.Fault
		verdict kustom.Verdict
	}{
		"dropped":  {sandbox.Fault{Kind: sandbox.FaultDrop}, kustom.VerdictUnknown},
		"500":      {sandbox.Fault{Status: 500}, kustom.VerdictUnknown},
		"429":      {sandbox.Fault{Status: 429}, kustom.VerdictUnknown},
		"firewall": {sandbox.Fault{Status: 403, ContentType: "text/html", Body: "<p>"}, kustom.VerdictFirewall},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := threeShops(t, sandbox.Options{})
			key := env.key()
			test.fault.API = sandbox.Merchant
			armed := env.box.Arm(test.fault)
			env.wantProof(key, test.verdict)
			armed.Disarm()
			env.wantProof(key, "")
		})
	}
}

// However many pairs are proven at once, the client sends one invented pair.
func TestProve_ChecksServerOnceForManyCallers(t *testing.T) {
	t.Parallel()
	env := threeShops(t, sandbox.Options{})
	key := env.key()
	const many = 20
	var group sync.WaitGroup
	for range many {
		group.Go(func() {
			if err := env.merchant.Prove(t.Context(), key.Username, key.Secret); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	invented := 0
	for _, r := range env.box.Requests() {
		if r.Caller == "" {
			invented++
		}
	}
	if n := len(env.box.Requests()); n != many+1 || invented != 1 {
		t.Errorf("%d requests were sent, %d of them with invented credentials", n, invented)
	}
}

// A caller that waits for another caller's check stops when its own context ends.
func TestProve_WaitEndsWithContext(t *testing.T) {
	t.Parallel()
	env := threeShops(t, sandbox.Options{})
	key := env.key()
	until := make(chan struct{})
	armed := env.box.Arm(sandbox.Fault{API: sandbox.Merchant, Kind: sandbox.FaultDelay, Until: until, Match: func(r sandbox.Request) bool {
		return r.Caller == ""
	}})
	first := make(chan error)
	go func() { first <- env.merchant.Prove(t.Context(), key.Username, key.Secret) }()
	for armed.Fired() == 0 {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := env.merchant.Prove(ctx, key.Username, key.Secret)
	env.wantVerdict(err, kustom.VerdictUnknown, key.Username, key.Secret)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v", err)
	}
	close(until)
	if err := <-first; err != nil {
		t.Error(err)
	}
}

// wantProof proves a key, and fails the test unless the verdict is the given one.
func (env *testEnv) wantProof(key sandbox.Key, verdict kustom.Verdict) {
	env.t.Helper()
	env.wantVerdict(env.merchant.Prove(env.t.Context(), key.Username, key.Secret), verdict, key.Username, key.Secret)
}

// wantVerdict fails the test unless err, the result of a proof, has the verdict and not the secret. An empty verdict
// accepts the pair.
func (env *testEnv) wantVerdict(err error, verdict kustom.Verdict, username, secret string) {
	env.t.Helper()
	if verdict == "" {
		if err != nil {
			env.t.Errorf("the pair is not proven: %v", err)
		}
		return
	}
	if proof, ok := errors.AsType[*kustom.ProofError](err); !ok || proof.Verdict != verdict || proof.Username != username || proof.Cause == nil {
		env.t.Fatalf("the error is %v, want %s", err, verdict)
	}
	if strings.Contains(err.Error(), secret) {
		env.t.Error("the error holds the secret")
	}
}

func TestProve_UnreachableServerIsInconclusive(t *testing.T) {
	t.Parallel()
	env := threeShops(t, sandbox.Options{})
	m := kustom.NewMerchant(newClient(t, env.clock, "http://127.0.0.1:1"))
	env.wantVerdict(m.Prove(t.Context(), "M00412871-aaaaa", "kco_live_api_x"), kustom.VerdictUnknown, "M00412871-aaaaa", "kco_live_api_x")
}

// A new key is rejected at first, while it propagates.
func TestProve_RejectsPropagatingKey(t *testing.T) {
	t.Parallel()
	env := threeShops(t, sandbox.Options{PropagationDelay: 10 * time.Second})
	key := env.key()
	env.wantProof(key, kustom.VerdictRefused)
	env.clock.Advance(10 * time.Second)
	env.wantProof(key, "")
}

func TestEnvironment_HasHostsAndPrefixes(t *testing.T) {
	t.Parallel()
	type facts struct{ host, legacy, name, portal, api string }
	want := map[kustom.Environment]facts{
		kustom.Production: {"api.kustom.co", "api.klarna.com", "live", "https://portal.kustom.co/api/v1", "https://api.kustom.co"},
		kustom.Playground: {
			"api.playground.kustom.co", "api.playground.klarna.com", "test",
			"https://portal.playground.kustom.co/api/v1", "https://api.playground.kustom.co",
		},
	}
	for _, e := range kustom.Environments() {
		got := facts{e.Host(), e.LegacyHost(), e.KeyEnvironment(), e.PortalURL(), e.APIURL()}
		if got != want[e] {
			t.Errorf("%s is %+v, want %+v", e, got, want[e])
		}
		if parsed, err := kustom.ParseEnvironment(string(e)); err != nil || parsed != e {
			t.Errorf("%s is parsed as %s, %v", e, parsed, err)
		}
		if !kustom.IsLegacyHost(e.LegacyHost()) || kustom.IsLegacyHost(e.Host()) {
			t.Errorf("IsLegacyHost is wrong about a host of %s", e)
		}
	}
	if len(want) != len(kustom.Environments()) || kustom.IsLegacyHost("") {
		t.Error("there are other environments, or an empty host is a legacy host")
	}
	if _, err := kustom.ParseEnvironment("Production"); err == nil {
		t.Error("an unknown environment was parsed")
	}
}
