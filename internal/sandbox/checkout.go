package sandbox

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// StatusIncomplete is the status of an order that no customer has completed. In the sandbox, that is every order.
const StatusIncomplete = "checkout_incomplete"

// CheckoutOrder is a checkout order that was made through the merchant API.
type CheckoutOrder struct {
	OrderID string `json:"order_id"`
	Status  string `json:"status"`
	checkoutRequest
	HTMLSnippet string `json:"html_snippet"`

	// MerchantID and Username are those of the key that created it.
	MerchantID string `json:"-"`
	Username   string `json:"-"`
}

// The bodies of the merchant API, by the contract.
type (
	checkoutRequest struct {
		PurchaseCountry  string       `json:"purchase_country"`
		PurchaseCurrency string       `json:"purchase_currency"`
		Locale           string       `json:"locale"`
		OrderAmount      int64        `json:"order_amount"`
		OrderTaxAmount   int64        `json:"order_tax_amount"`
		OrderLines       []OrderLine  `json:"order_lines"`
		MerchantURLs     MerchantURLs `json:"merchant_urls"`
	}
	// OrderLine is one ordered item.
	OrderLine struct {
		Type           string `json:"type,omitempty"`
		Name           string `json:"name"`
		Quantity       int64  `json:"quantity"`
		QuantityUnit   string `json:"quantity_unit,omitempty"`
		UnitPrice      int64  `json:"unit_price"`
		TaxRate        int64  `json:"tax_rate"`
		TotalAmount    int64  `json:"total_amount"`
		TotalTaxAmount int64  `json:"total_tax_amount"`
	}
	// MerchantURLs are the shop's own pages.
	MerchantURLs struct {
		Terms        string `json:"terms"`
		Checkout     string `json:"checkout"`
		Confirmation string `json:"confirmation"`
		Push         string `json:"push"`
	}
)

func (s *Sandbox) createCheckoutOrder(c *call) *answer {
	s.traffic(c.key, serviceCheckout)
	var body checkoutRequest
	if err := json.Unmarshal(c.body, &body); err != nil {
		return kustomError(http.StatusBadRequest, "BAD_VALUE", "the body is not what the contract says")
	}
	if !s.state.storeByID[c.key.MerchantID].sellsIn(body.PurchaseCountry) {
		return kustomError(http.StatusBadRequest, "BAD_VALUE", "no configured currencies for order billing country")
	}
	if wrong := body.amountMistake(); wrong != "" {
		// OpenAPI cannot express this rule of the contract.
		s.violate(ViolationContract, "%s %s: %s", c.record.Method, c.record.Template, wrong)
		return kustomError(http.StatusBadRequest, "BAD_VALUE", wrong)
	}
	order := &CheckoutOrder{
		OrderID: uuid.NewString(), Status: StatusIncomplete, checkoutRequest: body,
		HTMLSnippet: "<div id=\"checkout-container\"></div>",
		MerchantID:  c.key.MerchantID, Username: c.key.Username,
	}
	s.orders = append(s.orders, order)
	return kustomAnswer(http.StatusCreated, order).
		with("Location", "https://"+s.hostOf(c.key)+c.route.template+"/"+order.OrderID)
}

// sellsIn reports whether the store sells in a country.
func (st *store) sellsIn(country string) bool {
	return len(st.Countries) == 0 || slices.Contains(st.Countries, strings.ToUpper(country))
}

// amountMistake returns a sentence about the amount that contradicts the others; empty if none does.
func (r checkoutRequest) amountMistake() string {
	var amount, tax int64
	for _, line := range r.OrderLines {
		if line.TotalAmount != line.Quantity*line.UnitPrice {
			return "a line's total_amount is not its quantity times its unit_price"
		}
		if !line.hasRightTax() {
			return "a line's total_tax_amount does not follow from its tax_rate"
		}
		amount += line.TotalAmount
		tax += line.TotalTaxAmount
	}
	switch {
	case r.OrderAmount != amount:
		return "order_amount is not the sum of the lines"
	case r.OrderTaxAmount != tax:
		return "order_tax_amount is not the sum of the lines"
	}
	return ""
}

// hasRightTax reports whether the line's tax is right, to one minor unit. The shop may round up or down.
func (l OrderLine) hasRightTax() bool {
	whole := 10000 + l.TaxRate
	off := l.TotalTaxAmount*whole - l.TotalAmount*l.TaxRate
	return -whole < off && off < whole
}

// getCheckoutOrder returns an order of the caller's store. Orders of other stores do not exist for it.
func (s *Sandbox) getCheckoutOrder(c *call) *answer {
	s.traffic(c.key, serviceCheckout)
	i := slices.IndexFunc(s.orders, func(o *CheckoutOrder) bool {
		return o.OrderID == c.params["order_id"] && o.MerchantID == c.key.MerchantID
	})
	if i < 0 {
		return s.noSuchOrder()
	}
	return kustomAnswer(http.StatusOK, s.orders[i])
}

// CheckoutOrders returns the store's checkout orders, oldest first.
func (s *Sandbox) CheckoutOrders(merchantID string) []CheckoutOrder {
	s.mu.Lock()
	defer s.mu.Unlock()
	var orders []CheckoutOrder
	for _, o := range s.orders {
		if o.MerchantID == merchantID {
			orders = append(orders, *o)
		}
	}
	return orders
}
