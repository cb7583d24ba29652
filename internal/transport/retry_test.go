package transport_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport/transporttest"
)

// calls are the kinds of request that are retried by different rules.
var calls = map[string]struct {
	request transport.Request
	// repeatable requests may be retried even if the first may have been processed.
	repeatable bool
}{
	"GET":             {request(http.MethodGet), true},
	"DELETE":          {request(http.MethodDelete), true},
	"POST with a key": {keyed(request(http.MethodPost)), true},
	"POST":            {request(http.MethodPost), false},
	"PATCH":           {request(http.MethodPatch), false},
	"PUT":             {request(http.MethodPut), false},
}

func keyed(r transport.Request) transport.Request {
	r.IdempotencyKey = "5f0c7f0a-4f0e-4a38-9d5e-2a3f6c1b7e01"
	return r
}

// A request that may have been processed is retried only if that is safe.
func TestDo_RetriesOnlySafely_I6(t *testing.T) {
	t.Parallel()
	const (
		never = iota
		ifSafe
		always
	)
	tests := map[string]struct {
		handler   http.HandlerFunc
		repeated  int
		kind      transport.Kind
		status    int
		uncertain bool
		// wait is the Retry-After.
		wait time.Duration
	}{
		"reset after the work":            {handler: reset, repeated: ifSafe, kind: transport.NoAnswer, uncertain: true},
		"truncated JSON":                  {handler: respond(200, transport.JSON, `{"text":"do`), repeated: ifSafe, kind: transport.Unreadable, status: 200, uncertain: true},
		"empty":                           {handler: respond(201, transport.JSON, ""), repeated: ifSafe, kind: transport.Unreadable, status: 201, uncertain: true},
		"connection lost within the body": {handler: cut, repeated: ifSafe, kind: transport.Unreadable, status: 200, uncertain: true},
		"wrong content type":              {handler: respond(200, "text/html", `{"text":"done"}`), repeated: ifSafe, kind: transport.Unreadable, status: 200, uncertain: true},
		"text after the JSON":             {handler: respond(200, transport.JSON, `{"text":"done"}}`), repeated: ifSafe, kind: transport.Unreadable, status: 200, uncertain: true},
		"500":                             {handler: refuse(500), repeated: ifSafe, kind: transport.Refused, status: 500, uncertain: true},
		"502 in HTML":                     {handler: respond(502, "text/html", "<h1>Bad gateway</h1>"), repeated: ifSafe, kind: transport.Refused, status: 502, uncertain: true},
		"503":                             {handler: refuse(503), repeated: ifSafe, kind: transport.Refused, status: 503, uncertain: true},
		"504":                             {handler: refuse(504), repeated: ifSafe, kind: transport.Refused, status: 504, uncertain: true},
		"503 with Retry-After":            {handler: refuse(503, "Retry-After", "7"), repeated: ifSafe, kind: transport.Refused, status: 503, uncertain: true, wait: 7 * time.Second},
		"501":                             {handler: refuse(501), repeated: never, kind: transport.Refused, status: 501, uncertain: true},
		"429":                             {handler: refuse(429), repeated: always, kind: transport.Refused, status: 429},
		"429 in HTML":                     {handler: respond(429, "text/html", ""), repeated: always, kind: transport.Refused, status: 429},
		"429, seconds":                    {handler: refuse(429, "Retry-After", "30"), repeated: always, kind: transport.Refused, status: 429, wait: 30 * time.Second},
		"429, longest":                    {handler: refuse(429, "Retry-After", "300"), repeated: always, kind: transport.Refused, status: 429, wait: 5 * time.Minute},
		"429, too long":                   {handler: refuse(429, "Retry-After", "301"), repeated: never, kind: transport.Refused, status: 429},
		"429, far too long":               {handler: refuse(429, "Retry-After", "99999999999"), repeated: never, kind: transport.Refused, status: 429},
		"429, a date far ahead":           {handler: refuse(429, "Retry-After", noon.Add(24*time.Hour).Format(http.TimeFormat)), repeated: never, kind: transport.Refused, status: 429},
		"429, a date in the past":         {handler: refuse(429, "Retry-After", noon.Add(-time.Hour).Format(http.TimeFormat)), repeated: always, kind: transport.Refused, status: 429},
		"429, negative":                   {handler: refuse(429, "Retry-After", "-5"), repeated: always, kind: transport.Refused, status: 429},
		"429, nonsense":                   {handler: refuse(429, "Retry-After", "soon"), repeated: always, kind: transport.Refused, status: 429},
		"400":                             {handler: refuse(400), repeated: never, kind: transport.Refused, status: 400},
		"401":                             {handler: refuse(401), repeated: never, kind: transport.Refused, status: 401},
		"401 with Retry-After":            {handler: refuse(401, "Retry-After", "1"), repeated: never, kind: transport.Refused, status: 401},
		"403 in HTML":                     {handler: respond(403, "text/html", "<h1>Forbidden</h1>"), repeated: never, kind: transport.Refused, status: 403},
		"404":                             {handler: refuse(404), repeated: never, kind: transport.Refused, status: 404},
		"409":                             {handler: refuse(409), repeated: never, kind: transport.Refused, status: 409},
	}
	const maxRetries = 2
	for name, test := range tests {
		for call, c := range calls {
			t.Run(name+"/"+call, func(t *testing.T) {
				t.Parallel()
				env := newTestEnv(t, maxRetries, test.handler)
				_, err := env.do(t.Context(), c.request)
				failed := failure(t, err)
				attempts := 1
				if test.repeated == always || (test.repeated == ifSafe && c.repeatable) {
					attempts = maxRetries + 1
				}
				if failed.Attempts != attempts || len(env.recorded()) != attempts {
					t.Errorf("%d attempts were counted, want %d", failed.Attempts, attempts)
				}
				env.wantRequests(attempts)
				if failed.Kind != test.kind || failed.Status != test.status || transport.IsUncertain(err) != test.uncertain {
					t.Errorf("the error is %+v", failed)
				}
				wantWaits(t, env.clock.Slept(), attempts-1, test.wait)
			})
		}
	}
}

// wantWaits fails the test unless there were n waits, each between the server's Retry-After and that plus the
// backoff's bound.
func wantWaits(t *testing.T, slept []time.Duration, n int, asked time.Duration) {
	t.Helper()
	if len(slept) != n {
		t.Fatalf("it waited %v, want %d waits", slept, n)
	}
	for i, d := range slept {
		if bound := min(500*time.Millisecond<<i, 20*time.Second); d < asked || d > asked+bound {
			t.Errorf("wait %d is %v, want %v to %v", i+1, d, asked, asked+bound)
		}
	}
}

// An attempt that times out is retried only if that is safe, whether the answer has begun or not.
func TestDo_RetriesTimeoutOnlySafely_I6(t *testing.T) {
	t.Parallel()
	const maxRetries = 2
	answers := map[transport.Kind]roundTripper{
		transport.NoAnswer: func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		},
		transport.Unreadable: func(r *http.Request) (*http.Response, error) {
			begun := reply(http.StatusOK, "")
			begun.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"text":`), stalled{r.Context()}))
			return begun, nil
		},
	}
	for kind, answers := range answers {
		for call, c := range calls {
			t.Run(string(kind)+"/"+call, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					_, err := transport.Do[answer](t.Context(), scripted(maxRetries, answers), c.request)
					attempts := map[bool]int{true: maxRetries + 1, false: 1}[c.repeatable]
					if failed := failure(t, err); failed.Kind != kind || failed.Attempts != attempts || !transport.IsUncertain(err) {
						t.Errorf("the error is %+v", failed)
					}
				})
			})
		}
	}
}

// stalled is a body that does not arrive before its request ends.
type stalled struct{ request context.Context }

func (s stalled) Read([]byte) (int, error) {
	<-s.request.Done()
	return 0, s.request.Err()
}

// cut drops the connection in the middle of a body.
func cut(w http.ResponseWriter, r *http.Request) {
	respond(http.StatusOK, transport.JSON, `{"text":"do`, "Content-Length", "100")(w, r)
	_ = http.NewResponseController(w).Flush()
	reset(w, r)
}

// A request that certainly did not arrive is retried, whatever its method.
func TestDo_RetriesRefusedConnection_I6(t *testing.T) {
	t.Parallel()
	for call, c := range calls {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t, 0, ok())
			env.client = env.newClient("http://127.0.0.1:1", 3, time.Minute)
			_, err := env.do(t.Context(), c.request)
			if failed := failure(t, err); failed.Kind != transport.NotSent || failed.Attempts != 4 || transport.IsUncertain(err) {
				t.Errorf("the error is %+v", failed)
			}
			wantWaits(t, env.clock.Slept(), 3, 0)
		})
	}
}

// The client's clock measures the wait for a date.
func TestDo_WaitsUntilRetryAfterDate_I6(t *testing.T) {
	t.Parallel()
	at := noon.Add(90 * time.Second)
	env := newTestEnv(t, 1, refuse(http.StatusTooManyRequests, "Retry-After", at.Format(http.TimeFormat)), ok())
	if _, err := env.do(t.Context(), request(http.MethodPatch)); err != nil {
		t.Fatal(err)
	}
	wantWaits(t, env.clock.Slept(), 1, 90*time.Second)
	if env.clock.Now().Before(at) {
		t.Errorf("it retried at %v", env.clock.Now())
	}
}

func TestDo_LimitsSizeOfAnswer(t *testing.T) {
	t.Parallel()
	padded := func(size int) http.HandlerFunc {
		const rest = `{"text":"done"}`
		return respond(http.StatusOK, transport.JSON, strings.Repeat(" ", size-len(rest))+rest)
	}
	most := newTestEnv(t, 0, padded(10<<20))
	if got, err := most.do(t.Context(), request(http.MethodGet)); err != nil || got.Text != "done" {
		t.Errorf("10 MiB: %+v, error %v", got, err)
	}
	// The client must not wait for a body that is announced as too large.
	announced := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", transport.JSON)
		w.Header().Set("Content-Length", strconv.Itoa(10<<20+1))
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		<-r.Context().Done()
	}
	for name, over := range map[string]http.HandlerFunc{"sent": padded(10<<20 + 1), "announced": announced} {
		_, err := newTestEnv(t, 0, over).do(t.Context(), request(http.MethodGet))
		failed := failure(t, err)
		if failed.Kind != transport.Unreadable || !strings.Contains(err.Error(), "10 MiB") || !transport.IsUncertain(err) {
			t.Errorf("more than 10 MiB, %s: %v", name, err)
		}
	}
}

func TestDo_SucceedsAfterFailures(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, 4, refuse(503), respond(200, transport.JSON, `{"text":"half","n":7}}`), reset, refuse(429), ok())
	got, err := env.do(t.Context(), request(http.MethodGet))
	if err != nil || got != (answer{Text: "done"}) {
		t.Errorf("the answer is %+v, error %v; failed attempts must leave nothing in it", got, err)
	}
}

// Waits are random up to a bound, which doubles up to 20 s. All of 40 draws stay under half of a bound once in 10^12
// runs.
func TestBackoff_DoublesUpToBound_I6(t *testing.T) {
	t.Parallel()
	longest := make([]time.Duration, 12)
	for range 40 {
		clk := clocktest.New(noon)
		client := clientOver(transporttest.Answer{Status: http.StatusServiceUnavailable}, len(longest), clk)
		if _, err := transport.Do[answer](t.Context(), client, request(http.MethodGet)); !transport.IsStatus(err, http.StatusServiceUnavailable) {
			t.Fatalf("the error is %v", err)
		}
		for i, d := range clk.Slept() {
			longest[i] = max(longest[i], d)
		}
	}
	for i, d := range longest {
		if bound := min(500*time.Millisecond<<i, 20*time.Second); d < bound/2 || d > bound {
			t.Errorf("wait %d is up to %v, want up to %v", i+1, d, bound)
		}
	}
}

// A wait that would end after the deadline is not begun.
func TestDo_RetriesUntilDeadline_I6(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, 10, refuse(http.StatusServiceUnavailable, "Retry-After", "4"))
	ctx, cancel := clock.WithTimeout(t.Context(), env.clock, 10*time.Second)
	defer cancel()
	_, err := env.do(ctx, request(http.MethodGet))
	if !transport.IsStatus(err, http.StatusServiceUnavailable) {
		t.Errorf("the error is %v", err)
	}
	if n := len(env.received()); n != 2 && n != 3 {
		t.Errorf("%d attempts arrived", n)
	}
	if took := env.clock.Now().Sub(noon); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}

// The first attempt may have been processed, whatever the answer to the last one (I3).
func TestDo_RemembersUncertainAttempt(t *testing.T) {
	t.Parallel()
	post, patch := keyed(request(http.MethodPost)), request(http.MethodPatch)
	for name, test := range map[string]struct {
		request     transport.Request
		first, last http.HandlerFunc
		certain     bool
	}{
		"lost, then rate-limited":        {request: post, first: reset, last: refuse(429)},
		"lost, then token expired":       {request: post, first: reset, last: refuse(401)},
		"lost, then firewall":            {request: post, first: reset, last: respond(403, "text/html", "")},
		"lost, then unreadable conflict": {request: post, first: reset, last: respond(409, transport.JSON, `{"code":"IDEMP`)},
		"lost, then unreachable":         {request: post, first: resetAndStop},
		"rate-limited, then lost":        {request: patch, first: refuse(429), last: reset},
		"rate-limited, then refused":     {request: patch, first: refuse(429), last: refuse(401), certain: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t, 2, test.first, test.last)
			_, err := env.do(t.Context(), test.request)
			if err == nil || transport.IsUncertain(err) == test.certain || test.last != nil && len(env.received()) < 2 {
				t.Errorf("after %d requests: %v", len(env.received()), err)
			}
		})
	}
}

// resetAndStop resets the connection, and stops the server before the next one.
func resetAndStop(w http.ResponseWriter, r *http.Request) {
	if server, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok {
		go func() { _ = server.Close() }()
	}
	reset(w, r)
}

// clientOver returns a client without a network.
func clientOver(carry http.RoundTripper, maxRetries int, c clock.Clock) *transport.Client {
	return transport.New(transport.Options{
		API: "portal", BaseURL: &url.URL{Scheme: "https", Host: "portal.example"}, UserAgent: "test",
		MaxRetries: maxRetries, Timeout: 30 * time.Second, Clock: c, RoundTripper: carry, Problem: problem,
	})
}

// scripted returns a client on the clock of a bubble. The function handles its requests.
func scripted(maxRetries int, carry roundTripper) *transport.Client {
	return clientOver(carry, maxRetries, clock.System{})
}

func reply(status int, body string, headers ...string) *http.Response {
	h := http.Header{"Content-Type": {transport.JSON}}
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

// A cancellation ends any wait immediately.
func TestDo_CancellationEndsWait_I6(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := scripted(4, func(*http.Request) (*http.Response, error) {
			return reply(503, "{}", "Retry-After", "200"), nil
		})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		_, err := transport.Do[answer](ctx, c, request(http.MethodGet))
		if took := time.Since(start); took != time.Second {
			t.Errorf("it returned after %v", took)
		}
		if failed := failure(t, err); failed.Attempts != 1 {
			t.Errorf("the error is %+v", failed)
		}
	})
}

func TestDo_CancellationEndsRequest_I6(t *testing.T) {
	t.Parallel()
	started := make(chan struct{})
	env := newTestEnv(t, 4, func(_ http.ResponseWriter, r *http.Request) {
		close(started)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-started; cancel() }()
	start := time.Now()
	_, err := env.do(ctx, request(http.MethodGet))
	if took := time.Since(start); took > time.Second {
		t.Errorf("it returned after %v", took)
	}
	if failed := failure(t, err); failed.Attempts != 1 || !errors.Is(err, context.Canceled) || !transport.IsUncertain(err) {
		t.Errorf("the error is %+v", failed)
	}
}

func TestDo_SendsNothingWhenCancelledBefore_I6(t *testing.T) {
	t.Parallel()
	for _, finishes := range []bool{false, true} {
		env := newTestEnv(t, 4, ok())
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r := keyed(request(http.MethodPost))
		r.FinishOnCancel = finishes
		_, err := env.do(ctx, r)
		if failed := failure(t, err); failed.Kind != transport.NotSent || !errors.Is(err, context.Canceled) || transport.IsUncertain(err) {
			t.Errorf("the error is %+v", failed)
		}
		env.wantRequests(0)
	}
}

// An answer that is sent only once is waited for after a cancellation, for a while. No further attempt is made.
func TestDo_FinishesOnCancel_I3(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		after time.Duration // between the cancellation and the answer
		fail  bool
		took  time.Duration
		ok    bool
	}{
		"answered soon":     {after: 3 * time.Second, took: 4 * time.Second, ok: true},
		"answered late":     {after: 9 * time.Second, took: 10 * time.Second, ok: true},
		"answered too late": {after: 11 * time.Second, took: 11 * time.Second},
		"failed":            {after: 3 * time.Second, fail: true, took: 4 * time.Second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var attempts atomic.Int32
				c := scripted(4, func(r *http.Request) (*http.Response, error) {
					attempts.Add(1)
					if err := (clock.System{}).Sleep(r.Context(), time.Second+test.after); err != nil {
						return nil, err
					}
					if test.fail {
						return nil, errors.New("connection reset")
					}
					return reply(201, `{"text":"once"}`), nil
				})
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Second, cancel)
				r := keyed(request(http.MethodPost))
				r.FinishOnCancel = true
				start := time.Now()
				got, err := transport.Do[answer](ctx, c, r)
				if took := time.Since(start); took != test.took || attempts.Load() != 1 {
					t.Errorf("it took %v and %d attempts, want %v", took, attempts.Load(), test.took)
				}
				if test.ok && (err != nil || got.Text != "once") {
					t.Errorf("the answer is %+v, error %v", got, err)
				}
				if !test.ok && !transport.IsUncertain(err) {
					t.Errorf("the error is %v", err)
				}
			})
		})
	}
}

// The timeout of an attempt still applies.
func TestDo_FinishOnCancelKeepsTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := scripted(0, func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		r := request(http.MethodGet)
		r.FinishOnCancel = true
		start := time.Now()
		_, err := transport.Do[answer](t.Context(), c, r)
		if took := time.Since(start); took != 30*time.Second || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("it ended after %v: %v", took, err)
		}
	})
}

// The error names the Retry-After of the last attempt, which the client did not wait for.
func TestError_NamesRetryAfterWithoutWait(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		retries    int
		retryAfter string
		want       string
		waits      bool
	}{
		"an hour":                    {3, "3600", "; it asked to wait 1 h, but the provider did not wait", false},
		"hours, minutes and seconds": {3, "5445", "; it asked to wait 1 h 30 min 45 s, but the provider did not wait", false},
		"no retries":                 {0, "20", "; it asked to wait 20 s, but the provider did not wait", false},
		"retries":                    {1, "20", " (after 2 attempts); it asked to wait 20 s, but the provider did not wait", true},
		"no Retry-After":             {1, "", " (after 2 attempts)", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			headers := []string{"Retry-After", test.retryAfter}
			if test.retryAfter == "" {
				headers = nil
			}
			env := newTestEnv(t, test.retries, refuse(http.StatusTooManyRequests, headers...))
			_, err := env.do(t.Context(), request(http.MethodGet))
			failed := failure(t, err)
			if text := err.Error(); !strings.HasSuffix(text, test.want) {
				t.Errorf("the error is %s, want it to end with %s", text, test.want)
			}
			var slept time.Duration
			for _, wait := range env.clock.Slept() {
				slept += wait
			}
			if failed.Waited != slept || (slept > 0) != test.waits {
				t.Errorf("the error says that it waited %v, and it waited %v", failed.Waited, slept)
			}
		})
	}
}
