package sandbox

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

func TestMerchant_ChecksCredentials(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	key := env.newKey(fjellsport)
	legacy := env.s.Keys(fjellsport)[0]
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
			res := env.must(http.MethodGet, env.srv.APIURL()+"/checkout/v3/orders/"+uuid.NewString(), "", test.header)
			res.want(t, test.status)
			if res.body != "" || res.header.Get("Content-Type") != "" {
				t.Errorf("the answer is %q, of type %q", res.body, res.header.Get("Content-Type"))
			}
		})
	}
	env.wantViolations()
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
		// checkout and managed are the answers to a working key, and refused is the checkout's answer to a wrong one.
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
			env := newTestEnv(t, ThreeShops(), Options{Merchant: test.form})
			key := env.newKey(fjellsport)
			want := func(path, secret string, want answer) {
				t.Helper()
				res := env.must(http.MethodGet, env.srv.APIURL()+path+uuid.NewString(), "", basicHeader(key.Username, secret))
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
			env.wantViolations()
		})
	}
}

// An expired key does not work. The portal shows its expiry.
func TestMerchant_RefusesExpiredKey(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{KeyLifetime: time.Hour, HideHost: true})
	made := env.generate()
	username, secret := made.text("username"), made.text("secret")
	if made.text("expires_at") != env.clock.Now().Truncate(time.Second).Add(time.Hour).UTC().Format(time.RFC3339) || made.json["host"] != nil {
		t.Errorf("the key is %s", made.body)
	}
	env.wantTry("before its expiry", username, secret, http.StatusNotFound)
	if err := env.s.Install("fjellsport", username, secret); err != nil {
		t.Fatal(err)
	}
	env.clock.Advance(time.Hour)
	env.wantTry("that has expired", username, secret, http.StatusUnauthorized)
	if env.s.Working("fjellsport") == nil {
		t.Error("a shop takes payments with a key that has expired")
	}
	env.wantViolations()
}

func TestMerchant_ReportsBreaches(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	key := env.newKey(fjellsport)
	header := basicHeader(key.Username, key.Secret)
	env.must(http.MethodGet, env.srv.APIURL()+"/checkout/v3/orders/1", "", header).want(t, http.StatusBadRequest)
	env.must(http.MethodGet, env.srv.APIURL()+"/stores", "", header).want(t, http.StatusNotFound)
	env.wantViolations(ViolationContract, ViolationContract)
}

func TestMerchant_RefusesPropagatingKey(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{PropagationDelay: 10 * time.Second})
	made := env.generate()
	username, secret := made.text("username"), made.text("secret")
	env.clock.Advance(10*time.Second - 1)
	env.wantTry("that has not propagated", username, secret, http.StatusUnauthorized)
	env.clock.Advance(1)
	env.wantTry("that has propagated", username, secret, http.StatusNotFound)
	env.wantViolations()
}

func TestMerchant_RecordsTraffic(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	key := env.newKey(fjellsport)
	env.try(key.Username, "kco_live_api_wrong")
	if used := env.s.Keys(fjellsport)[1].LastUsedAt; used != nil {
		t.Errorf("a refused call counts as use, at %v", used)
	}
	env.try(key.Username, key.Secret)
	status, err := env.s.EndpointStatus(fjellsport)
	if err != nil {
		t.Fatal(err)
	}
	checkout, orders := status.Services[0], status.Services[1]
	if checkout.Host != "api.kustom.co" || checkout.ActionRequired != nil || !checkout.LastUsedAt.Equal(env.clock.Now().Truncate(time.Second)) {
		t.Errorf("checkout is %+v", checkout)
	}
	if orders.ActionRequired == nil || !status.ActionRequired {
		t.Errorf("order management is %+v", orders)
	}
	if env.s.Keys(fjellsport)[1].LastUsedAt == nil {
		t.Errorf("an accepted call does not count as use")
	}
}

func TestPlaceOrder_UsesShopsKey(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{PropagationDelay: time.Minute})
	switched := func() bool {
		res := env.portal(http.MethodGet, "/stores/"+fjellsport+"/endpoint-status", "", adminHeader())
		return res.json["action_required"] == false && !strings.Contains(res.body, "klarna")
	}
	if err := env.s.PlaceOrder("fjellsport"); err != nil {
		t.Fatal(err)
	}
	if switched() {
		t.Errorf("an order with the legacy key cleared the warning")
	}
	key := env.newKey(fjellsport)
	if err := env.s.Install("fjellsport", key.Username, key.Secret); err != nil {
		t.Fatal(err)
	}
	if err := env.s.PlaceOrder("fjellsport"); err == nil {
		t.Errorf("an order went through with a key that has not propagated")
	}
	env.clock.Advance(time.Minute)
	if err := env.s.PlaceOrder("fjellsport"); err != nil {
		t.Fatal(err)
	}
	if !switched() {
		t.Errorf("an order with the new key did not clear the warning")
	}
	if err := env.s.PlaceOrder("nowhere"); err == nil {
		t.Errorf("an order went through in a shop that does not exist")
	}
	env.wantViolations()
}
