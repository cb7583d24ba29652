package sandbox

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"
)

// oversize is one byte more than a client may read.
const oversize = 10<<20 + 1

// FaultKind is what goes wrong.
type FaultKind int

const (
	// FaultAnswer answers with the fault's Status, Header, Body and ContentType instead of doing
	// the work. With neither Body nor ContentType an error status carries the API's own error body.
	FaultAnswer FaultKind = iota
	// FaultLoseAnswer does the work, and drops the connection without an answer.
	FaultLoseAnswer
	// FaultDrop drops the connection before it does the work.
	FaultDrop
	// FaultTruncate does the work, and answers with the first half of the body.
	FaultTruncate
	// FaultWrongType does the work, and calls the answer text/html.
	FaultWrongType
	// FaultOversize does the work, and answers with a body of more than 10 MiB.
	FaultOversize
	// FaultSilence does nothing, and says nothing until the client goes away.
	FaultSilence
	// FaultWorkThenSilence does the work, and says nothing until the client goes away.
	FaultWorkThenSilence
	// FaultDelay does the work and answers as usual, after the Latency.
	FaultDelay
	// FaultSignOut ends the session that a page is asked for with, before the work.
	FaultSignOut
	// FaultRename does the work, and calls things on the page as the fault's Rename has them.
	FaultRename
	// FaultStay shows the dialog or form that was sent once more, instead of doing the work.
	FaultStay
	// FaultWorkThenStay does the work, and shows the dialog or form once more.
	FaultWorkThenStay
)

// Fault is something that is to go wrong. Requests that it happens to are not counted against a
// token's rate limit unless their work is done.
type Fault struct {
	// API, Method and Template say which requests, of an API or of pages; an empty one stands for
	// any.
	API      string
	Method   string
	Template string
	// Match narrows it down further, when it is not nil. It is called with the sandbox locked, so
	// it must not call the sandbox.
	Match func(Request) bool
	// Skip lets this many matching requests through first.
	Skip int
	// Times is how often it happens; 0 means for ever.
	Times int
	Kind  FaultKind
	// Latency comes before everything else, whatever the kind.
	Latency time.Duration
	// Until, when it is not nil, holds the request after the Latency until the channel is closed.
	Until <-chan struct{}

	// The answer of [FaultAnswer]. A Status of 0 means 500.
	Status      int
	Header      http.Header
	Body        string
	ContentType string

	// Rename goes from the English word on a page to the one that [FaultRename] has in its place, in
	// every language.
	Rename map[string]string
}

// Armed is a fault that waits for its requests.
type Armed struct {
	sandbox *Sandbox
	fault   Fault
	seen    int
	fired   int
}

// Arm makes the fault wait for requests. Where several match one request, the one that was armed
// first happens, and the others don't see that request.
func (s *Sandbox) Arm(f Fault) *Armed {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &Armed{sandbox: s, fault: f}
	s.armed = append(s.armed, a)
	return a
}

// Fired is how often the fault has happened.
func (a *Armed) Fired() int {
	a.sandbox.mu.Lock()
	defer a.sandbox.mu.Unlock()
	return a.fired
}

// Disarm ends the fault.
func (a *Armed) Disarm() {
	a.sandbox.mu.Lock()
	defer a.sandbox.mu.Unlock()
	a.sandbox.armed = slices.DeleteFunc(a.sandbox.armed, func(o *Armed) bool { return o == a })
}

// dueFault is the fault that is to happen to the request, or nil.
func (s *Sandbox) dueFault(r *Request) *Fault {
	for _, a := range s.armed {
		if !a.fault.matches(*r) || !a.due() {
			continue
		}
		a.fired++
		r.Fault = true
		return &a.fault
	}
	return nil
}

func (a *Armed) due() bool {
	if a.fault.Times > 0 && a.fired >= a.fault.Times {
		return false
	}
	a.seen++
	return a.seen > a.fault.Skip
}

func (f *Fault) matches(r Request) bool {
	if f.API != "" && f.API != r.API {
		return false
	}
	if f.Method != "" && f.Method != r.Method {
		return false
	}
	if f.Template != "" && f.Template != r.Template {
		return false
	}
	return f.Match == nil || f.Match(r)
}

// injectFault lets the fault happen to the call. It takes the lock by itself.
func (s *Sandbox) injectFault(w http.ResponseWriter, c *call, f *Fault) {
	ctx := c.http.Context()
	if !wait(ctx, f.Latency) || !hold(ctx, f.Until) {
		abort(w)
	}
	switch f.Kind {
	case FaultAnswer:
		s.note(c, f.status())
		f.reply(c.mount).send(w)
	case FaultDrop:
		abort(w)
	case FaultLoseAnswer:
		s.workUnheard(c)
		abort(w)
	case FaultSilence:
		<-ctx.Done()
		abort(w)
	case FaultWorkThenSilence:
		s.workUnheard(c)
		<-ctx.Done()
		abort(w)
	default:
		f.corruptResponse(s.work(c)).send(w)
	}
}

// corruptResponse changes an answer on its way out.
func (f *Fault) corruptResponse(p *reply) *reply {
	switch f.Kind {
	case FaultTruncate:
		p.body = p.body[:len(p.body)/2]
	case FaultWrongType:
		p.header.Set("Content-Type", "text/html; charset=utf-8")
	case FaultOversize:
		// Space in front keeps it valid JSON: only its size is wrong.
		p.body = append(bytes.Repeat([]byte(" "), oversize), p.body...)
	}
	return p
}

func (f *Fault) status() int {
	if f.Status == 0 {
		return http.StatusInternalServerError
	}
	return f.Status
}

// reply is the answer of [FaultAnswer].
func (f *Fault) reply(m *mount) *reply {
	p := &reply{status: f.status(), header: http.Header{}, body: []byte(f.Body)}
	if f.Body == "" && f.ContentType == "" && p.status >= http.StatusBadRequest {
		p = ownError(m, p.status, "an armed fault")
	}
	if f.ContentType != "" {
		p.header.Set("Content-Type", f.ContentType)
	}
	for name, values := range f.Header {
		p.header[http.CanonicalHeaderKey(name)] = slices.Clone(values)
	}
	return p
}

// ownError is what the API itself would answer with such a status.
func ownError(m *mount, status int, message string) *reply {
	code := strings.ToUpper(strings.ReplaceAll(http.StatusText(status), " ", "_"))
	p, err := m.refuse(status, code, message).encode()
	if err != nil {
		return &reply{status: status, header: http.Header{}}
	}
	return p
}

// workUnheard does the work, of which the client will hear nothing. It takes the lock by itself.
func (s *Sandbox) workUnheard(c *call) {
	s.work(c)
	s.note(c, 0)
}

// note logs the status that the client is sent. It takes the lock by itself.
func (s *Sandbox) note(c *call, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.record.Status = status
}

// wait is false when the client went away first.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// hold is false when the client went away first.
func hold(ctx context.Context, until <-chan struct{}) bool {
	if until == nil {
		return true
	}
	select {
	case <-ctx.Done():
		return false
	case <-until:
		return true
	}
}

// abort cuts the connection, with a reset where it can, and does not return: the panic is how a
// handler tells net/http that there is no answer.
func abort(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		if tcp, ok := conn.(interface{ SetLinger(sec int) error }); ok {
			_ = tcp.SetLinger(0) // without it the client sees an orderly end, which is no worse
		}
		_ = conn.Close() // there is nobody left to tell
	}
	panic(http.ErrAbortHandler)
}
