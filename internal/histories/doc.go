// Package histories holds the provider to its promises in histories that nobody has thought of: two
// Terraform states, three shops and two stores, and a random sequence of what people, networks and
// vendors do to them. It has tests only.
package histories
