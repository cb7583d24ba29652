package kustom

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// EndpointStatus is a store's endpoint switch status. It follows real traffic, up to a day late: a store
// that has a new key shows the old host until a request to the new one has been handled.
//
// The portal shows it only while something is to do, and each user can dismiss it for a store
// (documented by Kustom, help.kustom.co article 570683). So a service that is not listed, and
// a status without any, prove nothing.
type EndpointStatus struct {
	MerchantID string `json:"merchant_id"`
	// ActionRequired tells whether the portal shows that any service has something left to do.
	ActionRequired bool `json:"action_required"`
	// Services are those that the portal shows, in its order and by its names, of which there may be new
	// ones.
	Services []ServiceStatus `json:"services"`
}

// ServiceStatus is the part of a store's endpoint switch status that is about one kind of traffic.
type ServiceStatus struct {
	Service string `json:"service"`
	// Host is what was called last.
	Host       string     `json:"host"`
	LastUsedAt *time.Time `json:"last_used_at"`
	// ActionRequired is what to do, in words; nil where there is nothing to do.
	ActionRequired *string `json:"action_required"`
}

// statusAnswer is an answer that may list more services than anybody has.
type statusAnswer struct {
	EndpointStatus
	Services transport.Items[ServiceStatus] `json:"services"`
}

// EndpointStatus returns the endpoint switch status of a store.
func (p *Portal) EndpointStatus(ctx context.Context, merchantID string) (EndpointStatus, error) {
	answer, err := transport.Do[statusAnswer](ctx, p.client, p.request(http.MethodGet, pathEndpointStatus, merchantID))
	if err != nil {
		return EndpointStatus{}, fmt.Errorf("reading the endpoint switch status of store %s: %w", merchantID, err)
	}
	status := answer.EndpointStatus
	status.Services = answer.Services
	if status.MerchantID != merchantID {
		return EndpointStatus{}, fmt.Errorf("reading the endpoint switch status of store %s: the answer is about another one", merchantID)
	}
	if status.Services == nil {
		return EndpointStatus{}, fmt.Errorf("reading the endpoint switch status of store %s: the answer has no list of services", merchantID)
	}
	return status, nil
}
