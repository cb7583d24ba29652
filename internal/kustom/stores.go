package kustom

import (
	"context"
	"iter"
	"net/url"

	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// Store is a store of the merchant's.
type Store struct {
	MerchantID string `json:"merchant_id"`
	Name       string `json:"name"`
	Website    string `json:"website"`
}

type storePage struct {
	Stores     transport.Items[Store] `json:"stores"`
	NextCursor string                 `json:"next_cursor"`
}

func (p storePage) Content() (items transport.Items[Store], next string) {
	return p.Stores, p.NextCursor
}

// Stores yields the stores that the user can see, page by page. Iteration ends at the first error.
func (p *Portal) Stores(ctx context.Context) iter.Seq2[Store, error] {
	return list[storePage](ctx, p, "stores", pathStores, url.Values{})
}
