package sandbox

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// tShirts is the order in Kustom's documentation.
const tShirts = `{
  "purchase_country": "SE", "purchase_currency": "SEK", "locale": "en-SE",
  "order_amount": 50000, "order_tax_amount": 4545,
  "order_lines": [{
    "type": "physical", "name": "Yellow T-Shirt", "quantity": 5, "quantity_unit": "pcs",
    "unit_price": 10000, "tax_rate": 1000, "total_amount": 50000, "total_tax_amount": 4545
  }],
  "merchant_urls": {
    "terms": "https://www.example.com/terms.html",
    "checkout": "https://www.example.com/checkout.html?order_id={checkout.order.id}",
    "confirmation": "https://www.example.com/confirmation.html?order_id={checkout.order.id}",
    "push": "https://www.example.com/api/push?order_id={checkout.order.id}"
  }
}`

func (env *testEnv) order(body string, key Key) result {
	env.t.Helper()
	header := headers(basicHeader(key.Username, key.Secret), "Content-Type", "application/json")
	return env.must(http.MethodPost, env.srv.APIURL()+"/checkout/v3/orders", body, header)
}

func (env *testEnv) read(id string, key Key) result {
	env.t.Helper()
	return env.must(http.MethodGet, env.srv.APIURL()+"/checkout/v3/orders/"+id, "", basicHeader(key.Username, key.Secret))
}

func TestCheckoutOrder_IsCreated(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	key, other := env.newKey(fjellsport), env.newKey(kaffebonna)
	res := env.order(tShirts, key)
	res.want(t, http.StatusCreated)
	id := res.text("order_id")
	if uuid.Validate(id) != nil || res.text("status") != StatusIncomplete || res.text("html_snippet") == "" ||
		!strings.HasSuffix(res.header.Get("Location"), "/checkout/v3/orders/"+id) {
		t.Errorf("the answer is %s, at %s", res.body, res.header.Get("Location"))
	}
	if again := env.order(tShirts, key); again.text("order_id") == id {
		t.Errorf("two requests created one order")
	}
	orders := env.s.CheckoutOrders(fjellsport)
	if len(orders) != 2 || orders[0].OrderID != id || orders[0].Username != key.Username ||
		orders[0].OrderAmount != 50000 || orders[0].Status != StatusIncomplete {
		t.Errorf("the orders are %+v", orders)
	}
	if orders := env.s.CheckoutOrders(kaffebonna); orders != nil {
		t.Errorf("another store has %+v", orders)
	}
	if mine := env.read(id, key); mine.status != http.StatusOK || mine.text("order_id") != id {
		t.Errorf("read as %d: %s", mine.status, mine.body)
	}
	env.read(id, other).want(t, http.StatusNotFound)
	env.wantViolations()
	env.wantNoSecrets()
}

func TestCheckoutOrder_CountsAsTraffic(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	env.order(tShirts, env.newKey(fjellsport)).want(t, http.StatusCreated)
	status, err := env.s.EndpointStatus(fjellsport)
	if err != nil {
		t.Fatal(err)
	}
	checkout, orders := status.Services[0], status.Services[1]
	if checkout.ActionRequired != nil || !checkout.LastUsedAt.Equal(env.clock.Now().Truncate(time.Second)) {
		t.Errorf("checkout is %+v", checkout)
	}
	if orders.ActionRequired == nil {
		t.Errorf("an incomplete order counts for order management")
	}
}

func TestCheckoutOrder_RefusesInvalid(t *testing.T) {
	tests := map[string]struct {
		old, changed string
		says         string
	}{
		"no country":                  {`"purchase_country": "SE",`, ``, "purchase_country"},
		"unknown field":               {`"locale"`, `"x": 1, "locale"`, "unsupported"},
		"no lines":                    {`"type": "physical",`, `"lines": [],`, "unsupported"},
		"amount as text":              {`"order_amount": 50000`, `"order_amount": "50000"`, "order_amount"},
		"negative tax":                {`"order_tax_amount": 4545`, `"order_tax_amount": -1`, "order_tax_amount"},
		"unknown type":                {`physical`, `tangible`, "/type"},
		"insecure shop":               {`"https://www.example.com/api`, `"http://www.example.com/api`, "/push"},
		"no push":                     {`"confirmation"`, `"confirmed"`, "merchant_urls"},
		"wrong line total":            {`"quantity": 5`, `"quantity": 4`, "quantity times"},
		"wrong line tax":              {`"total_tax_amount": 4545`, `"total_tax_amount": 4547`, "tax_rate"},
		"too little line tax":         {`"total_tax_amount": 4545`, `"total_tax_amount": 4544`, "tax_rate"},
		"order amount is not the sum": {`"order_amount": 50000`, `"order_amount": 50001`, "order_amount is not the sum"},
		"order tax is not the sum":    {`"order_tax_amount": 4545`, `"order_tax_amount": 4546`, "order_tax_amount is not the sum"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			env := newTestEnv(t, ThreeShops(), Options{})
			res := env.order(strings.Replace(tShirts, test.old, test.changed, 1), env.newKey(fjellsport))
			res.want(t, http.StatusBadRequest)
			if res.text("error_code") != "BAD_VALUE" || !strings.Contains(res.body, test.says) {
				t.Errorf("the answer is %s", res.body)
			}
			if orders := env.s.CheckoutOrders(fjellsport); orders != nil {
				t.Errorf("an order was created: %+v", orders)
			}
			env.wantViolations(ViolationContract)
		})
	}
}

// If a store does not sell in a country, the error has the text of Kustom's.
func TestCheckoutOrder_RefusesCountry(t *testing.T) {
	seed := ThreeShops()
	seed.Stores[0].Countries = []string{"NO"}
	env := newTestEnv(t, seed, Options{})
	res := env.order(tShirts, env.newKey(fjellsport))
	res.want(t, http.StatusBadRequest)
	if !strings.Contains(res.body, "no configured currencies for order billing country") {
		t.Errorf("the answer is %s", res.body)
	}
	env.order(strings.Replace(tShirts, `"SE"`, `"NO"`, 1), env.newKey(fjellsport)).want(t, http.StatusCreated)
	env.wantViolations()
}

func TestCheckoutOrder_NeedsWorkingKey(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	legacy := env.s.Keys(fjellsport)[0]
	env.order(tShirts, legacy).want(t, http.StatusUnauthorized)
	if orders := env.s.CheckoutOrders(fjellsport); orders != nil {
		t.Errorf("an order was created: %+v", orders)
	}
	env.wantViolations()
}
