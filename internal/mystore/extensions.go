package mystore

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
	"github.com/storefront-iac/terraform-provider-kustom/internal/vendortext"
)

// Extension is the Klarna Checkout V3 that a shop has.
type Extension struct {
	Version string
	// Active tells whether customers can use it.
	Active bool
}

type extensionAttributes struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Active  bool   `json:"active"`
}

type extensionPage struct {
	Data  []resource[extensionAttributes] `json:"data"`
	Links struct {
		Next string `json:"next"`
	} `json:"links"`
}

// Extension returns a shop's Klarna Checkout V3, or a [*NotInstalledError].
func (c *Client) Extension(ctx context.Context, shop string) (Extension, error) {
	installed, err := c.extensions(ctx, shop)
	if err != nil {
		return Extension{}, err
	}
	missing := &NotInstalledError{Shop: shop}
	for _, e := range installed {
		if e.ID == extensionID {
			return Extension{Version: e.Attributes.Version, Active: e.Attributes.Active}, nil
		}
		if strings.Contains(strings.ToLower(e.Attributes.Name), "klarna checkout") {
			missing.Other = c.client.Redactor.Show(vendortext.New(e.Attributes.Name))
		}
	}
	return Extension{}, missing
}

const (
	extensionPageSize = "100"
	// maxPages ends a listing whose pages never end.
	maxPages = 100
)

// extensions lists what is installed in a shop.
func (c *Client) extensions(ctx context.Context, shop string) ([]resource[extensionAttributes], error) {
	var all []resource[extensionAttributes]
	request := c.request(http.MethodGet, pathExtensions, shop)
	request.Query = url.Values{"page[size]": {extensionPageSize}}
	for range maxPages {
		page, err := transport.Do[extensionPage](ctx, c.client, request)
		if err != nil {
			return nil, fmt.Errorf("listing the extensions of shop %s: %w", shop, err)
		}
		if page.Data == nil {
			return nil, fmt.Errorf("listing the extensions of shop %s: the answer has no list", shop)
		}
		all = append(all, page.Data...)
		if page.Links.Next == "" {
			return all, nil
		}
		next, err := url.Parse(page.Links.Next)
		if err != nil {
			return nil, fmt.Errorf("listing the extensions of shop %s: the link to the next page can't be read", shop)
		}
		// Only the query of the link is followed: the token goes to no other host.
		request.Query = next.Query()
	}
	return nil, fmt.Errorf("listing the extensions of shop %s: more than %d pages", shop, maxPages)
}
