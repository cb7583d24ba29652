package kustom_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport/transporttest"
)

// fuzzSecret is the token of the requests. It replaces fuzzMark in the answers.
const (
	fuzzSecret = "kco_live_api_FAKEfuzzQ7w2ZrT9xLmB4nVcKd8sHyP3uE6t"
	fuzzMark   = "SECRET"
)

func fuzzClient(clk clock.Clock, a transporttest.Answer) *transport.Client {
	a.Body = strings.ReplaceAll(a.Body, fuzzMark, fuzzSecret)
	return transport.New(transport.Options{
		API: "portal", BaseURL: &url.URL{Scheme: "https", Host: "portal.example"}, UserAgent: "test",
		MaxRetries: 1, Timeout: time.Minute, Clock: clk, RoundTripper: a, Problem: kustom.Problem,
	})
}

// FuzzPortalAnswer reads arbitrary successful answers of a portal.
func FuzzPortalAnswer(f *testing.F) {
	for _, body := range []string{
		``, `null`, `{}`, `[]`, `"SECRET"`, `{"secret":"SECRET"`, `{"secret":"SECRET"}}`, `{"secret":{"SECRET":1}}`,
		`{"credential_id":"c","merchant_id":"M1","username":"M1-SECRET","status":"ACTIVE","created_at":"2026-01-02T03:04:05Z","secret":"SECRET"}`,
		`{"credential_id":"c","merchant_id":"M1","created_at":"SECRET"}`, `{"credential_id":"c","merchant_id":"M1","last_used_at":"SECRET"}`,
		`{"credential_id":"SECRET","merchant_id":"M1"}`, `{"credential_id":1,"merchant_id":"SECRET"}`,
		`{"credentials":[],"next_cursor":""}`, `{"credentials":null}`, `{"credentials":[{"credential_id":"c"}],"next_cursor":"SECRET"}`,
		`{"stores":[{"merchant_id":"M1","name":"SECRET"}],"next_cursor":null}`, `{"stores":"SECRET"}`,
		`{"merchant_id":"M1","services":[{"service":"checkout","host":"api.klarna.com","action_required":"SECRET"}]}`,
		`{"merchant_id":"M1","services":[{"service":["SECRET"]}]}`, `{"merchant_id":"M2","services":[]}`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		p := kustom.NewPortal(fuzzClient(clocktest.New(noon), transporttest.Answer{
			Status: http.StatusOK, ContentType: transport.JSON, Body: body,
		}), token(fuzzSecret))
		ctx := t.Context()
		key, err := p.Key(ctx, "M1", "c")
		transporttest.FitToShow(t, err, fuzzSecret)
		if err == nil && (key.MerchantID != "M1" || key.CredentialID != "c") {
			t.Errorf("it is taken for key c of store M1: %q", body)
		}
		if err == nil {
			wantRoundTrip(t, key)
		}
		status, err := p.EndpointStatus(ctx, "M1")
		transporttest.FitToShow(t, err, fuzzSecret)
		if err == nil {
			wantRoundTrip(t, status)
		}
		const pages = 2 // All pages are equal. The client stops at the second one.
		for _, err := range p.Keys(ctx, "") {
			transporttest.FitToShow(t, err, fuzzSecret)
		}
		stores, most := 0, pages*strings.Count(body, "{")
		for _, err := range p.Stores(ctx) {
			transporttest.FitToShow(t, err, fuzzSecret)
			if stores++; stores > most+1 {
				t.Fatalf("the list does not end: %q", body)
			}
		}
	})
}

// wantRoundTrip fails the test if encoding and decoding changes the value.
func wantRoundTrip[T any](t *testing.T, value T) {
	t.Helper()
	written, err := json.Marshal(value)
	if err != nil {
		t.Fatalf("the value can't be encoded: %v", err)
	}
	var again T
	if err := json.Unmarshal(written, &again); err != nil {
		t.Fatalf("the value can't be decoded: %v", err)
	}
	if rewritten, err := json.Marshal(again); err != nil || string(rewritten) != string(written) {
		t.Errorf("%s becomes %s (%v)", written, rewritten, err)
	}
}

// FuzzRefusal reads arbitrary refusals of Kustom, or of a gateway in front of it.
func FuzzRefusal(f *testing.F) {
	for _, body := range []string{
		``, `{}`, `null`, `<html>SECRET</html>`, `{"error_code":"SECRET","error_messages":["SECRET"],"correlation_id":"SECRET"}`,
		`{"error_code":"IDEMPOTENCY_REPLAY","error_messages":["made already"],"correlation_id":"c-1","credential_id":"SECRET"}`,
		`{"error_messages":["\u006bco_live_api_FAKEfuzzQ7w2ZrT9xLmB4nVcKd8sHyP3uE6t"]}`, `{"error_messages":"SECRET"}`,
		`{"error_messages":["the token\u0000 SECRET\u001b[2J is wrong\n"]}`, `{"error_messages":[null]}`,
		`{"error_messages":["` + strings.Repeat("long ", 100) + `"]}`,
		`{"error_messages":[` + strings.Repeat(`"many",`, 800) + `"more"]}`,
	} {
		f.Add(uint16(http.StatusBadRequest), transport.JSON, body)
		f.Add(uint16(http.StatusForbidden), "text/html", body)
	}
	f.Add(uint16(http.StatusConflict), "application/problem+json; charset=utf-8", `{"error_code":"CREDENTIAL_LIMIT_REACHED"}`)
	f.Add(uint16(http.StatusAccepted), transport.JSON, `{"credential_id":"c","merchant_id":"M1","status":"PENDING"}`)
	f.Add(uint16(http.StatusCreated), transport.JSON, `{"credential_id":"c","merchant_id":"M1","username":"M1-a","status":"ACTIVE","secret":"SECRET"}`)
	f.Add(uint16(http.StatusCreated), transport.JSON, `{"status":"ACTIVE","secret":"SECRET"}`)
	f.Add(uint16(http.StatusCreated), transport.JSON, `{"order_id":"SECRET","status":"checkout_incomplete"}`)
	f.Add(uint16(http.StatusCreated), transport.JSON, `{"credential_id":"c","merchant_id":"M2","username":"M2-a","status":"ACTIVE","secret":"SECRET"}`)
	f.Fuzz(func(t *testing.T, status uint16, contentType, body string) {
		clk := clocktest.New(noon)
		client := fuzzClient(clk, transporttest.Answer{Status: int(status), ContentType: contentType, Body: body})
		p := kustom.NewPortal(client, token(fuzzSecret))
		_, err := p.Key(t.Context(), "M1", "c")
		transporttest.FitToShow(t, err, fuzzSecret)
		transporttest.FitToShow(t, p.Delete(t.Context(), "M1", "c"), fuzzSecret)
		for _, err := range p.Stores(t.Context()) {
			transporttest.FitToShow(t, err, fuzzSecret)
		}
		_, err = p.EndpointStatus(t.Context(), "M1")
		transporttest.FitToShow(t, err, fuzzSecret)
		transporttest.FitToShow(t, kustom.NewMerchant(client).Prove(t.Context(), "M1-a", fuzzSecret), fuzzSecret)
		order, err := kustom.NewMerchant(client).CreateOrder(t.Context(), "M1-a", fuzzSecret, kustom.Order{})
		transporttest.FitToShow(t, err, fuzzSecret)
		if err == nil && (status >= 300 || order.ID == "") {
			t.Errorf("the answer %d, %q, is taken for an order", status, body)
		}
		ctx, cancel := clock.WithTimeout(t.Context(), clk, time.Minute)
		defer cancel()
		key, err := p.Generate(ctx, kustom.Request{MerchantID: "M1", Description: "fuzz"})
		if err == nil && (status >= 300 || key.MerchantID != "M1" || key.CredentialID == "" || key.Username == "" || key.Secret.IsZero()) {
			t.Errorf("the answer %d, %q, is taken for a new key", status, body)
		}
		transporttest.FitToShow(t, err, fuzzSecret)
	})
}
