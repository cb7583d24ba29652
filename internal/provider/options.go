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

// Options are what a provider is made of. Clock and RoundTripper have a default.
type Options struct {
	// Version is the provider's version, told to the vendors in the User-Agent header.
	Version string
	// Clock is the provider's source of time; the default is the real one.
	Clock clock.Clock
	// RoundTripper carries the provider's requests; the default is a pool of its own.
	RoundTripper http.RoundTripper
	// Getenv looks environment variables up.
	Getenv func(string) string
	// Attendant answers what browser.attended asks, for tests; nil shows the questions to a person.
	Attendant func(context.Context)
	// Sessions are those that login keeps.
	Sessions browser.Keep
	// CacheDir is the folder in which the provider remembers which key each shop was last seen with, and which requests
	// for keys are under way, and where pages are; empty where it remembers nothing.
	CacheDir string
	// Requests names this process in what CacheDir remembers of requests for keys. The default is what the operating
	// system says; tests have several runs in one process. Its own folder does not count.
	Requests rotation.Requests
	// Browsers has the browsers that the provider starts. The caller that has made it closes it. The default is one that
	// nobody closes.
	Browsers *browser.Group

	// redactor knows the secrets of one provider.
	redactor *vendortext.Redactor
	// journal is told of every step that changes a shop or a key; nil where nobody is.
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
