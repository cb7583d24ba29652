package kustom

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// pageSize is the most that the portal returns at once.
const pageSize = 100

// page is one answer of a list.
type page[T any] interface {
	// content returns the items, nil where the answer has no list, and where the next page begins,
	// empty on the last.
	content() (items []T, nextCursor string)
}

// pages yields the items of a list of what, page by page. It ends with the first error.
func pages[P page[T], T any](ctx context.Context, p *Portal, what, path string, query url.Values) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		// The sequence can be ranged over again, so the query must stay as it is.
		request := p.request(http.MethodGet, path)
		request.Query = url.Values{"limit": {strconv.Itoa(pageSize)}}
		for name, values := range query {
			request.Query[name] = values
		}
		seen := map[string]bool{}
		for {
			answer, err := transport.Do[P](ctx, p.client, request)
			if err != nil {
				yield(none, fmt.Errorf("listing %s: %w", what, err))
				return
			}
			items, next := answer.content()
			if items == nil {
				yield(none, fmt.Errorf("listing %s: the answer has no list", what))
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			if seen[next] {
				yield(none, fmt.Errorf("listing %s: %s returned the same page twice", what, p.client.BaseURL.Host))
				return
			}
			seen[next] = true
			request.Query.Set("cursor", next)
		}
	}
}
