package mystore

// Mystore documents no public API for an extension's credentials. These paths, and the attributes in
// credentials.go and extensions.go, are assumptions from the conventions of Mystore's documented API. When
// Mystore publishes such an API, change these files.
const (
	pathExtensions  = "/shops/{shop}/extensions"
	pathCredentials = "/shops/{shop}/extensions/" + extensionID + "/credentials"
)

const (
	extensionID     = "klarna-checkout-v3"
	credentialsType = "extension-credentials"
)
