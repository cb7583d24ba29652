package kustom_test

import (
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

func TestEndpointStatus_FollowsTraffic(t *testing.T) {
	t.Parallel()
	env := threeShops(t, sandbox.Options{})
	got, err := env.portal.EndpointStatus(t.Context(), fjellsport)
	if err != nil {
		t.Fatal(err)
	}
	action := "Switch endpoint to api.kustom.co"
	checkout := time.Date(2026, time.March, 2, 10, 41, 17, 0, time.UTC)
	orders := time.Date(2026, time.March, 2, 11, 5, 44, 0, time.UTC)
	want := kustom.EndpointStatus{MerchantID: fjellsport, ActionRequired: true, Services: []kustom.ServiceStatus{
		{Service: "checkout", Host: "api.klarna.com", LastUsedAt: &checkout, ActionRequired: &action},
		{Service: "order_management", Host: "api.klarna.com", LastUsedAt: &orders, ActionRequired: &action},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the status is %+v, want %+v", got, want)
	}
	if _, err := env.portal.EndpointStatus(t.Context(), "M00999999"); !transport.IsStatus(err, http.StatusNotFound) {
		t.Errorf("an unknown store: %v", err)
	}
}

// The client accepts a status only if it is complete and about the requested store.
func TestEndpointStatus_RejectsIncompleteAnswer(t *testing.T) {
	t.Parallel()
	for answer, accepted := range map[string]bool{
		`{"merchant_id":"M00412871","action_required":false,"services":[]}`:   true,
		`{"merchant_id":"M00537204","action_required":false,"services":[]}`:   false,
		`{"merchant_id":"M00412871","action_required":false}`:                 false,
		`{"merchant_id":"M00412871","action_required":false,"services":null}`: false,
		`{}`:   false,
		`null`: false,
	} {
		if _, err := portalAnswering(answer).EndpointStatus(t.Context(), fjellsport); (err == nil) != accepted {
			t.Errorf("%s: %v", answer, err)
		}
	}
}

// Kustom has added services to its own lists before.
func TestEndpointStatus_PassesUnknownServicesOn(t *testing.T) {
	t.Parallel()
	const answer = `{"merchant_id":"M00412871","action_required":false,"services":[{"service":"customer_tokens","host":"api.other.example"}]}`
	status, err := portalAnswering(answer).EndpointStatus(t.Context(), fjellsport)
	want := []kustom.ServiceStatus{{Service: "customer_tokens", Host: "api.other.example"}}
	if err != nil || !reflect.DeepEqual(status.Services, want) {
		t.Errorf("the services are %+v, %v; want %+v", status.Services, err, want)
	}
}
