package mystore

// Mystore documents no public API for an extension's credentials. These paths, and the attributes
// in credentials.go and extensions.go, are assumed from the conventions of the API that it does
// document; these files are what to change when it publishes one.
const (
	pathExtensions  = "/shops/{shop}/extensions"
	pathCredentials = "/shops/{shop}/extensions/" + extensionID + "/credentials"
)

const (
	extensionID     = "klarna-checkout-v3"
	credentialsType = "extension-credentials"
)
