package kustom

// Kustom documents no public API for keys. These paths, and the fields of [Key], are assumed from
// the API that its platform descends from; this file and keys.go are what to change when Kustom
// publishes its own.
const (
	portalBase = "/api/v1"

	pathKeys      = "/credentials"
	pathStoreKeys = "/stores/{merchant_id}/credentials"
	pathKey       = "/stores/{merchant_id}/credentials/{credential_id}"
)

// These are part of the merchant API, which Kustom documents.
const (
	pathOrders = "/checkout/v3/orders"
	pathOrder  = "/checkout/v3/orders/{order_id}"
)
