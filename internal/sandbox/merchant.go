package sandbox

import (
	"encoding/base64"
	"net/http"
	"strings"
)

func merchantMount() *mount {
	return &mount{
		api:      Merchant,
		prefix:   merchantPrefix,
		identify: identifyKey,
		admit:    admitKey,
		refuse:   kustomError,
		routes: []*route{
			{method: http.MethodPost, template: "/checkout/v3/orders", handle: (*Sandbox).createCheckoutOrder},
			{method: http.MethodGet, template: "/checkout/v3/orders/{order_id}", handle: (*Sandbox).getCheckoutOrder},
		},
	}
}

// identifyKey finds the key that the Authorization header proves, whether or not it works here.
func identifyKey(s *Sandbox, c *call) {
	username, secret := basic(c.http.Header)
	c.token = secret
	k := s.state.keyBySecret[secret]
	if k == nil || (username != "" && username != k.Username) {
		return
	}
	c.key = k
}

// basic reads both documented forms: base64(username:secret), and the bare secret.
func basic(h http.Header) (username, secret string) {
	scheme, value, _ := strings.Cut(h.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Basic") {
		return "", ""
	}
	value = strings.TrimSpace(value)
	decoded, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return "", value
	}
	username, secret, found := strings.Cut(string(decoded), ":")
	if !found {
		return "", value
	}
	return username, secret
}

func admitKey(s *Sandbox, c *call) *answer {
	if c.key == nil || !s.accepts(c.key) {
		return kustomError(http.StatusUnauthorized, "UNAUTHORIZED", "the credentials are missing or wrong")
	}
	return nil
}
