package sandbox

import (
	"encoding/base64"
	"net/http"
	"strings"
)

// MerchantForm is the form of the merchant API's answer about an order that does not exist.
type MerchantForm int

const (
	// MerchantEmpty sends empty bodies, as Kustom's API was observed to do: a 404 to a working pair, a 401 to another
	// one.
	MerchantEmpty MerchantForm = iota
	// MerchantJSON sends Kustom's error body with both.
	MerchantJSON
	// MerchantHTML sends an HTML page with both. Order management still answers a working pair with Kustom's error
	// body.
	MerchantHTML
	// MerchantNoRoute is a gateway that does not know the path, and answers 404 to everybody.
	MerchantNoRoute
	// MerchantNoProduct answers a working pair at the checkout with 403 and Kustom's error body: the store's contract
	// lacks the product.
	MerchantNoProduct
	// MerchantAcceptsAll answers everybody as MerchantEmpty answers a working pair.
	MerchantAcceptsAll
)

// rawHTML is a body that is an HTML page.
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

// identifyKey finds the key of the Authorization header, even if it does not work here.
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

// noSuchOrder returns the checkout's answer to a working pair.
func (s *Sandbox) noSuchOrder() *answer {
	return s.inForm(kustomError(http.StatusNotFound, "NO_SUCH_ORDER", "there is no such order"))
}

// inForm gives a refusal the body of the configured form.
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

// getManagedOrder knows no order, because no customer pays in the sandbox.
func (s *Sandbox) getManagedOrder(c *call) *answer {
	s.traffic(c.key, serviceOrderManagement)
	return kustomError(http.StatusNotFound, "NO_SUCH_ORDER", "there is no such order")
}
