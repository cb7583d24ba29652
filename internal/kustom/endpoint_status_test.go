package kustom_test

import (
	"net/http"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

func TestEndpointStatus(t *testing.T) {
	t.Parallel()
	b := threeShops(t, sandbox.Options{})
	status, err := b.portal.EndpointStatus(t.Context(), fjellsport)
	if err != nil {
		t.Fatal(err)
	}
	if status.MerchantID != fjellsport || !status.ActionRequired || len(status.Services) != 2 {
		t.Fatalf("the status is %+v", status)
	}
	got := status.Services[0]
	if got.Service != "checkout" || got.Host != "api.klarna.com" || got.LastUsedAt == nil ||
		got.ActionRequired == nil || *got.ActionRequired != "Switch endpoint to api.kustom.co" {
		t.Errorf("the checkout's status is %+v", got)
	}
	if _, err := b.portal.EndpointStatus(t.Context(), "M00999999"); !transport.IsStatus(err, http.StatusNotFound) {
		t.Errorf("an unknown store: %v", err)
	}
	b.box.Arm(sandbox.Fault{
		API: sandbox.Portal, Status: http.StatusOK, ContentType: transport.JSON,
		Body: `{"merchant_id":"` + kaffebonna + `","action_required":false,"services":[]}`,
	})
	if got, err := b.portal.EndpointStatus(t.Context(), fjellsport); err == nil {
		t.Errorf("another store's status was taken for this one's: %+v", got)
	}
}
