package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

const createTemplate = "/stores/{merchant_id}/credentials"

func TestFault_HasEachKind(t *testing.T) {
	tests := map[string]struct {
		fault  Fault
		worked bool
		// silent says that the client gets no answer.
		silent bool
		logged int
		check  func(t *testing.T, res result, err error)
	}{
		"answer": {
			fault:  Fault{Status: 503, Header: http.Header{"retry-after": {"7"}}},
			logged: 503,
			check: func(t *testing.T, res result, _ error) {
				if res.status != 503 || res.header.Get("Retry-After") != "7" || res.text("error_code") != "SERVICE_UNAVAILABLE" {
					t.Errorf("the answer is %d %v %s", res.status, res.header, res.body)
				}
			},
		},
		"answer of a firewall": {
			fault:  Fault{Status: 403, Body: "<html>no</html>", ContentType: "text/html"},
			logged: 403,
			check: func(t *testing.T, res result, _ error) {
				if res.body != "<html>no</html>" || res.header.Get("Content-Type") != "text/html" {
					t.Errorf("the answer is %v %s", res.header, res.body)
				}
			},
		},
		"answer, by default":            {fault: Fault{}, logged: 500, check: wantStatus(500)},
		"drop":                          {fault: Fault{Kind: FaultDrop}, check: wantReset},
		"lose the answer":               {fault: Fault{Kind: FaultLoseAnswer}, worked: true, check: wantReset},
		"silence":                       {fault: Fault{Kind: FaultSilence}, silent: true, check: wantNothing},
		"work, then silence":            {fault: Fault{Kind: FaultWorkThenSilence}, worked: true, silent: true, check: wantNothing},
		"delay":                         {fault: Fault{Kind: FaultDelay, Latency: 20 * time.Millisecond}, worked: true, logged: 201, check: wantStatus(201)},
		"delay until the client leaves": {fault: Fault{Kind: FaultDelay, Latency: time.Minute}, silent: true, check: wantNothing},
		"hold until the client leaves":  {fault: Fault{Kind: FaultDelay, Until: make(chan struct{})}, silent: true, check: wantNothing},
		"truncate": {
			fault: Fault{Kind: FaultTruncate}, worked: true, logged: 201,
			check: func(t *testing.T, res result, err error) {
				if err != nil || json.Valid([]byte(res.body)) || !strings.HasPrefix(res.body, "{") {
					t.Errorf("the answer is %s, %v", res.body, err)
				}
			},
		},
		"wrong type": {
			fault: Fault{Kind: FaultWrongType}, worked: true, logged: 201,
			check: func(t *testing.T, res result, _ error) {
				if res.header.Get("Content-Type") != "text/html; charset=utf-8" || res.text("secret") == "" {
					t.Errorf("the answer is %v %s", res.header, res.body)
				}
			},
		},
		"oversize": {
			fault: Fault{Kind: FaultOversize}, worked: true, logged: 201,
			check: func(t *testing.T, res result, _ error) {
				if len(res.body) <= 10<<20 || res.text("secret") == "" {
					t.Errorf("the answer has %d bytes", len(res.body))
				}
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // Some wait until a client leaves.
			env := newTestEnv(t, ThreeShops(), Options{})
			test.fault.Times = 1
			armed := env.s.Arm(test.fault)
			// A client that gets no answer leaves when the fault has happened.
			res, err := env.sendUntil(func() bool {
				return test.silent && armed.Fired() == 1 && (len(env.s.Keys(fjellsport)) == 2) == test.worked
			})
			test.check(t, res, err)
			if got := len(env.s.Keys(fjellsport)) == 2; got != test.worked {
				t.Errorf("work done is %t, want %t", got, test.worked)
			}
			log := env.s.Requests()
			if len(log) != 1 || !log[0].Fault || log[0].Status != test.logged {
				t.Errorf("the log is %+v", log)
			}
			if armed.Fired() != 1 {
				t.Errorf("fired %d times", armed.Fired())
			}
			if env.generate().status != http.StatusCreated {
				t.Errorf("the fault happened more than once")
			}
			env.wantViolations()
		})
	}
}

// Other requests are answered meanwhile.
func TestFault_HoldsRequestUntilReleased(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, ThreeShops(), Options{})
	release := make(chan struct{})
	armed := env.s.Arm(Fault{Method: http.MethodPost, Times: 1, Kind: FaultDelay, Until: release})
	held := make(chan result)
	go func() {
		res, err := env.sendUntil(func() bool { return false })
		if err != nil {
			t.Error(err)
		}
		held <- res
	}()
	for armed.Fired() == 0 {
		time.Sleep(time.Millisecond)
	}
	if got := env.generate().status; got != http.StatusCreated {
		t.Errorf("another request is answered with %d", got)
	}
	if keys := len(env.s.Keys(fjellsport)); keys != 2 {
		t.Errorf("there are %d keys while one is held, want 2", keys)
	}
	close(release)
	if got := (<-held).status; got != http.StatusCreated {
		t.Errorf("the held request is answered with %d", got)
	}
	if keys := len(env.s.Keys(fjellsport)); keys != 3 {
		t.Errorf("there are %d keys in the end, want 3", keys)
	}
	env.wantViolations()
}

// sendUntil generates a key with a client that leaves when isOver returns true.
func (env *testEnv) sendUntil(isOver func() bool) (result, error) {
	env.t.Helper()
	ctx, leave := context.WithCancel(env.t.Context())
	defer leave()
	go func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			if isOver() {
				leave()
			}
			<-tick.C
		}
	}()
	return env.send(ctx, http.MethodPost, env.srv.PortalURL()+"/stores/"+fjellsport+"/credentials", `{"description":null}`, postHeader())
}

func wantStatus(status int) func(*testing.T, result, error) {
	return func(t *testing.T, res result, err error) {
		t.Helper()
		if err != nil || res.status != status {
			t.Errorf("the answer is %d %s, %v", res.status, res.body, err)
		}
	}
}

func wantReset(t *testing.T, _ result, err error) {
	t.Helper()
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the error is %v, want a reset", err)
	}
}

func wantNothing(t *testing.T, _ result, err error) {
	t.Helper()
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v, want that of a client that leaves", err)
	}
}

func TestFault_SelectsRequests(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	status := func() int { return env.generate().status }
	other := env.s.Arm(Fault{API: Mystore, Status: 500})
	method := env.s.Arm(Fault{API: Portal, Method: http.MethodDelete, Status: 500})
	template := env.s.Arm(Fault{Template: "/stores", Status: 500})
	match := env.s.Arm(Fault{Status: 500, Match: func(r Request) bool { return r.MerchantID == kaffebonna }})
	skip := env.s.Arm(Fault{API: Portal, Method: http.MethodPost, Template: createTemplate, Skip: 1, Times: 2, Status: 502})
	for i, want := range []int{201, 502, 502, 201} {
		if got := status(); got != want {
			t.Errorf("request %d is answered with %d, want %d", i+1, got, want)
		}
	}
	for _, a := range []*Armed{other, method, template, match} {
		if a.Fired() != 0 {
			t.Errorf("%+v fired", a.fault)
		}
	}
	if skip.Fired() != 2 {
		t.Errorf("fired %d times, want 2", skip.Fired())
	}

	forever := env.s.Arm(Fault{Status: 500})
	for range 3 {
		if got := status(); got != 500 {
			t.Errorf("answered with %d, want 500", got)
		}
	}
	forever.Disarm()
	forever.Disarm()
	if got := status(); got != 201 {
		t.Errorf("answered with %d after Disarm", got)
	}
}

// An error without a body gets one in the form of the API.
func TestFault_UsesErrorBodyOfAPI(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{})
	env.s.Arm(Fault{Status: http.StatusBadGateway})
	res := env.mystore(http.MethodGet, credentials, "", shopHeader("fjellsport"))
	if res.header.Get("Content-Type") != jsonAPI || !strings.Contains(res.body, `"code":"bad_gateway"`) {
		t.Errorf("the answer is %v %s", res.header, res.body)
	}
}

// A secret in a lost answer is not shown again.
func TestFault_LosesSecretWithAnswer(t *testing.T) {
	env := newTestEnv(t, ThreeShops(), Options{Pending: 1})
	made := env.generate()
	url := env.srv.PortalURL() + "/stores/" + fjellsport + "/credentials/" + made.text("credential_id")
	env.s.Arm(Fault{Kind: FaultLoseAnswer, Times: 1})
	if _, err := env.send(t.Context(), http.MethodGet, url, "", adminHeader()); err == nil {
		t.Fatal("there was an answer")
	}
	res := env.must(http.MethodGet, url, "", adminHeader())
	if res.text("status") != StatusActive || strings.Contains(res.body, "secret") {
		t.Errorf("the answer is %s", res.body)
	}
}

// Close does not wait for a call that hangs.
func TestClose_EndsSilentCalls(t *testing.T) {
	s, err := New(ThreeShops(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	srv, err := Start(s)
	if err != nil {
		t.Fatal(err)
	}
	env := &testEnv{t: t, s: s, srv: srv}
	s.Arm(Fault{Kind: FaultSilence})
	done := make(chan error, 1)
	go func() {
		_, err := env.send(t.Context(), http.MethodGet, srv.PortalURL()+"/stores", "", adminHeader())
		done <- err
	}()
	for s.Count(Portal, "", "") == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; err == nil {
		t.Error("there was an answer")
	}
}
