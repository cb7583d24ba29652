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

// testEnv is a sandbox with a server and a fake clock, and a plain client of it.
type testEnv struct {
	t     *testing.T
	s     *Sandbox
	srv   *Server
	clock *clocktest.Fake
}

func newTestEnv(t *testing.T, seed Seed, o Options) *testEnv {
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
	return &testEnv{t: t, s: s, srv: srv, clock: clock}
}

// result is an answer that was read to its end.
type result struct {
	status int
	header http.Header
	body   string
	json   map[string]any
}

// send returns an error if there is no answer, or not all of it.
func (env *testEnv) send(ctx context.Context, method, url, body string, header http.Header) (result, error) {
	env.t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		env.t.Fatal(err)
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
	_ = json.Unmarshal(data, &res.json) // Not every answer is an object.
	return res, nil
}

func (env *testEnv) must(method, url, body string, header http.Header) result {
	env.t.Helper()
	res, err := env.send(env.t.Context(), method, url, body, header)
	if err != nil {
		env.t.Fatalf("%s %s: %v", method, url, err)
	}
	return res
}

// headers returns a copy of a header with more names and values. An empty value removes the name.
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

func (env *testEnv) portal(method, path, body string, header http.Header) result {
	env.t.Helper()
	return env.must(method, env.srv.PortalURL()+path, body, header)
}

func (env *testEnv) mystore(method, path, body string, header http.Header) result {
	env.t.Helper()
	return env.must(method, env.srv.MystoreURL()+path, body, header)
}

func (env *testEnv) generate() result {
	env.t.Helper()
	return env.portal(http.MethodPost, "/stores/"+fjellsport+"/credentials", `{"description":"terraform"}`, postHeader())
}

func (env *testEnv) newKey(merchantID string) Key {
	env.t.Helper()
	key, err := env.s.GenerateKey(merchantID, "")
	if err != nil {
		env.t.Fatal(err)
	}
	return key
}

func (env *testEnv) install(shop, body string) result {
	env.t.Helper()
	return env.mystore(http.MethodPatch, "/shops/"+shop+"/extensions/klarna-checkout-v3/credentials", body, patchHeader(shop))
}

// try sends a request of a merchant with a key, and returns the status of the answer.
func (env *testEnv) try(username, secret string) int {
	env.t.Helper()
	return env.must(http.MethodGet, env.srv.APIURL()+"/checkout/v3/orders/"+uuid.NewString(), "", basicHeader(username, secret)).status
}

// wantTry fails the test unless the merchant API answers a request with a key with a status.
func (env *testEnv) wantTry(when, username, secret string, status int) {
	env.t.Helper()
	if got := env.try(username, secret); got != status {
		env.t.Errorf("a key %s is answered with %d, want %d", when, got, status)
	}
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

// readJSON decodes JSON, and fails the test if it can't.
func readJSON[T any](t *testing.T, text string) T {
	t.Helper()
	var value T
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return value
}

func (env *testEnv) kinds() []ViolationKind {
	var kinds []ViolationKind
	for _, v := range env.s.Violations() {
		kinds = append(kinds, v.Kind)
	}
	return kinds
}

func (env *testEnv) wantViolations(want ...ViolationKind) {
	env.t.Helper()
	if got := env.kinds(); !slices.Equal(got, want) {
		env.t.Errorf("violations are %v, want %v", env.s.Violations(), want)
	}
}

// wantNoSecrets fails the test if the sandbox's report, log or violations have a secret.
func (env *testEnv) wantNoSecrets() {
	env.t.Helper()
	report := env.must(http.MethodGet, env.srv.URL()+"/sandbox/report", "", http.Header{})
	shown := report.body + fmt.Sprintf("%+v %+v", env.s.Requests(), env.s.Violations())
	for _, secret := range env.s.Secrets() {
		if strings.Contains(shown, secret) {
			env.t.Errorf("the sandbox shows the secret %s", secret)
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
