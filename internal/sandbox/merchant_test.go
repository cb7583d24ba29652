package sandbox

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

func TestMerchantCredentials(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	key, err := b.s.GenerateKey(fjellsport, "by hand")
	if err != nil {
		t.Fatal(err)
	}
	legacy := b.s.Keys(fjellsport)[0]
	tests := map[string]struct {
		header http.Header
		status int
		code   string
	}{
		"pair":            {basicHeader(key.Username, key.Secret), 404, "NO_SUCH_ORDER"},
		"secret alone":    {headers(http.Header{}, "Authorization", "Basic "+key.Secret), 404, "NO_SUCH_ORDER"},
		"wrong username":  {basicHeader(legacy.Username, key.Secret), 401, "UNAUTHORIZED"},
		"wrong secret":    {basicHeader(key.Username, legacy.Secret), 401, "UNAUTHORIZED"},
		"swapped":         {basicHeader(key.Secret, key.Username), 401, "UNAUTHORIZED"},
		"legacy key":      {basicHeader(legacy.Username, legacy.Secret), 401, "UNAUTHORIZED"},
		"nothing":         {http.Header{}, 401, "UNAUTHORIZED"},
		"another scheme":  {headers(http.Header{}, "Authorization", "Bearer "+key.Secret), 401, "UNAUTHORIZED"},
		"username, alone": {headers(http.Header{}, "Authorization", "Basic "+key.Username), 401, "UNAUTHORIZED"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			res := b.must(http.MethodGet, b.srv.APIURL()+"/checkout/v3/orders/"+uuid.NewString(), "", test.header)
			res.want(t, test.status)
			if res.text("error_code") != test.code || res.text("correlation_id") == "" {
				t.Errorf("the answer is %s", res.body)
			}
		})
	}
	b.wantViolations()
}

func TestMerchantBreaches(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	key, err := b.s.GenerateKey(fjellsport, "")
	if err != nil {
		t.Fatal(err)
	}
	header := basicHeader(key.Username, key.Secret)
	b.must(http.MethodGet, b.srv.APIURL()+"/checkout/v3/orders/1", "", header).want(t, http.StatusBadRequest)
	b.must(http.MethodGet, b.srv.APIURL()+"/stores", "", header).want(t, http.StatusNotFound)
	b.wantViolations(ViolationContract, ViolationContract)
}

func TestMerchantSpread(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{Spread: 10 * time.Second})
	made := b.generate()
	username, secret := made.text("username"), made.text("secret")
	b.clock.Advance(10*time.Second - 1)
	if got := b.try(username, secret); got != http.StatusUnauthorized {
		t.Errorf("a key that has not spread is answered with %d", got)
	}
	b.clock.Advance(1)
	if got := b.try(username, secret); got != http.StatusNotFound {
		t.Errorf("a key that has spread is answered with %d", got)
	}
	b.wantViolations()
}

func TestMerchantTraffic(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	key, err := b.s.GenerateKey(fjellsport, "")
	if err != nil {
		t.Fatal(err)
	}
	b.try(key.Username, "kco_live_api_wrong")
	if used := b.s.Keys(fjellsport)[1].LastUsedAt; used != nil {
		t.Errorf("a refused call counts as use, at %v", used)
	}
	b.try(key.Username, key.Secret)
	status, err := b.s.EndpointStatus(fjellsport)
	if err != nil {
		t.Fatal(err)
	}
	checkout, orders := status.Services[0], status.Services[1]
	if checkout.Host != "api.kustom.co" || checkout.ActionRequired != nil || !checkout.LastUsedAt.Equal(b.clock.Now().Truncate(time.Second)) {
		t.Errorf("checkout is %+v", checkout)
	}
	if orders.ActionRequired == nil || !status.ActionRequired {
		t.Errorf("order management is %+v", orders)
	}
	if b.s.Keys(fjellsport)[1].LastUsedAt == nil {
		t.Errorf("an accepted call does not count as use")
	}
}

func TestPlaceOrder(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{Spread: time.Minute})
	switched := func() bool {
		res := b.portal(http.MethodGet, "/stores/"+fjellsport+"/endpoint-status", "", adminHeader())
		return res.json["action_required"] == false && !strings.Contains(res.body, "klarna")
	}
	if err := b.s.PlaceOrder("fjellsport"); err != nil {
		t.Fatal(err)
	}
	if switched() {
		t.Errorf("an order with the legacy key cleared the warning")
	}
	key, err := b.s.GenerateKey(fjellsport, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.s.Install("fjellsport", key.Username, key.Secret); err != nil {
		t.Fatal(err)
	}
	if err := b.s.PlaceOrder("fjellsport"); err == nil {
		t.Errorf("an order went through with a key that has not spread")
	}
	b.clock.Advance(time.Minute)
	if err := b.s.PlaceOrder("fjellsport"); err != nil {
		t.Fatal(err)
	}
	if !switched() {
		t.Errorf("an order with the new key did not clear the warning")
	}
	if err := b.s.PlaceOrder("nowhere"); err == nil {
		t.Errorf("an order went through in a shop that does not exist")
	}
	b.wantViolations()
}
