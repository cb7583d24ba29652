package kustom

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// EndpointStatus is a store's endpoint switch status. It follows real traffic, up to a day late: a store with a
// new key shows the old host until the new host has handled a request.
//
// The portal shows the status only while an action is required, and each user can dismiss it for a store
// (documented by Kustom, help.kustom.co article 570683). So a missing service, or a status without services,
// proves nothing.
type EndpointStatus struct {
	MerchantID string `json:"merchant_id"`
	// ActionRequired reports whether the portal shows an open action for any service.
	ActionRequired bool `json:"action_required"`
	// Services are the services that the portal shows, in its order and under its names. Kustom may add new
	// names.
	Services []ServiceStatus `json:"services"`
}

// ServiceStatus is the switch status of one kind of traffic of a store.
type ServiceStatus struct {
	Service string `json:"service"`
	// Host is the host that was called last.
	Host       string     `json:"host"`
	LastUsedAt *time.Time `json:"last_used_at"`
	// ActionRequired says what to do; nil if nothing is to be done.
	ActionRequired *string `json:"action_required"`
}

// statusAnswer is the answer as it is read. It limits the number of services.
type statusAnswer struct {
	EndpointStatus
	Services transport.Items[ServiceStatus] `json:"services"`
}

// EndpointStatus returns the endpoint switch status of a store.
func (p *Portal) EndpointStatus(ctx context.Context, merchantID string) (EndpointStatus, error) {
	answer, err := transport.Do[statusAnswer](ctx, p.client, p.request(http.MethodGet, pathEndpointStatus, merchantID))
	if err != nil {
		return EndpointStatus{}, fmt.Errorf("read the endpoint switch status of store %s: %w", merchantID, err)
	}
	status := answer.EndpointStatus
	status.Services = answer.Services
	if status.MerchantID != merchantID {
		return EndpointStatus{}, fmt.Errorf("read the endpoint switch status of store %s: the answer is about another store", merchantID)
	}
	if status.Services == nil {
		return EndpointStatus{}, fmt.Errorf("read the endpoint switch status of store %s: the answer has no list of services", merchantID)
	}
	return status, nil
}
