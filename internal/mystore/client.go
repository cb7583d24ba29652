// Package mystore is the client of Mystore, which hosts the shops. It reads and writes the credentials that a
// shop's Klarna Checkout V3 takes payments with.
package mystore

import (
	"fmt"
	"sync"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// URL is the base URL of the Mystore API (documented by Mystore).
const URL = "https://api.mystore.no"

// requestsPerMinute is Mystore's limit for each token (documented by Mystore).
const requestsPerMinute = 120

// mediaType is the media type of JSON:API, which Mystore uses.
const mediaType = "application/vnd.api+json"

// Client is the client of the Mystore API. It is safe for concurrent use.
type Client struct {
	client *transport.Client
	clock  clock.Clock
	token  func(shop string) (string, error)

	mu       sync.Mutex
	limiters map[string]*transport.Limiter
}

// New returns a client that acts for each shop with the token that token returns for the shop. If token fails,
// the request fails with its error.
func New(client *transport.Client, c clock.Clock, token func(shop string) (string, error)) *Client {
	return &Client{client: client, clock: c, token: token, limiters: map[string]*transport.Limiter{}}
}

// request returns one request for a shop. The shop is the only variable of the template.
func (c *Client) request(method, template, shop string) transport.Request {
	return transport.Request{
		Method: method, Template: template, Elements: []string{shop},
		MediaType: mediaType,
		Auth:      transport.Bearer(func() (string, error) { return c.token(shop) }),
		Limiter:   c.limiter(shop),
	}
}

// limiter returns the rate limiter of a shop's token: each Mystore token belongs to one shop.
func (c *Client) limiter(shop string) *transport.Limiter {
	c.mu.Lock()
	defer c.mu.Unlock()
	limiter, ok := c.limiters[shop]
	if !ok {
		limiter = transport.NewLimiter(requestsPerMinute, c.clock)
		c.limiters[shop] = limiter
	}
	return limiter
}

// NotInstalledError says that a shop has no Klarna Checkout V3, the only version that can use
// Kustom (documented by Mystore).
type NotInstalledError struct {
	Shop string
	// Other is the name of another installed version of Klarna Checkout, if there is one.
	Other string
}

// Error implements error.
func (e *NotInstalledError) Error() string {
	if e.Other != "" {
		return fmt.Sprintf("shop %s has %s, not Klarna Checkout V3", e.Shop, e.Other)
	}
	return fmt.Sprintf("shop %s has no Klarna Checkout V3", e.Shop)
}
