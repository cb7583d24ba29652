package sandbox

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMystore_AnswersCalls(t *testing.T) {
	seed := ThreeShops()
	seed.Shops[1].Permissions = []string{PermissionReadExtensions}
	seed.Shops[2].Extensions = nil
	seed.Shops = append(seed.Shops, Shop{Name: "bare", Token: "fake-mystore-token-bare", Permissions: []string{}})
	const (
		kaffe = "/shops/kaffebonna/extensions/klarna-checkout-v3/credentials"
		ull   = "/shops/ullogtre/extensions/klarna-checkout-v3/credentials"
	)
	good := pairBody(nil, nil)
	plain := headers(shopHeader("fjellsport"), "Accept", "application/json")
	tests := map[string]struct {
		method, path, body string
		header             http.Header
		status             int
		breach             bool
	}{
		"settings":              {path: "/shops/fjellsport/settings", header: plain, status: 200},
		"settings, many types":  {path: "/shops/fjellsport/settings", header: headers(plain, "Accept", "text/plain, application/json;q=0.5"), status: 200},
		"settings as JSON:API":  {path: "/shops/fjellsport/settings", status: 406, breach: true},
		"settings, any token":   {path: "/shops/bare/settings", header: headers(shopHeader("bare"), "Accept", "application/json"), status: 200},
		"extensions":            {path: "/shops/fjellsport/extensions", status: 200},
		"no accept":             {path: "/shops/fjellsport/extensions", header: headers(shopHeader("fjellsport"), "Accept", ""), status: 406, breach: true},
		"accept JSON":           {path: "/shops/fjellsport/extensions", header: plain, status: 406, breach: true},
		"no token":              {path: "/shops/fjellsport/extensions", header: headers(shopHeader("fjellsport"), "Authorization", ""), status: 401},
		"wrong token":           {path: "/shops/fjellsport/extensions", header: shopHeader("nobody"), status: 401},
		"another shop's token":  {path: "/shops/fjellsport/extensions", header: shopHeader("kaffebonna"), status: 403},
		"no such shop":          {path: "/shops/nowhere/extensions", status: 403},
		"no permission":         {path: "/shops/bare/extensions", header: shopHeader("bare"), status: 403},
		"user agent":            {path: "/shops/fjellsport/extensions", header: headers(shopHeader("fjellsport"), "User-Agent", "x"), status: 400, breach: true},
		"page size":             {path: "/shops/fjellsport/extensions?page%5Bsize%5D=101", status: 400, breach: true},
		"page number":           {path: "/shops/fjellsport/extensions?page%5Bnumber%5D=0", status: 400, breach: true},
		"unknown parameter":     {path: "/shops/fjellsport/extensions?limit=1", status: 400, breach: true},
		"unknown path":          {path: "/shops/fjellsport/products", status: 404, breach: true},
		"delete":                {method: "DELETE", path: credentials, status: 405, breach: true},
		"credentials":           {path: credentials, status: 200},
		"read permission":       {path: kaffe, header: shopHeader("kaffebonna"), status: 200},
		"no write permission":   {method: "PATCH", path: kaffe, body: good, header: patchHeader("kaffebonna"), status: 403},
		"content type":          {method: "PATCH", path: credentials, body: good, header: headers(patchHeader("fjellsport"), "Content-Type", "application/json"), status: 415, breach: true},
		"no content type":       {method: "PATCH", path: credentials, body: good, header: shopHeader("fjellsport"), status: 415, breach: true},
		"half a pair, id":       {method: "PATCH", path: credentials, body: pairBody("x", nil), status: 422},
		"half a pair, secret":   {method: "PATCH", path: credentials, body: pairBody(nil, "x"), status: 422},
		"space before id":       {method: "PATCH", path: credentials, body: pairBody(" x", "y"), status: 422},
		"newline after secret":  {method: "PATCH", path: credentials, body: pairBody("x", "y\n"), status: 422},
		"empty":                 {method: "PATCH", path: credentials, body: pairBody("", ""), status: 422},
		"secret missing":        {method: "PATCH", path: credentials, body: strings.Replace(good, `,"kustom_secret":null`, "", 1), status: 400, breach: true},
		"another id":            {method: "PATCH", path: credentials, body: strings.Replace(good, KlarnaCheckoutV3, "klarna-checkout-v2", 1), status: 400, breach: true},
		"another type":          {method: "PATCH", path: credentials, body: strings.Replace(good, `"extension-credentials"`, `"extensions"`, 1), status: 400, breach: true},
		"unknown field":         {method: "PATCH", path: credentials, body: strings.Replace(good, `"kustom_id"`, `"active":true,"kustom_id"`, 1), status: 400, breach: true},
		"not JSON":              {method: "PATCH", path: credentials, body: "kustom_id=x", status: 400, breach: true},
		"clear":                 {method: "PATCH", path: credentials, body: good, status: 200},
		"not installed, read":   {path: ull, header: shopHeader("ullogtre"), status: 404},
		"not installed, update": {method: "PATCH", path: ull, body: good, header: patchHeader("ullogtre"), status: 404},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			env := newTestEnv(t, seed, Options{})
			if test.method == "" {
				test.method = http.MethodGet
			}
			if test.header == nil {
				test.header = patchHeader("fjellsport")
			}
			res := env.mystore(test.method, test.path, test.body, test.header)
			res.want(t, test.status)
			if res.status >= 400 && (!strings.Contains(res.body, `"errors"`) || res.header.Get("Content-Type") != jsonAPI) {
				t.Errorf("the error is not JSON:API: %s %s", res.header.Get("Content-Type"), res.body)
			}
			if got := slices.Contains(env.kinds(), ViolationContract); got != test.breach {
				t.Errorf("violations are %v", env.s.Violations())
			}
		})
	}
}

func TestMystore_InstallsPair(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	made := env.generate()
	res := env.install("fjellsport", pairBody(made.text("username"), made.text("secret")))
	res.want(t, http.StatusOK)
	if strings.Contains(res.body, made.text("secret")) || !strings.Contains(res.body, made.text("username")) {
		t.Errorf("the answer is %s", res.body)
	}
	get := env.mystore(http.MethodGet, credentials, "", shopHeader("fjellsport"))
	if get.body != res.body {
		t.Errorf("GET answers %s, PATCH answered %s", get.body, res.body)
	}
	if err := env.s.Working("fjellsport"); err != nil {
		t.Errorf("the shop does not work: %v", err)
	}
	env.wantViolations()
}

// This holds for two writes within one second too.
func TestMystore_UpdatedAtChangesWithEachWrite(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	seen := map[time.Time]bool{}
	for range 3 {
		env.install("fjellsport", pairBody(nil, nil)).want(t, http.StatusOK)
		shop, _ := env.s.Shop("fjellsport")
		seen[*shop.UpdatedAt] = true
	}
	if len(seen) != 3 {
		t.Errorf("three writes left %d times: %v", len(seen), seen)
	}
	shop, _ := env.s.Shop("fjellsport")
	if !shop.UpdatedAt.Truncate(time.Second).Equal(env.clock.Now().Truncate(time.Second)) {
		t.Errorf("the last write was at %v", shop.UpdatedAt)
	}
	res := env.mystore(http.MethodGet, credentials, "", shopHeader("fjellsport"))
	if !strings.Contains(res.body, `"kustom_id":null,"secret_set":false`) {
		t.Errorf("the cleared credentials are %s", res.body)
	}
}

func TestMystore_ListsExtensionsInPages(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	var ids []string
	next := env.srv.MystoreURL() + "/shops/fjellsport/extensions?" + url.Values{"page[size]": {"1"}}.Encode()
	for next != "" {
		res := env.must(http.MethodGet, next, "", shopHeader("fjellsport"))
		res.want(t, http.StatusOK)
		data, _ := res.json["data"].([]any)
		for _, item := range data {
			item, _ := item.(map[string]any)
			id, _ := item["id"].(string)
			ids = append(ids, id)
		}
		links, _ := res.json["links"].(map[string]any)
		next, _ = links["next"].(string)
	}
	if strings.Join(ids, " ") != "klarna-checkout-v3 bring-shipping" {
		t.Errorf("the pages have %v", ids)
	}
	beyond := env.mystore(http.MethodGet, "/shops/fjellsport/extensions?page%5Bnumber%5D=9", "", shopHeader("fjellsport"))
	if !strings.Contains(beyond.body, `"data":[]`) {
		t.Errorf("the page after the last one is %s", beyond.body)
	}
	env.wantViolations()
}

func TestMystore_LimitsRate(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	get := func(shop string) result {
		return env.mystore(http.MethodGet, "/shops/"+shop+"/extensions", "", shopHeader(shop))
	}
	for range 60 {
		get("fjellsport").want(t, http.StatusOK)
	}
	env.clock.Advance(30 * time.Second)
	for range 60 {
		get("fjellsport").want(t, http.StatusOK)
	}
	for range 3 {
		over := get("fjellsport")
		over.want(t, http.StatusTooManyRequests)
		if got := over.header.Get("Retry-After"); got != "30" {
			t.Errorf("Retry-After is %q, want 30", got)
		}
	}
	get("kaffebonna").want(t, http.StatusOK)
	env.clock.Advance(30*time.Second - 1)
	get("fjellsport").want(t, http.StatusTooManyRequests)
	env.clock.Advance(1)
	for range 60 {
		get("fjellsport").want(t, http.StatusOK)
	}
	get("fjellsport").want(t, http.StatusTooManyRequests)
	env.wantViolations()
}
