package kustom

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// Order is the content of a checkout order (documented by Kustom). Amounts are in minor units and include tax.
type Order struct {
	PurchaseCountry  string       `json:"purchase_country"`
	PurchaseCurrency string       `json:"purchase_currency"`
	Locale           string       `json:"locale"`
	OrderAmount      int64        `json:"order_amount"`
	OrderTaxAmount   int64        `json:"order_tax_amount"`
	OrderLines       []OrderLine  `json:"order_lines"`
	MerchantURLs     MerchantURLs `json:"merchant_urls"`
}

// OrderLine is one ordered item.
type OrderLine struct {
	Type         string `json:"type"`
	Name         string `json:"name"`
	Quantity     int64  `json:"quantity"`
	QuantityUnit string `json:"quantity_unit"`
	UnitPrice    int64  `json:"unit_price"`
	// TaxRate is in percent, with two implied decimals.
	TaxRate        int64 `json:"tax_rate"`
	TotalAmount    int64 `json:"total_amount"`
	TotalTaxAmount int64 `json:"total_tax_amount"`
}

// MerchantURLs are the shop's own pages. Kustom replaces {checkout.order.id} with the order's ID.
type MerchantURLs struct {
	Terms        string `json:"terms"`
	Checkout     string `json:"checkout"`
	Confirmation string `json:"confirmation"`
	Push         string `json:"push"`
}

// CreatedOrder is a checkout order that Kustom has created.
type CreatedOrder struct {
	ID     string `json:"order_id"`
	Status string `json:"status"`
}

var errNoOrderID = errors.New("create a checkout order: the answer names no order")

// CreateOrder creates a checkout order, which is an unpaid session. It is not retried if the first request may
// have created one, because Kustom documents no idempotency key for it. The error is a [*ProofError] if the
// pair, the store's contract or this machine's region was rejected and nothing was created.
func (m *Merchant) CreateOrder(ctx context.Context, username, secret string, order Order) (CreatedOrder, error) {
	created, err := transport.Do[CreatedOrder](ctx, m.client, transport.Request{
		Method: http.MethodPost, Template: pathOrders, Body: order,
		MediaType: transport.JSON, Auth: transport.Basic{Username: username, Password: secret},
	})
	if err != nil {
		switch verdict := verdictOf(err); verdict {
		case VerdictRefused, VerdictNoProduct, VerdictFirewall:
			return CreatedOrder{}, &ProofError{Username: username, Verdict: verdict, Cause: err}
		case VerdictImpostor, VerdictUnknown, verdictAccepted:
		}
		return CreatedOrder{}, fmt.Errorf("create a checkout order: %w", err)
	}
	if created.ID == "" {
		return CreatedOrder{}, errNoOrderID
	}
	return created, nil
}
