package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// Request is a received request. It never holds a secret.
type Request struct {
	Time   time.Time
	API    string // [Portal], [Merchant], [Mystore], [PortalPages] or [MystorePages]
	Method string
	// Template is the path in the contract, such as "/stores/{merchant_id}/credentials", or the page's; empty for an
	// unknown call.
	Template string
	// Path is the called path without the API's prefix and without the query.
	Path       string
	Shop       string
	MerchantID string
	// Status is the sent status; 0 if there is no answer, or not yet.
	Status         int
	IdempotencyKey string
	// Caller is the user's email, the shop of the token, or the key's username; empty if the Authorization header
	// identifies nobody.
	Caller string
	// Fault says that an armed fault happened to this request.
	Fault bool
}

// logRequest begins the record of a call.
func (s *Sandbox) logRequest(c *call) {
	c.record = &Request{
		Time:           s.now(),
		API:            c.mount.api,
		Method:         c.http.Method,
		Path:           c.path,
		Shop:           c.params["shop"],
		MerchantID:     c.merchantID(),
		IdempotencyKey: c.http.Header.Get("Idempotency-Key"),
		Caller:         c.caller(),
	}
	if c.route != nil {
		c.record.Template = c.route.template
	}
	if c.params["token"] != "" {
		c.record.Path = c.route.template
	}
	if c.secretInURL() {
		c.record.Path, c.record.Shop, c.record.MerchantID = "[secret]", "", ""
	}
	s.requests = append(s.requests, c.record)
}

// merchantID returns the call's store.
func (c *call) merchantID() string {
	if id := c.params["merchant_id"]; id != "" {
		return id
	}
	return c.http.URL.Query().Get("merchant_id")
}

func (c *call) caller() string {
	switch {
	case c.user != nil:
		return c.user.Email
	case c.tokenShop != nil:
		return c.tokenShop.Name
	case c.key != nil:
		return c.key.Username
	default:
		return ""
	}
}

// secretInURL reports whether the URL holds a secret. It ignores short tokens, which occur in many texts.
func (c *call) secretInURL() bool {
	const shortest = 8
	uri := c.http.URL.RequestURI()
	return strings.Contains(uri, "kco_") || (len(c.token) >= shortest && strings.Contains(uri, c.token))
}

// bearer returns the token of an Authorization header.
func bearer(h http.Header) string {
	scheme, token, _ := strings.Cut(h.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// Requests returns the requests since the start or the last [Sandbox.ResetRequests], oldest first.
func (s *Sandbox) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	requests := make([]Request, len(s.requests))
	for i, r := range s.requests {
		requests[i] = *r
	}
	return requests
}

// ResetRequests deletes the records of all requests so far.
func (s *Sandbox) ResetRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}

// Count returns the number of requests to a call of the contract. An empty argument matches any.
func (s *Sandbox) Count(api, method, template string) int {
	is := func(want, have string) bool { return want == "" || want == have }
	matching := slices.DeleteFunc(s.Requests(), func(r Request) bool {
		return !is(api, r.API) || !is(method, r.Method) || !is(template, r.Template)
	})
	return len(matching)
}
