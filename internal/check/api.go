package check

import (
	"context"
	"iter"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystorepages"
	"github.com/storefront-iac/terraform-provider-kustom/internal/portalpages"
)

// api is the portal by its API, which has no page to examine.
type api struct{ keys portalKeys }

// portalKeys has the methods that the API and the pages of the portal share.
type portalKeys interface {
	Stores(ctx context.Context) iter.Seq2[kustom.Store, error]
	Keys(ctx context.Context, merchantID string) iter.Seq2[kustom.Key, error]
}

// ByAPI returns the portal by its API.
func ByAPI(keys portalKeys) Portal { return api{keys} }

// Stores implements [Portal].
func (a api) Stores(ctx context.Context) iter.Seq2[kustom.Store, error] { return a.keys.Stores(ctx) }

// Examine implements [Portal].
func (a api) Examine(ctx context.Context, merchantID string) (portalpages.Examined, error) {
	examined := portalpages.Examined{User: "the owner of the portal's token"}
	for key, err := range a.keys.Keys(ctx, merchantID) {
		if err != nil {
			return portalpages.Examined{}, err
		}
		examined.Keys = append(examined.Keys, key)
	}
	return examined, nil
}

// shopService has the methods that the API and the pages of Mystore share.
type shopService interface {
	Credentials(ctx context.Context, shop string) (mystore.Credentials, error)
	Extension(ctx context.Context, shop string) (mystore.Extension, error)
}

// ShopByAPI returns a shop by Mystore's API. Host is the host of its control panel.
func ShopByAPI(name, access, host string, service shopService) Shop {
	return Shop{Name: name, Access: access, Host: host, Examine: func(ctx context.Context) (mystorepages.Examined, error) {
		extension, err := service.Extension(ctx, name)
		if err != nil {
			return mystorepages.Examined{}, err
		}
		holds, err := service.Credentials(ctx, name)
		return mystorepages.Examined{Holds: holds, Shown: true, Extension: extension}, err
	}}
}
