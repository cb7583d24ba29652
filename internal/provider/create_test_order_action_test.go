package provider_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

const (
	orderAction  = "kustom_create_test_order"
	orderExample = "actions/kustom_create_test_order/"
	ordersCall   = "/checkout/v3/orders"

	playgroundStore    = "PM00123456"
	playgroundUsername = "PM00123456-aB3dE"
	playgroundSecret   = "kco_test_api_EXAMPLEn4T8vLq2ZsX6cWj9BfRk3Hd7Yp"
)

// playgroundSeed is [exampleSeed] in the playground.
func playgroundSeed() sandbox.Seed {
	seed := exampleSeed()
	seed.Environment = sandbox.Playground
	seed.Users = seed.Users[:1]
	seed.Stores, seed.Shops = seed.Stores[:1], nil
	store := &seed.Stores[0]
	store.MerchantID = playgroundStore
	key := &store.Keys[0]
	key.Username, key.Secret, key.Host = playgroundUsername, playgroundSecret, "api.playground.kustom.co"
	return seed
}

var playgroundOrder = values{
	"kustom_id": playgroundUsername, "kustom_secret": playgroundSecret, "shop_url": "https://butikk.example/",
}

func TestCreateTestOrder(t *testing.T) {
	tests := map[string]struct {
		config                    values
		country, currency, locale string
	}{
		"defaults": {playgroundOrder, "NO", "NOK", "nb-NO"},
		"Sweden":   {playgroundOrder.with(values{"country": "SE", "currency": "SEK", "locale": "sv-SE", "timeout": "30s"}), "SE", "SEK", "sv-SE"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVendors(t, playgroundSeed(), sandbox.Options{})
			got := v.act(t, orderAction, test.config)
			got.wantProblems(t, "invoke")
			orders := v.CheckoutOrders(playgroundStore)
			if len(orders) != 1 {
				t.Fatalf("%d orders were made", len(orders))
			}
			got.wantProgress(t,
				"Making a checkout session of 100.00 "+test.currency+" at Kustom's merchant API (playground) with PM00123456-aB3dE. It is never completed.",
				"): 201 Created",
				"Kustom made the order "+orders[0].OrderID+" (checkout_incomplete).")
			o := orders[0]
			if o.Status != sandbox.StatusIncomplete || o.PurchaseCountry != test.country || o.PurchaseCurrency != test.currency || o.Locale != test.locale ||
				o.OrderAmount != 10000 || o.OrderTaxAmount != 2000 {
				t.Errorf("the order is %+v", o)
			}
			want := sandbox.MerchantURLs{
				Terms:        "https://butikk.example/terms",
				Checkout:     "https://butikk.example/checkout?order_id={checkout.order.id}",
				Confirmation: "https://butikk.example/confirmation?order_id={checkout.order.id}",
				Push:         "https://butikk.example/push?order_id={checkout.order.id}",
			}
			if o.MerchantURLs != want {
				t.Errorf("the shop's pages are %+v", o.MerchantURLs)
			}
			v.wantNoSecrets(t, got)
			v.wantViolations(t)
		})
	}
}

// TestCreateTestOrderProduction makes one where it is allowed to.
func TestCreateTestOrderProduction(t *testing.T) {
	t.Parallel()
	v := newVendors(t, exampleSeed(), sandbox.Options{})
	config := examplePair.with(values{"shop_url": "https://butikk.example"})
	refused := problem{"allow_production", "Test order in production", "Create it in the playground"}
	v.act(t, orderAction, config).wantProblems(t, "plan", refused)
	v.act(t, orderAction, config.with(values{"allow_production": false})).wantProblems(t, "plan", refused)
	// A plan that did not know yet does not let the invocation pass.
	s := v.actionServer(t)
	s.plan(t, orderAction, config.with(values{"allow_production": unknown{}})).wantProblems(t, "plan")
	s.invoke(t, orderAction, config).wantProblems(t, "invoke", refused)
	if requests := v.Requests(); len(requests) > 0 {
		t.Errorf("requests were sent: %+v", requests)
	}
	v.act(t, orderAction, config.with(values{"allow_production": true})).wantProblems(t, "invoke")
	if n := len(v.CheckoutOrders(exampleStore)); n != 1 {
		t.Errorf("%d orders were made", n)
	}
	v.wantViolations(t)
}

func TestCreateTestOrderRefuses(t *testing.T) {
	shopURL := func(url string) values { return playgroundOrder.with(values{"shop_url": url}) }
	malformed := problem{"shop_url", "Malformed shop URL", "an absolute https URL without a user name, a query or a fragment"}
	tests := map[string]struct {
		config values
		stage  string
		want   problem
	}{
		"insecure shop":        {shopURL("http://butikk.example"), "validate", malformed},
		"no host":              {shopURL("https://"), "validate", malformed},
		"query":                {shopURL("https://butikk.example/?a=1"), "validate", malformed},
		"fragment":             {shopURL("https://butikk.example/#a"), "validate", malformed},
		"user":                 {shopURL("https://me@butikk.example/"), "validate", malformed},
		"country":              {playgroundOrder.with(values{"country": "Norge"}), "validate", problem{"country", "Invalid Attribute Value Match", "two capital letters"}},
		"currency":             {playgroundOrder.with(values{"currency": "kr"}), "validate", problem{"currency", "Invalid Attribute Value Match", "three capital letters"}},
		"locale":               {playgroundOrder.with(values{"locale": "norsk"}), "validate", problem{"locale", "Invalid Attribute Value Match", "the form of nb-NO"}},
		"timeout":              {playgroundOrder.with(values{"timeout": "soon"}), "validate", problem{"timeout", "Malformed duration", ""}},
		"swapped":              {playgroundOrder.with(values{"kustom_id": playgroundSecret, "kustom_secret": playgroundUsername}), "validate", problem{"kustom_id", "Kustom ID and Kustom Secret are swapped", ""}},
		"ID of production":     {playgroundOrder.with(values{"kustom_id": exampleUsername}), "plan", problem{"kustom_id", "The key belongs to the production environment", ""}},
		"secret of production": {playgroundOrder.with(values{"kustom_secret": exampleSecret}), "plan", problem{"kustom_secret", "Secret of another environment", ""}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVendors(t, playgroundSeed(), sandbox.Options{})
			got := v.act(t, orderAction, test.config)
			got.wantProblems(t, test.stage, test.want)
			v.wantNoSecrets(t, got, exampleSecret)
			if requests := v.Requests(); len(requests) > 0 {
				t.Errorf("requests were sent: %+v", requests)
			}
		})
	}
}

// TestCreateTestOrderFails: what is reported, and that no order is made twice.
func TestCreateTestOrderFails(t *testing.T) {
	const summary, unclear = "Test order not created", "Kustom's answer was lost, so the provider does not know whether a checkout session exists"
	tests := map[string]struct {
		fault  sandbox.Fault
		change values
		want   problem
		// posts is 0 where it does not matter how often a session was asked for.
		posts, orders int
	}{
		"pair refused": {change: values{"kustom_secret": "kco_test_api_lost"}, want: problem{"kustom_id", summary, "rejects this Kustom ID (PM00123456-aB3dE)"}},
		"region firewall": {
			fault: sandbox.Fault{Status: http.StatusForbidden, ContentType: "text/html", Body: "<h1>Blocked</h1>"},
			want:  problem{"", summary, "accepts no requests from this region"}, posts: 1,
		},
		"currency not set up": {
			fault: sandbox.Fault{
				Status: http.StatusBadRequest, ContentType: "application/json",
				Body: `{"error_code":"BAD_VALUE","error_messages":["Bad value: currency"],"correlation_id":"c-7"}`,
			},
			want: problem{"kustom_id", summary, "Set country, currency and locale to a market of the store. " +
				"Cause: making a checkout order: POST /checkout/v3/orders"}, posts: 1,
		},
		"answer lost": {
			fault: sandbox.Fault{Kind: sandbox.FaultLoseAnswer}, want: problem{"", summary, unclear}, posts: 1, orders: 1,
		},
		"trouble": {
			fault: sandbox.Fault{Status: http.StatusServiceUnavailable}, want: problem{"", summary, unclear}, posts: 1,
		},
		"answer cut short": {
			fault: sandbox.Fault{Kind: sandbox.FaultTruncate}, want: problem{"", summary, unclear}, posts: 1, orders: 1,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVendors(t, playgroundSeed(), sandbox.Options{})
			if test.change == nil {
				test.fault.API = sandbox.Merchant
				v.Arm(test.fault)
			}
			got := v.act(t, orderAction, playgroundOrder.with(test.change))
			got.wantProblems(t, "invoke", test.want)
			v.wantNoSecrets(t, got, "kco_test_api_lost")
			if n := v.Count(sandbox.Merchant, http.MethodPost, ordersCall); test.posts != 0 && n != test.posts {
				t.Errorf("%d sessions were asked for, want %d", n, test.posts)
			}
			if n := len(v.CheckoutOrders(playgroundStore)); n != test.orders {
				t.Errorf("%d orders were made, want %d", n, test.orders)
			}
			v.wantViolations(t)
		})
	}
}

// TestCreateTestOrderUnreachable: what certainly was not sent is sent again.
func TestCreateTestOrderUnreachable(t *testing.T) {
	t.Parallel()
	v := newVendors(t, playgroundSeed(), sandbox.Options{})
	v.env["KUSTOM_API_URL"] = "http://127.0.0.1:1"
	got := v.act(t, orderAction, playgroundOrder)
	got.wantProblems(t, "invoke", problem{"", "Test order not created", "is unreachable, or did not answer in time. Check the network and api_url"})
	if n := len(got.progress); n != 1+5 {
		t.Errorf("%d messages, want one and 5 attempts: %q", n, got.progress)
	}
}

// TestCreateTestOrderNewKey uses a key that does not work everywhere yet.
func TestCreateTestOrderNewKey(t *testing.T) {
	t.Parallel()
	v := newVendors(t, playgroundSeed(), sandbox.Options{Spread: 10 * time.Second})
	key, err := v.GenerateKey(playgroundStore, "")
	if err != nil {
		t.Fatal(err)
	}
	got := v.act(t, orderAction, playgroundOrder.with(values{"kustom_id": key.Username, "kustom_secret": key.Secret}))
	got.wantProblems(t, "invoke")
	got.wantProgress(t, ": 401 Unauthorized", ": 201 Created", "Kustom made the order")
	if orders := v.CheckoutOrders(playgroundStore); len(orders) != 1 || uuid.Validate(orders[0].OrderID) != nil {
		t.Errorf("the orders are %+v", orders)
	}
	v.wantViolations(t)
}

// TestCreateTestOrderCancelled stops the action while Kustom is silent.
func TestCreateTestOrderCancelled(t *testing.T) {
	t.Parallel()
	v := newVendors(t, playgroundSeed(), sandbox.Options{})
	silent := v.Arm(sandbox.Fault{API: sandbox.Merchant, Kind: sandbox.FaultSilence})
	s := v.actionServer(t)
	go func() {
		for silent.Fired() == 0 {
			time.Sleep(time.Millisecond)
		}
		_, _ = s.StopProvider(t.Context(), &tfprotov6.StopProviderRequest{})
	}()
	start := time.Now()
	got := s.invoke(t, orderAction, playgroundOrder)
	got.wantProblems(t, "invoke", problem{"", "Test order not created", "does not know whether a checkout session exists. Nobody can see or complete such a session, so nobody is charged"})
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %v to stop", took)
	}
	if n := silent.Fired(); n != 1 {
		t.Errorf("it asked %d times", n)
	}
}

// TestAccCreateTestOrder runs the published example with a Terraform that knows actions.
func TestAccCreateTestOrder(t *testing.T) {
	v := newVendors(t, playgroundSeed(), sandbox.Options{})
	resource.ParallelTest(t, resource.TestCase{
		ProtoV6ProviderFactories: v.providers(),
		TerraformVersionChecks:   []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_14_0)},
		Steps: []resource.TestStep{{
			Config:          example(t, orderExample+"terraform.tf", orderExample+"action.tf") + triggeredBy("action.kustom_create_test_order.butikk"),
			ConfigVariables: secretVariable(playgroundSecret),
			PostApplyFunc: func() {
				if n := len(v.CheckoutOrders(playgroundStore)); n != 1 {
					t.Errorf("%d orders were made", n)
				}
				v.wantViolations(t)
			},
		}},
	})
}
