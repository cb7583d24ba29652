package kustom

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// pathEndpointStatus is assumed, like the portal's other paths.
const pathEndpointStatus = "/stores/{merchant_id}/endpoint-status"

// EndpointStatus is the endpoint switch status of a store: where its services last called.
type EndpointStatus struct {
	MerchantID     string          `json:"merchant_id"`
	ActionRequired bool            `json:"action_required"`
	Services       []ServiceStatus `json:"services"`
}

// ServiceStatus is the endpoint switch status of one service.
type ServiceStatus struct {
	Service string `json:"service"`
	// Host is the API host that the service last called.
	Host       string     `json:"host"`
	LastUsedAt *time.Time `json:"last_used_at"`
	// ActionRequired says what to do; nil when there is nothing to do.
	ActionRequired *string `json:"action_required"`
}

// EndpointStatus returns the endpoint switch status of a store.
func (p *Portal) EndpointStatus(ctx context.Context, merchantID string) (EndpointStatus, error) {
	status, err := transport.Do[EndpointStatus](ctx, p.client, p.request(http.MethodGet, pathEndpointStatus, merchantID))
	if err != nil {
		return EndpointStatus{}, fmt.Errorf("reading the endpoint switch status of store %s: %w", merchantID, err)
	}
	if status.MerchantID != merchantID {
		return EndpointStatus{}, fmt.Errorf("reading the endpoint switch status of store %s: the answer is about another one", merchantID)
	}
	return status, nil
}
