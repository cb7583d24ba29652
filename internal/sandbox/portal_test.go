package sandbox

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
)

const firstKey = "/stores/" + fjellsport + "/credentials/5f0c7f0a-4f0e-4a38-9d5e-2a3f6c1b7e01"

func TestPortalAPI_AnswersCalls(t *testing.T) {
	hidden := ThreeShops()
	hidden.Users = append(hidden.Users, User{Token: "fake-portal-token-one", Email: "one@shop.example", Stores: []string{fjellsport}})
	staff := portalHeader("fake-portal-token-staff")
	one := portalHeader("fake-portal-token-one")
	const create, noDescription = "/stores/" + fjellsport + "/credentials", `{"description":null}`
	tests := map[string]struct {
		method, path, body string
		header             http.Header
		status             int
		code               string
		breach             bool
	}{
		"stores":                 {path: "/stores", status: 200},
		"stores of staff":        {path: "/stores", header: staff, status: 200},
		"no token":               {path: "/stores", header: headers(adminHeader(), "Authorization", ""), status: 401, code: "UNAUTHORIZED"},
		"wrong token":            {path: "/stores", header: portalHeader("wrong"), status: 401, code: "UNAUTHORIZED"},
		"expired token":          {path: "/stores", header: portalHeader("fake-portal-token-expired"), status: 401, code: "UNAUTHORIZED"},
		"not a bearer":           {path: "/stores", header: headers(adminHeader(), "Authorization", "Basic fake-portal-token-admin"), status: 401, code: "UNAUTHORIZED"},
		"no user agent":          {path: "/stores", header: headers(adminHeader(), "User-Agent", "curl/8"), status: 400, code: "BAD_VALUE", breach: true},
		"unknown parameter":      {path: "/stores?page=1", status: 400, code: "BAD_VALUE", breach: true},
		"parameter twice":        {path: "/stores?limit=1&limit=2", status: 400, code: "BAD_VALUE", breach: true},
		"malformed query":        {path: "/stores?limit=%zz", status: 400, code: "BAD_VALUE", breach: true},
		"limit too small":        {path: "/credentials?limit=0", status: 400, code: "BAD_VALUE", breach: true},
		"limit too large":        {path: "/credentials?limit=101", status: 400, code: "BAD_VALUE", breach: true},
		"limit no number":        {path: "/credentials?limit=ten", status: 400, code: "BAD_VALUE", breach: true},
		"invented cursor":        {path: "/credentials?cursor=2", status: 400, code: "BAD_VALUE", breach: true},
		"unknown path":           {path: "/shops", status: 404, code: "NOT_FOUND", breach: true},
		"unknown method":         {method: "PUT", path: "/stores", status: 405, code: "METHOD_NOT_ALLOWED", breach: true},
		"credentials":            {path: "/credentials", status: 200},
		"credentials of a store": {path: "/credentials?merchant_id=" + kaffebonna, status: 200},
		"of an unknown store":    {path: "/credentials?merchant_id=M00999999", status: 404, code: "NOT_FOUND"},
		"of a hidden store":      {path: "/credentials?merchant_id=" + kaffebonna, header: one, status: 404, code: "NOT_FOUND"},
		"of no merchant ID":      {path: "/credentials?merchant_id=fjellsport", status: 400, code: "BAD_VALUE", breach: true},
		"credentials for staff":  {path: "/credentials", header: staff, status: 403, code: "FORBIDDEN"},
		"one":                    {path: firstKey, status: 200},
		"one, slash escaped":     {path: strings.Replace(firstKey, "/credentials", "%2Fcredentials", 1), status: 404, code: "NOT_FOUND", breach: true},
		"one, for staff":         {path: firstKey, header: staff, status: 403, code: "FORBIDDEN"},
		"one, unknown":           {path: "/stores/" + fjellsport + "/credentials/nothing", status: 404, code: "NOT_FOUND"},
		"one, of another store":  {path: strings.Replace(firstKey, fjellsport, kaffebonna, 1), status: 404, code: "NOT_FOUND"},
		"one, hidden":            {path: "/stores/" + kaffebonna + "/credentials/81c4a9d6-0b7c-4c55-8a3b-94f1d0e2c702", header: one, status: 404, code: "NOT_FOUND"},
		"delete unknown":         {method: "DELETE", path: "/stores/" + fjellsport + "/credentials/nothing", status: 404, code: "NOT_FOUND"},
		"delete hidden":          {method: "DELETE", path: "/stores/" + kaffebonna + "/credentials/81c4a9d6-0b7c-4c55-8a3b-94f1d0e2c702", header: one, status: 404, code: "NOT_FOUND"},
		"delete with a body":     {method: "DELETE", path: firstKey, body: "{}", status: 400, code: "BAD_VALUE", breach: true},
		"status":                 {path: "/stores/" + fjellsport + "/endpoint-status", status: 200},
		"status, hidden":         {path: "/stores/" + kaffebonna + "/endpoint-status", header: one, status: 404, code: "NOT_FOUND"},
		"status, for staff":      {path: "/stores/" + fjellsport + "/endpoint-status", header: staff, status: 403, code: "FORBIDDEN"},

		"create, no idempotency key":   {method: "POST", path: create, body: noDescription, header: headers(postHeader(), "Idempotency-Key", ""), status: 400, code: "BAD_VALUE", breach: true},
		"create, not a UUID":           {method: "POST", path: create, body: noDescription, header: headers(postHeader(), "Idempotency-Key", "1"), status: 400, code: "BAD_VALUE", breach: true},
		"create, form":                 {method: "POST", path: create, body: noDescription, header: headers(postHeader(), "Content-Type", "text/plain"), status: 400, code: "BAD_VALUE", breach: true},
		"create, no content type":      {method: "POST", path: create, body: noDescription, header: headers(postHeader(), "Content-Type", ""), status: 400, code: "BAD_VALUE", breach: true},
		"create, no body":              {method: "POST", path: create, status: 400, code: "BAD_VALUE", breach: true},
		"create, half a body":          {method: "POST", path: create, body: `{"description":`, status: 400, code: "BAD_VALUE", breach: true},
		"create, two bodies":           {method: "POST", path: create, body: `{"description":"a"}{}`, status: 400, code: "BAD_VALUE", breach: true},
		"create, no description":       {method: "POST", path: create, body: `{}`, status: 400, code: "BAD_VALUE", breach: true},
		"create, unknown field":        {method: "POST", path: create, body: `{"description":"a","host":"api.klarna.com"}`, status: 400, code: "BAD_VALUE", breach: true},
		"create, long description":     {method: "POST", path: create, body: `{"description":"` + strings.Repeat("x", 101) + `"}`, status: 400, code: "BAD_VALUE", breach: true},
		"create, odd description":      {method: "POST", path: create, body: `{"description":"Kaffebønna"}`, status: 400, code: "BAD_VALUE", breach: true},
		"create, description a number": {method: "POST", path: create, body: `{"description":1}`, status: 400, code: "BAD_VALUE", breach: true},
		"create, for staff":            {method: "POST", path: create, body: noDescription, header: headers(postHeader(), "Authorization", staff.Get("Authorization")), status: 403, code: "FORBIDDEN"},
		"create, unknown store":        {method: "POST", path: "/stores/M00999999/credentials", body: noDescription, status: 404, code: "NOT_FOUND"},
		"create, full store":           {method: "POST", path: "/stores/" + kaffebonna + "/credentials", body: noDescription, status: 409, code: "CREDENTIAL_LIMIT_REACHED"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			env := newTestEnv(t, hidden, Options{KeyLimit: 2})
			if test.method == "" {
				test.method = http.MethodGet
			}
			if test.header == nil {
				test.header = adminHeader()
				if test.method == http.MethodPost {
					test.header = postHeader()
				}
			}
			res := env.portal(test.method, test.path, test.body, test.header)
			res.want(t, test.status)
			if got := res.text("error_code"); got != test.code {
				t.Errorf("error code is %q, want %q", got, test.code)
			}
			if res.status >= 400 && res.text("correlation_id") != res.header.Get("Correlation-Id") {
				t.Errorf("correlation id %q is not that of the header", res.text("correlation_id"))
			}
			if test.breach {
				env.wantViolations(ViolationContract)
			} else {
				env.wantViolations()
			}
			if keys := len(env.s.Keys(fjellsport)) + len(env.s.Keys(kaffebonna)); keys != 3 {
				t.Errorf("the stores have %d keys", keys)
			}
		})
	}
}

func TestPortalAPI_ShowsSecretOnceAtCreation(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	res := env.generate()
	res.want(t, http.StatusCreated)
	keys := env.s.Keys(fjellsport)
	key := keys[len(keys)-1]
	if res.text("secret") != key.Secret || !strings.HasPrefix(key.Secret, "kco_live_api_") {
		t.Errorf("the answer does not show the key's secret")
	}
	if key.Host != "api.kustom.co" || key.Status != StatusActive || *key.Description != "terraform" || key.CreatedBy != "ops@agency.example" {
		t.Errorf("the key is %+v", key)
	}
	for _, path := range []string{"/stores/" + fjellsport + "/credentials/" + key.CredentialID, "/credentials"} {
		if res := env.portal(http.MethodGet, path, "", adminHeader()); strings.Contains(res.body, "secret") {
			t.Errorf("%s shows a secret", path)
		}
	}
	env.wantViolations()
}

func TestPortalAPI_ShowsSecretOnceAfterPending(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{Pending: 2})
	res := env.generate()
	res.want(t, http.StatusAccepted)
	if res.text("status") != StatusPending || res.header.Get("Retry-After") != "1" || res.text("secret") != "" {
		t.Fatalf("the answer is %s, Retry-After %q", res.body, res.header.Get("Retry-After"))
	}
	keys := env.s.Keys(fjellsport)
	key := keys[len(keys)-1]
	env.wantTry("that is pending", key.Username, key.Secret, http.StatusUnauthorized)
	path := "/stores/" + fjellsport + "/credentials/" + key.CredentialID
	want := []struct{ status, secret string }{{StatusPending, ""}, {StatusActive, key.Secret}, {StatusActive, ""}}
	for i, w := range want {
		if list := env.portal(http.MethodGet, "/credentials", "", adminHeader()); strings.Contains(list.body, "secret") {
			t.Errorf("the list shows a secret")
		}
		res := env.portal(http.MethodGet, path, "", adminHeader())
		if res.text("status") != w.status || res.text("secret") != w.secret {
			t.Errorf("GET %d is %s", i+1, res.body)
		}
	}
	env.wantViolations()
}

func TestPortalAPI_ReplaysIdempotencyKey(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	header := postHeader()
	post := func(store, description string) result {
		return env.portal(http.MethodPost, "/stores/"+store+"/credentials", `{"description":"`+description+`"}`, header)
	}
	made := post(fjellsport, "a")
	made.want(t, http.StatusCreated)
	again := post(fjellsport, "a")
	again.want(t, http.StatusConflict)
	if again.text("error_code") != "IDEMPOTENCY_REPLAY" || again.text("credential_id") != made.text("credential_id") {
		t.Errorf("the replay is answered with %s", again.body)
	}
	if got := len(env.s.Keys(fjellsport)); got != 2 {
		t.Errorf("the store has %d keys, want 2", got)
	}
	env.wantViolations()

	post(fjellsport, "b").want(t, http.StatusConflict)
	post(kaffebonna, "a").want(t, http.StatusConflict)
	env.wantViolations(ViolationIdempotencyReuse, ViolationIdempotencyReuse)
}

func TestPortalAPI_DeletesKey(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	made := env.generate()
	path := "/stores/" + fjellsport + "/credentials/" + made.text("credential_id")
	env.portal(http.MethodDelete, path, "", adminHeader()).want(t, http.StatusNoContent)
	env.portal(http.MethodDelete, path, "", adminHeader()).want(t, http.StatusNotFound)
	env.portal(http.MethodGet, path, "", adminHeader()).want(t, http.StatusNotFound)
	env.wantTry("that is deleted", made.text("username"), made.text("secret"), http.StatusUnauthorized)
	env.wantViolations()
}

func TestPortalAPI_ListsInPages(t *testing.T) {
	env := newTestEnv(t, FleetSeed(120), Options{})
	header := portalHeader("fake-portal-token-fleet")
	for list, size := range map[string]int{"stores": 50, "credentials": 50} {
		t.Run(list, func(t *testing.T) {
			seen, pages := map[string]bool{}, 0
			for cursor := ""; ; pages++ {
				path := "/" + list
				if cursor != "" {
					path += "?cursor=" + cursor
				}
				res := env.portal(http.MethodGet, path, "", header)
				items, _ := res.json[list].([]any)
				for _, item := range items {
					seen[fmt.Sprint(item)] = true
				}
				cursor = res.text("next_cursor")
				if cursor == "" {
					break
				}
				if len(items) != size {
					t.Errorf("a page has %d items, want %d", len(items), size)
				}
			}
			if len(seen) != 120 || pages != 2 {
				t.Errorf("saw %d items on %d pages", len(seen), pages+1)
			}
		})
	}
	first := env.portal(http.MethodGet, "/credentials?limit=1", "", header)
	env.portal(http.MethodGet, "/stores?cursor="+first.text("next_cursor"), "", header).want(t, http.StatusBadRequest)
	env.portal(http.MethodGet, "/credentials?merchant_id=M00500001&cursor="+first.text("next_cursor"), "", header).want(t, http.StatusBadRequest)
	env.wantViolations(ViolationContract, ViolationContract)
}

// After a deletion between two pages, the second page skips nothing.
func TestPortalAPI_PagesSkipNothingAfterDeletion(t *testing.T) {
	env := newTestEnv(t, FleetSeed(4), Options{})
	header := portalHeader("fake-portal-token-fleet")
	first := env.portal(http.MethodGet, "/credentials?limit=2", "", header)
	if err := env.s.DeleteKey("M00500001", env.s.Keys("M00500001")[0].CredentialID); err != nil {
		t.Fatal(err)
	}
	second := env.portal(http.MethodGet, "/credentials?limit=2&cursor="+first.text("next_cursor"), "", header)
	if !strings.Contains(second.body, "M00500003") || !strings.Contains(second.body, "M00500004") || second.text("next_cursor") != "" {
		t.Errorf("the second page is %s", second.body)
	}
}

func TestPortalAPI_HidesOtherStores(t *testing.T) {
	seed := ThreeShops()
	seed.Users = append(seed.Users,
		User{Token: "fake-portal-token-one", Email: "one@shop.example", Stores: []string{fjellsport}},
		User{Token: "fake-portal-token-none", Email: "none@shop.example", Stores: []string{}})
	env := newTestEnv(t, seed, Options{})
	for _, path := range []string{"/stores", "/credentials"} {
		one := env.portal(http.MethodGet, path, "", portalHeader("fake-portal-token-one"))
		if strings.Contains(one.body, kaffebonna) || !strings.Contains(one.body, fjellsport) {
			t.Errorf("%s shows a user of one store %s", path, one.body)
		}
		none := env.portal(http.MethodGet, path, "", portalHeader("fake-portal-token-none"))
		if strings.Contains(none.body, "M00") {
			t.Errorf("%s shows a user of no store %s", path, none.body)
		}
	}
}

func TestPortalAPI_ServesPlayground(t *testing.T) {
	seed := Seed{
		Environment: Playground,
		Users:       []User{{Token: "fake-portal-token-admin", Email: "ops@agency.example"}},
		Stores:      []Store{{MerchantID: "PM00000001", Services: []Service{{Service: serviceCheckout, Host: "api.playground.klarna.com"}}}},
	}
	env := newTestEnv(t, seed, Options{})
	res := env.portal(http.MethodPost, "/stores/PM00000001/credentials", `{"description":null}`,
		headers(postHeader(), "Idempotency-Key", uuid.NewString()))
	res.want(t, http.StatusCreated)
	if res.text("environment") != "test" || res.text("host") != "api.playground.kustom.co" || !strings.HasPrefix(res.text("secret"), "kco_test_api_") {
		t.Errorf("the key is %s", res.body)
	}
	status, err := env.s.EndpointStatus("PM00000001")
	if err != nil {
		t.Fatal(err)
	}
	if got := *status.Services[0].ActionRequired; got != "Switch endpoint to api.playground.kustom.co" {
		t.Errorf("the action is %q", got)
	}
	env.wantViolations()
}
