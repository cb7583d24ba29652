// Package api carries the HTTP contract that the provider speaks, as OpenAPI 3 documents. The
// clients and the sandbox are both held against them.
package api

import _ "embed"

// Kustom is the OpenAPI document of the Kustom Portal API and of the part of Kustom's merchant API
// that the provider uses. Each path names the servers that it belongs to.
//
//go:embed kustom.yaml
var Kustom []byte

// Mystore is the OpenAPI document of the part of the Mystore API that the provider uses.
//
//go:embed mystore.yaml
var Mystore []byte
