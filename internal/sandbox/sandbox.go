// Package sandbox is a stand-in for both vendors: Kustom Portal, Kustom's merchant API, and Mystore. It keeps state as
// they do, and rejects what they would reject. It checks every request and answer against the OpenAPI documents of
// package api. It causes faults on demand, records all requests, and reports broken invariants.
//
// [New] makes a sandbox from a [Seed]. It is an [http.Handler] that serves
//
//	/portal/api/v1/…  the Kustom Portal API
//	/merchant/…       Kustom's merchant API
//	/mystore/…        the Mystore API
//	/pages/portal/…   Kustom Portal's pages for people
//	/pages/sign-in/…  the portal's sign-in, which has another origin
//	/kontrollpanel/…  the control panel of a shop, at the shop's own host
//	/sandbox/…        a report and customers' orders, for people and scripts
//
// The package has no state of its own, so any number of sandboxes can run in one process.
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

// Options configure a sandbox. The zero value is fast and has no faults.
type Options struct {
	// Clock is the source of time; nil means the real clock.
	Clock Clock
	// PropagationDelay is the time from a key's creation until it works at the merchant API.
	PropagationDelay time.Duration
	// Pending is the number of GETs until a key generated through the API becomes ACTIVE. With 0, the POST answers
	// 201 with the secret. Otherwise it answers 202, and the last GET answers ACTIVE with the secret. On a page, the
	// user is asked that many times to wait.
	Pending int
	// KeyLimit is the maximum number of keys of a store; 0 means 10.
	KeyLimit int
	// Merchant is the form of the merchant API's answers.
	Merchant MerchantForm
	// KeyLifetime is the time from a key's creation to its expiry; 0 means that it never expires.
	KeyLifetime time.Duration
	// HideHost omits the host of keys from the portal's API, as the portal's pages do.
	HideHost bool
	// Latency is the delay of every API call before its work, by the real clock.
	Latency time.Duration
	// Unchecked turns off the checks against the contract, which take much longer than the work. It is for benchmarks
	// of a client.
	Unchecked bool
	// Pages configures the vendors' pages.
	Pages PagesOptions
}

// Sandbox is both vendors in memory. It is safe for concurrent use.
type Sandbox struct {
	options  Options
	clock    Clock
	contract *contract
	mounts   []*mount
	control  http.Handler

	// mu guards everything below. Exported methods take it. Unexported methods expect it to be held, unless their
	// comment says that they take it.
	mu         sync.Mutex
	state      *state
	orders     []*CheckoutOrder
	armed      []*Armed
	sessions   map[string]*session // by the cookie's value
	links      []*signInLink       // unused ones, oldest first
	dismissed  map[dismissal]bool
	requests   []*Request
	violations []Violation
	uses       map[string][]time.Time
}

// New returns a sandbox with the data of seed.
func New(seed Seed, o Options) (*Sandbox, error) {
	if o.Clock == nil {
		o.Clock = systemClock{}
	}
	if o.KeyLimit == 0 {
		o.KeyLimit = defaultKeyLimit
	}
	if o.PropagationDelay < 0 || o.Pending < 0 || o.KeyLimit < 0 || o.Latency < 0 || o.KeyLifetime < 0 {
		return nil, errors.New("an option of the sandbox is negative")
	}
	if err := o.Pages.check(); err != nil {
		return nil, err
	}
	st, err := newState(seed)
	if err != nil {
		return nil, fmt.Errorf("seed the sandbox: %w", err)
	}
	c, err := loadContract()
	if err != nil {
		return nil, fmt.Errorf("read the contract: %w", err)
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
			return nil, fmt.Errorf("bind the %s API to its contract: %w", m.api, err)
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

// mount is one API or one vendor's pages: the prefix, and the answers to errors.
type mount struct {
	api    string
	prefix string
	routes []*route
	// identify finds the caller, from the Authorization header or the session.
	identify func(*Sandbox, *call)
	// admit returns the refusal of a caller without access, or nil.
	admit func(*Sandbox, *call) *answer
	// refuse returns the API's error answer.
	refuse func(status int, code, message string) *answer
	// pages says that the mount has pages, which no contract describes.
	pages bool
	// signIn returns the address of the sign-in for a page.
	signIn func(*call) string
	// byHost says that the host names the shop.
	byHost bool
	// sessionless says that forms need no session.
	sessionless bool
}

// call is one request during its handling.
type call struct {
	http   *http.Request
	path   string // within the API, still escaped
	body   []byte
	mount  *mount
	route  *route // nil for an unknown call
	params map[string]string
	breach *breach // how the request breaks the contract; nil if it does not
	record *Request

	// The caller. At most one of these is set, by API.
	user      *User
	tokenShop *Shop
	key       *key
	token     string
	session   *session // of the pages
	hostShop  *Shop    // the shop of the host

	fault *Fault // the fault to inject, or nil
}

// answer is an answer before encoding.
type answer struct {
	status      int
	header      http.Header
	contentType string
	value       any // nil: no body
	// foreign says that it comes from a gateway in front of the API, and not from the API.
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
	// padding is sent before the body.
	padding, body []byte
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
		return nil, fmt.Errorf("encode an answer: %w", err)
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
	// The client may have disconnected.
	_, _ = w.Write(p.padding)
	_, _ = w.Write(p.body)
}

// serve handles one call. It takes the lock.
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

// newCall reads the request and checks it against the contract. It needs no lock.
func (s *Sandbox) newCall(r *http.Request, m *mount) (*call, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequestBody+1))
	if err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
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

// begin records the call and its violations, and chooses its fault. It takes the lock.
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

// nameShop sets the shop from the host, if the mount has pages for each shop.
func (s *Sandbox) nameShop(c *call) {
	if !c.mount.byHost {
		return
	}
	c.hostShop = s.hostShop(c.http.Host)
	if c.hostShop != nil && c.params != nil {
		c.params["shop"] = c.hostShop.Name
	}
}

// work does the work of the call and records the status. It takes the lock.
func (s *Sandbox) work(c *call) *reply {
	p, err := s.do(c)
	if err == nil && c.route != nil && !c.mount.pages && !p.foreign && !s.options.Unchecked {
		// Without the lock, because it takes longer than the work.
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

// do encodes the answer before it releases the lock, because an answer may point into the state.
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

// read decodes the body that a page's script sends, and reports whether it could.
func (c *call) read(into any) bool { return json.Unmarshal(c.body, into) == nil }

func (s *Sandbox) now() time.Time { return s.clock.Now().UTC() }

// randomText returns n unguessable characters, at most 40.
func randomText(n int) string { return (rand.Text() + rand.Text())[:n] }
