package sandbox

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
)

const (
	fjellsport  = "M00412871"
	kaffebonna  = "M00537204"
	credentials = "/shops/fjellsport/extensions/klarna-checkout-v3/credentials"
)

// bench is a sandbox that listens, with a clock that stands still, and a plain client.
type bench struct {
	t     *testing.T
	s     *Sandbox
	srv   *Server
	clock *clocktest.Fake
}

func newBench(t *testing.T, seed Seed, o Options) *bench {
	t.Helper()
	clock := clocktest.New(time.Date(2026, time.March, 10, 9, 0, 0, 500, time.UTC))
	o.Clock = clock
	s, err := New(seed, o)
	if err != nil {
		t.Fatal(err)
	}
	srv, err := Start(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	return &bench{t: t, s: s, srv: srv, clock: clock}
}

// result is an answer, read.
type result struct {
	status int
	header http.Header
	body   string
	json   map[string]any
}

func (b *bench) send(method, url, body string, header http.Header) (result, error) {
	b.t.Helper()
	return b.sendContext(b.t.Context(), method, url, body, header)
}

// sendContext returns an error when there was no answer, or not all of it.
func (b *bench) sendContext(ctx context.Context, method, url, body string, header http.Header) (result, error) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header = header
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		return result{}, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return result{}, err
	}
	res := result{status: resp.StatusCode, header: resp.Header, body: string(data)}
	_ = json.Unmarshal(data, &res.json) // not every answer is an object
	return res, nil
}

func (b *bench) must(method, url, body string, header http.Header) result {
	b.t.Helper()
	res, err := b.send(method, url, body, header)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, url, err)
	}
	return res
}

// headers makes a header from names and values; an empty value takes the name out again.
func headers(base http.Header, pairs ...string) http.Header {
	h := base.Clone()
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
		if pairs[i+1] == "" {
			h.Del(pairs[i])
		}
	}
	return h
}

func portalHeader(token string) http.Header {
	return headers(http.Header{}, "User-Agent", "terraform-provider-kustom/test", "Authorization", "Bearer "+token)
}

func adminHeader() http.Header { return portalHeader("fake-portal-token-admin") }

func postHeader() http.Header {
	return headers(adminHeader(), "Content-Type", "application/json", "Idempotency-Key", uuid.NewString())
}

func shopHeader(shop string) http.Header {
	return headers(http.Header{},
		"User-Agent", "terraform-provider-kustom/test",
		"Authorization", "Bearer fake-mystore-token-"+shop,
		"Accept", jsonAPI)
}

func patchHeader(shop string) http.Header { return headers(shopHeader(shop), "Content-Type", jsonAPI) }

func basicHeader(username, secret string) http.Header {
	pair := base64.StdEncoding.EncodeToString([]byte(username + ":" + secret))
	return headers(http.Header{}, "Authorization", "Basic "+pair)
}

func (b *bench) portal(method, path, body string, header http.Header) result {
	b.t.Helper()
	return b.must(method, b.srv.PortalURL()+path, body, header)
}

func (b *bench) mystore(method, path, body string, header http.Header) result {
	b.t.Helper()
	return b.must(method, b.srv.MystoreURL()+path, body, header)
}

func (b *bench) generate() result {
	b.t.Helper()
	return b.portal(http.MethodPost, "/stores/"+fjellsport+"/credentials", `{"description":"terraform"}`, postHeader())
}

func (b *bench) newKey(merchantID string) Key {
	b.t.Helper()
	key, err := b.s.GenerateKey(merchantID, "")
	if err != nil {
		b.t.Fatal(err)
	}
	return key
}

func (b *bench) install(shop, body string) result {
	b.t.Helper()
	return b.mystore(http.MethodPatch, "/shops/"+shop+"/extensions/klarna-checkout-v3/credentials", body, patchHeader(shop))
}

func (b *bench) try(username, secret string) int {
	b.t.Helper()
	return b.must(http.MethodGet, b.srv.APIURL()+"/checkout/v3/orders/"+uuid.NewString(), "", basicHeader(username, secret)).status
}

func pairBody(id, secret any) string {
	data, err := json.Marshal(document[resource[map[string]any]]{
		Data: resource[map[string]any]{
			"extension-credentials", KlarnaCheckoutV3, map[string]any{"kustom_id": id, "kustom_secret": secret},
		},
	})
	if err != nil {
		panic(err)
	}
	return string(data)
}

// readJSON reads JSON, and fails the test if the text is something else.
func readJSON[T any](t *testing.T, text string) T {
	t.Helper()
	var value T
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return value
}

func (b *bench) kinds() []ViolationKind {
	var kinds []ViolationKind
	for _, v := range b.s.Violations() {
		kinds = append(kinds, v.Kind)
	}
	return kinds
}

func (b *bench) wantViolations(want ...ViolationKind) {
	b.t.Helper()
	if got := b.kinds(); !slices.Equal(got, want) {
		b.t.Errorf("violations are %v, want %v", b.s.Violations(), want)
	}
}

// wantNoSecrets looks through everything that the sandbox tells about itself.
func (b *bench) wantNoSecrets() {
	b.t.Helper()
	report := b.must(http.MethodGet, b.srv.URL()+"/sandbox/report", "", http.Header{})
	told := report.body + fmt.Sprintf("%+v %+v", b.s.Requests(), b.s.Violations())
	for _, secret := range b.s.Secrets() {
		if strings.Contains(told, secret) {
			b.t.Errorf("the sandbox tells the secret %s", secret)
		}
	}
}

func (r result) text(name string) string {
	s, _ := r.json[name].(string)
	return s
}

func (r result) want(t *testing.T, status int) {
	t.Helper()
	if r.status != status {
		t.Errorf("status is %d, want %d; body: %s", r.status, status, r.body)
	}
}
