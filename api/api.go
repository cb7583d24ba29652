// Package api has the OpenAPI 3 documents of the vendors' interfaces. Tests compare the clients and the sandbox with
// them.
package api

import _ "embed"

// Kustom is the OpenAPI document of Kustom Portal's API, and of the used part of Kustom's merchant API. Each path
// names its servers.
//
//go:embed kustom.yaml
var Kustom []byte

// Mystore is the OpenAPI document of the used part of Mystore's API.
//
//go:embed mystore.yaml
var Mystore []byte
