// Package sandbox is a stand-in for the two vendors that the provider talks to: the Kustom Portal
// and merchant API, and Mystore. It keeps state as they do, refuses what they would refuse, holds
// every request and answer against the OpenAPI documents of package api, can be told to fail, and
// remembers what was asked of it and which of the promises to the merchant were broken.
//
// [New] makes one from a [Seed]; it is an [http.Handler] that serves
//
//	/portal/api/v1/…  the Kustom Portal API
//	/merchant/…       Kustom's merchant API
//	/mystore/…        the Mystore API
//	/pages/portal/…   Kustom Portal's pages for people
//	/pages/sign-in/…  the site where they sign in to it, which has another origin
//	/kontrollpanel/…  the control panel of a shop, at the shop's own host
//	/sandbox/…        a report and customers' orders, for people and scripts
//
// Nothing in it is a package variable that changes: any number of sandboxes run beside each other.
package sandbox

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// The names of the APIs and of the vendors' pages, as in [Request] and [Fault].
const (
	Portal       = "portal"
	Merchant     = "merchant"
	Mystore      = "mystore"
	PortalPages  = "portal pages"
	MystorePages = "mystore pages"
)

// Where the APIs and the pages are served.
const (
	portalPrefix       = "/portal/api/v1"
	merchantPrefix     = "/merchant"
	mystorePrefix      = "/mystore"
	portalPagesPrefix  = "/pages/portal"
	signInPagesPrefix  = "/pages/sign-in"
	mystorePagesPrefix = "/kontrollpanel"
)

const (
	defaultKeyLimit = 10
	maxRequestBody  = 1 << 20
)

// Clock tells the time.
type Clock interface {
	// Now returns the current time.
	Now() time.Time
}

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

// Options says how a sandbox behaves beyond its seed. The zero value is a quick, well-behaved one.
type Options struct {
	// Clock is the source of time; nil means the real clock.
	Clock Clock
	// Spread is how long after its creation a generated key starts to work at the merchant API.
	Spread time.Duration
	// Pending is the number of GETs that a key generated through the API takes to become ACTIVE.
	// With 0 the POST answers 201 with the secret. Otherwise it answers 202, and the GET of that
	// number answers ACTIVE with the secret. Somebody who generates a key on a page is asked that
	// many times to wait.
	Pending int
	// KeyLimit is the number of keys that a store can have; 0 means 10.
	KeyLimit int
	// Merchant is how the merchant API answers.
	Merchant MerchantForm
	// KeyLifetime is how long after its creation a generated key expires; 0 means never.
	KeyLifetime time.Duration
	// HideHost leaves the host out of what the portal's API tells of a key, as the portal's pages do.
	HideHost bool
	// Latency is what every call of an API takes before its work is done, by the real clock.
	Latency time.Duration
	// Unchecked is for measuring a client: requests and answers are not held against the contract,
	// which takes far longer than the work itself.
	Unchecked bool
	// Pages says how the vendors' pages behave.
	Pages PagesOptions
}

// Sandbox is the stand-in. It is safe for concurrent use.
type Sandbox struct {
	options  Options
	clock    Clock
	contract *contract
	mounts   []*mount
	control  http.Handler

	// mu guards everything below. Exported methods take it; unexported ones expect it held unless
	// they say otherwise.
	mu         sync.Mutex
	state      *state
	orders     []*CheckoutOrder
	armed      []*Armed
	sessions   map[string]*session // by the cookie's value
	links      []*signInLink       // not used yet, oldest first
	dismissed  map[dismissal]bool
	requests   []*Request
	violations []Violation
	uses       map[string][]time.Time
}

// New makes a sandbox that starts with what seed describes.
func New(seed Seed, o Options) (*Sandbox, error) {
	if o.Clock == nil {
		o.Clock = systemClock{}
	}
	if o.KeyLimit == 0 {
		o.KeyLimit = defaultKeyLimit
	}
	if o.Spread < 0 || o.Pending < 0 || o.KeyLimit < 0 || o.Latency < 0 || o.KeyLifetime < 0 {
		return nil, errors.New("an option of the sandbox is negative")
	}
	if err := o.Pages.check(); err != nil {
		return nil, err
	}
	st, err := newState(seed)
	if err != nil {
		return nil, fmt.Errorf("seeding the sandbox: %w", err)
	}
	c, err := loadContract()
	if err != nil {
		return nil, fmt.Errorf("reading the contract: %w", err)
	}
	s := &Sandbox{
		options:   o,
		clock:     o.Clock,
		contract:  c,
		state:     st,
		sessions:  make(map[string]*session),
		dismissed: make(map[dismissal]bool),
		uses:      make(map[string][]time.Time),
	}
	s.mounts = []*mount{portalMount(), merchantMount(), mystoreMount()}
	for _, m := range s.mounts {
		if err := c.bind(m); err != nil {
			return nil, fmt.Errorf("binding the %s API to its contract: %w", m.api, err)
		}
	}
	s.mounts = append(s.mounts, portalPagesMount(), signInPagesMount(), mystorePagesMount())
	s.control = s.controlHandler()
	return s, nil
}

// ServeHTTP implements [http.Handler].
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for _, m := range s.mounts {
		if strings.HasPrefix(r.URL.EscapedPath(), m.prefix+"/") {
			s.serve(w, r, m)
			return
		}
	}
	s.control.ServeHTTP(w, r)
}

// mount is one API of the sandbox: where it is served, and how it refuses.
type mount struct {
	api    string
	prefix string
	routes []*route
	// identify finds out who calls, from the Authorization header.
	identify func(*Sandbox, *call)
	// admit answers for a caller that may not come in, or with nil.
	admit func(*Sandbox, *call) *answer
	// refuse is the API's error answer.
	refuse func(status int, code, message string) *answer
	// pages says that no contract describes it: it is for people.
	pages bool
	// signIn is where a call is led to whose page needs somebody to be signed in.
	signIn func(*call) string
	// byHost says that the host of the address names the shop.
	byHost bool
	// sessionless says that forms are not held to a session.
	sessionless bool
}

// call is one request on its way through the sandbox.
type call struct {
	http   *http.Request
	path   string // within the API, still escaped
	body   []byte
	mount  *mount
	route  *route // nil when the contract has no such call
	params map[string]string
	breach *breach // how the request breaks the contract, nil when it doesn't
	record *Request

	// Who calls: at most one of these, by API.
	user      *User
	tokenShop *Shop
	key       *key
	token     string
	session   *session // of the pages
	hostShop  *Shop    // whose pages they are, by the host

	fault *Fault // what is to happen to it, nil when nothing is
}

// answer is what a call is answered with, before it is sent.
type answer struct {
	status      int
	header      http.Header
	contentType string
	value       any // nil: no body
	// foreign says that it is not the API's own answer, but that of what stands in front of it.
	foreign bool
}

func (a *answer) with(name, value string) *answer {
	a.header.Set(name, value)
	return a
}

// reply is an encoded answer.
type reply struct {
	status int
	header http.Header
	body   []byte
	// foreign is the answer's.
	foreign bool
}

func (a *answer) encode() (*reply, error) {
	p := &reply{status: a.status, header: a.header.Clone(), foreign: a.foreign}
	if a.value == nil {
		return p, nil
	}
	body, err := encodeBody(a.value)
	if err != nil {
		return nil, fmt.Errorf("encoding an answer: %w", err)
	}
	p.header.Set("Content-Type", a.contentType)
	p.body = body
	return p, nil
}

func encodeBody(value any) ([]byte, error) {
	switch v := value.(type) {
	case *view:
		return v.render()
	case rawHTML:
		return []byte(v), nil
	}
	return json.Marshal(value)
}

func (p *reply) send(w http.ResponseWriter) {
	for name, values := range p.header {
		w.Header()[name] = values
	}
	w.WriteHeader(p.status)
	// A client that has gone away is not the sandbox's concern.
	_, _ = w.Write(p.body)
}

// serve answers one call. It takes the lock by itself.
func (s *Sandbox) serve(w http.ResponseWriter, r *http.Request, m *mount) {
	c, err := s.newCall(r, m)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.begin(c)
	if !wait(r.Context(), s.options.Latency+s.pageDelay(c)) {
		abort(w)
	}
	if c.fault == nil {
		s.work(c).send(w)
		return
	}
	s.injectFault(w, c, c.fault)
}

// newCall reads the request and holds it against the contract. It needs no lock.
func (s *Sandbox) newCall(r *http.Request, m *mount) (*call, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequestBody+1))
	if err != nil {
		return nil, fmt.Errorf("reading the request: %w", err)
	}
	if len(body) > maxRequestBody {
		return nil, fmt.Errorf("the request body is over %d bytes", maxRequestBody)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	c := &call{http: r, body: body, mount: m, path: strings.TrimPrefix(r.URL.EscapedPath(), m.prefix)}
	c.route, c.params, c.breach = m.find(r.Method, c.path)
	if c.route != nil && !m.pages && !s.options.Unchecked {
		c.breach = c.route.checkRequest(c)
	}
	return c, nil
}

// begin logs the call, notes what is wrong with it, and picks the fault that is to happen to it.
// It takes the lock by itself.
func (s *Sandbox) begin(c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nameShop(c)
	c.mount.identify(s, c)
	s.logRequest(c)
	s.watchSecrets(c)
	if c.breach != nil && !c.mount.pages {
		s.violate(ViolationContract, "%s %s %s: %s", c.record.API, c.record.Method, c.record.Path, c.breach.reason)
	}
	c.fault = s.dueFault(c.record)
}

// nameShop takes the shop from the host, where the mount's pages have one for each.
func (s *Sandbox) nameShop(c *call) {
	if !c.mount.byHost {
		return
	}
	c.hostShop = s.hostShop(c.http.Host)
	if c.hostShop != nil && c.params != nil {
		c.params["shop"] = c.hostShop.Name
	}
}

// work does what the call asks for, and logs the status. It takes the lock by itself.
func (s *Sandbox) work(c *call) *reply {
	p, err := s.do(c)
	if err == nil && c.route != nil && !c.mount.pages && !p.foreign && !s.options.Unchecked {
		// Outside the lock: it takes longer than the work itself.
		err = c.route.checkReply(c, p)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.violate(ViolationSandboxContract, "%s %s %s: %v", c.record.API, c.record.Method, c.record.Template, err)
		p = ownError(c.mount, http.StatusInternalServerError, "the sandbox broke its own contract")
	}
	c.record.Status = p.status
	return p
}

// do encodes the answer before it gives the lock back, because an answer can point into the state.
func (s *Sandbox) do(c *call) (*reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.decide(c).encode()
}

func (s *Sandbox) decide(c *call) *answer {
	if a := c.mount.admit(s, c); a != nil {
		return a
	}
	if c.breach != nil {
		return c.mount.refuse(c.breach.status, c.breach.code, c.breach.reason)
	}
	if c.mount.pages {
		return s.handlePage(c)
	}
	return c.route.handle(s, c)
}

// read decodes what a page's script sends, and reports whether it could.
func (c *call) read(into any) bool { return json.Unmarshal(c.body, into) == nil }

func (s *Sandbox) now() time.Time { return s.clock.Now().UTC() }

// randomText is n characters that nobody can guess; n is 40 at most.
func randomText(n int) string { return (rand.Text() + rand.Text())[:n] }
