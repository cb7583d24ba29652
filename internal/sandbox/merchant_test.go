package sandbox

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

func TestMerchant_JudgesCredentials(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	key := b.newKey(fjellsport)
	legacy := b.s.Keys(fjellsport)[0]
	tests := map[string]struct {
		header http.Header
		status int
	}{
		"pair":            {basicHeader(key.Username, key.Secret), 404},
		"secret alone":    {headers(http.Header{}, "Authorization", "Basic "+key.Secret), 404},
		"wrong username":  {basicHeader(legacy.Username, key.Secret), 401},
		"wrong secret":    {basicHeader(key.Username, legacy.Secret), 401},
		"swapped":         {basicHeader(key.Secret, key.Username), 401},
		"legacy key":      {basicHeader(legacy.Username, legacy.Secret), 401},
		"nothing":         {http.Header{}, 401},
		"another scheme":  {headers(http.Header{}, "Authorization", "Bearer "+key.Secret), 401},
		"username, alone": {headers(http.Header{}, "Authorization", "Basic "+key.Username), 401},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			res := b.must(http.MethodGet, b.srv.APIURL()+"/checkout/v3/orders/"+uuid.NewString(), "", test.header)
			res.want(t, test.status)
			if res.body != "" || res.header.Get("Content-Type") != "" {
				t.Errorf("the answer is %q, of type %q", res.body, res.header.Get("Content-Type"))
			}
		})
	}
	b.wantViolations()
}

// The merchant API may answer in each of these forms.
func TestMerchant_AnswersInEachForm(t *testing.T) {
	const checkout, managed = "/checkout/v3/orders/", "/ordermanagement/v1/orders/"
	type answer struct {
		status    int
		mediaType string
		code      string
	}
	empty := func(status int) answer { return answer{status: status} }
	own := func(status int, code string) answer { return answer{status, "application/json", code} }
	page := func(status int) answer { return answer{status: status, mediaType: "text/html; charset=utf-8"} }
	none := own(404, "NO_SUCH_ORDER")
	tests := map[string]struct {
		form MerchantForm
		// The answers to a key that works, of the checkout and of order management, and the checkout's to
		// one that does not.
		checkout, managed, refused answer
	}{
		"empty":       {MerchantEmpty, empty(404), none, empty(401)},
		"JSON":        {MerchantJSON, none, none, own(401, "UNAUTHORIZED")},
		"HTML":        {MerchantHTML, page(404), none, page(401)},
		"no route":    {MerchantNoRoute, own(404, ""), own(404, ""), own(404, "")},
		"no product":  {MerchantNoProduct, own(403, "FORBIDDEN"), none, empty(401)},
		"accepts all": {MerchantAcceptsAll, empty(404), none, empty(404)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, ThreeShops(), Options{Merchant: test.form})
			key := b.newKey(fjellsport)
			want := func(path, secret string, want answer) {
				t.Helper()
				res := b.must(http.MethodGet, b.srv.APIURL()+path+uuid.NewString(), "", basicHeader(key.Username, secret))
				var code string
				if res.json["error_code"] != nil {
					code = res.text("error_code")
				}
				if got := (answer{res.status, res.header.Get("Content-Type"), code}); got != want {
					t.Errorf("%s answers %+v, want %+v: %s", path, got, want, res.body)
				}
			}
			want(checkout, key.Secret, test.checkout)
			want(managed, key.Secret, test.managed)
			want(checkout, "kco_live_api_wrong", test.refused)
			b.wantViolations()
		})
	}
}

// An expired key does not work. The portal shows its expiry.
func TestMerchant_RefusesExpiredKey(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{KeyLifetime: time.Hour, HideHost: true})
	made := b.generate()
	username, secret := made.text("username"), made.text("secret")
	if made.text("expires_at") != b.clock.Now().Truncate(time.Second).Add(time.Hour).UTC().Format(time.RFC3339) || made.json["host"] != nil {
		t.Errorf("the key is %s", made.body)
	}
	if got := b.try(username, secret); got != http.StatusNotFound {
		t.Errorf("a key before its end is answered with %d", got)
	}
	if err := b.s.Install("fjellsport", username, secret); err != nil {
		t.Fatal(err)
	}
	b.clock.Advance(time.Hour)
	if got := b.try(username, secret); got != http.StatusUnauthorized {
		t.Errorf("a key that has expired is answered with %d", got)
	}
	if b.s.Working("fjellsport") == nil {
		t.Error("a shop takes payments with a key that has expired")
	}
	b.wantViolations()
}

func TestMerchant_ReportsBreaches(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	key := b.newKey(fjellsport)
	header := basicHeader(key.Username, key.Secret)
	b.must(http.MethodGet, b.srv.APIURL()+"/checkout/v3/orders/1", "", header).want(t, http.StatusBadRequest)
	b.must(http.MethodGet, b.srv.APIURL()+"/stores", "", header).want(t, http.StatusNotFound)
	b.wantViolations(ViolationContract, ViolationContract)
}

func TestMerchant_RefusesPropagatingKey(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{PropagationDelay: 10 * time.Second})
	made := b.generate()
	username, secret := made.text("username"), made.text("secret")
	b.clock.Advance(10*time.Second - 1)
	if got := b.try(username, secret); got != http.StatusUnauthorized {
		t.Errorf("a key that has not propagated is answered with %d", got)
	}
	b.clock.Advance(1)
	if got := b.try(username, secret); got != http.StatusNotFound {
		t.Errorf("a key that has propagated is answered with %d", got)
	}
	b.wantViolations()
}

func TestMerchant_RecordsTraffic(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	key := b.newKey(fjellsport)
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

func TestPlaceOrder_UsesShopsKey(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{PropagationDelay: time.Minute})
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
	key := b.newKey(fjellsport)
	if err := b.s.Install("fjellsport", key.Username, key.Secret); err != nil {
		t.Fatal(err)
	}
	if err := b.s.PlaceOrder("fjellsport"); err == nil {
		t.Errorf("an order went through with a key that has not propagated")
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
