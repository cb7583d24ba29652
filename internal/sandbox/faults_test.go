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
		// silent says that the client gets nothing to hear.
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
		"answer, nothing said":  {fault: Fault{}, logged: 500, check: wantStatus(500)},
		"drop":                  {fault: Fault{Kind: FaultDrop}, check: wantReset},
		"lose the answer":       {fault: Fault{Kind: FaultLoseAnswer}, worked: true, check: wantReset},
		"silence":               {fault: Fault{Kind: FaultSilence}, silent: true, check: wantNothing},
		"work, then silence":    {fault: Fault{Kind: FaultWorkThenSilence}, worked: true, silent: true, check: wantNothing},
		"delay":                 {fault: Fault{Kind: FaultDelay, Latency: 20 * time.Millisecond}, worked: true, logged: 201, check: wantStatus(201)},
		"delay past the client": {fault: Fault{Kind: FaultDelay, Latency: time.Minute}, silent: true, check: wantNothing},
		"hold past the client":  {fault: Fault{Kind: FaultDelay, Until: make(chan struct{})}, silent: true, check: wantNothing},
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
			t.Parallel() // some of them wait for a client to lose its patience
			b := newBench(t, ThreeShops(), Options{})
			test.fault.Times = 1
			armed := b.s.Arm(test.fault)
			// A client that waits in vain leaves when all that is to happen has happened.
			res, err := b.sendUntil(func() bool {
				return test.silent && armed.Fired() == 1 && (len(b.s.Keys(fjellsport)) == 2) == test.worked
			})
			test.check(t, res, err)
			if got := len(b.s.Keys(fjellsport)) == 2; got != test.worked {
				t.Errorf("work done is %t, want %t", got, test.worked)
			}
			log := b.s.Requests()
			if len(log) != 1 || !log[0].Fault || log[0].Status != test.logged {
				t.Errorf("the log is %+v", log)
			}
			if armed.Fired() != 1 {
				t.Errorf("fired %d times", armed.Fired())
			}
			if b.generate().status != http.StatusCreated {
				t.Errorf("the fault happened more than once")
			}
			b.wantViolations()
		})
	}
}

// TestFault_HoldsRequestUntilReleased holds a request, while others pass, until it is let go.
func TestFault_HoldsRequestUntilReleased(t *testing.T) {
	t.Parallel()
	b := newBench(t, ThreeShops(), Options{})
	letGo := make(chan struct{})
	armed := b.s.Arm(Fault{Method: http.MethodPost, Times: 1, Kind: FaultDelay, Until: letGo})
	held := make(chan result)
	go func() {
		res, err := b.sendUntil(func() bool { return false })
		if err != nil {
			t.Error(err)
		}
		held <- res
	}()
	for armed.Fired() == 0 {
		time.Sleep(time.Millisecond)
	}
	if got := b.generate().status; got != http.StatusCreated {
		t.Errorf("another request meanwhile is answered with %d", got)
	}
	if keys := len(b.s.Keys(fjellsport)); keys != 2 {
		t.Errorf("there are %d keys while one is held, want 2", keys)
	}
	close(letGo)
	if got := (<-held).status; got != http.StatusCreated {
		t.Errorf("the request that was held is answered with %d", got)
	}
	if keys := len(b.s.Keys(fjellsport)); keys != 3 {
		t.Errorf("there are %d keys in the end, want 3", keys)
	}
	b.wantViolations()
}

// sendUntil generates a key with a client that leaves when pointless says so.
func (b *bench) sendUntil(pointless func() bool) (result, error) {
	b.t.Helper()
	ctx, leave := context.WithCancel(b.t.Context())
	defer leave()
	go func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			if pointless() {
				leave()
			}
			<-tick.C
		}
	}()
	return b.sendContext(ctx, http.MethodPost, b.srv.PortalURL()+"/stores/"+fjellsport+"/credentials", `{"description":null}`, postHeader())
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
		t.Errorf("the error is %v, want none but that the client left", err)
	}
}

func TestFault_SelectsRequests(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	status := func() int { return b.generate().status }
	other := b.s.Arm(Fault{API: Mystore, Status: 500})
	method := b.s.Arm(Fault{API: Portal, Method: http.MethodDelete, Status: 500})
	template := b.s.Arm(Fault{Template: "/stores", Status: 500})
	match := b.s.Arm(Fault{Status: 500, Match: func(r Request) bool { return r.MerchantID == kaffebonna }})
	skip := b.s.Arm(Fault{API: Portal, Method: http.MethodPost, Template: createTemplate, Skip: 1, Times: 2, Status: 502})
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

	forever := b.s.Arm(Fault{Status: 500})
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

// An error without a given body looks like the API's own.
func TestFault_UsesErrorBodyOfAPI(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	b.s.Arm(Fault{Status: http.StatusBadGateway})
	res := b.mystore(http.MethodGet, credentials, "", shopHeader("fjellsport"))
	if res.header.Get("Content-Type") != jsonAPI || !strings.Contains(res.body, `"code":"bad_gateway"`) {
		t.Errorf("the answer is %v %s", res.header, res.body)
	}
}

// A secret in a lost answer is not shown again.
func TestFault_LosesSecretWithAnswer(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{Pending: 1})
	made := b.generate()
	url := b.srv.PortalURL() + "/stores/" + fjellsport + "/credentials/" + made.text("credential_id")
	b.s.Arm(Fault{Kind: FaultLoseAnswer, Times: 1})
	if _, err := b.send(http.MethodGet, url, "", adminHeader()); err == nil {
		t.Fatal("there was an answer")
	}
	res := b.must(http.MethodGet, url, "", adminHeader())
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
	b := &bench{t: t, s: s, srv: srv}
	s.Arm(Fault{Kind: FaultSilence})
	done := make(chan error, 1)
	go func() {
		_, err := b.send(http.MethodGet, srv.PortalURL()+"/stores", "", adminHeader())
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
