package sandbox

import (
	"slices"
	"strings"
)

// strayTemplate is where the portal's script reports a click that no step of the guide needs. Most such clicks cause
// no request of their own.
const strayTemplate = "/data/strays/{thing}"

func (s *Sandbox) takeStray(c *call) *answer { return c.done() }

// Strays returns the requests that report unneeded clicks.
func (s *Sandbox) Strays() []Request {
	return slices.DeleteFunc(s.Requests(), func(r Request) bool { return !r.strays() })
}

func (r Request) strays() bool {
	switch r.API {
	case PortalPages:
		return slices.Contains([]string{
			strayTemplate, "/data/language", "/data/sign-out", "/switch-environment", "/data/stores/{merchant_id}/endpoints/dismissal",
		}, r.Template)
	case MystorePages:
		const home = "/"
		other := strings.Contains(r.Template, "{extension_id}") && !strings.Contains(r.Path, KlarnaCheckoutV3)
		return other || r.Template == "/logout" || r.Template != home && slices.Contains(mystoreDocuments, r.Template)
	}
	return false
}
