package transport_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport/transporttest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/vendortext"
)

var noon = time.Date(2026, time.March, 10, 12, 0, 0, 0, time.UTC)

// testEnv has a server with scripted answers, and a client of it with a fake clock.
type testEnv struct {
	t      *testing.T
	clock  *clocktest.Fake
	srv    *httptest.Server
	client *transport.Client

	mu       sync.Mutex
	requests []*http.Request
	records  []transport.RequestRecord
}

// newTestEnv answers request n with script[n], and all later requests with the last entry.
func newTestEnv(t *testing.T, maxRetries int, script ...http.HandlerFunc) *testEnv {
	t.Helper()
	env := &testEnv{t: t, clock: clocktest.New(noon)}
	env.srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		script[min(env.log(r), len(script)-1)](w, r)
	}))
	t.Cleanup(env.srv.Close)
	env.client = env.newClient(env.srv.URL, maxRetries, time.Minute)
	return env
}

func (env *testEnv) log(r *http.Request) int {
	env.mu.Lock()
	defer env.mu.Unlock()
	env.requests = append(env.requests, r)
	return len(env.requests) - 1
}

func (env *testEnv) received() []*http.Request {
	env.mu.Lock()
	defer env.mu.Unlock()
	return append([]*http.Request(nil), env.requests...)
}

// wantRequests fails the test unless n requests arrived.
func (env *testEnv) wantRequests(n int) {
	env.t.Helper()
	if got := len(env.received()); got != n {
		env.t.Errorf("%d requests arrived, want %d", got, n)
	}
}

func (env *testEnv) recorded() []transport.RequestRecord {
	env.mu.Lock()
	defer env.mu.Unlock()
	return append([]transport.RequestRecord(nil), env.records...)
}

// newClient returns a client of a server, whose attempts are recorded.
func (env *testEnv) newClient(base string, maxRetries int, timeout time.Duration) *transport.Client {
	env.t.Helper()
	return transporttest.NewClient(env.t, base, transport.Options{
		API: "portal", MaxRetries: maxRetries, Timeout: timeout, Clock: env.clock, Problem: problem,
		Observe: func(_ context.Context, e transport.RequestRecord) {
			env.mu.Lock()
			defer env.mu.Unlock()
			env.records = append(env.records, e)
		},
	})
}

func problem(body []byte) transport.Problem {
	var wire struct {
		Code, Correlation, Subject vendortext.Text
		Messages                   []vendortext.Text
	}
	if json.Unmarshal(body, &wire) != nil {
		return transport.Problem{}
	}
	return transport.Problem{
		Code: wire.Code, Messages: wire.Messages, CorrelationID: wire.Correlation, Subject: wire.Subject,
	}
}

// answer is the type of the answers in these tests.
type answer struct {
	Text string    `json:"text"`
	At   time.Time `json:"at"`
	N    int       `json:"n"`
}

func (env *testEnv) do(ctx context.Context, r transport.Request) (answer, error) {
	return transport.Do[answer](ctx, env.client, r)
}

// request returns a plain request with that method.
func request(method string) transport.Request {
	r := transport.Request{Method: method, Template: "/things", MediaType: transport.JSON}
	if method == http.MethodPost || method == http.MethodPatch {
		r.Body = map[string]string{"name": "thing"}
	}
	return r
}

// respond answers with a status, a content type, a body, and further headers as names and values.
func respond(status int, contentType, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func ok() http.HandlerFunc {
	return respond(http.StatusOK, "application/json; charset=utf-8", `{"text":"done"}`)
}

func refuse(status int, headers ...string) http.HandlerFunc {
	return respond(status, transport.JSON, `{"code":"REFUSED","correlation":"c-1"}`, headers...)
}

// reset drops the connection with a RST.
func reset(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	if tcp, isTCP := conn.(*net.TCPConn); isTCP {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// failure returns err as an [*Error], the type of every error of this package.
func failure(t *testing.T, err error) *transport.Error {
	t.Helper()
	var failed *transport.Error
	if !errors.As(err, &failed) {
		t.Fatalf("the error is %v, a %T", err, err)
	}
	return failed
}

// roundTripper is a function that implements http.RoundTripper.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
