package provider

import (
	"context"
	"net/http"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
	"github.com/storefront-iac/terraform-provider-kustom/internal/vendortext"
)

// Options configure a provider. Clock and RoundTripper have a default.
type Options struct {
	// Version is the provider's version. The User-Agent header has it.
	Version string
	// Clock is the provider's source of time; the default is the real one.
	Clock clock.Clock
	// RoundTripper sends the provider's requests; the default is a pool of its own.
	RoundTripper http.RoundTripper
	// Getenv looks environment variables up.
	Getenv func(string) string
	// Attendant answers the questions of browser.attended in tests; nil shows them to the user.
	Attendant func(context.Context)
	// Sessions are the sessions that login saved.
	Sessions browser.SessionStore
	// CacheDir is the folder in which the provider remembers each shop's last seen key, running requests for
	// keys, and the addresses of pages. If it is empty, the provider remembers nothing.
	CacheDir string
	// Requests identifies this process in the requests in CacheDir. The default comes from the operating
	// system; tests have several runs in one process. Its own folder is ignored.
	Requests rotation.Requests
	// Browsers has the browsers that the provider starts. Its creator closes it. The default group is never
	// closed.
	Browsers *browser.Group

	// redactor knows the secrets of one provider.
	redactor *vendortext.Redactor
	// journal records every step that changes a shop or a key; it may be nil.
	journal rotation.Journal
}

func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	if o.Browsers == nil {
		o.Browsers = new(browser.Group)
	}
	if o.RoundTripper == nil {
		o.RoundTripper = transport.NewPool()
	}
	return o
}
