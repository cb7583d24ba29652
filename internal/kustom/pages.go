package kustom

import (
	"context"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"strconv"

	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// pageSize is the most that the portal returns at once.
const pageSize = 100

// list yields the items of a list, page by page. The name of the items is what. Iteration ends at the first
// error.
func list[P transport.Page[T], T any](ctx context.Context, p *Portal, what, path string, query url.Values) iter.Seq2[T, error] {
	first := p.request(http.MethodGet, path)
	first.Query = url.Values{"limit": {strconv.Itoa(pageSize)}}
	maps.Copy(first.Query, query)
	return transport.List[P](ctx, p.client, what, first, afterCursor)
}

// afterCursor returns the request for the next page, at the cursor.
func afterCursor(first transport.Request, cursor string) (transport.Request, error) {
	first.Query = maps.Clone(first.Query)
	first.Query.Set("cursor", cursor)
	return first, nil
}
