package mystore_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport/transporttest"
)

// fuzzSecret is the token and the Kustom Secret of the requests. It replaces fuzzMark in the answers.
const (
	fuzzSecret = "kco_live_api_FAKEfuzzQ7w2ZrT9xLmB4nVcKd8sHyP3uE6t"
	fuzzMark   = "SECRET"
)

func fuzzClient(a transporttest.Answer) *mystore.Client {
	a.Body = strings.ReplaceAll(a.Body, fuzzMark, fuzzSecret)
	clk := clocktest.New(noon)
	client := transport.New(transport.Options{
		API: "mystore", BaseURL: &url.URL{Scheme: "https", Host: "mystore.example"}, UserAgent: "test",
		MaxRetries: 1, Timeout: time.Minute, Clock: clk, RoundTripper: a, Problem: mystore.Problem,
	})
	return mystore.New(client, clk, func(string) (string, error) { return fuzzSecret, nil })
}

// FuzzAnswer reads arbitrary successful answers of Mystore.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{
		``, `null`, `{}`, `[]`, `{"data":null}`, `{"data":{}}`, `{"data":[]}`, `{"data":"SECRET"}`, `{"data":{"attributes":"SECRET"}}`,
		`{"data":{"type":"extension-credentials","id":"klarna-checkout-v3","attributes":{"kustom_id":"M1-a","secret_set":true,"updated_at":"2026-01-02T03:04:05Z"}}}`,
		`{"data":{"type":"extension-credentials","id":"klarna-checkout-v3","attributes":{"kustom_id":null,"secret_set":false,"updated_at":null}}}`,
		`{"data":{"type":"extension-credentials","id":"klarna-checkout-v3","attributes":null}}`,
		`{"data":{"type":"extension-credentials","id":"klarna-checkout-v3","attributes":{"kustom_id":{"SECRET":1}}}}`,
		`{"data":{"type":"shops","id":"klarna-checkout-v3","attributes":{"kustom_id":"SECRET"}}}`,
		`{"data":[{"type":"extensions","id":"klarna-checkout-v3","attributes":{"name":"Klarna Checkout V3","version":"3.4.1","active":true}}]}`,
		`{"data":[{"id":"x","attributes":{"name":"Klarna Checkout V2"}}],"links":{"next":""}}`,
		`{"data":[{"id":"x","attributes":{"name":"Klarna Checkout \u001b[2J\u0000` + strings.Repeat("V2 ", 1500) + `"}}]}`,
		`{"data":[],"links":{"next":"https://elsewhere.example/?page[after]=SECRET"}}`, `{"data":[],"links":{"next":"://SECRET"}}`,
		`{"data":[],"links":"SECRET"}`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		c := fuzzClient(transporttest.Answer{Status: http.StatusOK, ContentType: "application/vnd.api+json", Body: body})
		got, err := c.Credentials(t.Context(), "butikk")
		transporttest.FitToShow(t, err, fuzzSecret)
		// Reading another answer as "holds no key" would let the provider delete a key that is in use.
		if err == nil && !strings.Contains(body, `"`) {
			t.Errorf("it is taken for credentials, %+v: %q", got, body)
		}
		again, err := c.Install(t.Context(), "butikk", "M1-a", fuzzSecret)
		transporttest.FitToShow(t, err, fuzzSecret)
		if err == nil && got != again {
			t.Errorf("one answer is read as %+v and as %+v", got, again)
		}
		_, err = c.Extension(t.Context(), "butikk")
		transporttest.FitToShow(t, err, fuzzSecret)
	})
}

// FuzzRefusal reads arbitrary refusals of Mystore, or of a gateway in front of it.
func FuzzRefusal(f *testing.F) {
	for _, body := range []string{
		``, `{}`, `null`, `<html>SECRET</html>`, `{"errors":null}`, `{"errors":[null]}`, `{"errors":"SECRET"}`,
		`{"errors":[{"id":"SECRET","code":"SECRET","title":"SECRET","detail":"SECRET"}]}`,
		`{"errors":[{"detail":"\u006bco_live_api_FAKEfuzzQ7w2ZrT9xLmB4nVcKd8sHyP3uE6t"}]}`,
		`{"errors":[{"detail":"the token\u0000 SECRET\u001b[2J is wrong\n"}]}`,
		`{"errors":[{"title":"` + strings.Repeat("long ", 100) + `"}]}`,
		`{"errors":[` + strings.Repeat(`{"title":"many"},`, 800) + `{"title":"more"}]}`,
	} {
		f.Add(uint16(http.StatusUnprocessableEntity), "application/vnd.api+json", body)
		f.Add(uint16(http.StatusForbidden), "text/html", body)
	}
	f.Add(uint16(http.StatusNotFound), "application/vnd.api+json", `{"errors":[{"code":"not_found"}]}`)
	f.Fuzz(func(t *testing.T, status uint16, contentType, body string) {
		c := fuzzClient(transporttest.Answer{Status: int(status), ContentType: contentType, Body: body})
		_, err := c.Credentials(t.Context(), "butikk")
		if status >= 300 && err == nil {
			t.Errorf("credentials are read from an answer of %d", status)
		}
		transporttest.FitToShow(t, err, fuzzSecret)
		_, err = c.Install(t.Context(), "butikk", "M1-a", fuzzSecret)
		transporttest.FitToShow(t, err, fuzzSecret)
	})
}
