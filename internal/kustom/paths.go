package kustom

// Kustom documents no public API for keys, stores and the endpoint switch status. These paths, and the fields
// of [Key], [Store] and [EndpointStatus], are assumptions from the API that Kustom's platform descends from.
// When Kustom publishes its own API, change this file and those of the three types.
const (
	portalBase = "/api/v1"

	pathKeys      = "/credentials"
	pathStoreKeys = "/stores/{merchant_id}/credentials"
	pathKey       = "/stores/{merchant_id}/credentials/{credential_id}"

	pathStores         = "/stores"
	pathEndpointStatus = "/stores/{merchant_id}/endpoint-status"
)

// These are part of the merchant API, which Kustom documents.
const (
	pathOrders = "/checkout/v3/orders"
	pathOrder  = "/checkout/v3/orders/{order_id}"

	pathManagedOrder = "/ordermanagement/v1/orders/{order_id}"
)
