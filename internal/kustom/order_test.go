package kustom_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

func order() kustom.Order {
	return kustom.Order{
		PurchaseCountry: "NO", PurchaseCurrency: "NOK", Locale: "nb-NO", OrderAmount: 20000, OrderTaxAmount: 4000,
		OrderLines: []kustom.OrderLine{{
			Type: "digital", Name: "Test", Quantity: 2, QuantityUnit: "pcs", UnitPrice: 10000,
			TaxRate: 2500, TotalAmount: 20000, TotalTaxAmount: 4000,
		}},
		MerchantURLs: kustom.MerchantURLs{
			Terms: "https://a.example/1", Checkout: "https://a.example/2", Confirmation: "https://a.example/3", Push: "https://a.example/4",
		},
	}
}

func TestCreateOrder_ReturnsID(t *testing.T) {
	t.Parallel()
	env := threeShops(t, sandbox.Options{})
	key := env.key()
	made, err := env.merchant.CreateOrder(t.Context(), key.Username, key.Secret, order())
	if err != nil {
		t.Fatal(err)
	}
	orders := env.box.CheckoutOrders(fjellsport)
	if len(orders) != 1 || orders[0].OrderID != made.ID || made.Status != sandbox.StatusIncomplete || orders[0].OrderAmount != 20000 {
		t.Errorf("the order is %+v, the orders are %+v", made, orders)
	}
}

// No order is created twice.
func TestCreateOrder_ReturnsRefusal(t *testing.T) {
	t.Parallel()
	type fault = sandbox.Fault
	tests := map[string]struct {
		fault fault
		// verdict is empty if the error is not about the pair.
		verdict   kustom.Verdict
		requests  int
		uncertain bool
		orders    int
	}{
		"wrong pair":       {fault: fault{Status: 401}, verdict: kustom.VerdictRefused, requests: 1},
		"firewall":         {fault: fault{Status: 403, ContentType: "text/html", Body: "<h1>Forbidden</h1>"}, verdict: kustom.VerdictFirewall, requests: 1},
		"invalid order":    {fault: fault{Status: 400}, requests: 1},
		"unknown call":     {fault: fault{Status: 404}, requests: 1},
		"rate-limited":     {fault: fault{Status: 429}, requests: 1 + maxRetries},
		"server error":     {fault: fault{Status: 503}, requests: 1, uncertain: true},
		"answer lost":      {fault: fault{Kind: sandbox.FaultLoseAnswer}, requests: 1, uncertain: true, orders: 1},
		"answer truncated": {fault: fault{Kind: sandbox.FaultTruncate}, requests: 1, uncertain: true, orders: 1},
		"no ID":            {fault: fault{Status: 201, ContentType: transport.JSON, Body: `{"status":"checkout_incomplete"}`}, requests: 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := threeShops(t, sandbox.Options{})
			key := env.key()
			test.fault.API = sandbox.Merchant
			env.box.Arm(test.fault)
			_, err := env.merchant.CreateOrder(t.Context(), key.Username, key.Secret, order())
			if err == nil || strings.Contains(err.Error(), key.Secret) {
				t.Fatalf("the error is %v", err)
			}
			var proof *kustom.ProofError
			if errors.As(err, &proof) != (test.verdict != "") || (proof != nil && (proof.Verdict != test.verdict || proof.Username != key.Username)) {
				t.Errorf("the error is %v, want the verdict %q", err, test.verdict)
			}
			if transport.IsUncertain(err) != test.uncertain {
				t.Errorf("uncertain is %v: %v", !test.uncertain, err)
			}
			if n := env.box.Count(sandbox.Merchant, http.MethodPost, "/checkout/v3/orders"); n != test.requests {
				t.Errorf("%d requests were sent, want %d", n, test.requests)
			}
			if n := len(env.box.CheckoutOrders(fjellsport)); n != test.orders {
				t.Errorf("%d orders were created, want %d", n, test.orders)
			}
		})
	}
}
