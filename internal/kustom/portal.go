package kustom

import (
	"sync"

	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// requestsPerMinute is the provider's own limit for the portal: 4,000 requests at once, then 200 a second. Kustom
// documents no limit, and answers 429 if it has one; 200 a second is the limit that Klarna documents for its API. This
// limit stops a run that goes wrong. A fleet of a thousand shops sends less than 4,000 requests from the plan to the
// deleted keys, so it is not slowed.
const requestsPerMinute = 16_000

// Portal is the client of the portal's API. It is safe for concurrent use.
type Portal struct {
	client  *transport.Client
	token   transport.Bearer
	limiter *transport.Limiter
	// generated holds the IDs of the keys that this client generated.
	generated sync.Map
}

// NewPortal returns a client that acts as the portal user of the given token.
func NewPortal(client *transport.Client, token transport.Bearer) *Portal {
	return &Portal{client: client, token: token, limiter: transport.NewCap(requestsPerMinute, client.Clock)}
}

// Ready returns an error if there is no token.
func (p *Portal) Ready() error {
	_, err := p.token()
	return err
}

func (p *Portal) request(method, template string, elements ...string) transport.Request {
	return transport.Request{
		Method: method, Template: template, Elements: elements,
		MediaType: transport.JSON, Auth: p.token, Limiter: p.limiter,
	}
}
