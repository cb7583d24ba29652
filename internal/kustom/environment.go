// Package kustom is the client of Kustom's two APIs. The portal creates and deletes a merchant's API keys. The
// merchant API shows whether a key works.
package kustom

import (
	"fmt"
	"strings"
)

// Environment is one of Kustom's two environments. A key of one does not work in the other.
type Environment string

// The environments.
const (
	Production Environment = "production"
	Playground Environment = "playground"
)

// Environments lists the environments.
func Environments() []Environment { return []Environment{Production, Playground} }

// ParseEnvironment returns the environment with that name.
func ParseEnvironment(name string) (Environment, error) {
	for _, e := range Environments() {
		if name == string(e) {
			return e, nil
		}
	}
	return "", fmt.Errorf("%q is neither %q nor %q", name, Production, Playground)
}

// Host returns the API host for keys of this environment (documented by Kustom).
func (e Environment) Host() string {
	if e == Playground {
		return "api.playground.kustom.co"
	}
	return "api.kustom.co"
}

// LegacyHost returns Klarna's API host. Kustom first announced that merchants had to leave it by 31 March 2026
// (help.kustom.co, articles 454956 and 570683). Klarna switched off all of *.klarna.com on 15 September 2026
// (article 647216). A shop that still uses it takes no payments.
func (e Environment) LegacyHost() string {
	if e == Playground {
		return "api.playground.klarna.com"
	}
	return "api.klarna.com"
}

// IsLegacyHost reports whether host is one of Klarna's.
func IsLegacyHost(host string) bool {
	return host == Production.LegacyHost() || host == Playground.LegacyHost()
}

// KeyEnvironment returns the name of this environment in the portal and in the secrets' prefix.
func (e Environment) KeyEnvironment() string {
	if e == Playground {
		return "test"
	}
	return "live"
}

// PortalURL returns the base URL of the portal's API.
func (e Environment) PortalURL() string {
	if e == Playground {
		return "https://portal.playground.kustom.co" + portalBase
	}
	return "https://portal.kustom.co" + portalBase
}

// PagesURL returns the base URL of the portal's pages (documented by Kustom).
func (e Environment) PagesURL() string { return strings.TrimSuffix(e.PortalURL(), portalBase) }

// APIURL returns the base URL of the merchant API (documented by Kustom).
func (e Environment) APIURL() string { return "https://" + e.Host() }
