package mystore

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
	"github.com/storefront-iac/terraform-provider-kustom/internal/vendortext"
)

// Extension is a shop's Klarna Checkout V3.
type Extension struct {
	Version string
	// Active reports whether customers can use it.
	Active bool
}

type extensionAttributes struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Active  bool   `json:"active"`
}

type extensionPage struct {
	Data  transport.Items[resource[extensionAttributes]] `json:"data"`
	Links struct {
		Next string `json:"next"`
	} `json:"links"`
}

// Extension returns a shop's Klarna Checkout V3, or a [*NotInstalledError].
func (c *Client) Extension(ctx context.Context, shop string) (Extension, error) {
	missing := &NotInstalledError{Shop: shop}
	for e, err := range c.extensions(ctx, shop) {
		if err != nil {
			return Extension{}, err
		}
		if e.ID == extensionID {
			return Extension{Version: e.Attributes.Version, Active: e.Attributes.Active}, nil
		}
		if strings.Contains(strings.ToLower(e.Attributes.Name), "klarna checkout") {
			missing.Other = c.client.Redactor.Show(vendortext.New(e.Attributes.Name))
		}
	}
	return Extension{}, missing
}

// Content implements [transport.Page].
func (p extensionPage) Content() (items transport.Items[resource[extensionAttributes]], next string) {
	return p.Data, p.Links.Next
}

const extensionPageSize = "100"

// extensions yields a shop's installed extensions. Iteration ends at the first error.
func (c *Client) extensions(ctx context.Context, shop string) iter.Seq2[resource[extensionAttributes], error] {
	first := c.request(http.MethodGet, pathExtensions, shop)
	first.Query = url.Values{"page[size]": {extensionPageSize}}
	return transport.List[extensionPage](ctx, c.client, "the extensions of shop "+shop, first, afterLink)
}

var errBadLink = errors.New("the link to the next page can't be read")

// afterLink returns the request for the page that a link leads to. It uses only the link's query, so the token
// goes to no other host.
func afterLink(first transport.Request, link string) (transport.Request, error) {
	next, err := url.Parse(link)
	if err != nil {
		return transport.Request{}, errBadLink
	}
	first.Query = next.Query()
	return first, nil
}
