package sandboxtest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// Pages is a sandbox, and the pages of one vendor in it.
type Pages struct {
	*sandbox.Sandbox
	Server *sandbox.Server
	api    string
}

// StartPages is like [Start] for the pages of one vendor, such as [sandbox.PortalPages].
func StartPages(t testing.TB, api string, seed sandbox.Seed, o sandbox.Options) *Pages {
	t.Helper()
	s, server := Start(t, seed, o)
	return &Pages{s, server, api}
}

// InjectFault arms a fault of the pages. If the fault has not happened when the test ends, the test fails.
func (p *Pages) InjectFault(t testing.TB, f sandbox.Fault) {
	t.Helper()
	f.API = p.api
	armed := p.Arm(f)
	t.Cleanup(func() {
		if armed.Fired() == 0 {
			t.Error("the fault does not happen")
		}
	})
}

// RequestCount returns the number of requests.
func (p *Pages) RequestCount(method, template string) int { return p.Count(p.api, method, template) }

// Loads returns the number of documents that were loaded since the last call.
func (p *Pages) Loads() int {
	n := 0
	for _, r := range p.Requests() {
		if r.API == p.api && r.Method == http.MethodGet && !strings.HasPrefix(r.Template, "/data/") {
			n++
		}
	}
	p.ResetRequests()
	return n
}

// WantNoViolations fails the test if a client broke a rule of the vendors.
func (p *Pages) WantNoViolations(t testing.TB) {
	t.Helper()
	if v := p.Violations(); len(v) > 0 {
		t.Error(v)
	}
}
