package sandbox

import (
	"encoding/base64"
	"net/http"
	"strings"
)

// MerchantForm is how the merchant API answers a request for an order that does not exist.
type MerchantForm int

const (
	// MerchantEmpty answers as Kustom's API was seen to: the checkout's 404, and the 401 to a pair that does
	// not work, have no body.
	MerchantEmpty MerchantForm = iota
	// MerchantJSON has Kustom's error body in both.
	MerchantJSON
	// MerchantHTML has a page for people in both. Order management still answers a pair that works with
	// Kustom's error body.
	MerchantHTML
	// MerchantNoRoute is a gateway in front of the API that knows no route to it, for anybody.
	MerchantNoRoute
	// MerchantNoProduct has Kustom's error body in a 403 of the checkout to a pair that works: the store's
	// contract lacks the product.
	MerchantNoProduct
	// MerchantAcceptsAll answers anybody as MerchantEmpty does a pair that works.
	MerchantAcceptsAll
)

// rawHTML is a body for people.
type rawHTML string

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
			{method: http.MethodGet, template: "/ordermanagement/v1/orders/{order_id}", handle: (*Sandbox).getManagedOrder},
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
	works := c.key != nil && s.accepts(c.key)
	switch s.options.Merchant {
	case MerchantNoRoute:
		a := kustomAnswer(http.StatusNotFound, map[string]string{"message": "no Route matched with those values"})
		a.foreign = true
		return a
	case MerchantAcceptsAll:
		if !works {
			return s.noSuchOrder()
		}
	case MerchantNoProduct:
		if works && c.route != nil && strings.HasPrefix(c.route.template, "/checkout/") {
			return kustomError(http.StatusForbidden, "FORBIDDEN", "the contract does not include Kustom Checkout")
		}
	case MerchantEmpty, MerchantJSON, MerchantHTML:
	}
	if works {
		return nil
	}
	return s.inForm(kustomError(http.StatusUnauthorized, "UNAUTHORIZED", "the credentials are missing or wrong"))
}

// noSuchOrder is what the checkout answers a pair that works.
func (s *Sandbox) noSuchOrder() *answer {
	return s.inForm(kustomError(http.StatusNotFound, "NO_SUCH_ORDER", "there is no such order"))
}

// inForm gives a refusal the body that the options ask for.
func (s *Sandbox) inForm(a *answer) *answer {
	switch s.options.Merchant {
	case MerchantJSON:
	case MerchantHTML:
		a.contentType, a.value = "text/html; charset=utf-8", rawHTML("<html><title>"+http.StatusText(a.status)+"</title></html>")
		a.foreign = true
	case MerchantEmpty, MerchantNoRoute, MerchantNoProduct, MerchantAcceptsAll:
		a.value = nil
	}
	return a
}

// getManagedOrder knows no order: here no customer ever pays one.
func (s *Sandbox) getManagedOrder(c *call) *answer {
	s.traffic(c.key, serviceOrderManagement)
	return kustomError(http.StatusNotFound, "NO_SUCH_ORDER", "there is no such order")
}
