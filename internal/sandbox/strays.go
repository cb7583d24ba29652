package sandbox

import (
	"slices"
	"strings"
)

// strayTemplate is where the portal's script tells of a click on what nobody needs who does what the guide says: most
// such clicks lead to no request of their own.
const strayTemplate = "/data/strays/{thing}"

func (s *Sandbox) takeStray(c *call) *answer { return c.done() }

// Strays are the requests so far that came of clicks on the vendors' pages which no step of the guide asks for.
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
