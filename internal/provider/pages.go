package provider

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"

	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystorepages"
	"github.com/storefront-iac/terraform-provider-kustom/internal/portalpages"
)

// noSessionError says that the user must sign in first.
type noSessionError struct {
	site, command, variable string
}

func (e *noSessionError) Error() string { return "nobody has signed in to " + e.site }

// otherHostError says that a session belongs to another host.
type otherHostError struct{ site, want, got string }

func (e *otherHostError) Error() string {
	return fmt.Sprintf("the session for %s belongs to %s, not to %s", e.site, e.got, e.want)
}

// pages gives access to the vendors' pages.
type pages struct {
	*browserSettings
	sessions browser.SessionStore
	portal   *portalpages.Portal
	mystore  *mystorepages.Client
}

// newPages returns nil if there is no browser.
func newPages(s settings, o Options) *pages {
	if s.browser == nil {
		return nil
	}
	p := &pages{browserSettings: s.browser, sessions: o.Sessions}
	options := s.browser.options
	options.Observe, options.Attendant = logStep, o.Attendant
	shared := browser.New(o.Browsers, options)
	p.portal = portalpages.New(portalpages.Options{
		Browser: shared, URL: orEmptyURL(s.browser.portalURL), Session: p.sessionOfPortal, Labels: s.browser.labels[portalSite],
		Taught: s.browser.profile.Of(portalSite), Clock: o.Clock,
	})
	p.mystore = mystorepages.New(mystorepages.Options{
		Browser: shared, Address: p.admin, Access: p.access, Labels: s.browser.labels[mystoreSite],
		Taught: s.browser.profile.Of(mystoreSite), Places: placesIn(o.CacheDir, options), Clock: o.Clock,
	})
	return p
}

// placesIn returns the known addresses of pages. A check or a lesson starts from the beginning instead.
func placesIn(dir string, o browser.Options) mystorepages.Places {
	if dir == "" || o.ReadOnly || o.Taught != nil {
		return mystorepages.Places{}
	}
	return mystorepages.Places{Dir: filepath.Join(dir, "places")}
}

// orEmptyURL returns an unreachable address in place of one that is not known yet. Callers stop before they use it.
func orEmptyURL(address *url.URL) *url.URL {
	if address == nil {
		return new(url.URL)
	}
	return address
}

// sessionOfPortal returns the session from the environment, or else the one that login saved.
func (p *pages) sessionOfPortal() (browser.Session, error) {
	if p.portalURL == nil {
		return browser.Session{}, &unknownError{attribute: "browser.portal_url"}
	}
	if p.portalSession != nil {
		return *p.portalSession, checkSessionHost(portalpages.Name, p.portalURL, *p.portalSession)
	}
	session, ok, err := p.sessions.Load(p.portalURL.Host, "")
	if err == nil && !ok {
		err = &noSessionError{site: portalpages.Name, command: "terraform-provider-kustom login", variable: envPortalSession}
	}
	return session, err
}

func checkSessionHost(site string, address *url.URL, session browser.Session) error {
	if session.Host != address.Host {
		return &otherHostError{site: site, want: address.Host, got: session.Host}
	}
	return nil
}

// access returns the way into a shop's admin.
func (p *pages) access(shop string) (mystorepages.Access, error) {
	address, err := p.admin(shop)
	if err != nil {
		return mystorepages.Access{}, err
	}
	var access mystorepages.Access
	if login, ok := p.logins[shop]; ok {
		access.Login = &login
	}
	session, ok := p.shopSessions[shop]
	if !ok {
		if session, ok, err = p.sessions.Load(address.Host, shop); err != nil {
			return mystorepages.Access{}, err
		}
	}
	switch {
	case ok:
		access.Session = &session
		return access, checkSessionHost("shop "+shop, address, session)
	case access.Login != nil:
		return access, nil
	case p.unknownLogins:
		return mystorepages.Access{}, &unknownError{attribute: "browser.mystore_logins"}
	}
	return mystorepages.Access{}, &noSessionError{
		site: "shop " + shop, command: "terraform-provider-kustom login --mystore " + shop, variable: envMystoreSessions,
	}
}

// shops returns the shops whose pages are accessible. A session for an earlier address of a shop does not
// count.
func (p *pages) shops() ([]string, error) {
	if p.unknownAdmins || p.unknownLogins {
		return nil, &unknownError{attribute: "browser.mystore_logins"}
	}
	kept, err := p.sessions.All()
	var names []string
	for _, one := range kept {
		if address, err := p.admin(one.Account); one.Account != "" && err == nil && address.Host == one.Host {
			names = append(names, one.Account)
		}
	}
	for shop := range p.shopSessions {
		names = append(names, shop)
	}
	for shop := range p.logins {
		names = append(names, shop)
	}
	slices.Sort(names)
	return slices.Compact(names), err
}

// isConfigured reports whether a setting names a shop. A session alone, which somebody opened on this machine, does
// not.
func (p *pages) isConfigured(shop string) bool {
	_, hasAddress := p.admins[shop]
	_, hasSession := p.shopSessions[shop]
	_, hasLogin := p.logins[shop]
	return hasAddress || hasSession || hasLogin
}

// canSignIn reports whether there is a session or a login for a shop. An error of another kind counts as yes: the call
// that needs the pages then reports it.
func (p *pages) canSignIn(shop string) bool {
	_, err := p.access(shop)
	var none *noSessionError
	return !errors.As(err, &none)
}

// logStep logs one step. Its fields are an allow-list (I2): see [browser.Record].
func logStep(ctx context.Context, r browser.Record) {
	fields := map[string]any{
		"site": r.Site, "host": r.Host, "page": r.Page, "step": r.Step, "duration_ms": r.Duration.Milliseconds(),
	}
	if r.Kind != "" {
		fields["failure"] = string(r.Kind)
	}
	tflog.Debug(ctx, "page step", fields)
}
