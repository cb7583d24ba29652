// Package kustom is the client of Kustom: of the portal, where a merchant's API keys are made and
// deleted, and of the merchant API, which tells whether a key works.
package kustom

import (
	"fmt"
	"strings"
)

// Environment is one of Kustom's two worlds. A key of one is worthless in the other.
type Environment string

// The environments.
const (
	Production Environment = "production"
	Playground Environment = "playground"
)

// Environments lists the environments.
func Environments() []Environment { return []Environment{Production, Playground} }

// ParseEnvironment returns the environment of that name.
func ParseEnvironment(name string) (Environment, error) {
	for _, e := range Environments() {
		if name == string(e) {
			return e, nil
		}
	}
	return "", fmt.Errorf("%q is neither %q nor %q", name, Production, Playground)
}

// Host is the API host that keys of this environment belong to (documented by Kustom).
func (e Environment) Host() string {
	if e == Playground {
		return "api.playground.kustom.co"
	}
	return "api.kustom.co"
}

// LegacyHost is Klarna's API host. Kustom first announced that merchants had to leave it by 31 March 2026
// (help.kustom.co, articles 454956 and 570683). All of *.klarna.com was switched off on
// 15 September 2026 (article 647216): since then a shop that still uses it takes no payments.
func (e Environment) LegacyHost() string {
	if e == Playground {
		return "api.playground.klarna.com"
	}
	return "api.klarna.com"
}

// IsLegacyHost tells whether host is one of Klarna's.
func IsLegacyHost(host string) bool {
	return host == Production.LegacyHost() || host == Playground.LegacyHost()
}

// KeyEnvironment is what the portal and the secrets' prefix call this environment.
func (e Environment) KeyEnvironment() string {
	if e == Playground {
		return "test"
	}
	return "live"
}

// PortalURL is the base of the portal's API.
func (e Environment) PortalURL() string {
	if e == Playground {
		return "https://portal.playground.kustom.co" + portalBase
	}
	return "https://portal.kustom.co" + portalBase
}

// PagesURL is where the portal's pages begin (documented by Kustom).
func (e Environment) PagesURL() string { return strings.TrimSuffix(e.PortalURL(), portalBase) }

// APIURL is the base of the merchant API (documented by Kustom).
func (e Environment) APIURL() string { return "https://" + e.Host() }
