package provider_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

const (
	orderAction = "kustom_create_test_order"
	ordersCall  = "/checkout/v3/orders"

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

var (
	playgroundPair  = values{"kustom_id": playgroundUsername, "kustom_secret": playgroundSecret}
	playgroundOrder = playgroundPair.with(values{"shop_url": "https://butikk.example/"})
)

// TestCreateTestOrder_CreatesIncompleteOrder creates an order of the configured country, with the pages of the shop. Nobody can
// complete it.
func TestCreateTestOrder_CreatesIncompleteOrder(t *testing.T) {
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
				"Creating a checkout session of 100.00 "+test.currency+" at Kustom's merchant API (playground) with PM00123456-aB3dE. It is never completed.",
				"): 201 Created",
				"Kustom created the order "+orders[0].OrderID+" (checkout_incomplete).")
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

// TestCreateTestOrder_NeedsPermissionInProduction makes one where it is allowed to.
func TestCreateTestOrder_NeedsPermissionInProduction(t *testing.T) {
	t.Parallel()
	v := newVendors(t, exampleSeed(), sandbox.Options{})
	config := examplePair.with(values{"shop_url": "https://butikk.example"})
	refused := problem{"allow_production", "Test order in production", "Create it in the playground"}
	v.act(t, orderAction, config).wantProblems(t, "plan", refused)
	v.act(t, orderAction, config.with(values{"allow_production": false})).wantProblems(t, "plan", refused)
	// A plan that did not know yet does not let the invocation pass.
	s := v.actionServer(t)
	s.plan(t, orderAction, config.with(values{"allow_production": unknown})).wantProblems(t, "plan")
	s.invoke(t, orderAction, config).wantProblems(t, "invoke", refused)
	v.wantNoRequests(t)
	v.act(t, orderAction, config.with(values{"allow_production": true})).wantProblems(t, "invoke")
	if n := len(v.CheckoutOrders(exampleStore)); n != 1 {
		t.Errorf("%d orders were made", n)
	}
	v.wantViolations(t)
}

// TestCreateTestOrder_SaysWhyItFailed checks the errors of failed orders. No order is created twice.
func TestCreateTestOrder_SaysWhyItFailed(t *testing.T) {
	const summary, unclear = "Test order not created", "Kustom's answer was lost, so the provider does not know whether a checkout session exists"
	tests := map[string]struct {
		fault  sandbox.Fault
		change values
		apiURL string
		want   problem
		// tries is 0 where it does not matter how often the progress tells of one.
		tries int
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
				"Cause: create a checkout order: POST /checkout/v3/orders"}, posts: 1,
		},
		// What certainly was not sent is sent again.
		"unreachable": {
			apiURL: "http://127.0.0.1:1", tries: 5,
			want: problem{"", summary, "is unreachable, or did not answer in time. Check the network and api_url"},
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
			if test.fault.Kind != 0 || test.fault.Status != 0 {
				test.fault.API = sandbox.Merchant
				v.Arm(test.fault)
			}
			if test.apiURL != "" {
				v.env["KUSTOM_API_URL"] = test.apiURL
			}
			got := v.act(t, orderAction, playgroundOrder.with(test.change))
			got.wantProblems(t, "invoke", test.want)
			v.wantNoSecrets(t, got, "kco_test_api_lost")
			if n := len(got.progress); test.tries != 0 && n != 1+test.tries {
				t.Errorf("%d messages, want one and %d attempts: %q", n, test.tries, got.progress)
			}
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

// TestCreateTestOrder_WaitsForANewKey uses a key that does not work everywhere yet.
func TestCreateTestOrder_WaitsForANewKey(t *testing.T) {
	t.Parallel()
	v := newVendors(t, playgroundSeed(), sandbox.Options{PropagationDelay: 10 * time.Second})
	key := v.mustGenerate(playgroundStore, "")
	got := v.act(t, orderAction, playgroundOrder.with(values{"kustom_id": key.Username, "kustom_secret": key.Secret}))
	got.wantProblems(t, "invoke")
	got.wantProgress(t, ": 401 Unauthorized", ": 201 Created", "Kustom created the order")
	if orders := v.CheckoutOrders(playgroundStore); len(orders) != 1 || uuid.Validate(orders[0].OrderID) != nil {
		t.Errorf("the orders are %+v", orders)
	}
	v.wantViolations(t)
}
