package sandbox

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

func TestContract_ServesItsCallsOnly(t *testing.T) {
	s := newTestEnv(t, ThreeShops(), Options{}).s
	served := map[*openapi3.T][]string{}
	for _, m := range s.mounts {
		if m.pages {
			continue
		}
		for _, rt := range m.routes {
			served[rt.spec.Spec] = append(served[rt.spec.Spec], rt.method+" "+rt.template)
		}
	}
	for _, doc := range []*openapi3.T{s.contract.documents[Portal], s.contract.documents[Mystore]} {
		var calls []string
		for path, item := range doc.Paths.Map() {
			for method := range item.Operations() {
				calls = append(calls, method+" "+path)
			}
		}
		slices.Sort(calls)
		slices.Sort(served[doc])
		if !slices.Equal(calls, served[doc]) {
			t.Errorf("the contract has %v, the sandbox serves %v", calls, served[doc])
		}
	}
}

func TestContract_ChecksOwnAnswers(t *testing.T) {
	now := `"2026-03-10T09:00:00Z"`
	store := func(fields string) string { return `{"stores":[{` + fields + `}],"next_cursor":null}` }
	tests := map[string]struct {
		template, body string
		status         int
		contentType    string
		good           bool
	}{
		"valid":                   {template: "/stores", body: store(`"merchant_id":"M00412871","name":"a","website":"b"`), good: true},
		"unknown field":           {template: "/stores", body: store(`"merchant_id":"M00412871","name":"a","website":"b","x":1`)},
		"missing field":           {template: "/stores", body: store(`"merchant_id":"M00412871","name":"a"`)},
		"wrong type":              {template: "/stores", body: store(`"merchant_id":"M00412871","name":1,"website":"b"`)},
		"no merchant ID":          {template: "/stores", body: store(`"merchant_id":"fjellsport","name":"a","website":"b"`)},
		"empty cursor":            {template: "/stores", body: `{"stores":[],"next_cursor":""}`},
		"not JSON":                {template: "/stores", body: "<html>"},
		"wrong media type":        {template: "/stores", body: `{"stores":[]}`, contentType: "text/html"},
		"undocumented status":     {template: "/stores", body: `{}`, status: http.StatusTeapot},
		"429 without Retry-After": {template: "/stores", body: `{"error_code":"TOO_MANY_REQUESTS","error_messages":[],"correlation_id":"x"}`, status: 429},
		"wrong error code":        {template: "/stores", body: `{"error_code":"FORBIDDEN","error_messages":[],"correlation_id":"x"}`, status: 401},
		"secret in a list":        {template: "/credentials", body: `{"credentials":[` + credentialJSON(`,"secret":"kco_live_api_x"`) + `]}`},
		"no secret in a list":     {template: "/credentials", body: `{"credentials":[` + credentialJSON("") + `]}`, good: true},
		"unknown host":            {template: "/credentials", body: strings.Replace(`{"credentials":[`+credentialJSON("")+`]}`, "api.kustom.co", "example.com", 1)},
		"time without a zone":     {template: "/credentials", body: strings.ReplaceAll(`{"credentials":[`+credentialJSON("")+`]}`, now, `"2026-03-10 09:00"`)},
	}
	s := newTestEnv(t, ThreeShops(), Options{}).s
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if test.status == 0 {
				test.status = http.StatusOK
			}
			if test.contentType == "" {
				test.contentType = "application/json"
			}
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/portal/api/v1"+test.template, http.NoBody)
			c, err := s.newCall(r, s.mounts[0])
			if err != nil {
				t.Fatal(err)
			}
			header := http.Header{"Content-Type": {test.contentType}, "Correlation-Id": {"x"}}
			err = c.route.checkReply(c, &reply{status: test.status, header: header, body: []byte(test.body)})
			if got := err == nil; got != test.good {
				t.Errorf("the error is %v", err)
			}
			if err != nil && strings.Contains(err.Error(), "kco_") {
				t.Errorf("the check quotes a secret: %v", err)
			}
		})
	}
}

func credentialJSON(more string) string {
	return `{"credential_id":"a","merchant_id":"M00412871","username":"M00412871-aB3dE","description":null,` +
		`"environment":"live","host":"api.kustom.co","status":"ACTIVE","created_at":"2026-03-10T09:00:00Z",` +
		`"created_by":"a","last_used_at":null` + more + `}`
}

// If the sandbox's own answer breaks the contract, it becomes a violation and a 500.
func TestContract_ReportsInvalidAnswer(t *testing.T) {
	tests := map[string]any{
		"breaks the contract": storesBody{Stores: []storeBody{{MerchantID: "nothing"}}},
		"cannot be encoded":   func() {},
	}
	for name, value := range tests {
		t.Run(name, func(t *testing.T) {
			env := newTestEnv(t, ThreeShops(), Options{})
			env.s.mounts[0].routes[0].handle = func(*Sandbox, *call) *answer { return kustomAnswer(http.StatusOK, value) }
			res := env.portal(http.MethodGet, "/stores", "", adminHeader())
			res.want(t, http.StatusInternalServerError)
			if res.text("error_code") != "INTERNAL_SERVER_ERROR" {
				t.Errorf("the answer is %s", res.body)
			}
			env.wantViolations(ViolationSandboxContract)
			if got := env.s.Requests()[0].Status; got != http.StatusInternalServerError {
				t.Errorf("the log has the status %d", got)
			}
		})
	}
}

// A refusal has a reason, and does not quote the value.
func TestContract_BreachQuotesNoValue(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	const value = "kco_live_api_not_to_be_seen"
	bodies := []string{
		`{"data":{"type":"` + value + `","id":"klarna-checkout-v3","attributes":{"kustom_id":"a","kustom_secret":"b"}}}`,
		`{"data":{"type":"extension-credentials","id":"klarna-checkout-v3","attributes":{"kustom_id":"a","kustom_secret":["` + value + `"]}}}`,
		`{"data":{"type":"extension-credentials","id":"klarna-checkout-v3","attributes":{"kustom_id":"a","kustom_secret":"` + value + `"},"x":"` + value + `"}}`,
		`"` + value,
	}
	for _, body := range bodies {
		res := env.install("fjellsport", body)
		res.want(t, http.StatusBadRequest)
		if strings.Contains(res.body, value) {
			t.Errorf("the answer quotes the secret: %s", res.body)
		}
	}
	for _, v := range env.s.Violations() {
		if strings.Contains(v.Detail, value) {
			t.Errorf("the violation quotes the secret: %s", v)
		}
	}
}

func TestUnchecked_AcceptsBreach(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{Unchecked: true})
	for range 2 {
		// Neither a Content-Type nor an Idempotency-Key.
		env.portal(http.MethodPost, "/stores/"+fjellsport+"/credentials", `{"colour":"red"}`, adminHeader()).want(t, http.StatusCreated)
	}
	if got := len(env.s.Keys(fjellsport)); got != 3 {
		t.Errorf("the store has %d keys, want 3", got)
	}
	env.portal(http.MethodPost, "/stores/"+fjellsport+"/credentials", `{}`, portalHeader("wrong")).want(t, http.StatusUnauthorized)
	env.portal(http.MethodGet, "/nowhere", "", adminHeader()).want(t, http.StatusNotFound)
	env.wantViolations(ViolationContract)
}

func TestMatchTemplate_UnescapesValues(t *testing.T) {
	tests := []struct {
		template, path string
		want           map[string]string
	}{
		{"/stores", "/stores", map[string]string{}},
		{"/stores", "/stores/", nil},
		{"/stores/{a}/b", "/stores/x/b", map[string]string{"a": "x"}},
		{"/stores/{a}/b", "/stores//b", nil},
		{"/stores/{a}/b", "/stores/x%2Fy/b", map[string]string{"a": "x/y"}},
		{"/stores/{a}/b", "/stores/x/y/b", nil},
		{"/stores/{a}/b", "/stores/%zz/b", nil},
	}
	for _, test := range tests {
		got, ok := matchTemplate(test.template, test.path)
		if ok != (test.want != nil) || got["a"] != test.want["a"] {
			t.Errorf("%s against %s is %v, %t", test.path, test.template, got, ok)
		}
	}
}

func TestContract_RefusesLargeRequest(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	env.portal(http.MethodPost, "/stores/"+fjellsport+"/credentials", strings.Repeat(" ", maxRequestBody+1), postHeader()).
		want(t, http.StatusBadRequest)
}

func TestLoadDocument_RefusesInvalid(t *testing.T) {
	for _, text := range []string{"openapi: [", "openapi: 3.0.3", "openapi: 3.0.3\ninfo: {title: a, version: b}\npaths: {x: {}}"} {
		if _, err := loadDocument([]byte(text)); err == nil {
			t.Errorf("%q is accepted as a document", text)
		}
	}
}

func TestWait_EndsWithClient(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("gone"))
	if wait(ctx, 1<<40) {
		t.Error("wait continues after the client has left")
	}
}
