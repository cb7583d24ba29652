package transport

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/vendortext"
)

// Options configure a [Client]. Every field but TokenSource, ConfigError, Redactor and Observe is required.
type Options struct {
	// API is the short name of the API, for records and errors: "portal", "merchant", "mystore".
	API string
	// TokenSource is where the user has set the token of the requests, for errors; empty if that is unknown.
	TokenSource string
	// BaseURL is the prefix of all request paths. It may have a path of its own.
	BaseURL *url.URL
	// ConfigError, if set, is why no request can be sent. Each request fails with it.
	ConfigError error
	// UserAgent is sent with every request.
	UserAgent string
	// MaxRetries is the largest number of retries after the first attempt.
	MaxRetries int
	// Timeout limits one attempt, from dialling to the last byte of the answer.
	Timeout time.Duration
	// Clock measures waits and durations.
	Clock clock.Clock
	// RoundTripper sends the requests; see [NewPool].
	RoundTripper http.RoundTripper
	// Problem reads the vendor's error bodies.
	Problem func(body []byte) Problem
	// Redactor removes secrets and control characters from what the server says. It learns the secrets of every
	// request. Clients may share one, and then none of them shows a secret of another. [New] creates one if it
	// is nil.
	Redactor *vendortext.Redactor
	// Observe is called after every attempt. It must be safe for concurrent use.
	Observe func(context.Context, RequestRecord)
}

// Client sends requests to one API. It is safe for concurrent use.
type Client struct {
	Options
}

// New returns a client for one API.
func New(o Options) *Client {
	if o.Observe == nil {
		o.Observe = func(context.Context, RequestRecord) {}
	}
	if o.Redactor == nil {
		o.Redactor = vendortext.NewRedactor()
	}
	return &Client{Options: o}
}

// maxHeaderSize is the largest size of an answer's headers, in bytes. Go's own limit is 10 MB.
const maxHeaderSize = 64 << 10

// NewPool returns the round tripper that all clients of a provider share. Sharing it reuses connections.
func NewPool() *http.Transport {
	pool, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		pool = &http.Transport{Proxy: http.ProxyFromEnvironment}
	}
	pool = pool.Clone()
	pool.MaxIdleConns = 512
	pool.MaxResponseHeaderBytes = maxHeaderSize
	// A fleet may talk to that many shops at once, and all of them are on one host.
	pool.MaxIdleConnsPerHost = 256
	return pool
}
