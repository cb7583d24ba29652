package sandbox

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// oversize is one byte more than the provider accepts.
const oversize = 10<<20 + 1

// padding is white space of that size. It is shared, because one test has hundreds of such answers.
var padding = sync.OnceValue(func() []byte { return bytes.Repeat([]byte(" "), oversize) })

// FaultKind is a kind of fault.
type FaultKind int

const (
	// FaultAnswer sends the fault's Status, Header, Body and ContentType, and does not do the work. With neither Body
	// nor ContentType, an error status has the API's own error body.
	FaultAnswer FaultKind = iota
	// FaultLoseAnswer does the work and drops the connection without an answer.
	FaultLoseAnswer
	// FaultDrop drops the connection before the work.
	FaultDrop
	// FaultTruncate does the work and sends the first half of the body.
	FaultTruncate
	// FaultWrongType does the work and sends the answer as text/html.
	FaultWrongType
	// FaultOversize does the work and sends a body of more than 10 MiB.
	FaultOversize
	// FaultSilence does nothing and sends nothing until the client disconnects.
	FaultSilence
	// FaultWorkThenSilence does the work and sends nothing until the client disconnects.
	FaultWorkThenSilence
	// FaultDelay does the work and answers as usual, after the Latency.
	FaultDelay
	// FaultSignOut ends the session of the request before the work.
	FaultSignOut
	// FaultRename does the work and renames words on the page as in Rename.
	FaultRename
	// FaultStay shows the submitted dialog or form again, without the work.
	FaultStay
	// FaultWorkThenStay does the work and shows the dialog or form again.
	FaultWorkThenStay
)

// Fault is a failure that the sandbox causes on demand. A request without work does not count towards the token's
// rate limit.
type Fault struct {
	// API, Method and Template select requests of APIs or pages. An empty one matches any.
	API      string
	Method   string
	Template string
	// Match, if set, selects further. The sandbox is locked during the call, so Match must not call the sandbox.
	Match func(Request) bool
	// Skip is the number of matching requests that pass first.
	Skip int
	// Times is how often the fault happens; 0 means always.
	Times int
	Kind  FaultKind
	// Latency delays the request before everything else, for each kind.
	Latency time.Duration
	// Until, if set, holds the request after the Latency until the channel is closed.
	Until <-chan struct{}

	// The answer of [FaultAnswer]. A Status of 0 means 500.
	Status      int
	Header      http.Header
	Body        string
	ContentType string

	// Rename maps the English word on a page to the new one, in every language.
	Rename map[string]string
}

// Armed is a fault that waits for its requests.
type Armed struct {
	sandbox *Sandbox
	fault   Fault
	seen    int
	fired   int
}

// Arm arms the fault. If several faults match a request, only the first armed one happens, and the others do not
// count the request.
func (s *Sandbox) Arm(f Fault) *Armed {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &Armed{sandbox: s, fault: f}
	s.armed = append(s.armed, a)
	return a
}

// Fired returns how often the fault has happened.
func (a *Armed) Fired() int {
	a.sandbox.mu.Lock()
	defer a.sandbox.mu.Unlock()
	return a.fired
}

// Disarm disarms the fault.
func (a *Armed) Disarm() {
	a.sandbox.mu.Lock()
	defer a.sandbox.mu.Unlock()
	a.sandbox.armed = slices.DeleteFunc(a.sandbox.armed, func(o *Armed) bool { return o == a })
}

// dueFault returns the fault for the request, or nil.
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

// injectFault handles the call with the fault. It takes the lock.
func (s *Sandbox) injectFault(w http.ResponseWriter, c *call, f *Fault) {
	ctx := c.http.Context()
	if !wait(ctx, f.Latency) || !hold(ctx, f.Until) {
		abort(w)
	}
	switch f.Kind {
	case FaultAnswer:
		s.recordStatus(c, f.status())
		f.reply(c.mount).send(w)
	case FaultDrop:
		abort(w)
	case FaultLoseAnswer:
		s.workWithoutAnswer(c)
		abort(w)
	case FaultSilence:
		<-ctx.Done()
		abort(w)
	case FaultWorkThenSilence:
		s.workWithoutAnswer(c)
		<-ctx.Done()
		abort(w)
	default:
		f.corruptResponse(s.work(c)).send(w)
	}
}

// corruptResponse changes an answer before it is sent. An answer without a body gets an empty object first: otherwise
// there would be nothing to change.
func (f *Fault) corruptResponse(p *reply) *reply {
	if p.status == http.StatusNoContent {
		p.status, p.body = http.StatusOK, []byte("{}")
		p.header.Set("Content-Type", "application/json")
	}
	switch f.Kind {
	case FaultTruncate:
		p.body = p.body[:len(p.body)/2]
	case FaultWrongType:
		p.header.Set("Content-Type", "text/html; charset=utf-8")
	case FaultOversize:
		// Leading space keeps it valid JSON. Only its size is wrong.
		p.header.Set("Content-Length", strconv.Itoa(oversize+len(p.body)))
		p.padding = padding()
	}
	return p
}

func (f *Fault) status() int {
	if f.Status == 0 {
		return http.StatusInternalServerError
	}
	return f.Status
}

// reply returns the answer of [FaultAnswer].
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

// ownError returns the API's own answer with a status.
func ownError(m *mount, status int, message string) *reply {
	code := strings.ToUpper(strings.ReplaceAll(http.StatusText(status), " ", "_"))
	p, err := m.refuse(status, code, message).encode()
	if err != nil {
		return &reply{status: status, header: http.Header{}}
	}
	return p
}

// workWithoutAnswer does the work of a call whose answer is lost. It takes the lock.
func (s *Sandbox) workWithoutAnswer(c *call) {
	s.work(c)
	s.recordStatus(c, 0)
}

// recordStatus records the sent status. It takes the lock.
func (s *Sandbox) recordStatus(c *call, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.record.Status = status
}

// wait waits for d. It returns false if the client disconnects first.
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

// hold waits for until. It returns false if the client disconnects first.
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

// abort cuts the connection, with a reset if possible. It does not return: the panic tells net/http that there is no
// answer.
func abort(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		if tcp, ok := conn.(interface{ SetLinger(sec int) error }); ok {
			_ = tcp.SetLinger(0) // without it, the client sees a normal end, which is no worse
		}
		_ = conn.Close() // nobody can handle this error
	}
	panic(http.ErrAbortHandler)
}
