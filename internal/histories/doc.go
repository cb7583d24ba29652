// Package histories tests the provider's invariants with random histories: two Terraform states, three shops and two
// stores, and a random sequence of actions of people, networks and vendors. It has tests only.
package histories
