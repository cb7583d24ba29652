package kustom_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

func TestProve(t *testing.T) {
	t.Parallel()
	const order = `{"order_id":"1","status":"checkout_incomplete"}`
	const refusal = `{"error_code":"X","error_messages":[],"correlation_id":"c"}`
	tests := map[string]struct {
		answer  *sandbox.Fault
		legacy  bool
		change  func(secret string) string
		verdict kustom.Verdict // empty when the pair is accepted
		once    bool
	}{
		"accepted":          {once: true},
		"legacy key":        {legacy: true, verdict: kustom.VerdictRefused, once: true},
		"wrong secret":      {change: func(s string) string { return s + "x" }, verdict: kustom.VerdictRefused, once: true},
		"firewall":          {answer: &sandbox.Fault{Status: 403, ContentType: "text/html", Body: "<h1>Forbidden</h1>"}, verdict: kustom.VerdictFirewall, once: true},
		"firewall, no type": {answer: &sandbox.Fault{Status: 403, Body: "Forbidden"}, verdict: kustom.VerdictFirewall, once: true},
		"forbidden":         {answer: &sandbox.Fault{Status: 403, ContentType: transport.JSON, Body: refusal}, verdict: kustom.VerdictUnknown, once: true},
		"404 in HTML":       {answer: &sandbox.Fault{Status: 404, ContentType: "text/html", Body: "<h1>Not found</h1>"}, verdict: kustom.VerdictUnknown, once: true},
		"404, no JSON":      {answer: &sandbox.Fault{Status: 404, ContentType: transport.JSON, Body: "<h1>"}, verdict: kustom.VerdictUnknown, once: true},
		"an order":          {answer: &sandbox.Fault{Status: 200, ContentType: transport.JSON, Body: order}, verdict: kustom.VerdictUnknown, once: true},
		"redirect":          {answer: &sandbox.Fault{Status: 302, Header: http.Header{"Location": {"/merchant/login"}}}, verdict: kustom.VerdictUnknown, once: true},
		"400":               {answer: &sandbox.Fault{Status: 400}, verdict: kustom.VerdictUnknown, once: true},
		"429":               {answer: &sandbox.Fault{Status: 429}, verdict: kustom.VerdictUnknown},
		"500":               {answer: &sandbox.Fault{Status: 500}, verdict: kustom.VerdictUnknown},
		"504":               {answer: &sandbox.Fault{Status: 504}, verdict: kustom.VerdictUnknown},
		"dropped":           {answer: &sandbox.Fault{Kind: sandbox.FaultDrop}, verdict: kustom.VerdictUnknown},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := threeShops(t, sandbox.Options{})
			key, err := b.box.GenerateKey(fjellsport, "")
			if err != nil {
				t.Fatal(err)
			}
			if test.legacy {
				key = b.box.Keys(fjellsport)[0]
			}
			secret := key.Secret
			if test.change != nil {
				secret = test.change(secret)
			}
			if test.answer != nil {
				test.answer.API = sandbox.Merchant
				b.box.Arm(*test.answer)
			}
			b.wantVerdict(b.merchant.Prove(t.Context(), key.Username, secret), test.verdict, key.Username, secret)
			if n := len(b.box.Requests()); (n == 1) != test.once {
				t.Errorf("%d requests were sent", n)
			}
		})
	}
}

func (b *bench) wantVerdict(err error, verdict kustom.Verdict, username, secret string) {
	b.t.Helper()
	if verdict == "" {
		if err != nil {
			b.t.Errorf("the pair is not proven: %v", err)
		}
		return
	}
	var proof *kustom.ProofError
	if !errors.As(err, &proof) || proof.Verdict != verdict || proof.Username != username || proof.Cause == nil {
		b.t.Fatalf("the error is %v, want %s", err, verdict)
	}
	if strings.Contains(err.Error(), secret) {
		b.t.Error("the error holds the secret")
	}
}

// TestProveUnreachable: a server that is not there tells nothing of the pair.
func TestProveUnreachable(t *testing.T) {
	t.Parallel()
	b := threeShops(t, sandbox.Options{})
	m := kustom.NewMerchant(newClient(t, b.clock, "http://127.0.0.1:1"))
	b.wantVerdict(m.Prove(t.Context(), "M00412871-aaaaa", "kco_live_api_x"), kustom.VerdictUnknown, "M00412871-aaaaa", "kco_live_api_x")
}

// TestProveClearsTheSwitchStatus: a proof that succeeds is traffic to the new host.
func TestProveClearsTheSwitchStatus(t *testing.T) {
	t.Parallel()
	b := threeShops(t, sandbox.Options{})
	key, err := b.generate(t.Context())
	b.wantOne(key, err)
	if err := b.merchant.Prove(t.Context(), key.Username, key.Secret); err != nil {
		t.Fatal(err)
	}
	status, err := b.box.EndpointStatus(fjellsport)
	if err != nil {
		t.Fatal(err)
	}
	if got := status.Services[0]; got.Host != "api.kustom.co" || got.ActionRequired != nil {
		t.Errorf("the checkout's status is %+v", got)
	}
}

// TestProveSpreading: a key that is seconds old is refused at first.
func TestProveSpreading(t *testing.T) {
	t.Parallel()
	b := threeShops(t, sandbox.Options{Spread: 10 * time.Second})
	key, err := b.generate(t.Context())
	b.wantOne(key, err)
	b.wantVerdict(b.merchant.Prove(t.Context(), key.Username, key.Secret), kustom.VerdictRefused, key.Username, key.Secret)
	b.clock.Advance(10 * time.Second)
	b.wantVerdict(b.merchant.Prove(t.Context(), key.Username, key.Secret), "", key.Username, key.Secret)
}

func TestEnvironments(t *testing.T) {
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
			t.Errorf("the hosts of %s are mixed up", e)
		}
	}
	if len(want) != len(kustom.Environments()) || kustom.IsLegacyHost("") {
		t.Error("there are other environments or hosts")
	}
	if _, err := kustom.ParseEnvironment("Production"); err == nil {
		t.Error("an unknown environment was parsed")
	}
}
